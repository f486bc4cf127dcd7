/**
 * Connections to the embedded store's file. The one file that knows `node:sqlite`.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { StoreRefused, StoreUnavailable } from "../visitor_store.ts";

/** A value that a statement is given. */
export type Value = SQLInputValue;

/** The settings of a connection, each with its reason (https://www.sqlite.org/pragma.html). */
const PRAGMAS = [
  // Readers and the writer never wait for each other.
  "journal_mode = WAL",
  // A commit survives a crash of the process; after a power failure the last ones may be lost, and the file is whole.
  "synchronous = NORMAL",
  // In KiB: the upper levels of all indexes, of a million visitors as well. Each thread has a cache of its own.
  "cache_size = -16384",
  // In pages: an import writes a page several times before it gets from the log into the file.
  "wal_autocheckpoint = 4000",
  // In bytes: a log that grew while somebody was reading becomes small again.
  "journal_size_limit = 33554432",
  // What is sorted is small.
  "temp_store = MEMORY",
];

/** How long SQLite waits for another process's write before {@link Connection.write} asks again, in milliseconds. */
const POLL = 10;

/** Statements that stay prepared: a search has another one for each number of texts. */
const MAX_STATEMENTS = 200;

/** How a file is opened. */
export interface ConnectionOptions {
  /** How long a statement waits for another process, in milliseconds. */
  busyMilliseconds: number;
  /**
   * Whether this connection only writes: it then asks for the lock every few milliseconds, not every 100 as SQLite does
   * in the end, and so gets it between two batches of another process's import.
   */
  isWriter?: boolean;
}

/** A connection. Rows are arrays, which takes half as long as objects do; a string that holds a NUL ends there. */
export class Connection {
  #database: DatabaseSync;
  #busyMilliseconds: number;
  #statements = new LRUCache<string, StatementSync>({ max: MAX_STATEMENTS });

  /** @throws {StoreRefused} the file cannot be opened, or is no database */
  constructor(path: string, { busyMilliseconds, isWriter = false }: ConnectionOptions) {
    this.#busyMilliseconds = busyMilliseconds;
    try {
      this.#database = new DatabaseSync(path, { timeout: busyMilliseconds });
    } catch (error) {
      throw cannotOpen(error);
    }
    if (isWriter) this.#database.exec(`PRAGMA busy_timeout = ${Math.min(POLL, busyMilliseconds)}`);
  }

  /** Applies the settings; before that nothing is changed in a file that may be another program's. */
  configure() {
    // Not by exec(), whose errors lack SQLite's code.
    for (const pragma of PRAGMAS) this.#database.prepare(`PRAGMA ${pragma}`).all();
  }

  /** All rows. */
  all<Row extends SQLOutputValue[]>(sql: string, ...values: Value[]): Row[] {
    return this.#prepare(sql).all(...values) as unknown as Row[];
  }

  /** The first row. */
  get<Row extends SQLOutputValue[]>(sql: string, ...values: Value[]): Row | undefined {
    return this.#prepare(sql).get(...values) as unknown as Row | undefined;
  }

  /** @returns how many rows were changed */
  run(sql: string, ...values: Value[]): number {
    return this.#prepare(sql).run(...values).changes as number;
  }

  /** @returns the id of the row that was inserted */
  insert(sql: string, ...values: Value[]): number {
    return this.#prepare(sql).run(...values).lastInsertRowid as number;
  }

  /** Runs statements without values. */
  exec(sql: string) {
    this.#database.exec(sql);
  }

  /** Reads as the file is at one moment, whatever others write meanwhile. */
  read<T>(work: () => T): T {
    this.run("BEGIN");
    try {
      return work();
    } finally {
      if (this.#database.isTransaction) this.run("COMMIT");
    }
  }

  /** Writes all or nothing, one connection at a time. */
  write<T>(work: () => T): T {
    this.#begin();
    try {
      const result = work();
      this.run("COMMIT");
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after some errors, such as a full disk.
      if (this.#database.isTransaction) this.run("ROLLBACK");
      throw error;
    }
  }

  #begin() {
    const end = performance.now() + this.#busyMilliseconds;
    while (true) {
      try {
        this.run("BEGIN IMMEDIATE");
        return;
      } catch (error) {
        if (primaryCode(error) !== SQLITE_BUSY || performance.now() >= end) throw error;
      }
    }
  }

  /**
   * Changes after every write, of this connection or of another one
   * (https://www.sqlite.org/pragma.html#pragma_data_version).
   */
  get version(): string {
    const [others] = this.get<[number]>("PRAGMA data_version")!;
    const [own] = this.get<[number]>("SELECT total_changes()")!;
    return `${others} ${own}`;
  }

  close() {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      // Deno has it, and its types do not (https://nodejs.org/api/sqlite.html#statementsetreturnarraysenabled).
      (statement as StatementSync & { setReturnArrays(enabled: boolean): void }).setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

// https://www.sqlite.org/rescode.html
const SQLITE_BUSY = 5;
const SQLITE_NOTADB = 26;
const UNAVAILABLE_CODES = new Map([
  [SQLITE_BUSY, "SQLITE_BUSY"],
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

/** What an error means to whoever opens a file. */
export function cannotOpen(error: unknown): StoreRefused {
  if (error instanceof StoreRefused) return error;
  const reason = primaryCode(error) === SQLITE_NOTADB
    ? "the file is not a Foyer database"
    : "the file cannot be read and written";
  return new StoreRefused(`Cannot open the store: ${reason}`, { cause: error });
}

/** A request's time budget is over; the database may be well. */
export class TimeBudgetOver extends StoreUnavailable {
  constructor() {
    super("The embedded store did not answer in time");
  }
}

/** What an error means to whoever uses the store. */
export function asStoreError(error: unknown): unknown {
  const name = UNAVAILABLE_CODES.get(primaryCode(error) ?? -1);
  if (name === undefined) return error;
  return new StoreUnavailable(`The embedded store does not answer: ${name}`, { cause: error });
}
