/**
 * The MongoDB driver: the one file that knows it, how it is set up and what its errors mean.
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

export type { AnyBulkWriteOperation, Collection, Document, MongoClient, ObjectId } from "mongodb";

/**
 * A client, and the collection.
 *
 * @param hurried for requests; otherwise for work that may take its time, such as an import
 * @throws {StoreRefused} the connection string is not usable
 */
export function makeClient(
  uri: string,
  collection: string,
  hurried: boolean,
): { client: MongoClient; collection: Collection } {
  try {
    const client = new MongoClient(uri, {
      appName: "foyer",
      // One document with broken text must not take a whole list down.
      enableUtf8Validation: false,
      // Found dead, and found again, within a second or two.
      heartbeatFrequencyMS: 1000,
      connectTimeoutMS: 2000,
      serverMonitoringMode: "poll",
      serverSelectionTimeoutMS: hurried ? 2000 : 30_000,
      ...(hurried ? { socketTimeoutMS: 2500, waitQueueTimeoutMS: 2000 } : { maxPoolSize: 4 }),
    });
    return { client, collection: client.db(databaseName(uri)).collection(collection) };
  } catch (error) {
    // The driver's sentence may repeat the password.
    throw new StoreRefused("Cannot open the store: the connection string is not usable", { cause: error });
  }
}

/** The database that a connection string's path names; `foyer` (not the driver's `test`) where it names none. */
function databaseName(uri: string): string {
  const [, path = ""] = /^[^/]*\/\/[^/?]*(?:\/([^?]*))?/.exec(uri) ?? [];
  return decodeURIComponent(path) || "foyer";
}

/** The shapes of a collection's indexes; `null` where there is no such collection. */
export async function indexesOf(collection: Collection): Promise<string[] | null> {
  const found = await collection.db.listCollections({ name: collection.collectionName }, {
    nameOnly: true,
    authorizedCollections: true,
  }).toArray();
  return found.length === 0 ? null : (await collection.indexes()).map(({ key }) => JSON.stringify(key));
}

/** What came of operations. */
export interface Written {
  /** How many documents the updates found. */
  matched: number;
  /** Operations that the database did not take, by their index, and its code for why. */
  errors: { index: number; code: number }[];
}

/** MongoDB's own code for a document that it does not take, for what the driver does not even send. */
const NOT_SENT = 22;

/**
 * Writes in no particular order.
 *
 * @throws {StoreUnavailable} the database does not confirm it
 */
export async function writeBulk(
  collection: Collection,
  operations: AnyBulkWriteOperation[],
): Promise<Written> {
  try {
    const { matchedCount } = await collection.bulkWrite(operations, { ordered: false });
    return { matched: matchedCount, errors: [] };
  } catch (error) {
    // One that is not sent keeps the others from being sent.
    if (isNotSent(error)) {
      if (operations.length === 1) return { matched: 0, errors: [{ index: 0, code: NOT_SENT }] };
      const middle = operations.length >> 1;
      const first = await writeBulk(collection, operations.slice(0, middle));
      const second = await writeBulk(collection, operations.slice(middle));
      return {
        matched: first.matched + second.matched,
        errors: [
          ...first.errors,
          ...second.errors.map(({ index, code }) => ({ index: middle + index, code })),
        ],
      };
    }
    if (!(error instanceof MongoBulkWriteError) || isUnavailable(error)) throw error;
    const errors = [error.writeErrors].flat().map(({ index, code }) => ({ index, code: Number(code) }));
    // Written, but not where it must be to last.
    if (errors.length === 0 || errors.some(({ code }) => UNAVAILABLE_CODES.has(code))) {
      throw new StoreUnavailable(`MongoDB does not confirm writes: ${describeError(error)}`, {
        cause: error,
      });
    }
    return { matched: error.matchedCount, errors };
  }
}

/**
 * Codes of a server that cannot serve now
 * (https://github.com/mongodb/specifications, server discovery and monitoring, "not writable primary" and
 * "node is recovering" errors; also time limits and authentication).
 */
const UNAVAILABLE_CODES = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  13, // Unauthorized
  18, // AuthenticationFailed
  50, // MaxTimeMSExpired
  89, // NetworkTimeout
  91, // ShutdownInProgress
  133, // FailedToSatisfyReadPreference
  166, // CommandNotSupportedOnView
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  262, // ExceededTimeLimit
  8000, // Atlas: authentication
  9001, // SocketException
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
]);

/** Whether an error means that the database does not answer now. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof StoreUnavailable || error instanceof DeadlineExceeded) return true;
  if (error instanceof MongoServerError) return UNAVAILABLE_CODES.has(Number(error.code));
  // Not what only a fault of ours can cause.
  if (error instanceof MongoError) return !(error instanceof MongoInvalidArgumentError);
  // After a kill the driver lets the socket's own error through, such as EPIPE.
  return error instanceof Error && "code" in error && /^E[A-Z]+$/.test(String(error.code));
}

/** Whether the driver itself does not take a document: it is too large, or BSON cannot hold it. */
function isNotSent(error: unknown): boolean {
  return error instanceof MongoInvalidArgumentError || error instanceof BSON.BSONError ||
    // Of a document that is larger than the driver's buffer.
    error instanceof RangeError;
}

/** Whether a server answered, and what it answered is an error. */
export function isServerError(error: unknown): boolean {
  return error instanceof MongoServerError;
}

/** Whether the database forbids something, which it will do again: to this user (13), or to all on a view (166). */
export function isRefusal(error: unknown): boolean {
  return error instanceof MongoServerError && (error.code === 13 || error.code === 166);
}

/** An error as a store throws it. */
export function asStoreError(error: unknown): unknown {
  if (error instanceof StoreUnavailable || !isUnavailable(error)) return error;
  const what = isRefusal(error) ? "forbids it" : "does not answer";
  return new StoreUnavailable(`MongoDB ${what}: ${describeError(error)}`, { cause: error });
}

/**
 * An error's kind and code; where it has no code, what lies at its root, such as a TLS error.
 * Never its sentence: that can hold a visitor's data or a password.
 */
export function describeError(error: unknown): string {
  type Described = { name?: string; code?: unknown; codeName?: string; cause?: unknown };
  const { name, code, codeName } = error as Described;
  let root = error as Described;
  while (root.cause instanceof Error) root = root.cause;
  // A set, since an error without a cause is its own root. Errors of Deno 2.6's TLS have a name alone.
  const parts = new Set([name, codeName ?? code ?? root.code ?? root.name]);
  return [...parts].filter((part) => part !== undefined).join(", ");
}

/** A document as the driver reads it from what the database sent, one with broken text as well. */
export function decodeDocument(bytes: Uint8Array): Record<string, unknown> {
  return BSON.deserialize(bytes, { validation: { utf8: false } });
}
