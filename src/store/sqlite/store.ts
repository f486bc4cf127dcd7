/**
 * The embedded store: one SQLite file, for trying Foyer, for small sites and for tests.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import { asciiJson } from "../../visitor/ascii_json.ts";
import { exactKeys, searchText, suffixesOf } from "../../search/index_keys.ts";
import { foldText } from "../../search/normalise.ts";
import type { SearchQuery } from "../../search/parse.ts";
import { deletions, likelyWordsOf } from "../../search/typo.ts";
import { readVisitor, type Visitor, type VisitorChange } from "../../visitor/visitor.ts";
import { type Position, positionOfVisitor } from "../../visitor/list_order.ts";
import {
  asStoreErrors,
  type DatabaseSync,
  hasTable,
  openFile,
  type SQLInputValue,
  type StatementSync,
} from "./file.ts";
import { offlineBefore, orderColumns, tagsText } from "./conditions.ts";
import { SqlitePresence } from "./presence.ts";
import { IN_SESSION, SEPARATOR } from "./schema.ts";
import { prepareSearch, SqliteSearch } from "./search.ts";
import { SqliteTidying } from "./index_maintenance.ts";
import { EncodedVisitor } from "../../visitor/encoded_visitor.ts";
import {
  type Heartbeat,
  type PresenceResult,
  type PresenceWrite,
  type Refusal,
  type Reindexed,
  type ResultPage,
  StoreUnavailable,
  type VisitorCounts,
  type VisitorStore,
} from "../visitor_store.ts";

const DAY = 86_400_000;

/** Pages of the file that are kept in memory, in KiB. */
const CACHE_KIB = 32_768;

/** Visitors that are kept as they were read, about 1 KB each. */
const MAX_VISITORS = 2000;

/** How often it is told how far work is that takes long, in milliseconds. */
const TELLING = 10_000;

/** Statements that are kept: those for the usual searches, of which there are others for each number of words. */
const MAX_STATEMENTS = 500;

/**
 * Opens the embedded store, making the file (mode 0600) or bringing it to the newest schema where needed.
 *
 * @param path a file, or `:memory:`
 * @param busyMilliseconds how long to wait while another process writes
 * @param log told of work that takes long
 * @throws {StoreRefused} the file is not a Foyer database, is newer than this Foyer or cannot be made
 */
export function openSqliteStore(
  path: string,
  busyMilliseconds = 2000,
  log: (sentence: string) => void = () => {},
): VisitorStore {
  const database = openFile(path, busyMilliseconds, (database) => {
    // For this connection alone, and in memory.
    database.exec(`PRAGMA temp_store = MEMORY; PRAGMA cache_size = -${CACHE_KIB}`);
    prepareSearch(database);
  });
  const store = new SqliteStore(database, path);
  if (hasTable(database, "document_aside")) store.takeUp(log);
  return store;
}

class SqliteStore implements VisitorStore {
  readonly description: string;
  #database: DatabaseSync;
  #statements = new LRUCache<string, StatementSync>({ max: MAX_STATEMENTS });
  /** Visitors read lately, by their ids in the tables: between two pages few have changed. */
  #visitors = new LRUCache<number, { revision: number; visitor: EncodedVisitor }>({ max: MAX_VISITORS });
  #isOpen = true;
  /** Transactions of this connection, which SQLite's own count leaves out. */
  #writes = 0;
  #search = new SqliteSearch({
    prepare: (sql) => this.#prepare(sql),
    readVisitor: (id, revision) => this.#readVisitor(id, revision),
    version: () => this.version(),
  });
  #tidying = new SqliteTidying((sql) => this.#prepare(sql));
  #presence = new SqlitePresence({
    prepare: (sql) => this.#prepare(sql),
    write: (work) =>
      this.#write((counts) =>
        work({
          get: (shortId) => {
            const stored = this.#storedOf(shortId);
            return stored && { id: stored.id, visitor: visitorOf(stored) };
          },
          put: (visitor) => this.#putVisitor(visitor, counts),
        })
      ),
  });

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.description = `the embedded store in ${path}`;
  }

  /** Stores the visitors that {@link SET_ASIDE} left. Stopped at any moment, it goes on at the next start. */
  takeUp(log: (sentence: string) => void) {
    let toldAt = -Infinity;
    let isLeft = true;
    while (isLeft) {
      isLeft = this.#write((counts) => {
        // Another process may have done it meanwhile.
        if (!hasTable(this.#database, "document_aside")) return false;
        if (performance.now() - toldAt > TELLING) {
          const left = this.#countRows("document_aside");
          log(`${left} visitors are to be brought to this version, and nobody is answered meanwhile`);
          toldAt = performance.now();
        }
        const rows = this.#database.prepare("SELECT id, visitor FROM document_aside ORDER BY id LIMIT 1000")
          .all();
        for (const { id, visitor } of rows) {
          // It may be of a Foyer that had other attributes.
          this.#putVisitor(readVisitor(JSON.parse(visitor as string))!, counts, id as number);
        }
        if (rows.length === 0) this.#database.exec("DROP TABLE document_aside");
        else this.#database.prepare("DELETE FROM document_aside WHERE id <= ?").run(rows.at(-1)!.id);
        return rows.length > 0;
      });
    }
  }

  // deno-lint-ignore require-await -- the interface is asynchronous, SQLite is not
  async findVisitors(
    query: SearchQuery,
    limit: number,
    after: Position | null,
    fallback: SearchQuery | null = null,
  ): Promise<ResultPage> {
    return asStoreErrors(() =>
      this.#atOneMoment(() => {
        const page = this.#search.findVisitors(query, limit, after);
        if (page.visitors.length > 0 || fallback === null) {
          return { ...page, isFallback: false, unindexed: 0 };
        }
        const found = this.#search.findVisitors(fallback, limit, after);
        return { ...found, isFallback: true, unindexed: 0 };
      })
    );
  }

  /** Reads as the file is at one moment, whatever others write meanwhile. */
  #atOneMoment<T>(read: () => T): T {
    this.#prepare("BEGIN").run();
    try {
      return read();
    } finally {
      if (this.#database.isTransaction) this.#prepare("COMMIT").run();
    }
  }

  /** The visitor of a revision, read from its document where it is not known. */
  #readVisitor(id: number, revision: number): EncodedVisitor {
    const known = this.#visitors.get(id);
    if (known?.revision === revision) return known.visitor;
    const row = this.#prepare("SELECT visitor FROM document WHERE id = ?").get(id)!;
    const visitor = new EncodedVisitor(row.visitor as string);
    this.#visitors.set(id, { revision, visitor });
    return visitor;
  }

  // deno-lint-ignore require-await -- see above
  async getVisitors(shortIds: string[]): Promise<(EncodedVisitor | null)[]> {
    return asStoreErrors(() =>
      shortIds.map((shortId) => {
        const stored = this.#storedOf(shortId);
        return stored === undefined ? null : new EncodedVisitor(stored.visitor);
      })
    );
  }

  // deno-lint-ignore require-await -- see above
  async putVisitors(visitors: Visitor[]): Promise<Refusal[]> {
    this.#write((counts) => {
      for (const visitor of visitors) this.#putVisitor(visitor, counts);
    });
    return [];
  }

  // deno-lint-ignore require-await -- see above
  async updateVisitor(shortId: string, change: VisitorChange): Promise<Visitor | null> {
    return this.#write((counts) => {
      const stored = this.#storedOf(shortId);
      if (stored === undefined) return null;
      const visitor = { ...visitorOf(stored), ...change };
      this.#putVisitor(visitor, counts);
      return visitor;
    });
  }

  // deno-lint-ignore require-await -- see above
  async removeVisitor(shortId: string): Promise<boolean> {
    return this.#write((counts) => {
      const stored = this.#storedOf(shortId);
      if (stored !== undefined) this.#removeVisitor(stored, counts);
      return stored !== undefined;
    });
  }

  // deno-lint-ignore require-await -- see above
  async removeOffline(seenBefore: Date | null, most: number): Promise<number> {
    const { sql, values } = offlineBefore(seenBefore);
    return this.#write((counts) => {
      const rows = this.#prepare(
        `SELECT id, offline, unseen, visitor FROM listing JOIN (SELECT id, visitor FROM document) USING (id)
         WHERE ${sql} ORDER BY offline, unseen LIMIT ?`,
      ).all(...values, most) as unknown as StoredRow[];
      for (const stored of rows) this.#removeVisitor(stored, counts);
      return rows.length;
    });
  }

  /**
   * Writes all or nothing.
   *
   * @param work given counts, to which it adds
   */
  #write<T>(work: (counts: WordCounts) => T): T {
    return asStoreErrors(() => {
      this.#prepare("BEGIN IMMEDIATE").run();
      try {
        const counts: WordCounts = new Map();
        const result = work(counts);
        this.#countWords(counts);
        this.#prepare("COMMIT").run();
        this.#writes++;
        return result;
      } catch (error) {
        // SQLite has rolled back by itself after some errors, such as a full disk.
        if (this.#database.isTransaction) this.#prepare("ROLLBACK").run();
        throw error;
      }
    });
  }

  #countWords(counts: WordCounts) {
    const count = this.#prepare("UPDATE word SET visitors = visitors + ? WHERE word = ?");
    for (const [word, more] of counts) {
      if (more === 0) continue;
      if (count.run(more, word).changes === 0) this.#addWord(word, more);
      if (more < 0) this.#forgetWord(word);
    }
  }

  #addWord(word: string, visitors: number) {
    this.#prepare("INSERT INTO word (word, visitors) VALUES (?, ?)").run(word, visitors);
    const add = this.#prepare("INSERT INTO typo (deletion, word) VALUES (?, ?)");
    for (const deletion of deletions(word)) add.run(deletion, word);
  }

  /** Forgets a word that no visitor has any more. */
  #forgetWord(word: string) {
    const { changes } = this.#prepare("DELETE FROM word WHERE word = ? AND visitors = 0").run(word);
    if (changes === 0) return;
    const remove = this.#prepare("DELETE FROM typo WHERE deletion = ? AND word = ?");
    for (const deletion of deletions(word)) remove.run(deletion, word);
  }

  #storedOf(shortId: string): StoredRow | undefined {
    return this.#prepare(
      `SELECT id, document.offline, document.unseen, document.visitor
       FROM visitor JOIN document USING (id) WHERE visitor.short_id = ?`,
    ).get(shortId) as StoredRow | undefined;
  }

  /**
   * @param newId its id in the tables where it is new; SQLite chooses one otherwise
   * @returns its id in the tables
   */
  #putVisitor(visitor: Visitor, counts: WordCounts, newId: number | null = null): number {
    const stored = this.#storedOf(visitor.short_id);
    const json = asciiJson(visitor);
    if (stored?.visitor === json) return stored.id;
    const { short_id, is_online, last_url } = visitor;
    const row = {
      ...orderColumns(positionOfVisitor(visitor)),
      revision: Math.floor(Math.random() * 2 ** 48),
    };
    const id = stored === undefined ? this.#addRow(newId, short_id, row) : this.#changeRow(stored.id, row);
    const text = searchText(visitor);
    const searched = [is_online ? foldText(last_url ?? "") : "", text, tagsText(visitor.tags)];
    this.#prepare(
      `INSERT OR REPLACE INTO document (id, offline, unseen, short_id, url, text, tags, visitor)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(id, row.offline, row.unseen, short_id, ...searched, json);
    if (stored !== undefined) this.#removeFromListing(stored, short_id);
    this.#prepare(
      `INSERT INTO listing (id, offline, unseen, short_id, url, text, tags, revision)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(id, row.offline, row.unseen, short_id, ...searched, row.revision);

    // Page views change neither keys nor text, so most updates end here without touching an index.
    const before = stored === undefined ? null : visitorOf(stored);
    this.#putExactKeys(id, before === null ? [] : keysOf(before), keysOf(visitor));
    const textBefore = before === null ? null : searchText(before);
    if (textBefore === text) return id;
    if (textBefore !== null) this.#removeText(id, textBefore, counts);
    this.#prepare("INSERT INTO suffix (rowid, suffixes) VALUES (?, ?)").run(
      id,
      suffixesOf(text).join(SEPARATOR),
    );
    noteWords(counts, text, 1);
    return id;
  }

  #removeVisitor(stored: StoredRow, counts: WordCounts) {
    const visitor = visitorOf(stored);
    this.#removeFromListing(stored, visitor.short_id);
    this.#putExactKeys(stored.id, keysOf(visitor), []);
    this.#removeText(stored.id, searchText(visitor), counts);
    this.#prepare("DELETE FROM document WHERE id = ?").run(stored.id);
    this.#prepare("DELETE FROM visitor WHERE id = ?").run(stored.id);
    this.#prepare("DELETE FROM connection WHERE id = ?").run(stored.id);
    this.#visitors.delete(stored.id);
  }

  #removeFromListing({ offline, unseen }: StoredRow, shortId: string) {
    this.#prepare("DELETE FROM listing WHERE (offline, unseen, short_id) = (?, ?, ?)")
      .run(offline, unseen, shortId);
  }

  #removeText(id: number, text: string, counts: WordCounts) {
    this.#prepare("DELETE FROM suffix WHERE rowid = ?").run(id);
    noteWords(counts, text, -1);
  }

  #changeRow(id: number, { offline, unseen, revision }: VisitorRow): number {
    this.#prepare("UPDATE visitor SET offline = ?, unseen = ?, revision = ? WHERE id = ?")
      .run(offline, unseen, revision, id);
    return id;
  }

  /** Not by an upsert with RETURNING, which makes FTS5 write what it has gathered so far each time. */
  #addRow(id: number | null, shortId: string, { offline, unseen, revision }: VisitorRow): number {
    const { lastInsertRowid } = this.#prepare(
      "INSERT INTO visitor (id, short_id, offline, unseen, revision) VALUES (?, ?, ?, ?, ?)",
    ).run(id, shortId, offline, unseen, revision);
    return lastInsertRowid as number;
  }

  #putExactKeys(id: number, before: string[], after: string[]) {
    const [oldKeys, newKeys] = [new Set(before), new Set(after)];
    const remove = this.#prepare("DELETE FROM exact_key WHERE key = ? AND id = ?");
    for (const key of oldKeys.difference(newKeys)) remove.run(key, id);
    const add = this.#prepare("INSERT INTO exact_key (key, id) VALUES (?, ?)");
    for (const key of newKeys.difference(oldKeys)) add.run(key, id);
  }

  // deno-lint-ignore require-await -- see above
  async countOnline(): Promise<number> {
    return this.#countRows("listing WHERE offline = 0");
  }

  async countVisitors(now: Date): Promise<VisitorCounts> {
    const seenWithin = (days: number) =>
      this.#countRows("visitor WHERE unseen <= ?", days * DAY - now.getTime());
    return {
      online: await this.countOnline(),
      lastDay: seenWithin(1),
      last30Days: seenWithin(30),
      inSession: this.#countRows("exact_key WHERE key = ?", IN_SESSION),
    };
  }

  #countRows(condition: string, ...values: SQLInputValue[]): number {
    return asStoreErrors(() =>
      this.#prepare(`SELECT count(*) AS found FROM ${condition}`).get(...values)!.found as number
    );
  }

  // deno-lint-ignore require-await -- see above
  async takeLease(name: string, holder: string, milliseconds: number): Promise<boolean> {
    return asStoreErrors(() => {
      const now = Date.now();
      const { changes } = this.#prepare(
        `INSERT INTO lease (name, holder, until) VALUES (?, ?, ?)
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
         WHERE holder = excluded.holder OR until < ?`,
      ).run(name, holder, now + milliseconds, now);
      return changes === 1;
    });
  }

  // deno-lint-ignore require-await -- see above
  async releaseLease(name: string, holder: string): Promise<void> {
    asStoreErrors(() => this.#prepare("DELETE FROM lease WHERE name = ? AND holder = ?").run(name, holder));
  }

  writePresence(process: string, writes: PresenceWrite[]): Promise<PresenceResult[]> {
    return this.#presence.writePresence(process, writes);
  }

  // deno-lint-ignore require-await -- see above
  async connectedTo(process: string): Promise<Set<string>> {
    return asStoreErrors(() => this.#presence.connectedTo(process));
  }

  endConnections(process: string, most: number): Promise<number> {
    return this.#presence.endConnections(process, most);
  }

  // deno-lint-ignore require-await -- see above
  async heartbeat(process: string, count: number): Promise<Heartbeat> {
    return asStoreErrors(() => this.#presence.heartbeat(process, count));
  }

  // deno-lint-ignore require-await -- see above
  async forgetProcess(process: string): Promise<void> {
    asStoreErrors(() => this.#presence.forgetProcess(process));
  }

  // deno-lint-ignore require-await -- see above
  async lookupCodesInUse(codes: string[]): Promise<Set<string>> {
    return asStoreErrors(() => this.#presence.lookupCodesInUse(codes));
  }

  async *allVisitors(): AsyncIterable<Visitor> {
    // In portions, since an open read keeps SQLite from reusing its write-ahead log.
    let last: SQLInputValue = 0;
    while (true) {
      const rows = asStoreErrors(() =>
        this.#prepare("SELECT id, visitor FROM document WHERE id > ? ORDER BY id LIMIT 1000").all(last)
      );
      if (rows.length === 0) return;
      for (const row of rows) yield visitorOf(row as { visitor: string });
      last = rows.at(-1)!.id;
    }
  }

  /** Nobody writes this file but Foyer, which keeps the search fields with the visitors. */
  reindex(): Promise<Reindexed> {
    return Promise.resolve({ written: 0, missed: 0 });
  }

  // deno-lint-ignore require-await -- see above
  async maintainIndexes(): Promise<boolean> {
    return asStoreErrors(() => this.#tidying.step());
  }

  /** SQLite counts what other connections wrote (https://www.sqlite.org/pragma.html#pragma_data_version). */
  version(): unknown {
    return asStoreErrors(() => {
      const { data_version } = this.#prepare("PRAGMA data_version").get()!;
      return `${data_version} ${this.#writes}`;
    });
  }

  isReady(): boolean {
    return this.#isOpen;
  }

  // deno-lint-ignore require-await -- see above
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    if (!this.#isOpen) throw new StoreUnavailable("The embedded store is closed");
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** What a row of `visitor` has beside what it is called. */
interface VisitorRow {
  offline: number;
  unseen: number;
  revision: number;
}

/** By how many more visitors each word is had. */
type WordCounts = Map<string, number>;

function noteWords(counts: WordCounts, text: string, more: 1 | -1) {
  for (const word of likelyWordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + more);
}

/** A visitor as the file holds it. */
interface StoredRow {
  id: number;
  offline: number;
  unseen: number;
  /** JSON, which has the short id whole: a column's value is cut where it holds a NUL. */
  visitor: string;
}

function keysOf(visitor: Visitor): string[] {
  return [...exactKeys(visitor), ...(visitor.is_in_session ? [IN_SESSION] : [])];
}

function visitorOf({ visitor }: Pick<StoredRow, "visitor">): Visitor {
  return JSON.parse(visitor);
}
