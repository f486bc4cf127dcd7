/**
 * The MongoDB store: visitors in a collection, or a view, that other software may write as well.
 *
 * @module
 */
import type { SearchQuery } from "../../search/parse.ts";
import type { Visitor } from "../../visitor/visitor.ts";
import { ChunkSize } from "./batch_size.ts";
import { Deadline } from "../../async/deadline.ts";
import { Awakening } from "./awakening.ts";
import {
  changeOf,
  encodedVisitorOf,
  IS_FOREIGN,
  isOfflineBefore,
  PLACE,
  PLACE_AND_ID,
  positionOf,
  type Projection,
  type StoredDocument,
  upsertOf,
  visitorOf,
  WHOLE,
  WHOLE_AND_ID,
} from "./document.ts";
import {
  asStoreError,
  type Collection,
  describeError,
  indexesOf,
  isRefusal,
  isServerError,
  isUnavailable,
  makeClient,
  type MongoClient,
  type ObjectId,
  writeBulk,
} from "./driver.ts";
import {
  type Condition,
  IS_IN_SESSION,
  IS_ONLINE,
  offlineBefore,
  seenSince,
  writtenForms,
} from "./conditions.ts";
import { isSimplePlanner, type Read, readSimply } from "./planner.ts";
import { CollectionLeases } from "./leases.ts";
import { connectedTo, CONNECTIONS, endConnections, type Operation, writePresence } from "./presence.ts";
import { searchFieldsUpdate, unchanged, WITH_SEARCH_FIELDS } from "./reindex.ts";
import type { ReadOptions } from "./found.ts";
import { KnownDocuments } from "./known.ts";
import { CollectionSearch } from "./search.ts";
import { comparePositions, type Position } from "../../visitor/list_order.ts";
import type { EncodedVisitor } from "../../visitor/encoded_visitor.ts";
import {
  type Heartbeat,
  type PresenceResult,
  type PresenceWrite,
  type Refusal,
  type Reindexed,
  REQUEST_DEADLINE,
  type ResultPage,
  StoreRefused,
  StoreUnavailable,
  type VisitorChange,
  type VisitorCounts,
  type VisitorStore,
} from "../visitor_store.ts";

/** The indexes that the queries here need. `foyer` holds Foyer's own search fields. */
const INDEXES: Record<string, 1 | -1>[] = [
  { short_id: 1, _id: 1 },
  { is_online: 1, last_seen_at: -1, short_id: 1, _id: 1 },
  { last_seen_at: -1, short_id: 1, _id: 1 },
  { unique_id: 1 },
  { lookup_code: 1 },
  { integration_ids: 1 },
  { "foyer.keys": 1 },
  { "foyer.tags": 1, is_online: 1, last_seen_at: -1, short_id: 1, _id: 1 },
  { "foyer.v": 1 },
  { is_in_session: 1 },
  { [CONNECTIONS]: 1 },
];

/** Indexes of fields that few documents have, without the others. */
const SPARSE = new Set<string>([JSON.stringify({ [CONNECTIONS]: 1 })]);

/** How often a visitor is read again that others change at the same moment. */
const MAX_TRIES = 5;

const DAY = 86_400_000;

/** Documents that the database sends at once at the most. */
const MAX_BATCH = 5000;

/** How long a command waits for the first connection, in milliseconds. */
const COMMAND_CONNECT_DEADLINE = 30_000;

/** Told a sentence of what happens. */
type Teller = (sentence: string, level?: "warning") => void;

/** How the store is opened. */
export interface MongoStoreOptions {
  /** A connection string; its path names the database, `foyer` where it names none. */
  uri: string;
  collection: string;
  /** `request`: an answer within the deadline or none. `command`: an import or an export takes its time. */
  use: "request" | "command";
  /** Told what happens in the background. */
  log: Teller;
  /** Whether the engine's planner is a simple one, where that is not to be asked. */
  isSimple?: boolean;
}

/**
 * Opens the MongoDB store. It need not answer yet: connecting goes on in the background until it does, and the
 * indexes are made there as well.
 *
 * @throws {StoreRefused} the connection string is not usable
 */
export function openMongoStore(options: MongoStoreOptions): VisitorStore {
  return new MongoStore(options);
}

class MongoStore implements VisitorStore {
  readonly description: string;
  #client: MongoClient;
  #collection: Collection;
  #known = new KnownDocuments();
  #chunks = new ChunkSize();
  #search: CollectionSearch;
  #leases: CollectionLeases;
  #use: "request" | "command";
  #log: Teller;
  #awakening: Awakening;
  /** Whether the first connect succeeded, which the driver's own question needs no password for. */
  #hasConnected = false;
  #isReady = false;
  /** Whether a connection broke since the database last answered the driver's own question. */
  #hasFailed = false;
  /** Whether the engine's planner is a simple one; absent until that is known. */
  #isSimple?: boolean;
  #isClosed = false;
  #closing = Promise.withResolvers<void>();
  #connected: Promise<void>;
  #shortIdIndex: Promise<void>;
  #indexed: Promise<void>;

  constructor({ uri, collection, use, log, isSimple }: MongoStoreOptions) {
    this.#use = use;
    this.#log = log;
    this.#isSimple = isSimple;
    ({ client: this.#client, collection: this.#collection } = makeClient(uri, collection, use === "request"));
    this.#leases = new CollectionLeases(this.#collection);
    this.#search = new CollectionSearch({
      read: (condition, options, deadline) => {
        const read: Read = (condition, options) => this.#read(condition, options, deadline);
        return this.#isSimple ? readSimply(read, condition, options) : read(condition, options);
      },
      pagesOfOnline: (deadline) => this.#pagesOfOnline(deadline),
      countAll: (deadline) => this.#collection.estimatedDocumentCount(limitOf(deadline)),
      newDeadline: () => this.#newDeadline(),
      isSimple: () => this.#isSimple === true,
    });
    const { srvHost, hosts, passphrase } = this.#client.options;
    if (passphrase !== undefined) {
      // Deno's TLS cannot read it, and Deno 2.9 would go on without the certificate.
      throw new StoreRefused(
        "Cannot open the store: tlsCertificateKeyFilePassword needs a key without password",
      );
    }
    this.description = `collection ${this.#collection.namespace} of MongoDB at ${srvHost ?? hosts.join(",")}`;
    const { mode } = this.#client.options.readPreference;
    this.#client.on("topologyDescriptionChanged", ({ newDescription }) => {
      this.#isReady = [...newDescription.servers.values()]
        .some((server) => mode === "primary" ? server.isWritable : server.isReadable);
    });
    this.#client.on("serverHeartbeatSucceeded", () => this.#hasFailed = false);
    this.#connected = this.#connect();
    this.#awakening = new Awakening(this.#client, uri, collection, {
      connected: this.#connected,
      closing: this.#closing.promise,
    });
    if (use === "request") this.#whenAwake().then(() => this.#search.warmUp());
    const maintenance = this.#makeIndexes(uri);
    this.#shortIdIndex = maintenance.shortId;
    this.#indexed = maintenance.all;
  }

  /** The driver recovers by itself, except from a first connect that failed. */
  async #connect() {
    let lastReason = "";
    while (!this.#isClosed) {
      try {
        await this.#client.connect();
        this.#hasConnected = true;
        if (lastReason !== "") this.#log("MongoDB answers");
        return;
      } catch (error) {
        const reason = describeError(error);
        if (reason !== lastReason && !this.#isClosed) {
          this.#log(`MongoDB does not answer yet: ${reason}`, "warning");
        }
        lastReason = reason;
        // A server that refuses a password notes each try.
        await this.#pause(isServerError(error) ? 2000 : 250);
      }
    }
  }

  /** Waits, unless the store is closed meanwhile. */
  async #pause(milliseconds: number): Promise<void> {
    let timer;
    await Promise.race([
      this.#closing.promise,
      new Promise((resolve) => timer = setTimeout(resolve, milliseconds)),
    ]);
    clearTimeout(timer);
  }

  /** Makes the indexes over a connection of its own, since making one can take longer than a request may. */
  #makeIndexes(uri: string): { shortId: Promise<void>; all: Promise<void> } {
    const shortId = Promise.withResolvers<void>();
    const work = async () => {
      await this.#whenAwake();
      for (let isDone = false; !isDone && !this.#isClosed;) {
        // A client anew for each try: one whose connection failed cannot be used again.
        const { client, collection } = makeClient(uri, this.#collection.collectionName, false);
        try {
          isDone = await this.#makeMissingIndexes(collection, shortId.resolve);
          if (isDone) this.#isSimple ??= await isSimplePlanner(collection);
        } catch (error) {
          isDone = isRefusal(error) || !isUnavailable(error);
          if (isDone) {
            this.#log(
              `May not make every index on ${collection.namespace} (${describeError(error)}): ` +
                `answers are right all the same, but slower`,
              "warning",
            );
          }
        } finally {
          await client.close();
        }
        if (!isDone) await this.#pause(1000);
      }
      shortId.resolve();
    };
    return { shortId: shortId.promise, all: work() };
  }

  /**
   * @param whenShortId told once the index exists without which each upsert would read the whole collection
   * @returns whether all are there; not where the collection is not: an import makes it, a server waits for whoever
   * does, since what is to become a view could not be one any more
   */
  async #makeMissingIndexes(collection: Collection, whenShortId: () => void): Promise<boolean> {
    const existing = await indexesOf(collection);
    if (existing === null && this.#use === "request") return false;
    for (const index of INDEXES) {
      if (this.#isClosed) break;
      const shape = JSON.stringify(index);
      if (!existing?.includes(shape)) {
        await collection.createIndex(index, SPARSE.has(shape) ? { sparse: true } : {});
        this.#log(`Made the index ${shape} on ${collection.namespace}`);
      }
      if (index === INDEXES[0]) whenShortId();
    }
    return true;
  }

  findVisitors(
    query: SearchQuery,
    limit: number,
    after: Position | null,
    fallback: SearchQuery | null = null,
  ): Promise<ResultPage> {
    return this.#answer(async (deadline) => {
      const page = await this.#search.findVisitors(query, limit, after, deadline);
      if (page.visitors.length > 0 || fallback === null) return { ...page, isFallback: false, unindexed: 0 };
      const found = await this.#search.findVisitors(fallback, limit, after, deadline);
      return { ...found, isFallback: true, unindexed: 0 };
    });
  }

  /** The documents that fulfil a condition, as the driver gets them. */
  async *#read(
    condition: Condition,
    options: ReadOptions,
    deadline: Deadline,
  ): AsyncGenerator<StoredDocument[]> {
    const { limit = 0, batchSize = limit || MAX_BATCH } = options;
    const isWhole = options.projection === WHOLE || options.projection === WHOLE_AND_ID;
    const cursor = this.#collection.find(condition, {
      ...options,
      raw: isWhole,
      // All at once where they are so many at the most.
      batchSize: Math.min(batchSize, MAX_BATCH),
      ...limitOf(deadline),
    });
    try {
      while (await deadline.race(cursor.hasNext())) {
        const documents = cursor.readBufferedDocuments();
        yield isWhole ? this.#known.decode(documents as unknown as Uint8Array[]) : documents;
      }
    } finally {
      // Not waited for: nobody who is late should wait for it, and what it throws was thrown already.
      cursor.close().catch(() => {});
    }
  }

  /** Grouped and not by `distinct`, whose answer is one document of 16 MB at the most. */
  async #pagesOfOnline(deadline: Deadline): Promise<unknown[]> {
    const pipeline = [{ $match: { is_online: true } }, { $group: { _id: "$last_url" } }];
    const cursor = this.#collection.aggregate(pipeline, { batchSize: MAX_BATCH, ...limitOf(deadline) });
    return (await deadline.race(cursor.toArray())).map(({ _id }) => _id);
  }

  getVisitors(shortIds: string[]): Promise<(EncodedVisitor | null)[]> {
    return this.#answer(async (deadline) => {
      const asked = new Set(shortIds);
      const documents = this.#known.decode(
        await this.#collection
          .find<Uint8Array>({ short_id: { $in: [...asked] } }, {
            projection: WHOLE,
            raw: true,
            ...limitOf(deadline),
          })
          .toArray(),
      );
      const firsts = new Map<string, StoredDocument>();
      for (const document of documents) {
        const { shortId } = positionOf(document);
        // An array that holds the short id is found by MongoDB too, and a short id may be repeated.
        if (!asked.has(shortId)) continue;
        const other = firsts.get(shortId);
        if (other === undefined || comparePositions(positionOf(document), positionOf(other)) < 0) {
          firsts.set(shortId, document);
        }
      }
      return shortIds.map((shortId) => {
        const document = firsts.get(shortId);
        return document === undefined ? null : encodedVisitorOf(document);
      });
    });
  }

  async putVisitors(visitors: Visitor[]): Promise<Refusal[]> {
    if (this.#use === "command") {
      await this.#whenConnected();
      // Upserts that each read the whole collection would take longer than making the index does.
      await this.#shortIdIndex;
    }
    // The driver takes no empty batch.
    if (visitors.length === 0) return [];
    let left = visitors;
    // A second try for those that another import inserted at the same moment.
    for (let tries = 0; tries < 2; tries++) {
      const { errors } = await this.#answer(() => writeBulk(this.#collection, left.map(upsertOf)));
      const refused = errors.map(({ index, code }) => ({ visitor: left[index], code }));
      if (!refused.some(({ code }) => code === 11000) || tries === 1) {
        return refused.map(({ visitor, code }) => ({
          shortId: visitor.short_id,
          reason: code === 11000 ? "another document has this _id" : `MongoDB refused it (code ${code})`,
        }));
      }
      left = refused.map(({ visitor }) => visitor);
    }
    return [];
  }

  /** As presence uses the collection: each operation has a deadline of its own. */
  #written = {
    // Not from a secondary, where what was just written may be missing.
    find: (condition: Condition, projection: Projection, limit = 0) =>
      this.#answer((deadline) => {
        const options = { projection, limit, batchSize: MAX_BATCH, ...limitOf(deadline) };
        return this.#collection.find(condition, { ...options, readPreference: "primary" }).toArray();
      }),
    write: (operations: Operation[]) => this.#answer(() => writeBulk(this.#collection, operations)),
  };

  writePresence(process: string, writes: PresenceWrite[]): Promise<PresenceResult[]> {
    return this.#chunks.run((size) => writePresence(this.#written, process, writes, size));
  }

  connectedTo(process: string): Promise<Set<string>> {
    return connectedTo(this.#written, process);
  }

  endConnections(process: string, most: number): Promise<number> {
    return this.#chunks.run((size) => endConnections(this.#written, process, most, size));
  }

  heartbeat(process: string, count: number): Promise<Heartbeat> {
    return this.#answer((deadline) => this.#leases.heartbeat(process, count, limitOf(deadline)));
  }

  forgetProcess(process: string): Promise<void> {
    return this.#answer(() => this.#leases.forget(process));
  }

  async lookupCodesInUse(codes: string[]): Promise<Set<string>> {
    const condition = { lookup_code: { $in: codes.flatMap(writtenForms) } };
    const visitors = (await this.#written.find(condition, { ...PLACE, lookup_code: 1 })).map(visitorOf);
    // The others have none, or are no visitors.
    return new Set(visitors.flatMap((visitor) => visitor?.is_online ? visitor.lookup_code ?? [] : []));
  }

  updateVisitor(shortId: string, change: VisitorChange): Promise<Visitor | null> {
    return this.#answer(async (deadline) => {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const [document] = (await this.#documentsOf(shortId, WITH_SEARCH_FIELDS, deadline))
          .sort((a, b) => comparePositions(positionOf(a), positionOf(b)));
        if (document === undefined) return null;
        const visitor = { ...visitorOf(document)!, ...change };
        const { matchedCount } = await this.#collection.updateOne(
          unchanged(document),
          changeOf(visitor, change),
        );
        if (matchedCount === 1) return visitor;
      }
      throw new StoreUnavailable("Other software changes this visitor all the time");
    });
  }

  removeVisitor(shortId: string): Promise<boolean> {
    return this.#answer(async (deadline) => {
      const documents = await this.#documentsOf(shortId, PLACE_AND_ID, deadline);
      if (documents.length === 0) return false;
      const ids = documents.map(({ _id }) => _id as ObjectId);
      await this.#collection.deleteMany({ _id: { $in: ids }, short_id: shortId });
      return true;
    });
  }

  /** Other software may repeat a short id; an array that holds it is found by MongoDB too, and is none. */
  async #documentsOf(shortId: string, projection: Projection, deadline: Deadline): Promise<StoredDocument[]> {
    const found = await this.#collection.find({ short_id: shortId }, { projection, ...limitOf(deadline) })
      .toArray();
    return found.filter(({ short_id }) => short_id === shortId);
  }

  removeOffline(seenBefore: Date | null, most: number): Promise<number> {
    return this.#answer(async (deadline) => {
      const condition = offlineBefore(seenBefore);
      const ids: ObjectId[] = [];
      const options = { projection: PLACE_AND_ID, batchSize: most };
      for await (const documents of this.#read(condition, options, deadline)) {
        const removed = documents.filter((document) => isOfflineBefore(document, seenBefore));
        ids.push(...removed.map(({ _id }) => _id as ObjectId));
        if (ids.length >= most) break;
      }
      if (ids.length === 0) return 0;
      // Not whoever has come back meanwhile.
      const { deletedCount } = await this.#collection.deleteMany({
        _id: { $in: ids.slice(0, most) },
        ...condition,
      });
      return deletedCount;
    });
  }

  countOnline(): Promise<number> {
    return this.#answer((deadline) => this.#count(IS_ONLINE, deadline));
  }

  countVisitors(now: Date): Promise<VisitorCounts> {
    return this.#answer(async (deadline) => {
      const count = (condition: Condition) => this.#count(condition, deadline);
      const seenWithin = async (days: number) =>
        sum(await Promise.all(seenSince(new Date(now.getTime() - days * DAY)).map(count)));
      const [online, lastDay, last30Days, inSession] = await Promise.all([
        count(IS_ONLINE),
        seenWithin(1),
        seenWithin(30),
        count(IS_IN_SESSION),
      ]);
      return { online, lastDay, last30Days, inSession };
    });
  }

  async #count(condition: Condition, deadline: Deadline): Promise<number> {
    return await this.#collection.countDocuments(condition, limitOf(deadline));
  }

  takeLease(name: string, holder: string, milliseconds: number): Promise<boolean> {
    return this.#answer(() => this.#leases.take(name, holder, milliseconds));
  }

  releaseLease(name: string, holder: string): Promise<void> {
    return this.#answer(() => this.#leases.release(name, holder));
  }

  async *allVisitors(): AsyncIterable<Visitor> {
    try {
      await this.#whenConnected();
      const options = { projection: WHOLE };
      for await (const documents of this.#read({ short_id: { $gt: "" } }, options, this.#newDeadline())) {
        yield* documents.map(visitorOf).filter((visitor) => visitor !== null);
      }
    } catch (error) {
      throw asStoreError(error);
    }
  }

  async reindex(onProgress: (looked: number, total: number) => void): Promise<Reindexed> {
    try {
      await this.#whenConnected();
      await this.#indexed;
      const total = await this.#collection.estimatedDocumentCount();
      const done: Reindexed = { written: 0, missed: 0 };
      let looked = 0;
      // Foreign ones first, by their index: after a stop it goes on with those that are left.
      for (const condition of [IS_FOREIGN, {}]) {
        done.missed = 0;
        const options = { projection: WITH_SEARCH_FIELDS };
        for await (const documents of this.#read(condition, options, this.#newDeadline())) {
          const updates = documents.map(searchFieldsUpdate).filter((update) => update !== null);
          if (updates.length > 0) {
            const { matchedCount } = await this.#collection.bulkWrite(updates, { ordered: false });
            done.written += matchedCount;
            done.missed += updates.length - matchedCount;
          }
          if (condition !== IS_FOREIGN) onProgress(looked += documents.length, total);
        }
      }
      return done;
    } catch (error) {
      throw asStoreError(error);
    }
  }

  isReady(): boolean {
    return this.#hasConnected && this.#isReady && this.#awakening.isOver && !this.#hasFailed;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.resolve();
    await this.#client.close();
    await Promise.allSettled([this.#connected, this.#awakening.over, this.#indexed]);
  }

  #newDeadline(): Deadline {
    return new Deadline(this.#use === "request" ? REQUEST_DEADLINE : Infinity);
  }

  /**
   * Runs work within the deadline, whatever the driver does meanwhile: a retried read may take the socket's
   * timeout twice.
   */
  async #answer<T>(work: (deadline: Deadline) => Promise<T>): Promise<T> {
    const deadline = this.#newDeadline();
    try {
      return await deadline.race(this.#whenConnected().then(() => work(deadline)));
    } catch (error) {
      // A query that takes too long, or that is forbidden, says nothing of the others.
      if (isUnavailable(error) && !isRefusal(error) && !(error instanceof StoreUnavailable)) {
        this.#hasFailed = true;
      }
      throw asStoreError(error);
    }
  }

  async #whenConnected(): Promise<void> {
    await new Deadline(this.#use === "request" ? REQUEST_DEADLINE : COMMAND_CONNECT_DEADLINE).race(
      this.#connected,
    );
    await this.#whenAwake();
  }

  async #whenAwake(): Promise<void> {
    await this.#connected;
    await this.#awakening.over;
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The option by which the database stops working on what nobody waits for. */
function limitOf({ left }: Deadline): { maxTimeMS?: number } {
  return left === Infinity ? {} : { maxTimeMS: left };
}
