/**
 * Opens a file: creates it, recognises it, or prepares its rebuild.
 *
 * @module
 */
import { ATTRIBUTE_NAMES } from "../../visitor/visitor.ts";
import { StoreRefused } from "../visitor_store.ts";
import {
  cannotOpen,
  Connection,
  type ConnectionOptions,
  type FileAccess,
  isBusy,
  mayBeReadable,
} from "./file.ts";
import { mayNobodyWrite } from "./file_watch.ts";
import { makePrivateFile } from "./private_file.ts";
import { isUnbuilt } from "./rebuild.ts";
import { APPLICATION_ID, LASTING_TABLES, SCHEMA, UNBUILT, VERSION } from "./schema.ts";

/** The attributes that this Foyer's documents have, as the table `attributes` stores their names. */
const NAMES = ATTRIBUTE_NAMES.join();

/**
 * Opens a file; creates it (mode 0600) if there is none. If the file has an earlier version or other attributes, its
 * documents are put aside for `rebuild.ts`. A file that cannot be written is opened for reading.
 *
 * @param path of a file, or `:memory:`
 * @throws {StoreRefused} the file is not a Foyer database, is newer than this Foyer, or cannot be opened or created
 */
export function openFile(path: string, options: ConnectionOptions): Connection {
  if (path === ":memory:") return openForWriting(path, options);
  makePrivateFile(path);
  if (mayNobodyWrite(path)) return openForReading(path, options);
  try {
    return openForWriting(path, options);
  } catch (error) {
    if (!(error instanceof StoreRefused) || !mayBeReadable(error)) throw error;
    try {
      return openForReading(path, options);
    } catch {
      throw error;
    }
  }
}

function openForWriting(path: string, options: ConnectionOptions): Connection {
  const connection = new Connection(path, options);
  try {
    // First of all, since a file of another program must not be changed.
    readVersion(connection);
    connection.configure();
    prepareAlone(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw cannotOpen(error);
  }
}

function openForReading(path: string, options: ConnectionOptions): Connection {
  try {
    return readWith("read");
  } catch (error) {
    // If the write-ahead log is missing or empty, the file alone is the whole database.
    if (
      !(error instanceof StoreRefused) || !mayBeReadable(error) ||
      sizeOf(`${Deno.realPathSync(path)}-wal`) > 0
    ) throw error;
    return readWith("immutable");
  }

  function readWith(access: FileAccess): Connection {
    const connection = new Connection(path, { ...options, access });
    try {
      if (!isCurrent(connection) || isUnbuilt(connection)) {
        throw new StoreRefused(
          "Cannot open the store: another version of Foyer made the file, and it cannot be rebuilt since it is read-only",
        );
      }
      connection.configure();
      return connection;
    } catch (error) {
      connection.close();
      throw cannotOpen(error);
    }
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

/**
 * The version of a file; 0 for an empty one.
 *
 * @throws {StoreRefused} the file is not a Foyer database, or is newer than this Foyer
 */
function readVersion(connection: Connection): number {
  const [version] = connection.get<[number]>("PRAGMA user_version")!;
  const isNew = version === 0 && connection.get("SELECT 1 FROM sqlite_schema LIMIT 1") === undefined;
  if (!isNew && connection.get<[number]>("PRAGMA application_id")![0] !== APPLICATION_ID) {
    throw new StoreRefused("Cannot open the store: the file is not a Foyer database");
  }
  if (version > VERSION) {
    throw new StoreRefused(
      `Cannot open the store: the file has schema version ${version}, and this Foyer knows up to ${VERSION}`,
    );
  }
  return version;
}

/** Prepares the file in a write transaction: other processes that open it wait, and then find it prepared. */
function prepareAlone(connection: Connection) {
  try {
    connection.write(() => prepare(connection));
  } catch (error) {
    // While another process writes, such as an import, a current file needs no preparation.
    if (!isBusy(error) || !isCurrent(connection)) throw error;
  }
}

function isCurrent(connection: Connection): boolean {
  return readVersion(connection) === VERSION && namesOf(connection) === NAMES;
}

function prepare(connection: Connection) {
  const version = readVersion(connection);
  if (isCurrent(connection)) return;
  if (version > 0) putDocumentsAside(connection, version);
  connection.exec(SCHEMA);
  connection.run("INSERT INTO attributes (names) VALUES (?)", NAMES);
}

function namesOf(connection: Connection): string {
  return connection.get<[string]>("SELECT names FROM attributes")![0];
}

/** Renames the tables of documents, keeps {@link LASTING_TABLES} and drops all others. */
function putDocumentsAside(connection: Connection, version: number) {
  connection.exec(UNBUILT);
  // Up to version 6 documents were JSON; `document_aside` holds those that an unfinished rebuild of then had not stored.
  const sources = version < 7
    ? [["document", null], ["document_aside", null]] as const
    : [["document", namesOf(connection)]] as const;
  // Virtual tables first: SQLite lets only them drop their shadow tables.
  const tables = connection.all<[string]>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY sql LIKE 'CREATE VIRTUAL%' DESC",
  ).flat();
  for (const [source, names] of sources) {
    if (!tables.includes(source)) continue;
    const [count] = connection.get<[number]>("SELECT count(*) FROM unbuilt")!;
    const name = `unbuilt${count}`;
    connection.exec(`ALTER TABLE ${source} RENAME TO ${name}`);
    connection.run("INSERT INTO unbuilt (name, names) VALUES (?, ?)", name, names);
  }
  const aside = new Set(connection.all<[string]>("SELECT name FROM unbuilt").flat());
  for (const table of tables) {
    if (LASTING_TABLES.has(table) || aside.has(table) || table.startsWith("sqlite_")) continue;
    connection.exec(`DROP TABLE IF EXISTS "${table}"`);
  }
}
