/**
 * Connections to the embedded store's file. No other module imports `node:sqlite`.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import { pathToFileURL } from "node:url";
import {
  backup,
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from "node:sqlite";
import { StoreRefused, StoreUnavailable } from "../visitor_store.ts";

/** A value bound to a statement. */
export type Value = SQLInputValue;

/** The settings of a connection, each with its reason (https://www.sqlite.org/pragma.html). */
const PRAGMAS = [
  // Readers and the writer never wait for each other.
  "journal_mode = WAL",
  // Commits survive a crash of the process. A power failure may lose the last commits, but does not damage the file.
  "synchronous = NORMAL",
  // In KiB, negative: enough for the upper levels of all indexes with a million visitors. Each connection has a cache.
  "cache_size = -16384",
  // In pages. An import changes the same page several times, so fewer checkpoints write fewer pages into the file.
  "wal_autocheckpoint = 4000",
  // In bytes: a log that grew during a long read is truncated to this size.
  "journal_size_limit = 33554432",
  // Sorts are small enough for memory.
  "temp_store = MEMORY",
];

/** How long SQLite waits for the lock before {@link Connection.write} tries again, in milliseconds. */
const POLL = 10;

/** The most statements that stay prepared; the SQL of a search depends on the number of its texts. */
const MAX_STATEMENTS = 200;

/** More pages than a file has, so that a backup is one step: several steps restart whenever another process writes. */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * How a connection may use its file. `immutable` is for a read-only file in a folder where SQLite cannot create its side
 * files: the file is read without write-ahead log and locks (https://www.sqlite.org/uri.html#uriimmutable).
 */
export type FileAccess = "write" | "read" | "immutable";

/** Options of a {@link Connection}. */
export interface ConnectionOptions {
  /** Default `write`. */
  access?: FileAccess;
  /** How long a statement waits for another process, in milliseconds. */
  busyMilliseconds: number;
  /**
   * Whether this connection is for writes. It then tries to take the lock every {@link POLL} milliseconds, not every 100
   * as SQLite ends up doing, so that it gets the lock between two batches of another process's import.
   */
  isWriter?: boolean;
}

/**
 * A connection. Rows are arrays, since reading them as objects takes twice as long. A string that contains a NUL is cut
 * there when it is read.
 */
export class Connection {
  readonly access: FileAccess;
  /** When the time budget of the current call ends, in ms since 1970. A write that has not begun by then is not done. */
  until = Infinity;
  #database: DatabaseSync;
  #busyMilliseconds: number;
  /** The number of this connection's own writes, since `PRAGMA data_version` counts only those of others. */
  #writes = 0;
  #statements = new LRUCache<string, StatementSync>({ max: MAX_STATEMENTS });

  /** @throws {StoreRefused} the file cannot be opened */
  constructor(path: string, { busyMilliseconds, isWriter = false, access = "write" }: ConnectionOptions) {
    this.#busyMilliseconds = busyMilliseconds;
    this.access = access;
    try {
      const place = access === "immutable" ? new URL(`${pathToFileURL(path).href}?immutable=1`) : path;
      this.#database = new DatabaseSync(place, { timeout: busyMilliseconds, readOnly: access !== "write" });
    } catch (error) {
      // This error of node:sqlite has no SQLite code.
      throw new StoreRefused(`Cannot open the store: ${FILE_ERRORS.get(SQLITE_CANTOPEN)}`, { cause: error });
    }
    if (isWriter) this.#database.exec(`PRAGMA busy_timeout = ${Math.min(POLL, busyMilliseconds)}`);
  }

  /** Applies {@link PRAGMAS}. Until this call nothing is written, since the file may be another program's. */
  configure() {
    const pragmas = this.access === "write"
      ? PRAGMAS
      : PRAGMAS.filter((pragma) => !pragma.startsWith("journal_"));
    // Not by exec(), whose errors have no SQLite code.
    for (const pragma of pragmas) this.#database.prepare(`PRAGMA ${pragma}`).all();
  }

  /** All rows. */
  all<Row extends SQLOutputValue[]>(sql: string, ...values: Value[]): Row[] {
    return this.#prepare(sql).all(...values) as unknown as Row[];
  }

  /** The first row. */
  get<Row extends SQLOutputValue[]>(sql: string, ...values: Value[]): Row | undefined {
    return this.#prepare(sql).get(...values) as unknown as Row | undefined;
  }

  /** @returns the number of changed rows */
  run(sql: string, ...values: Value[]): number {
    this.#writes++;
    return this.#prepare(sql).run(...values).changes as number;
  }

  /** @returns the id of the row that was inserted */
  insert(sql: string, ...values: Value[]): number {
    this.#writes++;
    return this.#prepare(sql).run(...values).lastInsertRowid as number;
  }

  /** Runs one or more statements without bound values. */
  exec(sql: string) {
    this.#database.exec(sql);
  }

  /** Runs work in a read transaction: all its queries see the same snapshot. */
  read<T>(work: () => T): T {
    this.#prepare("BEGIN").run();
    try {
      return work();
    } finally {
      if (this.#database.isTransaction) this.#prepare("COMMIT").run();
    }
  }

  /**
   * Runs work in a write transaction, which is rolled back if the work throws. Waits while another connection writes, but
   * not beyond {@link until}: whoever asked has had an error by then.
   */
  write<T>(work: () => T): T {
    this.#begin();
    try {
      const result = work();
      this.#prepare("COMMIT").run();
      return result;
    } catch (error) {
      // After some errors, such as a full disk, SQLite has rolled back already.
      if (this.#database.isTransaction) this.#prepare("ROLLBACK").run();
      throw error;
    }
  }

  #begin() {
    const end = performance.now() + this.#busyMilliseconds;
    while (true) {
      try {
        this.#prepare("BEGIN IMMEDIATE").run();
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() >= end || Date.now() >= this.until) throw error;
      }
    }
  }

  /**
   * A token that changes after every write, by this connection or another one
   * (https://www.sqlite.org/pragma.html#pragma_data_version).
   */
  get version(): string {
    const [others] = this.get<[number]>("PRAGMA data_version")!;
    return `${others} ${this.#writes}`;
  }

  /**
   * Writes a consistent copy of the database to a file (https://www.sqlite.org/backup.html). Not by `VACUUM INTO`, which
   * attaches a database: Deno allows that only to programs with all permissions, which the executable has not.
   *
   * @throws {FileFailure} the database cannot be read or the copy cannot be written
   */
  async backup(path: string): Promise<void> {
    try {
      await backup(this.#database, path, { rate: ALL_PAGES });
    } catch (error) {
      const known = asStoreError(error);
      if (known !== error) throw known;
      // In some versions of Deno this error has no SQLite code.
      throw new FileFailure(`the copy cannot be written (${(error as Error).message})`);
    }
  }

  close() {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      // Missing in Deno's types (https://nodejs.org/api/sqlite.html#statementsetreturnarraysenabled).
      (statement as StatementSync & { setReturnArrays(enabled: boolean): void }).setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

// https://www.sqlite.org/rescode.html
const [SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_CANTOPEN, SQLITE_NOTADB] = [5, 11, 14, 26];

/** The reason of a failure where the file's mode or its file system allows no writing. */
export const READ_ONLY = "the file is read-only";

/** The reason of a failure where the file's content is not what SQLite wrote. */
export const DAMAGED = "the file is damaged";

/** The reasons of failures by SQLite's primary result code: errors of the file or its disk, not of a statement. */
const FILE_ERRORS = new Map([
  [3, "the file cannot be used by this user (SQLITE_PERM)"],
  [SQLITE_BUSY, "another process writes (SQLITE_BUSY)"],
  [6, "another connection writes (SQLITE_LOCKED)"],
  [8, READ_ONLY],
  [10, "the disk fails (SQLITE_IOERR)"],
  [SQLITE_CORRUPT, DAMAGED],
  [13, "the disk is full (SQLITE_FULL)"],
  [SQLITE_CANTOPEN, "the file cannot be opened (SQLITE_CANTOPEN)"],
  [15, "another process holds a lock (SQLITE_PROTOCOL)"],
  [SQLITE_NOTADB, DAMAGED],
]);

/** The codes after which nothing more may be written. */
const DAMAGES = new Set([SQLITE_CORRUPT, SQLITE_NOTADB]);

function primaryCode(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

/** Whether an error means that another process held the write lock for the whole waiting time. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY;
}

/** Turns an error into a `StoreRefused` that says why the file cannot be opened. */
export function cannotOpen(error: unknown): StoreRefused {
  if (error instanceof StoreRefused) return error;
  const code = primaryCode(error);
  const reason = code === SQLITE_NOTADB
    ? "the file is not a Foyer database"
    : FILE_ERRORS.get(code ?? -1) ?? "the file cannot be read and written";
  return new StoreRefused(`Cannot open the store: ${reason}`, { cause: error });
}

/** Whether opening a file for reading may succeed after opening it for writing failed with this error. */
export function mayBeReadable({ cause }: StoreRefused): boolean {
  if (cause === undefined) return false;
  const code = primaryCode(cause) ?? SQLITE_CANTOPEN;
  return FILE_ERRORS.has(code) && !DAMAGES.has(code) && code !== SQLITE_BUSY;
}

/** A request's time budget is over. This alone does not mean that the database fails. */
export class TimeBudgetOver extends StoreUnavailable {
  constructor() {
    super("The embedded store did not answer in time");
  }
}

/** The file, or its disk, cannot be used now. */
export class FileFailure extends StoreUnavailable {
  /** @param kind `busy`: another process holds the lock; `damaged`: nothing more may be written */
  constructor(readonly reason: string, readonly kind: "busy" | "damaged" | "other" = "other") {
    super(`The embedded store does not answer: ${reason}`);
  }
}

/** Turns an SQLite error of the file or its disk into a {@link FileFailure}; other errors stay as they are. */
export function asStoreError(error: unknown): unknown {
  const code = primaryCode(error) ?? -1;
  const reason = FILE_ERRORS.get(code);
  if (reason === undefined) return error;
  return new FileFailure(reason, DAMAGES.has(code) ? "damaged" : code === SQLITE_BUSY ? "busy" : "other");
}
