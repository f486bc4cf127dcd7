/**
 * Connections to the embedded store's file. The one file that knows `node:sqlite`.
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

/** More than a file has: a copy that is made in several steps begins anew whenever another process writes. */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * What may be done with a file. `immutable` is for one that cannot be written, in a folder where nothing can be made: it
 * is read without the write-ahead log and without locks (https://www.sqlite.org/uri.html#uriimmutable).
 */
export type FileAccess = "write" | "read" | "immutable";

/** How a file is opened. */
export interface ConnectionOptions {
  /** `write` unless said. */
  access?: FileAccess;
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
  readonly access: FileAccess;
  #database: DatabaseSync;
  #busyMilliseconds: number;
  /** Statements of this connection that write, which SQLite's own number leaves out. */
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
      // Of this error node:sqlite does not give SQLite's code.
      throw new StoreRefused(`Cannot open the store: ${FILE_ERRORS.get(SQLITE_CANTOPEN)}`, { cause: error });
    }
    if (isWriter) this.#database.exec(`PRAGMA busy_timeout = ${Math.min(POLL, busyMilliseconds)}`);
  }

  /** Applies the settings; before that nothing is changed in a file that may be another program's. */
  configure() {
    const pragmas = this.access === "write"
      ? PRAGMAS
      : PRAGMAS.filter((pragma) => !pragma.startsWith("journal_"));
    // Not by exec(), whose errors lack SQLite's code.
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

  /** @returns how many rows were changed */
  run(sql: string, ...values: Value[]): number {
    this.#writes++;
    return this.#prepare(sql).run(...values).changes as number;
  }

  /** @returns the id of the row that was inserted */
  insert(sql: string, ...values: Value[]): number {
    this.#writes++;
    return this.#prepare(sql).run(...values).lastInsertRowid as number;
  }

  /** Runs statements without values. */
  exec(sql: string) {
    this.#database.exec(sql);
  }

  /** Reads as the file is at one moment, whatever others write meanwhile. */
  read<T>(work: () => T): T {
    this.#prepare("BEGIN").run();
    try {
      return work();
    } finally {
      if (this.#database.isTransaction) this.#prepare("COMMIT").run();
    }
  }

  /** Writes all or nothing, one connection at a time. */
  write<T>(work: () => T): T {
    this.#begin();
    try {
      const result = work();
      this.#prepare("COMMIT").run();
      return result;
    } catch (error) {
      // SQLite has rolled back by itself after some errors, such as a full disk.
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
        if (!isBusy(error) || performance.now() >= end) throw error;
      }
    }
  }

  /**
   * Changes after every write, of this connection or of another one
   * (https://www.sqlite.org/pragma.html#pragma_data_version).
   */
  get version(): string {
    const [others] = this.get<[number]>("PRAGMA data_version")!;
    return `${others} ${this.#writes}`;
  }

  /**
   * Copies the file, as it is at one moment, into another one (https://www.sqlite.org/backup.html). `VACUUM INTO` would
   * attach a database, which Deno refuses the executable since that has no right to everything.
   *
   * @throws {FileFailure} one of the two cannot be used
   */
  async backup(path: string): Promise<void> {
    try {
      await backup(this.#database, path, { rate: ALL_PAGES });
    } catch (error) {
      const known = asStoreError(error);
      if (known !== error) throw known;
      // Of this error some versions of Deno do not give SQLite's code.
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
      // Deno has it, and its types do not (https://nodejs.org/api/sqlite.html#statementsetreturnarraysenabled).
      (statement as StatementSync & { setReturnArrays(enabled: boolean): void }).setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

// https://www.sqlite.org/rescode.html
const [SQLITE_BUSY, SQLITE_CORRUPT, SQLITE_CANTOPEN, SQLITE_NOTADB] = [5, 11, 14, 26];

/** What keeps a file from being written, by its mode or by the disk's. */
export const READ_ONLY = "the file is read-only";

/** It holds something else than SQLite wrote. */
export const DAMAGED = "the file is damaged";

/** Errors of the file or of its disk, and not of what was asked. */
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

/** After these no more must be written. */
const DAMAGES = new Set([SQLITE_CORRUPT, SQLITE_NOTADB]);

function primaryCode(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

/** Whether another process wrote all the time. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY;
}

/** Turns an error of SQLite into the reason why the file cannot be opened. */
export function cannotOpen(error: unknown): StoreRefused {
  if (error instanceof StoreRefused) return error;
  const code = primaryCode(error);
  const reason = code === SQLITE_NOTADB
    ? "the file is not a Foyer database"
    : FILE_ERRORS.get(code ?? -1) ?? "the file cannot be read and written";
  return new StoreRefused(`Cannot open the store: ${reason}`, { cause: error });
}

/** Whether a file that cannot be opened for writing may be readable. */
export function mayBeReadable({ cause }: StoreRefused): boolean {
  if (cause === undefined) return false;
  const code = primaryCode(cause) ?? SQLITE_CANTOPEN;
  return FILE_ERRORS.has(code) && !DAMAGES.has(code) && code !== SQLITE_BUSY;
}

/** A request's time budget is over; the database may be well. */
export class TimeBudgetOver extends StoreUnavailable {
  constructor() {
    super("The embedded store did not answer in time");
  }
}

/** The file, or its disk, cannot be used now. */
export class FileFailure extends StoreUnavailable {
  /** @param kind `busy`: others use it; `damaged`: no more must be written */
  constructor(readonly reason: string, readonly kind: "busy" | "damaged" | "other" = "other") {
    super(`The embedded store does not answer: ${reason}`);
  }
}

/** Turns an error of SQLite into one of the store; others stay as they are. */
export function asStoreError(error: unknown): unknown {
  const code = primaryCode(error) ?? -1;
  const reason = FILE_ERRORS.get(code);
  if (reason === undefined) return error;
  return new FileFailure(reason, DAMAGES.has(code) ? "damaged" : code === SQLITE_BUSY ? "busy" : "other");
}
