/**
 * The MongoDB store: visitors in a collection, or a view, that other software may write as well.
 *
 * @module
 */
import {
  type AnyBulkWriteOperation,
  type Collection,
  Decimal128,
  type Document,
  type Filter,
  Long,
  MongoBulkWriteError,
  MongoClient,
  MongoError,
  MongoInvalidArgumentError,
  MongoServerError,
} from "mongodb";
import { exactKey, exactKeys, textKeys, trigramKeys } from "../search/keys.ts";
import { matches } from "../search/match.ts";
import type { SearchPart, SearchQuery } from "../search/parse.ts";
import { ATTRIBUTE_NAMES, readVisitor, toDocument, type Visitor } from "../visitor.ts";
import { Deadline, REQUEST_DEADLINE } from "./deadline.ts";
import { comparePositions, isSamePlace, type Position } from "./position.ts";
import {
  type Page,
  type Refusal,
  StoreRefused,
  StoreUnavailable,
  type VisitorStore,
} from "./visitor_store.ts";

/** The version of the search fields; documents with another one, or none, are foreign. */
const SEARCH_VERSION = 1;

/** More keys than this would make one document a burden to the index; such a visitor is found as a foreign one. */
const MAX_KEYS = 5000;

/** The indexes that the queries here need. `foyer` holds Foyer's own search fields, see {@link searchFields}. */
const INDEXES: Record<string, 1 | -1>[] = [
  { short_id: 1, _id: 1 },
  { is_online: 1, last_seen_at: -1, short_id: 1, _id: 1 },
  { last_seen_at: -1, short_id: 1, _id: 1 },
  { unique_id: 1 },
  { lookup_code: 1 },
  { integration_ids: 1 },
  { "foyer.keys": 1 },
  { "foyer.v": 1 },
];

/** Nothing but attributes leaves the database, and whether a document has search fields. */
const PROJECTION = { _id: 0, "foyer.v": 1, ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [name, 1])) };

/**
 * Dates by which documents are ordered: those of years with four digits (RFC 3339), since some engines refuse a
 * query that holds another. A BSON date may lie beyond, and counts as none.
 */
const DATES = { $gte: new Date("0001-01-01T00:00:00.000Z"), $lte: new Date("9999-12-31T23:59:59.999Z") };

/** A source with more documents than this is walked in order. */
const MAX_GATHERED = 1000;

/** How long a collection that was found too large to be read whole is taken to be so. */
const LARGE_MILLISECONDS = 60_000;

/** Documents that a walk reads at once. */
const MAX_PORTION = 2000;

/** How long a command waits for the first connection, in milliseconds. */
const COMMAND_CONNECT_DEADLINE = 30_000;

/** How the store is opened. */
export interface MongoStoreOptions {
  /** A connection string; its path names the database, `foyer` where it names none. */
  uri: string;
  collection: string;
  /** `request`: an answer within the deadline or none. `command`: an import or an export takes its time. */
  use: "request" | "command";
  /** Told what happens in the background, a sentence each. */
  log: (sentence: string) => void;
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
  #use: "request" | "command";
  #log: (sentence: string) => void;
  #isReady = false;
  /** Whether a connection broke since the database last answered the driver's own question. */
  #hasFailed = false;
  /** Until when the collection is taken to have too many documents to read it whole. */
  #largeUntil = 0;
  #isClosed = false;
  #closing = Promise.withResolvers<void>();
  #connected: Promise<void>;
  #shortIdIndex: Promise<void>;
  #indexed: Promise<void>;

  constructor({ uri, collection, use, log }: MongoStoreOptions) {
    this.#use = use;
    this.#log = log;
    ({ client: this.#client, collection: this.#collection } = makeClient(uri, collection, use === "request"));
    const { srvHost, hosts } = this.#client.options;
    this.description = `collection ${this.#collection.namespace} of MongoDB at ${srvHost ?? hosts.join(",")}`;
    const { mode } = this.#client.options.readPreference;
    this.#client.on("topologyDescriptionChanged", ({ newDescription }) => {
      this.#isReady = [...newDescription.servers.values()]
        .some((server) => mode === "primary" ? server.isWritable : server.isReadable);
    });
    this.#client.on("serverHeartbeatSucceeded", () => this.#hasFailed = false);
    this.#connected = this.#connect();
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
        if (lastReason !== "") this.#log("MongoDB answers");
        return;
      } catch (error) {
        const reason = describeError(error);
        if (reason !== lastReason && !this.#isClosed) this.#log(`MongoDB does not answer yet: ${reason}`);
        lastReason = reason;
        await this.#pause(250);
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
      await this.#connected;
      let left = INDEXES;
      while (left.length > 0 && !this.#isClosed) {
        // A client anew for each try: one whose connection failed cannot be used again.
        const { client, collection } = makeClient(uri, this.#collection.collectionName, false);
        try {
          // An import makes the collection; a server waits for whoever does.
          if (left === INDEXES && this.#use === "request" && !await isThere(collection)) {
            await this.#pause(1000);
            continue;
          }
          await makeIndex(collection, left[0], this.#log);
          left = left.slice(1);
        } catch (error) {
          if (isUnavailable(error) && !isRefusal(error)) {
            await this.#pause(1000);
            continue;
          }
          const names = left.map((index) => Object.keys(index).join("+")).join(", ");
          this.#log(
            `May not make indexes on ${collection.namespace} (${describeError(error)}): ` +
              `without ${names} answers are right but slower`,
          );
          left = [];
        } finally {
          await client.close();
        }
        shortId.resolve();
      }
      shortId.resolve();
    };
    return { shortId: shortId.promise, all: work() };
  }

  findVisitors(query: SearchQuery, limit: number, after: Position | null): Promise<Page> {
    return this.#answer(async (deadline) => {
      if (query.some((part) => part.kind === "nobody")) return { visitors: [], next: null };
      const skip = after?.count ?? 0;
      const search = { query, after, wanted: limit + 1 + skip, deadline };
      const found = await this.#findSmall(search) ?? await this.#findLarge(search);
      return pageOf(found, limit, after, skip);
    });
  }

  /** A small collection is read whole where one indexed query cannot answer; `null` where it can, or is not small. */
  async #findSmall(search: Search): Promise<Found[] | null> {
    const sources = sourcesOf(search.query);
    const isIndexed = sources.length === 1 && sources[0].isNarrow ||
      search.query.every(({ kind }) => kind === "online");
    if (isIndexed || performance.now() < this.#largeUntil) return null;
    const found = await this.#gather({ condition: {}, isNarrow: true }, search);
    if (found === null) this.#largeUntil = performance.now() + LARGE_MILLISECONDS;
    return found;
  }

  async #findLarge(search: Search): Promise<Found[]> {
    const sources = sourcesOf(search.query);
    const found = await Promise.all(sources.map((source) => this.#findIn(source, search)));
    return found.length === 1 ? found[0] : found.flat().sort(byPosition);
  }

  /** The first visitors of a source that match, in order, from the position on. */
  async #findIn(source: Source, search: Search): Promise<Found[]> {
    return (source.isNarrow ? await this.#gather(source, search) : null) ?? await this.#walk(source, search);
  }

  /** Reads a whole source, which costs the database no sorting; `null` where that is too much. */
  async #gather(source: Source, { query, after, wanted, deadline }: Search): Promise<Found[] | null> {
    const documents = await this.#collection.find(source.condition, {
      projection: PROJECTION,
      limit: MAX_GATHERED + 1,
      batchSize: MAX_GATHERED + 1,
      ...limitOf(deadline),
    }).toArray();
    if (documents.length > MAX_GATHERED) return null;
    return documents.map((document) => readFound(document, query, source))
      .filter((found) => found !== null)
      .filter(({ position }) => after === null || comparePositions(position, after) >= 0)
      .sort(byPosition)
      .slice(0, wanted);
  }

  /**
   * Walks a source in order, a segment after the other, until there are enough. Each portion is a query of its
   * own from where the last one ended, so nothing is held open in the database.
   */
  async #walk(source: Source, search: Search): Promise<Found[]> {
    const found: Found[] = [];
    for (const segment of segmentsOf(source, search)) {
      await this.#walkSegment(segment, source, search, found);
      if (found.length >= search.wanted) break;
    }
    return found;
  }

  async #walkSegment(
    segment: Segment,
    source: Source,
    { query, after, wanted, deadline }: Search,
    found: Found[],
  ): Promise<void> {
    let from = after !== null && isInSegment(after, segment) ? after : null;
    let size = wanted - found.length;
    /** Documents at the very place from which this goes on that are behind it. */
    let passed = 0;
    /** Documents after those that are behind it too: one that is no visitor here has no place to go on from. */
    let read: Position[] = [];
    while (true) {
      const documents = await this.#collection.find(inSegment(source.condition, segment, from), {
        projection: PROJECTION,
        // By _id too: repeated short ids must come in one order, or counting those passed over means nothing.
        sort: segment.dated ? { last_seen_at: -1, short_id: 1, _id: 1 } : { short_id: 1, _id: 1 },
        limit: size,
        batchSize: size,
        skip: passed + read.length,
        ...limitOf(deadline),
      }).toArray();
      for (const document of documents) {
        const one = readFound(document, query, source);
        if (one === null || !isInSegment(one.position, segment)) continue;
        found.push(one);
        if (found.length === wanted) return;
      }
      if (documents.length < size) return;
      read.push(...documents.map(positionOf));
      const last = read[read.length - 1];
      if (last.shortId !== "" && isInSegment(last, segment)) {
        passed = read.filter((position) => isSamePlace(position, last)).length +
          (from !== null && isSamePlace(from, last) ? passed : 0);
        from = last;
        read = [];
      }
      size = Math.min(2 * size, MAX_PORTION);
    }
  }

  getVisitors(shortIds: string[]): Promise<(Visitor | null)[]> {
    return this.#answer(async (deadline) => {
      const asked = new Set(shortIds);
      const documents = await this.#collection
        .find({ short_id: { $in: [...asked] } }, { projection: PROJECTION, ...limitOf(deadline) })
        .toArray();
      const firsts = new Map<string, Document>();
      // An array that holds the short id is found by MongoDB too, and a short id may be repeated.
      for (const document of documents.filter(({ short_id }) => asked.has(short_id))) {
        const other = firsts.get(document.short_id);
        if (other === undefined || comparePositions(positionOf(document), positionOf(other)) < 0) {
          firsts.set(document.short_id, document);
        }
      }
      return shortIds.map((shortId) => {
        const document = firsts.get(shortId);
        return document === undefined ? null : readVisitor(asNative(document));
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
      const errors = await this.#answer(() => this.#write(left));
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

  async #write(visitors: Visitor[]): Promise<{ index: number; code: number }[]> {
    try {
      await this.#collection.bulkWrite(visitors.map(asUpsert), { ordered: false });
      return [];
    } catch (error) {
      if (!(error instanceof MongoBulkWriteError) || isUnavailable(error)) throw error;
      const errors = [error.writeErrors].flat();
      if (errors.length === 0) throw error;
      return errors.map(({ index, code }) => ({ index, code: Number(code) }));
    }
  }

  async *allVisitors(): AsyncIterable<Visitor> {
    try {
      await this.#whenConnected();
      for await (
        const document of this.#collection.find({ short_id: { $gt: "" } }, { projection: PROJECTION })
      ) {
        const visitor = readVisitor(asNative(document));
        if (visitor !== null) yield visitor;
      }
    } catch (error) {
      throw asStoreError(error);
    }
  }

  isReady(): boolean {
    return this.#isReady && !this.#hasFailed;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#closing.resolve();
    await this.#client.close();
    await Promise.allSettled([this.#connected, this.#indexed]);
  }

  /**
   * Runs work within the deadline, whatever the driver does meanwhile: a retried read may take the socket's
   * timeout twice.
   */
  async #answer<T>(work: (deadline: Deadline) => Promise<T>): Promise<T> {
    const deadline = new Deadline(this.#use === "request" ? REQUEST_DEADLINE : Infinity);
    try {
      return await deadline.race(this.#whenConnected().then(() => work(deadline)));
    } catch (error) {
      // A query that takes too long says nothing of the others.
      if (isUnavailable(error) && !(error instanceof StoreUnavailable)) this.#hasFailed = true;
      throw asStoreError(error);
    }
  }

  async #whenConnected(): Promise<void> {
    await new Deadline(this.#use === "request" ? REQUEST_DEADLINE : COMMAND_CONNECT_DEADLINE).race(
      this.#connected,
    );
  }
}

/** The option by which the database stops working on what nobody waits for. */
function limitOf({ left }: Deadline): { maxTimeMS?: number } {
  return left === Infinity ? {} : { maxTimeMS: left };
}

/** @param hurried for requests; otherwise for work that may take its time, such as an import */
function makeClient(
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

/** Whether the collection, or the view, is there. An index would make it, and what is to become a view could not be one. */
async function isThere(collection: Collection): Promise<boolean> {
  const found = await collection.db.listCollections({ name: collection.collectionName }, {
    nameOnly: true,
    authorizedCollections: true,
  })
    .toArray();
  return found.length > 0;
}

async function makeIndex(
  collection: Collection,
  index: Record<string, 1 | -1>,
  log: (sentence: string) => void,
) {
  const shape = JSON.stringify(index);
  const existing = await collection.indexes().catch((error) => {
    // NamespaceNotFound: the collection comes with its first index.
    if (error instanceof MongoServerError && error.code === 26) return [];
    throw error;
  });
  if (existing.some(({ key }) => JSON.stringify(key) === shape)) return;
  await collection.createIndex(index);
  log(`Made the index ${shape} on ${collection.namespace}`);
}

/** A quarter of the order of all lists, within which one query can sort. */
interface Segment {
  online: boolean;
  /** Whether `last_seen_at` is a date. */
  dated: boolean;
}

/** What a search asks for. */
interface Search {
  query: SearchQuery;
  after: Position | null;
  /** How many visitors are enough. */
  wanted: number;
  deadline: Deadline;
}

/** Some of the documents, among which all or some of the matching visitors are. No two sources share any. */
interface Source {
  condition: Filter<Document>;
  /** Only visitors who are online, or only those who are not. */
  online?: boolean;
  /** Only documents with search fields, or only foreign ones. */
  isKeyed?: boolean;
  /** Whether few documents may fulfil the condition. */
  isNarrow: boolean;
}

interface Found {
  visitor: Visitor;
  position: Position;
}

/** MongoDB compares an array by what it holds, so one may be found again behind its place. */
const NO_ARRAY = { $not: { $type: "array" } };

const SEGMENTS: Segment[] = [
  { online: true, dated: true },
  { online: true, dated: false },
  { online: false, dated: true },
  { online: false, dated: false },
];

function isInSegment({ online, lastSeenAt }: Position, segment: Segment): boolean {
  return online === segment.online && (lastSeenAt !== null) === segment.dated;
}

/** The segments from the position on in which a source has visitors that may match. */
function segmentsOf({ online }: Source, { query, after }: Search): Segment[] {
  const start = after === null ? 0 : SEGMENTS.findIndex((segment) => isInSegment(after, segment));
  return SEGMENTS.slice(start).filter((segment) =>
    (online === undefined || segment.online === online) &&
    query.every((part) =>
      part.kind === "online" ? part.online === segment.online : part.kind !== "url" || segment.online
    )
  );
}

/**
 * The documents of a segment from a position on, that position included. An array is no date and no boolean,
 * though MongoDB finds it by what it holds: such documents are asked for in the segment to which they belong.
 */
function inSegment(
  condition: Filter<Document>,
  { online, dated }: Segment,
  from: Position | null,
): Filter<Document> {
  const either: Filter<Document>[] = [];
  const filter: Filter<Document> = { ...condition };
  if (online) filter.is_online = { $eq: true, ...NO_ARRAY };
  else either.push({ $or: [{ is_online: { $ne: true } }, { is_online: { $type: "array" } }] });
  // What is no visitor, too, would come back out of its turn. Not as a range, for which an engine may take the
  // index of short ids instead of the one in this order.
  if (dated) either.push({ short_id: { $type: "string", $ne: "", ...NO_ARRAY } });
  if (!dated) {
    filter.short_id = { ...(from === null ? { $gt: "" } : { $gte: from.shortId }), ...NO_ARRAY };
    either.push({ $or: [{ last_seen_at: { $not: DATES } }, { last_seen_at: { $type: "array" } }] });
  } else if (from === null) {
    filter.last_seen_at = { ...DATES, ...NO_ARRAY };
  } else {
    const at = new Date(from.lastSeenAt!);
    // The first condition bounds an index scan, the second one tells apart those seen at the same moment.
    filter.last_seen_at = { $gte: DATES.$gte, $lte: at, ...NO_ARRAY };
    either.push({ $or: [{ last_seen_at: { $lt: at } }, { short_id: { $gte: from.shortId } }] });
  }
  return either.length === 0 ? filter : { ...filter, $and: [...(condition.$and ?? []), ...either] };
}

/**
 * Where the visitors are that a query may match. A part that one of the plain attributes answers finds everybody
 * by its index. Other parts are looked up by the keys of documents that have search fields, while those of
 * foreign documents are read. Visitors online now may match by `last_url`, which has no keys, so that a page view
 * does not rewrite them.
 */
function sourcesOf(query: SearchQuery): Source[] {
  const plain = query.map(plainCondition).filter((condition) => condition !== null);
  if (plain.length > 0) return [{ condition: { $and: plain }, isNarrow: true }];
  const exact = query.map(exactKey).filter((key) => key !== null);
  const texts = query.filter((part) => part.kind === "text").filter(({ text }) => textKeys(text).length > 0);
  const byExact = exact.map((key) => ({ "foyer.keys": key }));
  const byText = texts.map(({ text, shortId }) => ({
    $or: [{ "foyer.keys": { $all: textKeys(text) } }, { short_id: shortId }],
  }));
  if (byExact.length + byText.length === 0) return [{ condition: {}, isNarrow: false }];
  const everything: Source = { condition: { $and: [...byExact, ...byText] }, isKeyed: true, isNarrow: true };
  const foreign: Source = { condition: { "foyer.v": null }, isKeyed: false, isNarrow: true };
  if (!texts.some(({ inUrl }) => inUrl)) return [everything, foreign];
  if (byExact.length > 0) {
    return [
      { ...everything, online: false },
      { condition: { $and: byExact }, isKeyed: true, online: true, isNarrow: true },
      foreign,
    ];
  }
  return [
    { ...everything, online: false },
    { condition: {}, online: true, isNarrow: false },
    { ...foreign, online: false },
  ];
}

/** What every document fulfils that matches a part, where equality of an attribute tells; otherwise `null`. */
function plainCondition(part: SearchPart): Filter<Document> | null {
  switch (part.kind) {
    case "unique_id":
      return { unique_id: { $in: writtenForms(part.value) } };
    case "code":
      return { $or: [{ lookup_code: { $in: writtenForms(part.digits) } }, { short_id: part.digits }] };
    case "integration_id":
      return { integration_ids: { $in: writtenForms(part.value) } };
    default:
      return null;
  }
}

/** A document as a visitor and its place, if it is a visitor of this source that matches. */
function readFound(document: Document, query: SearchQuery, { online, isKeyed }: Source): Found | null {
  const position = positionOf(document);
  if (online !== undefined && position.online !== online) return null;
  const hasKeys = document.foyer?.v !== undefined && document.foyer.v !== null;
  if (isKeyed !== undefined && hasKeys !== isKeyed) return null;
  const visitor = readVisitor(asNative(document));
  return visitor !== null && matches(query, visitor) ? { visitor, position } : null;
}

/** The page of visitors found from a position on; those who had been on the page before are passed over. */
function pageOf(found: Found[], limit: number, after: Position | null, skip: number): Page {
  let start = 0;
  while (
    after !== null && start < skip && start < found.length && isSamePlace(found[start].position, after)
  ) {
    start++;
  }
  const shown = found.slice(start, start + limit);
  const visitors = shown.map(({ visitor }) => visitor);
  if (found.length <= start + limit) return { visitors, next: null };
  const last = shown[limit - 1].position;
  const same = shown.filter(({ position }) => isSamePlace(position, last)).length;
  return {
    visitors,
    next: { ...last, count: same + (after !== null && isSamePlace(after, last) ? start : 0) },
  };
}

/** The values that are sent as this text: the text, and the number or boolean that reads so. */
function writtenForms(value: string): unknown[] {
  const forms: unknown[] = [value];
  if (value === "true" || value === "false") forms.push(value === "true");
  if (value !== "" && String(Number(value)) === value) forms.push(Number(value));
  else if (/^-?[1-9]\d{15,18}$/.test(value)) forms.push(Long.fromString(value));
  return forms;
}

function byPosition(a: Found, b: Found): number {
  return comparePositions(a.position, b.position);
}

/** A document as its visitor's place in the order; an empty short id where it has none. */
function positionOf(document: Document): Position {
  const { short_id, is_online, last_seen_at } = document;
  const isDate = last_seen_at instanceof Date && last_seen_at >= DATES.$gte && last_seen_at <= DATES.$lte;
  return {
    online: is_online === true,
    lastSeenAt: isDate ? last_seen_at.getTime() : null,
    shortId: typeof short_id === "string" ? short_id : "",
    count: 1,
  };
}

/** BSON's own number classes as JavaScript's, in attributes and in what they hold. */
function asNative(document: Document): Record<string, unknown> {
  return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, nativeValue(value)]));
}

function nativeValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  // A Timestamp is a Long to the driver, and no number.
  if (value instanceof Long && value._bsontype === "Long") return value.toBigInt();
  if (value instanceof Decimal128) return Number(value.toString());
  if (Array.isArray(value)) return value.map(nativeValue);
  if ("_bsontype" in value) return undefined;
  return asNative(value as Document);
}

/**
 * Puts a visitor in place by its short id. The `_id` of a new document is the short id, so that two imports at
 * the same moment cannot both insert it, with no unique index on a collection that is not ours.
 */
function asUpsert(visitor: Visitor): AnyBulkWriteOperation {
  const { short_id, ...attributes } = toDocument(visitor);
  const search = searchFields(visitor);
  const absent = ATTRIBUTE_NAMES.filter((name) => name !== "short_id" && !(name in attributes));
  const unset = [...absent, ...(search === null ? ["foyer"] : [])];
  return {
    updateOne: {
      filter: { short_id },
      update: {
        $set: { ...attributes, ...(search === null ? {} : { foyer: search }) },
        ...(unset.length === 0 ? {} : { $unset: Object.fromEntries(unset.map((name) => [name, ""])) }),
        $setOnInsert: { _id: short_id },
      },
      upsert: true,
    },
  };
}

/** Foyer's own fields of a document: index keys, and the version of the rules by which they were made. */
function searchFields(visitor: Visitor): { v: number; keys: string[] } | null {
  const keys = [...exactKeys(visitor), ...trigramKeys(visitor)];
  return keys.length > MAX_KEYS ? null : { v: SEARCH_VERSION, keys };
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

function isUnavailable(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return true;
  if (error instanceof MongoServerError) return UNAVAILABLE_CODES.has(Number(error.code));
  // Not what only a fault of ours can cause.
  if (error instanceof MongoError) return !(error instanceof MongoInvalidArgumentError);
  // After a kill the driver lets the socket's own error through, such as EPIPE.
  return error instanceof Error && "code" in error && /^E[A-Z]+$/.test(String(error.code));
}

/** Whether the database forbids something, which it will do again. */
function isRefusal(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === 13;
}

function asStoreError(error: unknown): unknown {
  if (error instanceof StoreUnavailable || !isUnavailable(error)) return error;
  const what = isRefusal(error) ? "forbids it" : "does not answer";
  return new StoreUnavailable(`MongoDB ${what}: ${describeError(error)}`, { cause: error });
}

/** An error's kind and code. Never its sentence: that can hold a visitor's data or a password. */
function describeError(error: unknown): string {
  const { name, code, codeName, cause } = error as {
    name?: string;
    code?: unknown;
    codeName?: string;
    cause?: { code?: unknown };
  };
  return [name, codeName ?? code ?? cause?.code].filter((part) => part !== undefined).join(", ");
}
