/**
 * The embedded store's file: opened, brought to the newest schema, and what its errors mean. The one file that knows
 * `node:sqlite`.
 *
 * @module
 */
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { ATTRIBUTE_NAMES } from "../../visitor/visitor.ts";
import { APPLICATION_ID, PUT_TOGETHER, SCHEMA, SET_ASIDE, VERSION } from "./schema.ts";
import { StoreRefused, StoreUnavailable } from "../visitor_store.ts";

export type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync };

/** A statement whose rows are arrays. */
export interface Rows<Row extends SQLOutputValue[]> {
  all(...values: SQLInputValue[]): Row[];
  get(...values: SQLInputValue[]): Row | undefined;
  iterate(...values: SQLInputValue[]): IteratorObject<Row>;
}

/** Makes the rows of a statement arrays, which takes half as long as objects do. */
export function rowsOf<Row extends SQLOutputValue[]>(statement: StatementSync): Rows<Row> {
  // Deno has it, and its types do not (https://nodejs.org/api/sqlite.html#statementsetreturnarraysenabled).
  (statement as StatementSync & { setReturnArrays(enabled: boolean): void }).setReturnArrays(true);
  return statement as unknown as Rows<Row>;
}

/**
 * Opens a file, making it (mode 0600) or bringing it to the newest schema where needed.
 *
 * @param path a file, or `:memory:`
 * @param busyMilliseconds how long to wait while another process writes
 * @param prepare done with it before anybody else uses it
 * @throws {StoreRefused} the file is not a Foyer database, is newer than this Foyer or cannot be made
 */
export function openFile(
  path: string,
  busyMilliseconds: number,
  prepare: (database: DatabaseSync) => void,
): DatabaseSync {
  if (path !== ":memory:") makePrivateFile(path);
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path, { timeout: busyMilliseconds });
  } catch (error) {
    throw new StoreRefused("Cannot open the store: the file cannot be read and written", { cause: error });
  }
  try {
    migrate(database);
    prepare(database);
    return database;
  } catch (error) {
    database.close();
    if (error instanceof StoreRefused) throw error;
    if (primaryCode(error) === SQLITE_NOTADB) {
      throw new StoreRefused("Cannot open the store: the file is not a Foyer database", { cause: error });
    }
    throw new StoreRefused("Cannot open the store: the file cannot be read and written", { cause: error });
  }
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
    if (version < VERSION || !hasAttributes(database)) {
      if (hasTable(database, "document_aside")) database.exec(PUT_TOGETHER);
      if (version > 0) database.exec(SET_ASIDE);
      database.exec(SCHEMA);
      database.prepare("INSERT INTO attributes (names) VALUES (?)").run(ATTRIBUTE_NAMES.join());
    }
    database.prepare("COMMIT").run();
  } catch (error) {
    if (database.isTransaction) database.prepare("ROLLBACK").run();
    throw error;
  }
}

/** Whether the documents of a file of this version have a visitor's attributes, which those of another Foyer may not. */
function hasAttributes(database: DatabaseSync): boolean {
  return database.prepare("SELECT names FROM attributes").get()?.names === ATTRIBUTE_NAMES.join();
}

/** Whether there is a table of this name. */
export function hasTable(database: DatabaseSync, name: string): boolean {
  return database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;
}

/** @throws {StoreRefused} the file is not ours, or is newer than this Foyer */
function readVersion(database: DatabaseSync): number {
  const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0] as number;
  const version = pragma("user_version");
  const isNew = version === 0 && database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (!isNew && pragma("application_id") !== APPLICATION_ID) {
    throw new StoreRefused("Cannot open the store: the file is not a Foyer database");
  }
  if (version > VERSION) {
    throw new StoreRefused(
      `Cannot open the store: the file has schema version ${version}, and this Foyer knows up to ${VERSION}`,
    );
  }
  return version;
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

/** Runs work whose errors become those that a store throws. */
export function asStoreErrors<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const name = UNAVAILABLE_CODES.get(primaryCode(error) ?? -1);
    if (name === undefined) throw error;
    throw new StoreUnavailable(`The embedded store does not answer: ${name}`, { cause: error });
  }
}
