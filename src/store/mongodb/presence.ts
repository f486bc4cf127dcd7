/**
 * Which visitors are connected to which process, stored in the visitors' own documents.
 *
 * A document lists the processes that its visitor is connected to. One update changes that list and `is_online`, so a
 * killed process cannot leave them inconsistent. A write is computed from the document as read, and its filter matches
 * only while the fields that it depends on are unchanged. Only documents that Foyer made are written: their `_id` is
 * their short id.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { ATTRIBUTE_NAMES, readVisitor, type Visitor } from "../../visitor/visitor.ts";
import {
  applyChange,
  CALL_ATTRIBUTES,
  callStateOf,
  changesCall,
  GONE_OFFLINE,
} from "../../visitor/visitor_state.ts";
import { changeOfClaims } from "../claims.ts";
import { addPageViews } from "../page_views.ts";
import type { PresenceResult, PresenceStore, PresenceWrite } from "../visitor_store.ts";
import { BatchSize } from "./batch_size.ts";
import { writtenForms } from "./conditions.ts";
import type { Connection } from "./connection.ts";
import {
  CLAIM_END,
  documentOf,
  emptiedIn,
  fieldsOf,
  PAGES,
  pagesOf,
  type Projection,
  SORT_KEY,
  type StoredDocument,
  unchangedFilter,
  updateOf,
  visitorOf,
  WHOLE,
} from "./document.ts";
import { type AnyBulkWriteOperation, type Condition, DUPLICATE_KEY } from "./driver.ts";
import { INDEXED_ATTRIBUTES } from "./search_fields.ts";

/**
 * The field with the processes that the visitor is connected to: absent, or a list that is not empty. It is no attribute,
 * so the API never sends it.
 */
export const CONNECTIONS = "foyer_connections";

/** How often a write is tried while other writers change its document. */
const MAX_TRIES = 10;

const WITH_CONNECTIONS: Projection = { ...WHOLE, [CONNECTIONS]: 1 };
const WITH_PAGES: Projection = { ...WITH_CONNECTIONS, [PAGES]: 1 };
const CONNECTIONS_ALONE: Projection = { _id: 1, short_id: 1, [CONNECTIONS]: 1 };
const ONLINE_ALONE: Projection = { _id: 1, short_id: 1, is_online: 1 };

/** The operation for a write, and its result; no operation if nothing would change or there is no such visitor. */
type Step = { operation: AnyBulkWriteOperation | null; result: PresenceResult };

const ABSENT: PresenceResult = { exists: false, lookupCode: null };

/** The connections of the visitors of one collection. */
export class CollectionPresence implements
  Pick<
    PresenceStore,
    | "writePresence"
    | "connectedTo"
    | "connectedProcesses"
    | "onlineWithoutConnection"
    | "endConnections"
    | "lookupCodesInUse"
  > {
  #connection: Connection;
  #batchSize = new BatchSize();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async writePresence(process: string, writes: PresenceWrite[]): Promise<PresenceResult[]> {
    const results = new Map<string, PresenceResult>();
    for (let start = 0; start < writes.length;) {
      await this.#batchSize.run(async (size) => {
        await this.#write(process, writes.slice(start, start + size), results);
        start += size;
      });
    }
    return writes.map(({ shortId }) => results.get(shortId)!);
  }

  async connectedTo(process: string): Promise<Map<string, boolean>> {
    const documents = await this.#find({ [CONNECTIONS]: process }, ONLINE_ALONE);
    return new Map(documents.map((document) => [shortIdOf(document), document.is_online === true]));
  }

  async connectedProcesses(): Promise<string[]> {
    const processes = await this.#connection.run((deadline) =>
      this.#connection.visitors.distinct(CONNECTIONS, deadline)
    );
    return processes.filter((process) => typeof process === "string");
  }

  async onlineWithoutConnection(siteKey: string): Promise<string[]> {
    const condition = { is_online: true, api_key: siteKey, sdk: { $type: "string" }, [CONNECTIONS]: null };
    return (await this.#find(condition, ONLINE_ALONE)).map(shortIdOf);
  }

  async endConnections(process: string, limit: number): Promise<number> {
    const condition = { [CONNECTIONS]: process };
    let documents = await this.#find(condition, CONNECTIONS_ALONE, limit);
    // The first `limit` documents may all be copies that other software made, which #find drops.
    if (documents.length === 0) documents = await this.#find(condition, CONNECTIONS_ALONE);
    const shortIds = documents.map(shortIdOf).slice(0, limit);
    const writes = shortIds.map((shortId) => ({ shortId, isNew: false, change: {}, isConnected: false }));
    await this.writePresence(process, writes);
    return shortIds.length;
  }

  async lookupCodesInUse(codes: string[]): Promise<Set<string>> {
    const condition = { lookup_code: { $in: codes.flatMap(writtenForms) } };
    const documents = await this.#connection.run((deadline) =>
      this.#connection.visitors.readForWrite(condition, { ...SORT_KEY, lookup_code: 1 }, deadline)
    );
    const online = documents.map(visitorOf).filter((visitor) => visitor?.is_online);
    return new Set(online.flatMap((visitor) => visitor!.lookup_code ?? []));
  }

  /** @param results receives the results by short id */
  async #write(process: string, writes: PresenceWrite[], results: Map<string, PresenceResult>) {
    let left = writes;
    for (let tries = 0; left.length > 0; tries++) {
      if (tries === MAX_TRIES) {
        for (const { shortId } of left) {
          results.set(shortId, { ...ABSENT, exists: true, problem: "conflict" });
        }
        return;
      }
      if (tries > 0) await this.#connection.pause(Math.random() * 10 * tries);
      const documents = new Map<string, StoredDocument>();
      const condition = { _id: { $in: left.map(({ shortId }) => shortId) } };
      const projection = left.some(({ pages }) => pages) ? WITH_PAGES : WITH_CONNECTIONS;
      for (const document of await this.#find(condition, projection)) {
        documents.set(shortIdOf(document), document);
      }
      const sent: { write: PresenceWrite; operation: AnyBulkWriteOperation }[] = [];
      for (const write of left) {
        const { operation, result } = stepOf(process, write, documents.get(write.shortId));
        results.set(write.shortId, result);
        if (operation !== null) sent.push({ write, operation });
      }
      const { matched, errors } = await this.#connection.run((deadline) =>
        this.#connection.visitors.write(sent.map(({ operation }) => operation), deadline)
      );
      const codes = new Map(errors.map(({ index, code }) => [index, code]));
      const updated = sent.filter(({ operation }, index) => "updateOne" in operation && !codes.has(index));
      // The database does not say which of the updates matched, so all are tried again; those done need no operation then.
      left = updated.length > matched ? updated.map(({ write }) => write) : [];
      for (const [index, code] of codes) {
        const { write } = sent[index];
        const isInsert = "insertOne" in sent[index].operation;
        // Another process has created the visitor, which a new try finds; or a document of other software has this _id,
        // and every try fails.
        if (isInsert && code === DUPLICATE_KEY && tries < MAX_TRIES - 1) left.push(write);
        else results.set(write.shortId, { ...ABSENT, exists: !isInsert, problem: "refused" });
      }
    }
  }

  /** The documents that fulfil a condition and that Foyer made. */
  async #find(condition: Condition, projection: Projection, limit = 0): Promise<StoredDocument[]> {
    const documents = await this.#connection.run((deadline) =>
      this.#connection.visitors.readForWrite(condition, projection, deadline, limit)
    );
    return documents.filter(isOurs);
  }
}

/** Whether Foyer made a document. */
export function isOurs({ _id, short_id }: StoredDocument): boolean {
  return typeof short_id === "string" && short_id !== "" && _id === short_id;
}

/** @param document the visitor's document as read; `undefined` if there is none */
function stepOf(process: string, write: PresenceWrite, document: StoredDocument | undefined): Step {
  const { shortId, isNew, change, claims, offeredCode, isConnected } = write;
  if (document === undefined && !isNew) return { operation: null, result: ABSENT };
  const before = document === undefined ? readVisitor({ short_id: shortId })! : visitorOf(document)!;
  const connectionsBefore = document === undefined ? [] : connectionsOf(document);
  const connections = connectionsAfter(process, connectionsBefore, isConnected);
  const visitor = visitorAfter(before, write, connections);
  const lookupCode = offeredCode === undefined ? null : visitor.lookup_code;
  const result = { exists: true, lookupCode, call: callStateOf(visitor) };
  const pages = pagesAfter(write, visitor, document);
  const stored = {
    ...(connections.length === 0 ? {} : { [CONNECTIONS]: connections }),
    ...(pages === null ? {} : { [PAGES]: pages }),
  };
  if (document === undefined) {
    const inserted = { _id: shortId as never, ...documentOf(visitor), ...stored };
    return { operation: { insertOne: { document: inserted } }, result };
  }
  const changed: string[] = ATTRIBUTE_NAMES.filter((name) => !isDeepStrictEqual(before[name], visitor[name]));
  changed.push(...emptiedIn(document, visitor).filter((name) => !changed.includes(name)));
  if (pages !== null) changed.push(PAGES);
  if (!isDeepStrictEqual(connections, connectionsBefore)) changed.push(CONNECTIONS);
  if (changed.length === 0) return { operation: null, result };
  if (isConnected === false && connections.length === 0) changed.push(CLAIM_END, PAGES);
  const isSearched = changed.some((name) => INDEXED_ATTRIBUTES.has(name));
  const isDerived = offeredCode !== undefined || claims !== undefined && claims !== null;
  // The filter compares every field that the new values were computed from.
  const filter = unchangedFilter(document, [
    ...(isDerived ? ATTRIBUTE_NAMES : isSearched ? INDEXED_ATTRIBUTES : []),
    ...(changesCall(change) ? CALL_ATTRIBUTES : []),
    ...(isConnected === undefined ? [] : [CONNECTIONS]),
  ]);
  const update = isSearched
    ? updateOf({ ...documentOf(visitor), ...stored }, [...changed, "foyer"])
    : updateOf({ ...fieldsOf(visitor), ...stored }, changed);
  return { operation: { updateOne: { filter, update } }, result };
}

/** The web pages to store; `null` if they do not change. */
function pagesAfter({ pages }: PresenceWrite, { is_online }: Visitor, document?: StoredDocument) {
  if (pages === undefined || !is_online) return null;
  const before = document === undefined ? [] : pagesOf(document);
  const after = addPageViews(before, pages);
  return isDeepStrictEqual(after, before) ? null : after.map(({ url, at }) => ({ url, at: new Date(at) }));
}

function connectionsOf(document: StoredDocument): unknown[] {
  const connections = document[CONNECTIONS];
  return Array.isArray(connections) ? connections : [];
}

function connectionsAfter(process: string, before: unknown[], isConnected: boolean | undefined): unknown[] {
  if (isConnected === undefined || isConnected && before.includes(process)) return before;
  return isConnected ? [...before, process] : before.filter((other) => other !== process);
}

function visitorAfter(before: Visitor, write: PresenceWrite, connections: unknown[]): Visitor {
  const { change, claims, offeredCode, isConnected } = write;
  const visitor = applyChange(before, change);
  if (offeredCode !== undefined) {
    visitor.lookup_code = before.is_online ? before.lookup_code ?? offeredCode : offeredCode;
  }
  if (claims) Object.assign(visitor, changeOfClaims(visitor, claims));
  if (isConnected === undefined) return visitor;
  if (connections.length === 0) return { ...visitor, ...GONE_OFFLINE };
  return { ...visitor, is_online: isConnected || before.is_online };
}

function shortIdOf({ short_id }: StoredDocument): string {
  return short_id as string;
}
