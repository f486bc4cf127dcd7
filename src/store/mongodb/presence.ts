/**
 * What processes write into a collection of the visitors who are connected to them.
 *
 * A document says itself which processes have its visitor, and each write changes that and whether the visitor is
 * online at once: no process can be killed between the two. Only documents that Foyer made are written, which have
 * their short id as `_id`.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { ATTRIBUTE_NAMES, readVisitor, type Visitor } from "../../visitor/visitor.ts";
import {
  changeOf,
  documentOf,
  INDEXED_ATTRIBUTES,
  type Projection,
  type StoredDocument,
  unsearchedChangeOf,
  visitorOf,
  WHOLE,
} from "./document.ts";
import type { Written } from "./driver.ts";
import type { Condition } from "./conditions.ts";
import { unchanged } from "./reindex.ts";
import { changeOfClaims } from "../claims.ts";
import {
  type PresenceResult,
  type PresenceWrite,
  StoreUnavailable,
  type VisitorChange,
} from "../visitor_store.ts";

/** The field with the processes that have the visitor; never an empty list, and no attribute, so it is never sent. */
export const CONNECTIONS = "foyer_connections";

/** How often that is tried again which others change at the same moment. */
const MAX_TRIES = 10;

const WITH_CONNECTIONS: Projection = { ...WHOLE, _id: 1, [CONNECTIONS]: 1 };
const CONNECTIONS_ALONE: Projection = { _id: 1, short_id: 1, [CONNECTIONS]: 1 };

/** The collection, as presence writes it. */
export interface WrittenCollection {
  /** The documents that fulfil a condition, as they are now; so many at the most, where that is said. */
  find(condition: Condition, projection: Projection, limit?: number): Promise<StoredDocument[]>;
  /** Writes in no particular order. */
  write(operations: Operation[]): Promise<Written>;
}

/** A write of one document, for the driver's `bulkWrite`. */
export type Operation =
  | { insertOne: { document: StoredDocument } }
  | { updateOne: { filter: StoredDocument; update: Record<string, StoredDocument> } };

/** A code of MongoDB: there is a document with this `_id`. */
const DUPLICATE = 11000;

/** As `VisitorStore.writePresence`, so many visitors at once. */
export async function writePresence(
  collection: WrittenCollection,
  process: string,
  writes: PresenceWrite[],
  size: number,
): Promise<PresenceResult[]> {
  const absent = new Set<string>();
  const codes = new Map<string, string | null>();
  for (let start = 0; start < writes.length; start += size) {
    const chunk = writes.slice(start, start + size);
    await writeChanges(collection, process, chunk, absent, codes);
    const left = chunk.filter(({ isConnected, shortId }) => isConnected === false && !absent.has(shortId));
    await disconnect(collection, process, left.map(({ shortId }) => shortId), absent);
  }
  return writes.map(({ shortId }) => ({
    exists: !absent.has(shortId),
    lookupCode: codes.get(shortId) ?? null,
  }));
}

/** As `VisitorStore.connectedTo`. */
export async function connectedTo(collection: WrittenCollection, process: string): Promise<Set<string>> {
  const documents = await collection.find({ [CONNECTIONS]: process }, CONNECTIONS_ALONE);
  return new Set(documents.filter(isOurs).map(({ short_id }) => short_id as string));
}

/** As `VisitorStore.endConnections`, so many visitors at once. */
export async function endConnections(
  collection: WrittenCollection,
  process: string,
  most: number,
  size: number,
): Promise<number> {
  const condition = { [CONNECTIONS]: process };
  let documents = await collection.find(condition, CONNECTIONS_ALONE, most);
  // Copies of ours that other software made shall not stand before ours.
  if (!documents.every(isOurs)) documents = await collection.find(condition, CONNECTIONS_ALONE);
  const shortIds = documents.filter(isOurs).map(({ short_id }) => short_id as string).slice(0, most);
  for (let start = 0; start < shortIds.length; start += size) {
    await disconnect(collection, process, shortIds.slice(start, start + size), new Set());
  }
  return shortIds.length;
}

/**
 * Writes all but the ends of connections.
 *
 * @param absent takes the short ids of those who are not there, or whom the database refuses
 * @param codes takes the lookup codes of those to whom one was offered
 */
async function writeChanges(
  collection: WrittenCollection,
  process: string,
  writes: PresenceWrite[],
  absent: Set<string>,
  codes: Map<string, string | null>,
) {
  let left = writes;
  for (let tries = 0; left.length > 0; tries++) {
    if (tries === MAX_TRIES) throw new StoreUnavailable("Others change these visitors all the time");
    // Most are page views, or new: what is there now need not be known unless it turns out otherwise.
    const isRead = (write: PresenceWrite) => tries > 0 || !(write.isNew || isPlain(write));
    const documents = await findOurs(collection, left.filter(isRead));
    const sent: { write: PresenceWrite; operation: Operation; isUpdate: boolean }[] = [];
    for (const write of left) {
      const operation = isRead(write)
        ? nextOperation(process, write, documents.get(write.shortId), codes)
        : firstOperation(process, write, codes);
      if (operation === "absent") absent.add(write.shortId);
      else if (operation !== "done") sent.push({ write, operation, isUpdate: "updateOne" in operation });
    }
    if (sent.length === 0) return;
    const { matched, errors } = await collection.write(sent.map(({ operation }) => operation));
    const refusals = new Map(errors.map(({ index, code }) => [index, code]));
    const taken = sent.filter(({ isUpdate }, index) => isUpdate && !refusals.has(index));
    // The database does not tell which ones it found.
    left = taken.length > matched ? taken.map(({ write }) => write) : [];
    for (const [index, code] of refusals) {
      const { write, isUpdate } = sent[index];
      // Another process has made it; or another document has its _id for good.
      if (!isUpdate && code === DUPLICATE && tries < MAX_TRIES - 1) left.push(write);
      else absent.add(write.shortId);
    }
  }
}

/** Whether nothing that is there needs to be known, nor is searched. */
function isPlain(write: PresenceWrite): boolean {
  const { change, isConnected } = write;
  const names = Object.keys(change);
  return !isDerived(write) && (names.length > 0 || isConnected !== undefined) &&
    !names.some((name) => INDEXED_ATTRIBUTES.has(name));
}

/** Whether what is written depends on the visitor as it is. */
function isDerived({ claims, offeredCode }: PresenceWrite): boolean {
  return offeredCode !== undefined || claims !== undefined && claims !== null;
}

function firstOperation(
  process: string,
  write: PresenceWrite,
  codes: Map<string, string | null>,
): Operation | "done" {
  return write.isNew ? insertion(process, write, codes) : plainUpdate(process, write);
}

function nextOperation(
  process: string,
  write: PresenceWrite,
  document: StoredDocument | undefined,
  codes: Map<string, string | null>,
): Operation | "absent" | "done" {
  if (document === undefined) return write.isNew ? insertion(process, write, codes) : "absent";
  const before = visitorOf(document)!;
  const change = wholeChange(before, write, codes);
  const names = Object.keys(change) as (keyof VisitorChange)[];
  // What is so already is not written, for whoever changes it at this moment.
  const changed = names.filter((name) => !isDeepStrictEqual(before[name], change[name]));
  const connections = document[CONNECTIONS];
  const isNoted = write.isConnected !== true || Array.isArray(connections) && connections.includes(process);
  if (changed.length === 0 && isNoted) return "done";
  if (!isDerived(write) && !changed.some((name) => INDEXED_ATTRIBUTES.has(name))) {
    const changedAlone = Object.fromEntries(changed.map((name) => [name, change[name]]));
    return plainUpdate(process, { ...write, change: changedAlone });
  }
  // What was derived may depend on anything.
  const filter = unchanged(document, !isDerived(write) ? INDEXED_ATTRIBUTES : ATTRIBUTE_NAMES);
  const update = changeOf({ ...before, ...change }, change);
  return { updateOne: { filter, update: withConnection(process, write, update) } };
}

/** All that changes of a visitor but the end of connections. */
function wholeChange(
  visitor: Visitor,
  { shortId, change, claims, offeredCode, isConnected }: PresenceWrite,
  codes?: Map<string, string | null>,
): VisitorChange {
  const whole = { ...change };
  if (offeredCode !== undefined) {
    whole.lookup_code = visitor.is_online ? visitor.lookup_code ?? offeredCode : offeredCode;
    codes?.set(shortId, whole.lookup_code);
  }
  if (claims) Object.assign(whole, changeOfClaims({ ...visitor, ...whole }, claims));
  if (isConnected === false) delete whole.is_online;
  return isConnected === true ? { ...whole, is_online: true } : whole;
}

function insertion(
  process: string,
  write: PresenceWrite,
  codes: Map<string, string | null>,
): Operation {
  const nobody = readVisitor({ short_id: write.shortId })!;
  const visitor = { ...nobody, ...wholeChange(nobody, write, codes) };
  const connections = write.isConnected === true ? { [CONNECTIONS]: [process] } : {};
  return { insertOne: { document: { _id: write.shortId, ...documentOf(visitor), ...connections } } };
}

function plainUpdate(process: string, write: PresenceWrite): Operation | "done" {
  const { shortId } = write;
  const nobody = readVisitor({ short_id: shortId })!;
  const whole = wholeChange(nobody, { ...write, claims: null, offeredCode: undefined });
  // The end of a connection alone.
  if (Object.keys(whole).length === 0) return "done";
  const update = unsearchedChangeOf({ ...nobody, ...whole }, Object.keys(whole));
  return { updateOne: { filter: ours(shortId), update: withConnection(process, write, update) } };
}

function withConnection(
  process: string,
  { isConnected }: PresenceWrite,
  update: Record<string, StoredDocument>,
): Record<string, StoredDocument> {
  return isConnected === true ? { ...update, $addToSet: { [CONNECTIONS]: process } } : update;
}

/**
 * Takes a process away from visitors; whom no other one has is offline then, in that same write. Where another one
 * comes or goes in between, neither write finds the document, and both are tried again.
 */
async function disconnect(
  collection: WrittenCollection,
  process: string,
  shortIds: string[],
  absent: Set<string>,
) {
  let left = shortIds;
  for (let tries = 0; left.length > 0; tries++) {
    if (tries === MAX_TRIES) throw new StoreUnavailable("These visitors connect and leave all the time");
    const alone = await collection.write(left.map((shortId) => ({
      updateOne: {
        filter: ours(shortId, { [CONNECTIONS]: { $in: [null, [], [process]] } }),
        update: { $set: { is_online: false }, $unset: { lookup_code: "", [CONNECTIONS]: "" } },
      },
    })));
    if (alone.matched === left.length) return;
    const beside = await collection.write(left.map((shortId) => ({
      updateOne: {
        filter: ours(shortId, { [CONNECTIONS]: process, [`${CONNECTIONS}.1`]: { $exists: true } }),
        update: { $pull: { [CONNECTIONS]: process } },
      },
    })));
    if (alone.matched + beside.matched === left.length) return;
    const found = await collection.find({ _id: { $in: left } }, CONNECTIONS_ALONE);
    const connections = new Map(
      found.filter(isOurs).map((document) => [document.short_id, document[CONNECTIONS]]),
    );
    for (const shortId of left) {
      if (!connections.has(shortId)) absent.add(shortId);
    }
    left = left.filter((shortId) => {
      const processes = connections.get(shortId);
      return Array.isArray(processes) && processes.includes(process);
    });
  }
}

async function findOurs(
  collection: WrittenCollection,
  writes: PresenceWrite[],
): Promise<Map<string, StoredDocument>> {
  if (writes.length === 0) return new Map();
  const shortIds = writes.map(({ shortId }) => shortId);
  const documents = await collection.find({ _id: { $in: shortIds } }, WITH_CONNECTIONS);
  return new Map(documents.filter(isOurs).map((document) => [document.short_id as string, document]));
}

function isOurs({ _id, short_id }: StoredDocument): boolean {
  return typeof short_id === "string" && short_id !== "" && _id === short_id;
}

/** What finds Foyer's own document of a visitor, by its `_id` whatever else is asked of it, as in {@link unchanged}. */
function ours(shortId: string, condition?: Condition): StoredDocument {
  return {
    _id: shortId,
    short_id: shortId,
    ...(condition === undefined ? {} : { $and: [{ $or: [condition] }] }),
  };
}
