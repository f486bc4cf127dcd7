/**
 * The embedded store: one SQLite file, for trying Foyer, for small sites and for tests.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import { exactKeys, gramsOf, searchText, typoKeys } from "../search/keys.ts";
import { matches } from "../search/match.ts";
import { foldText, grams } from "../search/normalise.ts";
import type { SearchQuery } from "../search/parse.ts";
import { hasTypo } from "../search/typo.ts";
import { ATTRIBUTE_NAMES, readVisitor, type Visitor } from "../visitor.ts";
import type { Position } from "./position.ts";
import {
  asStoreErrors,
  type DatabaseSync,
  hasTable,
  openFile,
  type SQLInputValue,
  type StatementSync,
} from "./sqlite_file.ts";
import {
  allOf,
  beyond,
  membersOf,
  membersOfTexts,
  offlineBefore,
  orderColumns,
  orderConditions,
  rowConditions,
  type Sql,
} from "./sqlite_query.ts";
import { SqlitePresence } from "./sqlite_presence.ts";
import { IN_SESSION } from "./sqlite_schema.ts";
import {
  type Beat,
  type Page,
  type PresenceWrite,
  type Refusal,
  type Reindexed,
  StoreUnavailable,
  type VisitorChange,
  type VisitorCounts,
  type VisitorStore,
} from "./visitor_store.ts";

const DAY = 86_400_000;

/** Pages of the file that are kept in memory, in KiB. */
const CACHE_KIB = 32_768;

/** Visitors that are kept as they were read, about 3 KB each. */
const MAX_VISITORS = 2000;

/** Where more visitors may match, a page is first looked for among the first ones of all. */
const MAX_GATHERED = 15_000;

/** How many of the first ones those are at least. */
const MAX_WALKED = 10_000;

/** How many of them where words one typo away are looked for. */
const MAX_WALKED_FOR_TYPOS = 3000;

/** So many postings of the full-text index are read in the time in which a walk looks at one visitor. */
const POSTINGS_A_ROW = 16;

/** More candidates are not sorted but met while walking. */
const MAX_SORTED = 5000;

/** The characters of a gram by FTS5's tokenizer of that name. */
const TRIGRAM = 3;

/** Trigrams of a text that are looked up: a further one leaves hardly anybody out. */
const MAX_GRAMS = 4;

/** So many candidates are looked at one by one. */
const FEW = 300;

/** What more visitors than this have does not narrow down enough for what it takes. */
const MAX_NARROWING = 50_000;

/**
 * Opens the embedded store, making the file (mode 0600) or bringing it to the newest schema where needed.
 *
 * @param path a file, or `:memory:`
 * @param busyMilliseconds how long to wait while another process writes
 * @throws {StoreRefused} the file is not a Foyer database, is newer than this Foyer or cannot be made
 */
export function openSqliteStore(path: string, busyMilliseconds = 2000): VisitorStore {
  const database = openFile(path, busyMilliseconds, (database) => {
    // For this connection alone, and in memory.
    database.exec(`PRAGMA temp_store = MEMORY; PRAGMA cache_size = -${CACHE_KIB};
      CREATE TEMP TABLE candidate (id INTEGER PRIMARY KEY)`);
    database.function(
      "has_typo",
      { deterministic: true },
      (text, word) => Number(hasTypo(String(text), String(word))),
    );
  });
  const store = new SqliteStore(database, path);
  if (hasTable(database, "document_aside")) store.takeUp();
  return store;
}

class SqliteStore implements VisitorStore {
  readonly description: string;
  #database: DatabaseSync;
  #statements = new Map<string, StatementSync>();
  /** Visitors read lately, by what is stored of them: between two pages few have changed. */
  #visitors = new LRUCache<string, Visitor>({ max: MAX_VISITORS });
  #isOpen = true;
  /** Transactions of this connection, which SQLite's own count leaves out. */
  #writes = 0;
  #presence = new SqlitePresence({
    prepare: (sql) => this.#prepare(sql),
    write: (work) =>
      this.#write((grams) =>
        work({
          get: (shortId) => {
            const stored = this.#storedOf(shortId);
            return stored && { id: stored.id, visitor: parseVisitor(stored) };
          },
          parse: (visitor) => parseVisitor({ visitor }),
          put: (visitor) => this.#putVisitor(visitor, grams),
        })
      ),
  });

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.description = `the embedded store in ${path}`;
  }

  /** Stores the visitors that {@link SET_ASIDE} left. Stopped at any moment, it goes on at the next start. */
  takeUp() {
    let isLeft = true;
    while (isLeft) {
      isLeft = this.#write((grams) => {
        // Another process may have done it meanwhile.
        if (!hasTable(this.#database, "document_aside")) return false;
        const rows = this.#database.prepare("SELECT id, visitor FROM document_aside ORDER BY id LIMIT 1000")
          .all();
        for (const row of rows) this.#putVisitor(parseVisitor(row), grams);
        if (rows.length === 0) this.#database.exec("DROP TABLE document_aside");
        else this.#database.prepare("DELETE FROM document_aside WHERE id <= ?").run(rows.at(-1)!.id);
        return rows.length > 0;
      });
    }
  }

  // deno-lint-ignore require-await -- the interface is asynchronous, SQLite is not
  async findVisitors(query: SearchQuery, limit: number, after: Position | null): Promise<Page> {
    return asStoreErrors(() => {
      if (query.some(({ kind }) => kind === "nobody")) return { visitors: [], next: null };
      const place = after === null ? [] : [beyond(after)];
      const search = { query, limit, order: [...orderConditions(query), ...place] };
      const indexed = this.#indexedOf(query).sort((a, b) => a.estimate - b.estimate);
      if (indexed.length === 0) return this.#walk(search);
      if (indexed[0].estimate <= MAX_GATHERED) return this.#gather(search, indexed);
      // Sorting all whom a common word finds costs more than walking until the page is full. A typo of such a word
      // is looked for no further, since it takes longer to see.
      if (query.some((part) => part.kind === "text" && part.typos)) {
        return this.#walkFirst(search, MAX_WALKED_FOR_TYPOS);
      }
      const page = this.#walkFirst(search, Math.max(MAX_WALKED, indexed[0].postings / POSTINGS_A_ROW));
      return page.next === null ? this.#gather(search, indexed) : page;
    });
  }

  /** What an index answers of a query. */
  #indexedOf(query: SearchQuery): Indexed[] {
    const parts = query.filter((part) => part.kind === "text");
    const grams = new Map(parts.map(({ text }) => [text, this.#gramsOf(text)]));
    const rareGrams = (text: string) => grams.get(text)!.map(({ gram }) => gram);
    const indexed = query.map((part) => membersOf(part, rareGrams)).filter((members) => members !== null)
      .map((members) => ({ members, estimate: this.#count(members), postings: 0 }));
    const texts = parts.filter(({ typos }) => !typos);
    if (texts.length === 0) return indexed;
    const estimates = texts.map(({ text }) => {
      const counts = grams.get(text)!.map(({ visitors }) => visitors);
      const postings = counts.reduce((sum, visitors) => sum + visitors, 0);
      return { estimate: Array.from(text).length < 3 ? postings : Math.min(...counts), postings };
    });
    return [...indexed, {
      members: membersOfTexts(texts, rareGrams),
      estimate: Math.min(...estimates.map(({ estimate }) => estimate)),
      postings: estimates.reduce((sum, { postings }) => sum + postings, 0),
    }];
  }

  /** How many they are; infinitely many where they are too many to be counted for next to nothing. */
  #count({ sql, values }: Sql): number {
    const { found } = this.#prepare(`SELECT count(*) AS found FROM (${sql} LIMIT ${MAX_GATHERED + 1})`)
      .get(...values)! as { found: number };
    return found > MAX_GATHERED ? Infinity : found;
  }

  /** The rarest trigrams of a text, which few have without having the text; of a shorter one all that begin with it. */
  #gramsOf(text: string): { gram: string; visitors: number }[] {
    const ofText = grams(text, TRIGRAM);
    if (ofText.length === 0) {
      return this.#prepare("SELECT gram, visitors FROM gram WHERE gram >= ? AND gram < ?")
        .all(text, text + "\u{10ffff}") as { gram: string; visitors: number }[];
    }
    const count = this.#prepare("SELECT visitors FROM gram WHERE gram = ?");
    return ofText.map((gram) => ({ gram, visitors: count.get(gram)?.visitors as number | undefined ?? 0 }))
      .sort((a, b) => a.visitors - b.visitors)
      .slice(0, MAX_GRAMS);
  }

  /** The page, met while walking through everybody in order. */
  #walk({ query, limit, order }: Search): Page {
    const { sql, values } = allOf([...order, ...rowConditions(query)]);
    return this.#readPage(query, limit, {
      sql: `SELECT id FROM listing WHERE ${sql} ORDER BY offline, unseen, short_id`,
      values,
    });
  }

  /** The page, met while walking through the first ones. */
  #walkFirst(search: Search, most: number): Page {
    const { sql, values } = allOf(search.order);
    const end = this.#prepare(
      `SELECT offline, unseen, short_id FROM listing WHERE ${sql} ORDER BY offline, unseen, short_id
       LIMIT 1 OFFSET ?`,
    ).get(...values, Math.round(most));
    if (end === undefined) return this.#walk(search);
    const bound = {
      sql: "(offline, unseen, short_id) <= (?, ?, ?)",
      values: Object.values(end) as Sql["values"],
    };
    return this.#walk({ ...search, order: [...search.order, bound] });
  }

  /** The page out of all who may match by the indexes. */
  #gather({ query, limit, order }: Search, indexed: Indexed[]): Page {
    try {
      const isFew = this.#gatherCandidates(indexed) <= MAX_SORTED;
      const { sql, values } = allOf([...order, ...(isFew ? [] : rowConditions(query))]);
      return this.#readPage(query, limit, {
        // A cross join, since SQLite might read all visitors and look which ones are candidates.
        sql: isFew
          ? `SELECT id FROM candidate CROSS JOIN visitor USING (id) WHERE ${sql} ORDER BY offline, unseen, short_id`
          : `SELECT id FROM listing WHERE id IN candidate AND ${sql} ORDER BY offline, unseen, short_id`,
        values,
      });
    } finally {
      this.#prepare("DELETE FROM candidate").run();
    }
  }

  /** Fills the table of candidates with the members of all parts, the rarest one first, until they are few. */
  #gatherCandidates([rarest, ...others]: Indexed[]): number {
    let { changes: found } = this.#prepare(`INSERT OR IGNORE INTO candidate ${rarest.members.sql}`)
      .run(...rarest.members.values) as { changes: number };
    for (const { members, estimate } of others) {
      if (found <= FEW || estimate > MAX_NARROWING) break;
      // Not by a condition on the members, which SQLite would ask the index for one by one.
      found -= this.#prepare(`DELETE FROM candidate WHERE id NOT IN (${members.sql})`)
        .run(...members.values).changes as number;
    }
    return found;
  }

  /** The first visitors of those with these ids, in their order, that match. */
  #readPage(query: SearchQuery, limit: number, ids: Sql): Page {
    const document = this.#prepare("SELECT visitor FROM document WHERE id = ?");
    const visitors: Visitor[] = [];
    for (const { id } of this.#prepare(ids.sql).iterate(...ids.values)) {
      const visitor = this.#visitorOf(document.get(id)!);
      if (!matches(query, visitor)) continue;
      if (visitors.length === limit) return { visitors, next: positionOf(visitors[limit - 1]) };
      visitors.push(visitor);
    }
    return { visitors, next: null };
  }

  #visitorOf(row: Record<string, unknown>): Visitor {
    const stored = row.visitor as string;
    const visitor = this.#visitors.get(stored) ?? parseVisitor(row);
    this.#visitors.set(stored, visitor);
    return visitor;
  }

  // deno-lint-ignore require-await -- see above
  async getVisitors(shortIds: string[]): Promise<(Visitor | null)[]> {
    return asStoreErrors(() => {
      const byShortId = this.#prepare(
        "SELECT visitor FROM visitor JOIN document USING (id) WHERE short_id = ?",
      );
      return shortIds.map((shortId) => {
        const row = byShortId.get(shortId);
        return row === undefined ? null : this.#visitorOf(row);
      });
    });
  }

  // deno-lint-ignore require-await -- see above
  async putVisitors(visitors: Visitor[]): Promise<Refusal[]> {
    this.#write((grams) => {
      for (const visitor of visitors) this.#putVisitor(visitor, grams);
    });
    return [];
  }

  // deno-lint-ignore require-await -- see above
  async updateVisitor(shortId: string, change: VisitorChange): Promise<Visitor | null> {
    return this.#write((grams) => {
      const stored = this.#storedOf(shortId);
      if (stored === undefined) return null;
      const visitor = { ...parseVisitor(stored), ...change };
      this.#putVisitor(visitor, grams);
      return visitor;
    });
  }

  // deno-lint-ignore require-await -- see above
  async removeVisitor(shortId: string): Promise<boolean> {
    return this.#write((grams) => {
      const stored = this.#storedOf(shortId);
      if (stored !== undefined) this.#removeVisitor(stored, grams);
      return stored !== undefined;
    });
  }

  // deno-lint-ignore require-await -- see above
  async removeOffline(seenBefore: Date | null, most: number): Promise<number> {
    const { sql, values } = offlineBefore(seenBefore);
    return this.#write((grams) => {
      const rows = this.#prepare(
        `SELECT id, offline, unseen, visitor FROM listing JOIN document USING (id)
         WHERE ${sql} ORDER BY offline, unseen LIMIT ?`,
      ).all(...values, most) as unknown as StoredVisitor[];
      for (const stored of rows) this.#removeVisitor(stored, grams);
      return rows.length;
    });
  }

  /**
   * Writes all or nothing.
   *
   * @param work given a map in which it notes by how many more visitors each trigram is had
   */
  #write<T>(work: (grams: Map<string, number>) => T): T {
    return asStoreErrors(() => {
      this.#prepare("BEGIN IMMEDIATE").run();
      try {
        const grams = new Map<string, number>();
        const result = work(grams);
        const count = this.#prepare(
          `INSERT INTO gram (gram, visitors) VALUES (?, ?)
           ON CONFLICT (gram) DO UPDATE SET visitors = visitors + excluded.visitors`,
        );
        const forget = this.#prepare("DELETE FROM gram WHERE gram = ? AND visitors = 0");
        for (const [gram, more] of grams) {
          if (more !== 0) count.run(gram, more);
          if (more < 0) forget.run(gram);
        }
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

  #storedOf(shortId: string): StoredVisitor | undefined {
    return this.#prepare(
      `SELECT id, offline, unseen, visitor FROM visitor JOIN document USING (id) WHERE short_id = ?`,
    ).get(shortId) as StoredVisitor | undefined;
  }

  /** @returns the visitor's id in the tables */
  #putVisitor(visitor: Visitor, grams: Map<string, number>): number {
    const stored = this.#storedOf(visitor.short_id);
    const json = JSON.stringify(visitor);
    if (stored?.visitor === json) return stored.id;
    const { offline, unseen } = orderColumns(positionOf(visitor));
    const id = this.#putPlace(stored?.id, visitor.short_id, offline, unseen);
    this.#prepare("INSERT OR REPLACE INTO document (id, visitor) VALUES (?, ?)").run(id, json);
    if (stored !== undefined) this.#removeFromListing(stored, visitor.short_id);
    const text = searchText(visitor);
    const url = visitor.is_online ? foldText(visitor.last_url ?? "") : "";
    this.#prepare("INSERT INTO listing (offline, unseen, short_id, id, url, text) VALUES (?, ?, ?, ?, ?, ?)")
      .run(offline, unseen, visitor.short_id, id, url, text);

    // Page views change neither keys nor text, so most updates end here without touching an index.
    const before = stored === undefined ? null : parseVisitor(stored);
    this.#putExactKeys(id, before === null ? [] : keysOf(before), keysOf(visitor));
    const textBefore = before === null ? null : searchText(before);
    if (textBefore === text) return id;
    if (textBefore !== null) this.#removeText(id, textBefore, grams);
    this.#prepare("INSERT INTO search_text (rowid, text) VALUES (?, ?)").run(id, text);
    this.#prepare("INSERT INTO typo_word (rowid, words) VALUES (?, ?)").run(id, typoKeys(text).join(" "));
    for (const gram of gramsOf(text, TRIGRAM)) grams.set(gram, (grams.get(gram) ?? 0) + 1);
    return id;
  }

  #removeVisitor(stored: StoredVisitor, grams: Map<string, number>) {
    const visitor = parseVisitor(stored);
    this.#removeFromListing(stored, visitor.short_id);
    this.#putExactKeys(stored.id, keysOf(visitor), []);
    this.#removeText(stored.id, searchText(visitor), grams);
    this.#prepare("DELETE FROM document WHERE id = ?").run(stored.id);
    this.#prepare("DELETE FROM visitor WHERE id = ?").run(stored.id);
    this.#prepare("DELETE FROM connection WHERE id = ?").run(stored.id);
    this.#visitors.delete(stored.visitor);
  }

  #removeFromListing({ offline, unseen }: StoredVisitor, shortId: string) {
    this.#prepare("DELETE FROM listing WHERE (offline, unseen, short_id) = (?, ?, ?)")
      .run(offline, unseen, shortId);
  }

  #removeText(id: number, text: string, grams: Map<string, number>) {
    this.#prepare("DELETE FROM search_text WHERE rowid = ?").run(id);
    this.#prepare("DELETE FROM typo_word WHERE rowid = ?").run(id);
    for (const gram of gramsOf(text, TRIGRAM)) grams.set(gram, (grams.get(gram) ?? 0) - 1);
  }

  /** Not by an upsert with RETURNING, which makes FTS5 write what it has gathered so far each time. */
  #putPlace(id: number | undefined, shortId: string, offline: number, unseen: number): number {
    if (id !== undefined) {
      this.#prepare("UPDATE visitor SET offline = ?, unseen = ? WHERE id = ?").run(offline, unseen, id);
      return id;
    }
    const { lastInsertRowid } = this.#prepare(
      "INSERT INTO visitor (short_id, offline, unseen) VALUES (?, ?, ?)",
    ).run(shortId, offline, unseen);
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

  writePresence(process: string, writes: PresenceWrite[]): Promise<boolean[]> {
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
  async beat(process: string, count: number): Promise<Beat> {
    return asStoreErrors(() => this.#presence.beat(process, count));
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
      for (const row of rows) yield parseVisitor(row);
      last = rows.at(-1)!.id;
    }
  }

  /** Nobody writes this file but Foyer, which keeps the search fields with the visitors. */
  reindex(): Promise<Reindexed> {
    return Promise.resolve({ written: 0, missed: 0 });
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

/** A visitor as the file holds it. */
interface StoredVisitor {
  id: number;
  offline: number;
  unseen: number;
  /** JSON, which has the short id whole: a column's value is cut where it holds a NUL. */
  visitor: string;
}

interface Search {
  query: SearchQuery;
  limit: number;
  /** Conditions on the order, and where to go on from. */
  order: Sql[];
}

interface Indexed {
  /** The ids of all who may match. */
  members: Sql;
  /** How many they are at the most, those found by their page or short id left out. */
  estimate: number;
  /** What the full-text index reads to find them, in visitors. */
  postings: number;
}

function positionOf(visitor: Visitor): Position {
  return {
    online: visitor.is_online,
    lastSeenAt: visitor.last_seen_at === null ? null : Date.parse(visitor.last_seen_at),
    shortId: visitor.short_id,
    count: 1,
  };
}

function keysOf(visitor: Visitor): string[] {
  return [...exactKeys(visitor), ...(visitor.is_in_session ? [IN_SESSION] : [])];
}

function parseVisitor(row: { visitor?: unknown }): Visitor {
  const visitor = JSON.parse(row.visitor as string);
  // A document from before an attribute was added gets it.
  return Object.keys(visitor).length === ATTRIBUTE_NAMES.length ? visitor : readVisitor(visitor)!;
}
