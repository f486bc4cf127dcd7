/**
 * The MongoDB driver: the one file that imports it, with its options and the meaning of its errors.
 *
 * @module
 */
import {
  type AnyBulkWriteOperation,
  BSON,
  type Collection,
  MongoBulkWriteError,
  MongoClient,
  MongoError,
  MongoInvalidArgumentError,
  MongoServerError,
} from "mongodb";
import { DeadlineExceeded } from "../../async/deadline.ts";
import { StoreRefused, StoreUnavailable } from "../visitor_store.ts";

export type { AnyBulkWriteOperation, Collection, MongoClient } from "mongodb";

/** A filter of MongoDB's query language. A user's input is only ever a value in it, never an operator. */
export type Condition = Record<string, unknown>;

/** The ObjectId or UUID that the API sends as this text, if there is one. */
export function binaryForms(text: string): unknown[] {
  if (/^[0-9a-f]{24}$/.test(text)) return [new BSON.ObjectId(text)];
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text) ? [new BSON.UUID(text)] : [];
}

/** Compares strings by their bytes, whatever the collection's default collation is. */
export const SIMPLE_COLLATION = { locale: "simple" };

/**
 * Makes a client, which is not connected yet, and its collection.
 *
 * @param use `request`: the driver's timeouts are below a request's deadline; `command`: they are long, for imports
 * @throws {StoreRefused} the connection string cannot be used
 */
export function makeClient(
  uri: string,
  collection: string,
  use: "request" | "command",
): { client: MongoClient; collection: Collection } {
  try {
    const client = new MongoClient(uri, {
      appName: "foyer",
      // One document with invalid UTF-8 must not fail a whole list.
      enableUtf8Validation: false,
      // So that the driver notices within two seconds that a server died or came back.
      heartbeatFrequencyMS: 1000,
      connectTimeoutMS: 2000,
      serverMonitoringMode: "poll",
      ...(use === "request"
        ? { serverSelectionTimeoutMS: 2000, socketTimeoutMS: 2500, waitQueueTimeoutMS: 2000 }
        : { serverSelectionTimeoutMS: 30_000, maxPoolSize: 4 }),
    });
    return { client, collection: client.db(databaseName(uri)).collection(collection) };
  } catch (error) {
    // The driver's message may repeat the password.
    throw new StoreRefused("Cannot open the store: the connection string is not usable", { cause: error });
  }
}

/** The database that a connection string's path names; `foyer` (not the driver's `test`) where it names none. */
function databaseName(uri: string): string {
  const [, path = ""] = /^[^/]*\/\/[^/?]*(?:\/([^?]*))?/.exec(uri) ?? [];
  return decodeURIComponent(path) || "foyer";
}

/** The result of write operations. */
export interface Written {
  /** The number of documents that the updates matched. */
  matched: number;
  /** The refused operations: each one's index in the list of operations, and the database's error code. */
  errors: { index: number; code: number }[];
}

/** MongoDB's code for an invalid BSON document; also reported for a document that the driver refuses to send. */
const INVALID_BSON = 22;

/**
 * Executes write operations in no particular order. An operation that is refused does not stop the others.
 *
 * @throws {StoreUnavailable} the database failed for a reason of its own, so that any operation may or may not be done
 */
export async function writeBulk(
  collection: Collection,
  operations: AnyBulkWriteOperation[],
): Promise<Written> {
  if (operations.length === 0) return { matched: 0, errors: [] };
  try {
    const { matchedCount } = await collection.bulkWrite(operations, { ordered: false });
    return { matched: matchedCount, errors: [] };
  } catch (error) {
    const writeErrors = error instanceof MongoBulkWriteError ? [error.writeErrors].flat() : [];
    const errors = writeErrors.map(({ index, code }) => ({ index, code: Number(code) }));
    if (errors.some(({ code }) => SERVER_STATES.has(code))) {
      throw new StoreUnavailable(`MongoDB does not confirm writes: ${describeError(error)}`, {
        cause: error,
      });
    }
    if (errors.length > 0) return { matched: (error as MongoBulkWriteError).matchedCount, errors };
    if (!isDocumentsFault(error)) throw error;
    if (operations.length === 1) return { matched: 0, errors: [{ index: 0, code: codeOf(error) }] };
    return await writeHalves(collection, operations);
  }
}

/** Writes each half by itself, to isolate a document that makes the whole command fail. */
async function writeHalves(collection: Collection, operations: AnyBulkWriteOperation[]): Promise<Written> {
  const middle = operations.length >> 1;
  const first = await writeBulk(collection, operations.slice(0, middle));
  const second = await writeBulk(collection, operations.slice(middle));
  const errors = [
    ...first.errors,
    ...second.errors.map(({ index, code }) => ({ index: middle + index, code })),
  ];
  // If every document fails with an internal error, the server is at fault and not the documents.
  if (errors.length === operations.length && errors.every(({ code }) => code === INTERNAL_ERROR)) {
    throw new StoreUnavailable("MongoDB does not confirm writes: InternalError");
  }
  return { matched: first.matched + second.matched, errors };
}

/** Whether one of a command's documents may be the reason why the whole command failed. */
function isDocumentsFault(error: unknown): boolean {
  // A write concern error has another code than those of refusals, so it counts as unavailable.
  if (error instanceof MongoServerError) return !isUnavailable(error) || error.code === INTERNAL_ERROR;
  // The driver did not send the document: it is too large, or BSON cannot hold it.
  return error instanceof MongoInvalidArgumentError || error instanceof BSON.BSONError ||
    error instanceof RangeError;
}

function codeOf(error: unknown): number {
  return error instanceof MongoServerError ? Number(error.code) : INVALID_BSON;
}

const INTERNAL_ERROR = 1;

/** MongoDB's code for a second document with the same `_id`. */
export const DUPLICATE_KEY = 11000;

/**
 * Codes by which a server refuses a command or a document for good. Every other code is taken for a failure of the
 * server, which may be temporary (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
 */
const REFUSALS = new Set([
  2, // BadValue
  4, // NoSuchKey
  9, // FailedToParse
  14, // TypeMismatch
  16, // InvalidLength
  17, // ProtocolError
  INVALID_BSON,
  28, // PathNotViable
  30, // InvalidPath
  40, // ConflictingUpdateOperators
  52, // DollarPrefixedFieldName
  53, // InvalidIdField
  55, // InvalidDBRef
  56, // EmptyFieldName
  57, // DottedFieldName
  66, // ImmutableField
  67, // CannotCreateIndex
  72, // InvalidOptions
  73, // InvalidNamespace
  85, // IndexOptionsConflict
  86, // IndexKeySpecsConflict
  115, // CommandNotSupported
  121, // DocumentValidationFailure
  DUPLICATE_KEY,
  10334, // BSONObjectTooLarge
  17280, // KeyTooLong
]);

/**
 * Codes of single operations that failed because of the server's state and not of their documents: retryable write
 * errors, and missing rights
 * (https://github.com/mongodb/specifications/blob/master/source/retryable-writes/retryable-writes.md).
 */
const SERVER_STATES = new Set([
  ...[6, 7, 13, 18, 50, 64, 89, 91, 112, 133, 166, 189, 202, 262, 8000, 9001],
  ...[10107, 11600, 11602, 13435, 13436],
]);

/** Whether an error means that the database does not answer now. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof StoreUnavailable || error instanceof DeadlineExceeded) return true;
  if (error instanceof MongoServerError) return !REFUSALS.has(Number(error.code));
  // An invalid argument is a bug in Foyer, not a failure of the database.
  if (error instanceof MongoError) return !(error instanceof MongoInvalidArgumentError);
  // When a server was killed, the driver may reject with the socket's error, such as EPIPE.
  return error instanceof Error && "code" in error && /^E[A-Z]+$/.test(String(error.code));
}

/** Whether a server answered with an error. */
export function isServerError(error: unknown): boolean {
  return error instanceof MongoServerError;
}

/** Whether the database forbids an operation: this user has no right to it (13), or views do not support it (166). */
export function isForbidden(error: unknown): boolean {
  return error instanceof MongoServerError && (error.code === 13 || error.code === 166);
}

/** Whether the database refuses an operation because the collection is a view. */
export function isOnView(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === 166;
}

/** Whether a cursor no longer exists on the server (43), such as after a change of the primary. */
export function isCursorLost(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === 43;
}

/** Turns an error that means that the database is unavailable into `StoreUnavailable`; others stay as they are. */
export function asStoreError(error: unknown): unknown {
  if (error instanceof StoreUnavailable || !isUnavailable(error)) return error;
  const what = isForbidden(error) ? "forbids the operation" : "does not answer";
  return new StoreUnavailable(`MongoDB ${what}: ${describeError(error)}`, { cause: error });
}

/**
 * Describes an error by its name and code, or by the code or name of its root cause (such as a TLS error) if it has no
 * code. Never by its message, which can contain a visitor's data or a password.
 */
export function describeError(error: unknown): string {
  type Described = { name?: string; code?: unknown; codeName?: string; cause?: unknown };
  const { name, code, codeName } = error as Described;
  let root = error as Described;
  while (root.cause instanceof Error) root = root.cause;
  // A set, so that the name of an error without cause and code appears once. TLS errors of Deno 2.6 have no code.
  const parts = new Set([name, codeName ?? code ?? root.code ?? root.name]);
  return [...parts].filter((part) => part !== undefined).join(", ");
}

/** Decodes BSON that the database sent. Invalid UTF-8 in a string becomes U+FFFD. */
export function decodeDocument(bytes: Uint8Array): Record<string, unknown> {
  return BSON.deserialize(bytes, { validation: { utf8: false } });
}
