/**
 * The embedded store: one SQLite file, for trying Foyer, for small sites and for tests.
 *
 * @module
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { exactKey, exactKeys, searchText, shortRuns } from "../search/keys.ts";
import { matches } from "../search/match.ts";
import { foldText } from "../search/normalise.ts";
import type { SearchPart, SearchQuery } from "../search/parse.ts";
import { readVisitor, type Visitor } from "../visitor.ts";
import type { Position } from "./position.ts";
import {
  type Page,
  type Refusal,
  StoreRefused,
  StoreUnavailable,
  type VisitorStore,
} from "./visitor_store.ts";

/** "Foyr": marks a file as ours (https://www.sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x466f7972;

/**
 * The schema, a step for each version; `user_version` counts the steps that a file has. A step that has been
 * released never changes.
 *
 * `visitor` is small, so that sorting reads little. All its order columns ascend, because SQLite uses an index
 * for `(a, b, c) > (?, ?, ?)` only then: `offline` is 0 or 1, `unseen` the negative of `last_seen_at` in ms.
 */
const MIGRATIONS = [
  `CREATE TABLE visitor (
     id INTEGER PRIMARY KEY,
     short_id TEXT NOT NULL UNIQUE,
     offline INTEGER NOT NULL,
     unseen INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX visitor_order ON visitor (offline, unseen, short_id);
   CREATE TABLE document (
     id INTEGER PRIMARY KEY,
     url TEXT NOT NULL,
     visitor TEXT NOT NULL
   ) STRICT;
   CREATE TABLE exact_key (
     key TEXT NOT NULL,
     id INTEGER NOT NULL,
     PRIMARY KEY (key, id)
   ) STRICT, WITHOUT ROWID;
   CREATE VIRTUAL TABLE search_text USING fts5(
     text, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1'
   );
   CREATE VIRTUAL TABLE short_text USING fts5(
     runs, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
   );`,
];

/** A condition that more visitors fulfil is common: they are not sorted but walked. */
const MAX_SORTED = 20_000;

/** Visitors that a walk looks at before it gives up and sorts after all. */
const MAX_WALKED = 10_000;

/** `unseen` of visitors without `last_seen_at`: after every date that ECMAScript can hold. */
const NEVER_SEEN = 9e15;

/**
 * Opens the embedded store, making the file (mode 0600) or bringing it to the newest schema where needed.
 *
 * @param path a file, or `:memory:`
 * @param busyMilliseconds how long to wait while another process writes
 * @throws {StoreRefused} the file is not a Foyer database, is newer than this Foyer or cannot be made
 */
export function openSqliteStore(path: string, busyMilliseconds = 2000): VisitorStore {
  if (path !== ":memory:") makePrivateFile(path);
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { timeout: busyMilliseconds });
  } catch (error) {
    throw new StoreRefused("Cannot open the store: the file cannot be read and written", { cause: error });
  }
  try {
    migrate(database);
  } catch (error) {
    database.close();
    if (error instanceof StoreRefused) throw error;
    if (primaryCode(error) === SQLITE_NOTADB) {
      throw new StoreRefused("Cannot open the store: the file is not a Foyer database", { cause: error });
    }
    throw new StoreRefused("Cannot open the store: the file cannot be read and written", { cause: error });
  }
  return new SqliteStore(database, path);
}

/** Makes the file before SQLite would, readable by nobody else; SQLite gives its side files the same mode. */
function makePrivateFile(path: string) {
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    throw new StoreRefused("Cannot open the store: the file cannot be made", { cause: error });
  }
}

function migrate(database: DatabaseSync) {
  // Before anything is changed, in a file that may be somebody else's.
  readVersion(database);
  // Not by exec(), whose errors lack SQLite's code.
  database.prepare("PRAGMA journal_mode = WAL").get();
  database.prepare("BEGIN IMMEDIATE").run();
  try {
    // One process at a time: the others wait above and then find the work done.
    const version = readVersion(database);
    if (version < MIGRATIONS.length) {
      for (const step of MIGRATIONS.slice(version)) database.exec(step);
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}`);
    }
    database.prepare("COMMIT").run();
  } catch (error) {
    if (database.isTransaction) database.prepare("ROLLBACK").run();
    throw error;
  }
}

/** @throws {StoreRefused} the file is not ours, or is newer than this Foyer */
function readVersion(database: DatabaseSync): number {
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0] as number;
  const version = pragma("user_version");
  const isNew = version === 0 && database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (!isNew && pragma("application_id") !== APPLICATION_ID) {
    throw new StoreRefused("Cannot open the store: the file is not a Foyer database");
  }
  if (version > MIGRATIONS.length) {
    throw new StoreRefused(
      `Cannot open the store: the file has schema version ${version}, and this Foyer knows up to ${MIGRATIONS.length}`,
    );
  }
  return version;
}

class SqliteStore implements VisitorStore {
  readonly description: string;
  #database: DatabaseSync;
  #statements = new Map<string, StatementSync>();
  #isOpen = true;
  /** Transactions of this connection, which SQLite's own count leaves out. */
  #writes = 0;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.description = `the embedded store in ${path}`;
  }

  // deno-lint-ignore require-await -- the interface is asynchronous, SQLite is not
  async findVisitors(query: SearchQuery, limit: number, after: Position | null): Promise<Page> {
    return asStoreErrors(() => {
      const narrowed = query.map(narrow);
      const place = after === null ? [] : [afterPosition(after)];
      // Sorting all whom a common word finds costs more than walking until the page is full.
      const isCommon = narrowed.every((condition) => "isOrder" in condition || this.#isCommon(condition));
      return (isCommon
        ? this.#read(query, [...narrowed.filter(isOrder), ...place], limit, MAX_WALKED)
        : null) ??
        this.#read(query, [...narrowed, ...place], limit, Infinity)!;
    });
  }

  /** The page of those who fulfil the conditions and match; `null` where too many must be looked at for it. */
  #read(query: SearchQuery, conditions: Condition[], limit: number, most: number): Page | null {
    const where = conditions.map(({ sql }) => sql).join(" AND ") || "TRUE";
    const ids = this.#prepare(`SELECT id FROM visitor WHERE ${where} ORDER BY offline, unseen, short_id`)
      .iterate(...conditions.flatMap(({ values }) => values));
    const document = this.#prepare("SELECT visitor FROM document WHERE id = ?");
    const visitors: Visitor[] = [];
    let looked = 0;
    for (const { id } of ids) {
      if (looked++ === most) return null;
      const visitor = parseVisitor(document.get(id)!);
      if (!matches(query, visitor)) continue;
      if (visitors.length === limit) return { visitors, next: positionOf(visitors[limit - 1]) };
      visitors.push(visitor);
    }
    return { visitors, next: null };
  }

  #isCommon({ members, values: [value] }: Condition): boolean {
    if (members === undefined) return false;
    const { found } = this.#prepare(`SELECT count(*) AS found FROM (${members} LIMIT ${MAX_SORTED + 1})`).get(
      value,
    )!;
    return found as number > MAX_SORTED;
  }

  // deno-lint-ignore require-await -- see above
  async getVisitors(shortIds: string[]): Promise<(Visitor | null)[]> {
    return asStoreErrors(() => {
      const byShortId = this.#prepare(
        "SELECT visitor FROM visitor JOIN document USING (id) WHERE short_id = ?",
      );
      return shortIds.map((shortId) => {
        const row = byShortId.get(shortId);
        return row === undefined ? null : parseVisitor(row);
      });
    });
  }

  // deno-lint-ignore require-await -- see above
  async putVisitors(visitors: Visitor[]): Promise<Refusal[]> {
    return asStoreErrors(() => {
      this.#prepare("BEGIN IMMEDIATE").run();
      try {
        for (const visitor of visitors) this.#putVisitor(visitor);
        this.#prepare("COMMIT").run();
        this.#writes++;
      } catch (error) {
        // SQLite has rolled back by itself after some errors, such as a full disk.
        if (this.#database.isTransaction) this.#prepare("ROLLBACK").run();
        throw error;
      }
      return [];
    });
  }

  #putVisitor(visitor: Visitor) {
    const stored = this.#prepare(
      "SELECT id, visitor FROM visitor JOIN document USING (id) WHERE short_id = ?",
    ).get(visitor.short_id);
    const json = JSON.stringify(visitor);
    if (stored?.visitor === json) return;
    const { offline, unseen } = orderColumns(positionOf(visitor));
    const { id } = this.#prepare(
      `INSERT INTO visitor (short_id, offline, unseen) VALUES (?, ?, ?)
       ON CONFLICT (short_id) DO UPDATE SET offline = excluded.offline, unseen = excluded.unseen RETURNING id`,
    ).get(visitor.short_id, offline, unseen)!;
    this.#prepare("INSERT OR REPLACE INTO document (id, url, visitor) VALUES (?, ?, ?)")
      .run(id, foldText(visitor.last_url ?? ""), json);

    // Page views change neither keys nor text, so most updates end here without touching an index.
    const before = stored === undefined ? null : parseVisitor(stored);
    const [oldKeys, newKeys] = [new Set(before ? exactKeys(before) : []), new Set(exactKeys(visitor))];
    const removeKey = this.#prepare("DELETE FROM exact_key WHERE key = ? AND id = ?");
    for (const key of oldKeys) if (!newKeys.has(key)) removeKey.run(key, id);
    const addKey = this.#prepare("INSERT INTO exact_key (key, id) VALUES (?, ?)");
    for (const key of newKeys) if (!oldKeys.has(key)) addKey.run(key, id);
    const text = searchText(visitor);
    if (before !== null) {
      if (searchText(before) === text) return;
      this.#prepare("DELETE FROM search_text WHERE rowid = ?").run(id);
      this.#prepare("DELETE FROM short_text WHERE rowid = ?").run(id);
    }
    this.#prepare("INSERT INTO search_text (rowid, text) VALUES (?, ?)").run(id, text);
    this.#prepare("INSERT INTO short_text (rowid, runs) VALUES (?, ?)")
      .run(id, shortRuns(text).map(asToken).join(" "));
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

  /** SQLite counts what other connections wrote (https://www.sqlite.org/pragma.html#pragma_data_version). */
  version(): unknown {
    const { data_version } = this.#prepare("PRAGMA data_version").get()!;
    return `${data_version} ${this.#writes}`;
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

/** A condition on rows of `visitor`; values never stand in the SQL. */
interface Condition {
  sql: string;
  values: SQLInputValue[];
  /** Those who fulfil it but for a few, by the first value: asked how many they are. */
  members?: string;
  /** The order's own index serves it. */
  isOrder?: true;
}

function isOrder(condition: Condition): boolean {
  return condition.isOrder ?? false;
}

function afterPosition(after: Position): Condition {
  const { offline, unseen } = orderColumns(after);
  return {
    sql: "(offline, unseen, short_id) > (?, ?, ?)",
    values: [offline, unseen, after.shortId],
    isOrder: true,
  };
}

/** What every visitor fulfils that matches a part. */
function narrow(part: SearchPart): Condition {
  const byKey = "SELECT id FROM exact_key WHERE key = ?";
  const byShortId = "SELECT id FROM visitor WHERE short_id = ?";
  const byUrl = "SELECT id FROM visitor JOIN document USING (id) WHERE offline = 0 AND instr(url, ?)";
  switch (part.kind) {
    case "nobody":
      return { sql: "FALSE", values: [] };
    case "online":
      return { sql: "offline = ?", values: [part.online ? 0 : 1], isOrder: true };
    case "code":
      return {
        sql: `id IN (${byKey} UNION ${byShortId})`,
        values: [exactKey(part)!, part.digits],
        members: byKey,
      };
    case "url":
      return { sql: `id IN (${byUrl})`, values: [part.text] };
    case "text": {
      // The trigram index knows nothing of shorter text.
      const isShort = Array.from(part.text).length < 3;
      const table = isShort ? "short_text" : "search_text";
      const term = isShort ? asToken(part.text) : `"${part.text.replaceAll('"', '""')}"`;
      const members = `SELECT rowid FROM ${table} WHERE ${table} MATCH ?`;
      return {
        sql: `id IN (${members} UNION ${byShortId} UNION ${byUrl})`,
        values: [term, part.shortId, part.text],
        members,
      };
    }
    default:
      return { sql: `id IN (${byKey})`, values: [exactKey(part)!], members: byKey };
  }
}

/** A run of characters as a word of plain ASCII letters and digits, which a tokenizer leaves as it is. */
function asToken(run: string): string {
  return Array.from(run, (character) => `x${character.codePointAt(0)!.toString(16)}`).join("");
}

function positionOf(visitor: Visitor): Position {
  return {
    online: visitor.is_online,
    lastSeenAt: visitor.last_seen_at === null ? null : Date.parse(visitor.last_seen_at),
    shortId: visitor.short_id,
    count: 1,
  };
}

function orderColumns({ online, lastSeenAt }: Position): { offline: number; unseen: number } {
  return { offline: online ? 0 : 1, unseen: lastSeenAt === null ? NEVER_SEEN : -lastSeenAt };
}

function parseVisitor(row: Record<string, unknown>): Visitor {
  // Read again, so that a document from before an attribute was added has it too.
  return readVisitor(JSON.parse(row.visitor as string))!;
}

// https://www.sqlite.org/rescode.html
const SQLITE_NOTADB = 26;
const UNAVAILABLE_CODES = new Map([
  [5, "SQLITE_BUSY"],
  [6, "SQLITE_LOCKED"],
  [8, "SQLITE_READONLY"],
  [10, "SQLITE_IOERR"],
  [11, "SQLITE_CORRUPT"],
  [13, "SQLITE_FULL"],
  [14, "SQLITE_CANTOPEN"],
  [SQLITE_NOTADB, "SQLITE_NOTADB"],
]);

function primaryCode(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

function asStoreErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const name = UNAVAILABLE_CODES.get(primaryCode(error) ?? -1);
    if (name === undefined) throw error;
    throw new StoreUnavailable(`The embedded store does not answer: ${name}`, { cause: error });
  }
}
