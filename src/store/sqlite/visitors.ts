/**
 * Reads and writes single visitors, with their terms in the full-text index.
 *
 * @module
 */
import { searchedAttributes } from "../../search/index_keys.ts";
import { deletions, likelyWordsOf } from "../../search/typo.ts";
import { positionOfVisitor } from "../../visitor/list_order.ts";
import { ATTRIBUTE_NAMES, type Visitor } from "../../visitor/visitor.ts";
import { addPageViews, type PageView } from "../page_views.ts";
import { documentOf, valuesOf, visitorOf } from "./document.ts";
import type { Connection } from "./file.ts";
import { orderColumns, urlColumn } from "./search.ts";
import { indexedText, termsOf } from "./terms.ts";

/** The attributes that terms are computed from. */
const INDEXED = ATTRIBUTE_NAMES.filter((name) => searchedAttributes().has(name));

/** A visitor as the file stores it; see document.ts. */
export interface StoredVisitor {
  id: number;
  document: string;
}

/** The visitors of a file. Callers run writes in a transaction. */
export class SqliteVisitors {
  #connection: Connection;
  #onRemoved: () => void;

  /** @param onRemoved called when a visitor may have lost a word, which maintenance then removes if it is unused */
  constructor(connection: Connection, onRemoved: () => void = () => {}) {
    this.#connection = connection;
    this.#onRemoved = onRemoved;
  }

  get(shortId: string): StoredVisitor | null {
    const row = this.#connection.get<[id: number, document: string]>(
      "SELECT id, attributes FROM visitor JOIN document USING (id) WHERE short_id = ?",
      shortId,
    );
    return row === undefined ? null : { id: row[0], document: row[1] };
  }

  /**
   * Stores a visitor.
   *
   * @param stored the stored visitor with this short id; `null`: there is none
   * @param newId the id of a new visitor; `null`: SQLite chooses one
   * @returns the visitor's id
   */
  put(visitor: Visitor, stored = this.get(visitor.short_id), newId: number | null = null): number {
    const document = documentOf(visitor);
    if (stored?.document === document) return stored.id;
    const { offline, unseen } = orderColumns(positionOfVisitor(visitor));
    const columns = [
      offline,
      unseen,
      urlColumn(visitor),
      visitor.lookup_code,
      Number(visitor.is_in_session),
      Number(visitor.is_online && visitor.is_waiting_for_call),
    ];
    if (stored === null) {
      const id = this.#connection.insert(
        `INSERT INTO visitor (id, short_id, offline, unseen, url, lookup_code, in_session, waiting)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
        newId,
        visitor.short_id,
        ...columns,
      );
      this.#connection.run("INSERT INTO document (id, attributes) VALUES (?, ?)", id, document);
      this.#addTerms(id, visitor);
      return id;
    }
    const { id } = stored;
    this.#connection.run(
      `UPDATE visitor SET offline = ?, unseen = ?, url = ?, lookup_code = ?, in_session = ?, waiting = ?
       WHERE id = ?`,
      ...columns,
      id,
    );
    this.#connection.run("UPDATE document SET attributes = ? WHERE id = ?", document, id);
    // Most updates are page views, which change no indexed attribute and so write no term.
    if (valuesOf(document, INDEXED) !== valuesOf(stored.document, INDEXED)) {
      this.#removeTerms(id);
      this.#addTerms(id, visitor);
    }
    return id;
  }

  /** Stores when a visitor's claim ends; `null`: the visitor has none. */
  setClaimEnd(id: number, end: Date | null) {
    if (end === null) this.#connection.run("DELETE FROM claim WHERE id = ?", id);
    else this.#connection.run("INSERT OR REPLACE INTO claim (id, until) VALUES (?, ?)", id, end.getTime());
  }

  /** Whether a visitor's claim has expired. */
  isClaimOver(id: number, now: Date): boolean {
    return this.#connection.get("SELECT 1 FROM claim WHERE id = ? AND until <= ?", id, now.getTime()) !==
      undefined;
  }

  /** The visitors whose claims have expired, in the order of the claims' ends. */
  claimsOver(now: Date): StoredVisitor[] {
    return this.#connection.all<[id: number, document: string]>(
      "SELECT id, attributes FROM claim JOIN document USING (id) WHERE until <= ? ORDER BY until",
      now.getTime(),
    ).map(([id, document]) => ({ id, document }));
  }

  /** The last web pages of a visitor, the newest last. */
  pagesOf(id: number): PageView[] {
    const row = this.#connection.get<[views: string]>("SELECT views FROM page WHERE id = ?", id);
    return row === undefined ? [] : JSON.parse(row[0]);
  }

  addPages(id: number, views: PageView[]) {
    const all = JSON.stringify(addPageViews(this.pagesOf(id), views));
    this.#connection.run("INSERT OR REPLACE INTO page (id, views) VALUES (?, ?)", id, all);
  }

  /** Removes the claim and the web pages, which are stored only while a visitor is online. */
  removeOnlineState(id: number) {
    this.setClaimEnd(id, null);
    this.#connection.run("DELETE FROM page WHERE id = ?", id);
  }

  remove(id: number) {
    this.#removeTerms(id);
    for (const table of ["document", "visitor", "connection", "claim", "page"]) {
      this.#connection.run(`DELETE FROM ${table} WHERE id = ?`, id);
    }
  }

  #addTerms(id: number, visitor: Visitor) {
    const text = indexedText(visitor);
    this.#connection.run("INSERT INTO term (rowid, terms) VALUES (?, ?)", id, termsOf(visitor, text));
    for (const word of likelyWordsOf(text)) this.#addWord(word);
  }

  /** Removes a visitor's terms. Its words stay until index maintenance finds that no visitor has them. */
  #removeTerms(id: number) {
    this.#connection.run("DELETE FROM term WHERE rowid = ?", id);
    this.#onRemoved();
  }

  #addWord(word: string) {
    const add = "INSERT OR IGNORE INTO typo (deletion, word) VALUES (?, ?)";
    const [beginning, ...others] = deletions(word);
    if (this.#connection.run(add, beginning, word) === 0) return;
    for (const deletion of others) this.#connection.run(add, deletion, word);
  }
}

/** A stored visitor's attributes. */
export function attributesOf({ document }: StoredVisitor): Visitor {
  return visitorOf(document);
}
