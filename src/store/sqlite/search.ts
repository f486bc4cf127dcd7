/**
 * Finds the result page of a search. Candidates come from an index: few are sorted, many are read by a scan in list
 * order. {@link matches} decides whether a candidate matches.
 *
 * No step takes longer than one pass over all visitors, and the time budget can end a search between two steps.
 *
 * @module
 */
import { matches } from "../../search/match.ts";
import { isSelective, type SearchPart, type SearchQuery } from "../../search/parse.ts";
import { searchTextOfUrl } from "../../search/index_keys.ts";
import { deletions, isOneTypoAway, likelyWordsOf } from "../../search/typo.ts";
import { comparePositions, type Position, positionOfVisitor } from "../../visitor/list_order.ts";
import { jsonOf, lazyVisitorOf } from "./document.ts";
import { type Connection, TimeBudgetOver, type Value } from "./file.ts";
import { expressionOf, type IndexedPart, indexedPart, isShort, visitorsWith, withoutNul } from "./terms.ts";

/** The most candidates that are sorted; if there are more, they are scanned in list order. */
const MAX_SORTED = 5000;

/** The most candidates that a search on the event loop may have. */
export const MAX_BOUNDED = 200;

/** Up to this many candidates, their documents are read by one query and sorted in memory. */
const FEW = 300;

/** The most visitors that are scanned in list order, in the hope of a full page, before all candidates are looked up. */
const MAX_SCANNED = 2000;

/** The number of visitors that one query of a scan reads. */
const BATCH = 250;

/** The number of ids that one query of a scan over candidates reads. */
const ID_BATCH = 5000;

/** The most words one typo away that a text is replaced by, and the most words that are compared to find them. */
const [MAX_TYPOS, MAX_COMPARED] = [100, 2000];

/** The most alternatives in one FTS5 expression; parts beyond them are checked by `matches` alone. */
const MAX_ALTERNATIVES = 300;

/** `unseen` of visitors without `last_seen_at`: it sorts after every date that ECMAScript can represent. */
const NEVER_SEEN = 9e15;

const ORDER = "offline, unseen, short_id";

/** SQL, and the values bound to its question marks: a user's input is never part of the SQL. */
interface Sql {
  sql: string;
  values: Value[];
}

/** A search for one result page. */
export interface Search {
  query: SearchQuery;
  limit: number;
  after: Position | null;
}

/** A result page; visitors are JSON. */
export interface FoundPage {
  visitors: string[];
  next: Position | null;
}

/** Makes a connection ready for searches. */
export function prepareSearch(connection: Connection) {
  // The visitors of each term, row by row, so that a query with a limit reads only the first ones
  // (https://www.sqlite.org/fts5.html#the_fts5vocab_virtual_table_module).
  connection.exec("CREATE VIRTUAL TABLE temp.posting USING fts5vocab(main, term, instance)");
}

/** The values of the columns by which lists are ordered. */
export function orderColumns({ online, lastSeenAt }: Position): { offline: number; unseen: number } {
  return { offline: online ? 0 : 1, unseen: lastSeenAt === null ? NEVER_SEEN : -lastSeenAt };
}

/** The value of `url`: the folded URL of a visitor online, which text is searched in; `null` while offline. */
export function urlColumn({ is_online, last_url }: { is_online: boolean; last_url: string | null }) {
  return is_online ? withoutNul(searchTextOfUrl(last_url ?? "")) : null;
}

/**
 * The condition of visitors offline that were last seen before a time; without a time, of all visitors offline. A visitor
 * without `last_seen_at` was seen before no time.
 */
export function offlineBefore(time: Date | null): Sql {
  if (time === null) return { sql: "offline = 1", values: [] };
  return { sql: "offline = 1 AND unseen > ? AND unseen < ?", values: [-time.getTime(), NEVER_SEEN] };
}

/** Whether a query is answered by list order alone. */
export function isList(query: SearchQuery): boolean {
  return query.every(({ kind }) => kind === "online");
}

/** Whether few visitors are likely to match: the query has a selective value, such as an e-mail address, and no text. */
export function isForFew(query: SearchQuery): boolean {
  return !query.some(({ kind }) => kind === "text" || kind === "url") && query.some(isSelective);
}

/** Searches one file. */
export class SqliteSearch {
  #connection: Connection;
  #urls = { version: "", text: "" };

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * The result page of a search, from one snapshot of the file.
   *
   * @param until when the time budget ends, in ms since 1970
   * @throws {TimeBudgetOver} the budget ended before the page was found
   */
  findPage(search: Search, until: number): FoundPage {
    return this.#connection.read(() => {
      const page = new PageBuilder(this.#connection, search, until);
      if (search.query.some(({ kind }) => kind === "nobody")) return page.end();
      const lookup = this.#lookupOf(search.query);
      if (lookup === null) return page.scan();
      const candidates = lookup.first(MAX_SORTED);
      if (candidates !== null) return page.sort(candidates);
      return page.scanFirst() ?? page.scan(lookup.all());
    });
  }

  /** As {@link findPage}, for queries of {@link isForFew}; `null` if there are more than {@link MAX_BOUNDED} candidates. */
  findFew(search: Search): FoundPage | null {
    return this.#connection.read(() => {
      const candidates = this.#lookupOf(search.query)?.first(MAX_BOUNDED) ?? null;
      return candidates && new PageBuilder(this.#connection, search, Infinity).sort(candidates);
    });
  }

  /** The index lookup that finds a query's candidates; `null` if no index answers the query. */
  #lookupOf(query: SearchQuery): Lookup | null {
    const code = query.find((part) => part.kind === "code");
    if (code !== undefined) {
      const sources = [
        { sql: "SELECT id FROM visitor WHERE lookup_code = ?", values: [code.digits] },
        ofShortId(code.digits),
      ];
      return new Lookup(this.#connection, [], sources);
    }
    const parts = query.map((part) => indexedPart(part, (word) => this.#wordsOneTypoAway(word)))
      .filter((part) => part !== null).sort((a, b) => weightOf(b) - weightOf(a));
    if (parts.length === 0) return null;
    return new Lookup(this.#connection, limitAlternatives(parts), this.#sourcesBesideTerms(parts));
  }

  /** Where text may match without being in the full-text index: as a short id, or in the URL of a visitor online. */
  #sourcesBesideTerms(parts: IndexedPart[]): Sql[] {
    const texts = parts.map(({ text }) => text).filter((text) => text !== null);
    const sources = [...new Set(texts.map(({ shortId }) => shortId))].map(ofShortId);
    const inUrls = texts.some(({ inUrl }) => inUrl) ? this.#partsInUrls(parts) : [];
    if (inUrls.length === 0) return sources;
    const words = inUrls.flatMap(({ words }) => words);
    const others = parts.filter((part) => !inUrls.some((inUrl) => inUrl.part === part));
    const inTerms = others.length === 0 ? null : matchOf(limitAlternatives(others));
    sources.push({
      sql: `SELECT id FROM visitor WHERE offline = 0 AND (${words.map(() => "instr(url, ?)").join(" OR ")})` +
        (inTerms === null ? "" : ` AND id IN (${inTerms.sql})`),
      values: [...words, ...(inTerms?.values ?? [])],
    });
    return sources;
  }

  /** The parts that are in the URL of a visitor online, each with the words of it that are: its text, or typos of it. */
  #partsInUrls(parts: IndexedPart[]): { part: IndexedPart; words: string[] }[] {
    const urls = this.#urlsOnline();
    let words: string[] | null = null;
    return parts.filter(({ text }) => text?.inUrl).map((part) => {
      const [text] = part.alternatives;
      const found = urls.includes(text) ? [text] : [];
      if (part.text!.typos) {
        words ??= likelyWordsOf(urls);
        found.push(...words.filter((word) => isOneTypoAway(word, text)).slice(0, MAX_TYPOS));
      }
      return { part, words: found };
    }).filter(({ words }) => words.length > 0);
  }

  /** The folded URLs of visitors online, a line each. They are not in the full-text index: a page view writes no terms. */
  #urlsOnline(): string {
    const { version } = this.#connection;
    if (this.#urls.version !== version) {
      const [text] = this.#connection.get<[string | null]>(
        "SELECT group_concat(url, char(10)) FROM (SELECT DISTINCT url FROM visitor WHERE offline = 0)",
      )!;
      this.#urls = { version, text: text ?? "" };
    }
    return this.#urls.text;
  }

  #wordsOneTypoAway(word: string): string[] {
    const without = deletions(word);
    return this.#connection.all<[word: string]>(
      `SELECT DISTINCT word FROM typo WHERE deletion IN (${
        without.map(() => "?").join()
      }) LIMIT ${MAX_COMPARED}`,
      ...without,
    )
      .map(([other]) => other)
      .filter((other) => !other.includes(word) && isOneTypoAway(other, word))
      .slice(0, MAX_TYPOS);
  }
}

function ofShortId(shortId: string): Sql {
  return { sql: "SELECT id FROM visitor WHERE short_id = ?", values: [shortId] };
}

/** An estimate of a part's selectivity: exact values are rarer than text, and long text is rarer than short text. */
function weightOf({ text, alternatives }: IndexedPart): number {
  return text === null ? Infinity : alternatives[0].length;
}

/** As many of the parts as fit into one expression; at least the first one. */
function limitAlternatives(parts: IndexedPart[]): IndexedPart[] {
  let count = 0;
  return parts.filter(({ alternatives }, i) => (count += alternatives.length) <= MAX_ALTERNATIVES || i === 0);
}

function matchOf(parts: IndexedPart[]): Sql {
  return { sql: "SELECT rowid AS id FROM term WHERE term MATCH ?", values: [expressionOf(parts)] };
}

/** The candidates of a search, by index lookups. */
class Lookup {
  #connection: Connection;
  #parts: IndexedPart[];
  #sources: Sql[];

  /** @param sources queries for further candidates, which need not have the terms of `parts` */
  constructor(connection: Connection, parts: IndexedPart[], sources: Sql[]) {
    this.#connection = connection;
    this.#parts = parts;
    this.#sources = sources;
  }

  /** The ids of all candidates; `null` if there are more than `most`. */
  first(most: number): Set<number> | null {
    const ids = new Set<number>();
    for (const { sql, values } of [...this.#sources, ...this.#termSources(most)]) {
      const found = this.#connection.all<[id: number]>(
        `SELECT id FROM (${sql}) LIMIT ${most + 1}`,
        ...values,
      );
      for (const [id] of found) ids.add(id);
      if (found.length > most || ids.size > most) return null;
    }
    return ids;
  }

  /** The ids of all candidates. */
  all(): IdSet {
    const ids = new IdSet();
    const terms = this.#parts.length === 0 ? [] : [matchOf(this.#parts)];
    for (const { sql, values } of [...this.#sources, ...terms]) {
      // As one JSON string, which takes a tenth of the time of as many rows.
      const [list] = this.#connection.get<[string]>(`SELECT json_group_array(id) FROM (${sql})`, ...values)!;
      ids.addAll(JSON.parse(list));
    }
    return ids;
  }

  /** The lookup by terms: of all parts that are not short; if all are short, of the first one with few candidates. */
  #termSources(most: number): Sql[] {
    if (this.#parts.length === 0) return [];
    const rare = this.#parts.filter((part) => !isShort(part));
    if (rare.length > 0) return [matchOf(rare)];
    const sources = this.#parts.map(({ alternatives }) => visitorsWith(alternatives[0]));
    return [sources.find((source) => this.#countUpTo(most + 1, source) <= most) ?? sources[0]];
  }

  #countUpTo(most: number, { sql, values }: Sql): number {
    return this.#connection.get<[number]>(`SELECT count(*) FROM (${sql} LIMIT ${most})`, ...values)![0];
  }
}

/** A set of ids, stored as bits. */
class IdSet {
  #bits = new Uint8Array(1 << 17);

  addAll(ids: number[]) {
    let largest = 0;
    for (const id of ids) if (id > largest) largest = id;
    if (largest >> 3 >= this.#bits.length) {
      const bits = new Uint8Array(2 * (largest >> 3) + 1);
      bits.set(this.#bits);
      this.#bits = bits;
    }
    for (const id of ids) this.#bits[id >> 3] |= 1 << (id & 7);
  }

  has(id: number): boolean {
    return (this.#bits[id >> 3] & (1 << (id & 7))) !== 0;
  }
}

/** Collects the matches of a search into a result page, in list order. */
class PageBuilder {
  #connection: Connection;
  #query: SearchQuery;
  #limit: number;
  #until: number;
  #after: Position | null;
  #order: Sql[];
  #visitors: string[] = [];
  #last: Position | null = null;
  #isFull = false;

  constructor(connection: Connection, { query, limit, after }: Search, until: number) {
    this.#connection = connection;
    this.#query = query;
    this.#limit = limit;
    this.#until = until;
    this.#after = after;
    this.#order = [...query.flatMap(orderConditions), ...(after === null ? [] : [behind(after)])];
  }

  end(): FoundPage {
    return { visitors: this.#visitors, next: this.#isFull ? this.#last : null };
  }

  /** The page of these candidates: sorts them, and reads them until the page is full. */
  sort(ids: Set<number>): FoundPage {
    this.#checkTime();
    if (ids.size <= FEW) return this.#sortFew(ids);
    const { sql, values } = allOf(this.#order);
    const sorted = this.#connection.all<[id: number]>(
      `SELECT visitor.id FROM json_each(?) CROSS JOIN visitor ON visitor.id = json_each.value WHERE ${sql} ORDER BY ${ORDER}`,
      JSON.stringify([...ids]),
      ...values,
    );
    let looked = 0;
    for (const [id] of sorted) {
      if (looked++ % BATCH === 0) this.#checkTime();
      this.#lookAt(this.#documentOf(id));
      if (this.#isFull) break;
    }
    return this.end();
  }

  /** Reads all these documents and sorts them in memory, which saves the lookup of each in `visitor`. */
  #sortFew(ids: Set<number>): FoundPage {
    const documents = this.#connection.all<[document: string]>(
      "SELECT attributes FROM document WHERE id IN (SELECT value FROM json_each(?))",
      JSON.stringify([...ids]),
    );
    const found = documents.map(([document]) => ({ document, visitor: lazyVisitorOf(document) }))
      .filter(({ visitor }) => matches(this.#query, visitor))
      .map(({ document, visitor }) => ({ document, position: positionOfVisitor(visitor) }))
      .filter(({ position }) => this.#after === null || comparePositions(position, this.#after) > 0)
      .sort((a, b) => comparePositions(a.position, b.position));
    const page = found.slice(0, this.#limit);
    return {
      visitors: page.map(({ document }) => jsonOf(document)),
      next: found.length > this.#limit ? page[this.#limit - 1].position : null,
    };
  }

  /** Scans the first visitors in list order; `null` if so few match that the page is not likely to be full soon. */
  scanFirst(): FoundPage | null {
    let looked = 0;
    do {
      if (this.#lookAtNext(BATCH)) return this.end();
      looked += BATCH;
      // Goes on while, at the rate of matches so far, the page is full within MAX_SCANNED visitors.
    } while (looked * (this.#limit + 1) <= MAX_SCANNED * this.#visitors.length);
    return null;
  }

  /** Scans all visitors in list order, or only these candidates, until the page is full. */
  scan(candidates: IdSet | null = null): FoundPage {
    if (candidates === null) {
      // In a plain list every visitor matches, so one query reads the whole page.
      const batch = isList(this.#query) ? this.#limit + 1 : BATCH;
      while (!this.#lookAtNext(batch));
    } else {
      while (!this.#lookAtNextOf(candidates));
    }
    return this.end();
  }

  /** Reads the next visitors in list order; returns whether the page is full or no visitor is left. */
  #lookAtNext(batch: number): boolean {
    this.#checkTime();
    const { sql, values } = allOf(this.#order);
    const documents = this.#connection.all<[document: string]>(
      `SELECT attributes FROM visitor CROSS JOIN document USING (id) WHERE ${sql} ORDER BY ${ORDER} LIMIT ${batch}`,
      ...values,
    );
    for (const [document] of documents) {
      this.#lookAt(document);
      if (this.#isFull) return true;
    }
    if (documents.length < batch) return true;
    this.#goOnBehind(documents[batch - 1][0]);
    return false;
  }

  /** As {@link PageBuilder.#lookAtNext}, but reads only the documents of candidates. */
  #lookAtNextOf(candidates: IdSet): boolean {
    this.#checkTime();
    const { sql, values } = allOf(this.#order);
    const ids = this.#connection.all<[id: number]>(
      `SELECT id FROM visitor WHERE ${sql} ORDER BY ${ORDER} LIMIT ${ID_BATCH}`,
      ...values,
    );
    let looked = 0;
    for (const [id] of ids) {
      if (!candidates.has(id)) continue;
      if (++looked % BATCH === 0) this.#checkTime();
      this.#lookAt(this.#documentOf(id));
      if (this.#isFull) return true;
    }
    if (ids.length < ID_BATCH) return true;
    this.#goOnBehind(this.#documentOf(ids[ID_BATCH - 1][0]));
    return false;
  }

  /** Adds a visitor if it matches; the page is full once one more than its limit matched. */
  #lookAt(document: string) {
    const visitor = lazyVisitorOf(document);
    if (!matches(this.#query, visitor)) return;
    if (this.#visitors.length === this.#limit) {
      this.#isFull = true;
      return;
    }
    this.#visitors.push(jsonOf(document));
    if (this.#visitors.length === this.#limit) this.#last = positionOfVisitor(visitor);
  }

  #documentOf(id: number): string {
    return this.#connection.get<[string]>("SELECT attributes FROM document WHERE id = ?", id)![0];
  }

  /** Continues the scan after a visitor. Its position comes from the document, since a column's text ends at a NUL. */
  #goOnBehind(document: string) {
    this.#order = [
      ...this.#query.flatMap(orderConditions),
      behind(positionOfVisitor(lazyVisitorOf(document))),
    ];
  }

  #checkTime() {
    if (Date.now() > this.#until) throw new TimeBudgetOver();
  }
}

/** The conditions on columns of `in_list_order` that every match of a part fulfils. */
function orderConditions(part: SearchPart): Sql[] {
  switch (part.kind) {
    case "online":
      return [{ sql: "offline = ?", values: [part.online ? 0 : 1] }];
    case "url":
      return [{ sql: "offline = 0 AND instr(url, ?)", values: [withoutNul(part.text)] }];
    default:
      return [];
  }
}

function behind(position: Position): Sql {
  const { offline, unseen } = orderColumns(position);
  return { sql: `(${ORDER}) > (?, ?, ?)`, values: [offline, unseen, position.shortId] };
}

function allOf(conditions: Sql[]): Sql {
  return {
    sql: conditions.map(({ sql }) => sql).join(" AND ") || "TRUE",
    values: conditions.flatMap(({ values }) => values),
  };
}
