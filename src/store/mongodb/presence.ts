/**
 * Who is connected to which process, in the visitors' own documents.
 *
 * A document lists the processes that have its visitor, and each write changes that list and `is_online` at once: no
 * process can be killed between the two. Only documents that Foyer made are written, whose `_id` is their short id.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util";
import { ATTRIBUTE_NAMES, readVisitor, type Visitor } from "../../visitor/visitor.ts";
import { changeOfClaims } from "../claims.ts";
import {
  type PresenceResult,
  type PresenceStore,
  type PresenceWrite,
  StoreUnavailable,
  type VisitorChange,
} from "../visitor_store.ts";
import { BatchSize } from "./batch_size.ts";
import { writtenForms } from "./conditions.ts";
import type { Connection } from "./connection.ts";
import {
  documentOf,
  fieldsOf,
  type Projection,
  SORT_KEY,
  type StoredDocument,
  unchangedFilter,
  type Update,
  updateOf,
  visitorOf,
  WHOLE,
} from "./document.ts";
import { type Condition, DUPLICATE_KEY, type Written } from "./driver.ts";
import { INDEXED_ATTRIBUTES } from "./search_fields.ts";

/** The processes that have the visitor: a list that is never empty; no attribute, so it is never sent. */
export const CONNECTIONS = "foyer_connections";

/** How often a write is tried whose document others change at the same time. */
const MAX_TRIES = 10;

const WITH_CONNECTIONS: Projection = { ...WHOLE, [CONNECTIONS]: 1 };
const CONNECTIONS_ALONE: Projection = { _id: 1, short_id: 1, [CONNECTIONS]: 1 };

type Operation =
  | { insertOne: { document: StoredDocument } }
  | { updateOne: { filter: StoredDocument; update: Update } };

/** What is to be sent for a write; nothing where the document is already so, or does not exist. */
type NextStep = { operation: Operation } | "done" | "absent";

/** The connections in one collection. */
export class CollectionPresence
  implements Pick<PresenceStore, "writePresence" | "connectedTo" | "endConnections" | "lookupCodesInUse"> {
  #connection: Connection;
  #batchSize = new BatchSize();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async writePresence(process: string, writes: PresenceWrite[]): Promise<PresenceResult[]> {
    const results = new Map<string, PresenceResult>();
    for (let start = 0; start < writes.length;) {
      await this.#batchSize.run(async (size) => {
        const batch = writes.slice(start, start + size).map((write) => new WriteOfVisitor(process, write));
        await this.#writeChanges(batch);
        const leaving = batch.filter(({ write, exists }) => exists && write.isConnected === false);
        const absent = await this.#disconnect(process, leaving.map(({ write }) => write.shortId));
        for (const { write: { shortId }, exists, lookupCode } of batch) {
          results.set(shortId, { exists: exists && !absent.has(shortId), lookupCode });
        }
        start += size;
      });
    }
    return writes.map(({ shortId }) => results.get(shortId)!);
  }

  async connectedTo(process: string): Promise<Set<string>> {
    return new Set((await this.#find({ [CONNECTIONS]: process })).map(shortIdOf));
  }

  async endConnections(process: string, limit: number): Promise<number> {
    const condition = { [CONNECTIONS]: process };
    let documents = await this.#find(condition, CONNECTIONS_ALONE, limit);
    // Copies of ours that other software made must not hide ours.
    if (documents.length === 0) documents = await this.#find(condition);
    const shortIds = documents.map(shortIdOf).slice(0, limit);
    for (let start = 0; start < shortIds.length;) {
      await this.#batchSize.run(async (size) => {
        await this.#disconnect(process, shortIds.slice(start, start + size));
        start += size;
      });
    }
    return shortIds.length;
  }

  async lookupCodesInUse(codes: string[]): Promise<Set<string>> {
    const condition = { lookup_code: { $in: codes.flatMap(writtenForms) } };
    const projection = { ...SORT_KEY, lookup_code: 1 as const };
    const documents = await this.#connection.run((deadline) =>
      this.#connection.visitors.readForWrite(condition, projection, deadline)
    );
    const online = documents.map(visitorOf).filter((visitor) => visitor?.is_online);
    return new Set(online.flatMap((visitor) => visitor!.lookup_code ?? []));
  }

  /** Writes all but the ends of connections. */
  async #writeChanges(writes: WriteOfVisitor[]) {
    let left = writes;
    for (let tries = 0; left.length > 0; tries++) {
      if (tries === MAX_TRIES) throw new StoreUnavailable("Others change these visitors all the time");
      if (tries > 1) await pause(tries);
      // Most are page views, or new: what is stored need not be read unless it turns out otherwise.
      const read = left.filter((write) => tries > 0 || write.dependsOnDocument);
      const documents = await this.#findByShortId(read.map(({ write }) => write.shortId));
      const sent: { one: WriteOfVisitor; operation: Operation }[] = [];
      for (const one of left) {
        const step = read.includes(one) ? one.stepAfter(documents.get(one.write.shortId)) : one.firstStep();
        if (step === "absent") one.exists = false;
        else if (step !== "done") sent.push({ one, ...step });
      }
      if (sent.length === 0) return;
      left = this.#settle(sent, await this.#write(sent.map(({ operation }) => operation)), tries);
    }
  }

  /** @returns the writes that must be tried again */
  #settle(
    sent: { one: WriteOfVisitor; operation: Operation }[],
    { matched, errors }: Written,
    tries: number,
  ): WriteOfVisitor[] {
    const codes = new Map(errors.map(({ index, code }) => [index, code]));
    const updates = sent.filter(({ operation }, index) => "updateOne" in operation && !codes.has(index));
    // The database does not say which of the updates matched.
    const again = updates.length > matched ? updates.map(({ one }) => one) : [];
    for (const [index, code] of codes) {
      const { one, operation } = sent[index];
      // Another process has created it; or another document has its _id for good.
      if ("insertOne" in operation && code === DUPLICATE_KEY && tries < MAX_TRIES - 1) again.push(one);
      else one.exists = false;
    }
    return again;
  }

  /**
   * Takes a process away from visitors. A visitor whom no other process has is offline in that same write. Where
   * another process comes or goes in between, neither write matches the document, and both are tried again.
   *
   * @returns the short ids of visitors that do not exist
   */
  async #disconnect(process: string, shortIds: string[]): Promise<Set<string>> {
    const absent = new Set<string>();
    let left = shortIds;
    for (let tries = 0; left.length > 0; tries++) {
      if (tries === MAX_TRIES) throw new StoreUnavailable("These visitors connect and leave all the time");
      if (tries > 1) await pause(tries);
      const alone = await this.#write(left.map((shortId) => ({
        updateOne: {
          filter: { ...ours(shortId), [CONNECTIONS]: { $in: [null, [], [process]] } },
          update: { $set: { is_online: false }, $unset: { lookup_code: "", [CONNECTIONS]: "" } },
        },
      })));
      if (alone.matched === left.length) break;
      const beside = await this.#write(left.map((shortId) => ({
        updateOne: {
          filter: { ...ours(shortId), [CONNECTIONS]: process, [`${CONNECTIONS}.1`]: { $exists: true } },
          update: { $pull: { [CONNECTIONS]: process } },
        },
      })));
      if (alone.matched + beside.matched === left.length) break;
      const documents = await this.#findByShortId(left, CONNECTIONS_ALONE);
      for (const shortId of left) if (!documents.has(shortId)) absent.add(shortId);
      left = left.filter((shortId) => hasConnection(documents.get(shortId), process));
    }
    return absent;
  }

  async #findByShortId(
    shortIds: string[],
    projection = WITH_CONNECTIONS,
  ): Promise<Map<string, StoredDocument>> {
    if (shortIds.length === 0) return new Map();
    const documents = await this.#find({ _id: { $in: shortIds } }, projection);
    return new Map(documents.map((document) => [shortIdOf(document), document]));
  }

  /** The documents that Foyer made. */
  async #find(condition: Condition, projection = CONNECTIONS_ALONE, limit = 0): Promise<StoredDocument[]> {
    const documents = await this.#connection.run((deadline) =>
      this.#connection.visitors.readForWrite(condition, projection, deadline, limit)
    );
    return documents.filter(({ _id, short_id }) =>
      typeof short_id === "string" && short_id !== "" && _id === short_id
    );
  }

  async #write(operations: Operation[]): Promise<Written> {
    return await this.#connection.run((deadline) => this.#connection.visitors.write(operations, deadline));
  }
}

/** One write, until it is written. */
class WriteOfVisitor {
  readonly write: PresenceWrite;
  exists = true;
  /** Where a code was offered, the one that the visitor has. */
  lookupCode: string | null = null;
  #process: string;

  constructor(process: string, write: PresenceWrite) {
    this.#process = process;
    this.write = write;
  }

  /** Whether the visitor's document must be read before it is written. */
  get dependsOnDocument(): boolean {
    const { isNew, change, isConnected } = this.write;
    if (isNew) return false;
    const names = Object.keys(change);
    return this.#isDerived || names.some((name) => INDEXED_ATTRIBUTES.has(name)) ||
      names.length === 0 && isConnected === undefined;
  }

  /** Whether what is written depends on any attribute of the visitor. */
  get #isDerived(): boolean {
    const { claims, offeredCode } = this.write;
    return offeredCode !== undefined || claims !== undefined && claims !== null;
  }

  firstStep(): NextStep {
    return this.write.isNew ? this.#insertion() : this.#plainUpdate(this.write.change);
  }

  /** @param document of the visitor; absent where there is none */
  stepAfter(document: StoredDocument | undefined): NextStep {
    if (document === undefined) return this.write.isNew ? this.#insertion() : "absent";
    const before = visitorOf(document)!;
    const change = this.#changeOf(before);
    const names = Object.keys(change) as (keyof VisitorChange)[];
    // Attributes that are already so are not written, for the sake of whoever changes them at this moment.
    const changed = names.filter((name) => !isDeepStrictEqual(before[name], change[name]));
    const isRecorded = this.write.isConnected !== true || hasConnection(document, this.#process);
    if (changed.length === 0 && isRecorded) return "done";
    const isSearched = changed.some((name) => INDEXED_ATTRIBUTES.has(name));
    if (!this.#isDerived && !isSearched) {
      return this.#plainUpdate(Object.fromEntries(changed.map((name) => [name, change[name]])));
    }
    const filter = unchangedFilter(document, this.#isDerived ? ATTRIBUTE_NAMES : INDEXED_ATTRIBUTES);
    const update = updateOf(documentOf({ ...before, ...change }), [...names, "foyer"]);
    return { operation: { updateOne: { filter, update: this.#withConnection(update) } } };
  }

  #insertion(): NextStep {
    const nobody = readVisitor({ short_id: this.write.shortId })!;
    const visitor = { ...nobody, ...this.#changeOf(nobody) };
    const connections = this.write.isConnected === true ? { [CONNECTIONS]: [this.#process] } : {};
    const document = { _id: visitor.short_id, ...documentOf(visitor), ...connections };
    return { operation: { insertOne: { document } } };
  }

  /** Sets attributes that are not searched, whatever the document holds. */
  #plainUpdate(change: VisitorChange): NextStep {
    const whole = this.#withOnline(change);
    // The end of a connection alone is no change.
    if (Object.keys(whole).length === 0) return "done";
    const visitor = { ...readVisitor({ short_id: this.write.shortId })!, ...whole };
    const update = this.#withConnection(updateOf(fieldsOf(visitor), Object.keys(whole)));
    return { operation: { updateOne: { filter: ours(this.write.shortId), update } } };
  }

  /** All that changes of a visitor but the end of a connection. */
  #changeOf(visitor: Visitor): VisitorChange {
    const { claims, offeredCode } = this.write;
    const change = { ...this.write.change };
    if (offeredCode !== undefined) {
      change.lookup_code = visitor.is_online ? visitor.lookup_code ?? offeredCode : offeredCode;
      this.lookupCode = change.lookup_code;
    }
    if (claims) Object.assign(change, changeOfClaims({ ...visitor, ...change }, claims));
    return this.#withOnline(change);
  }

  #withOnline(change: VisitorChange): VisitorChange {
    const { is_online: _, ...others } = change;
    if (this.write.isConnected === undefined) return change;
    return this.write.isConnected ? { ...others, is_online: true } : others;
  }

  #withConnection(update: Update): Update {
    return this.write.isConnected === true
      ? { ...update, $addToSet: { [CONNECTIONS]: this.#process } }
      : update;
  }
}

/** The filter that finds Foyer's own document of a visitor. */
function ours(shortId: string): StoredDocument {
  return { _id: shortId, short_id: shortId };
}

function shortIdOf({ short_id }: StoredDocument): string {
  return short_id as string;
}

function hasConnection(document: StoredDocument | undefined, process: string): boolean {
  const connections = document?.[CONNECTIONS];
  return Array.isArray(connections) && connections.includes(process);
}

/** Waits a little, at random and longer each time, so that writers do not meet again. */
async function pause(tries: number) {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * tries));
}
