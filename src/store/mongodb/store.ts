/**
 * The MongoDB store: visitors in a collection, or a view, that other software may write as well. See DESIGN.md.
 *
 * @module
 */
import type { Deadline } from "../../async/deadline.ts";
import type { SearchQuery } from "../../search/parse.ts";
import { comparePositions, type Position } from "../../visitor/list_order.ts";
import { EncodedVisitor } from "../../visitor/encoded_visitor.ts";
import { ATTRIBUTE_NAMES, type Visitor, type VisitorChange } from "../../visitor/visitor.ts";
import { applyChange, CALL_ATTRIBUTES, changesCall } from "../../visitor/visitor_state.ts";
import { type AgentClaim, claim, type ClaimResult } from "../agent_claim.ts";
import type { PageView } from "../page_views.ts";
import {
  type Heartbeat,
  type PresenceResult,
  type PresenceWrite,
  type Refusal,
  type Reindexed,
  type ResultPage,
  StoreUnavailable,
  VisitorChanged,
  type VisitorCounts,
  type VisitorStore,
} from "../visitor_store.ts";
import type { VisitorCollection } from "./collection.ts";
import { all } from "./conditions.ts";
import { Connection, type MongoStoreOptions } from "./connection.ts";
import { countOnline, countVisitors, countWaiting } from "./counts.ts";
import {
  CLAIM_END,
  documentOf,
  emptiedIn,
  fieldsOf,
  PAGES,
  pagesOf,
  positionOf,
  type Projection,
  type ReadDocument,
  SORT_KEY,
  type StoredDocument,
  unchangedFilter,
  type Update,
  updateOf,
  visitorOf,
  WHOLE,
} from "./document.ts";
import { asStoreError, type Condition, isCursorLost } from "./driver.ts";
import { IndexMaker } from "./indexes.ts";
import { CollectionLeases } from "./leases.ts";
import { CollectionPresence } from "./presence.ts";
import { putVisitors } from "./put_visitors.ts";
import { reindex } from "./reindex.ts";
import { CollectionSearch } from "./search.ts";
import { INDEXED_ATTRIBUTES, UNINDEXED } from "./search_fields.ts";

/**
 * Opens the MongoDB store. The database need not answer yet: connecting is retried in the background, and the missing
 * indexes are made in the background too.
 *
 * @throws {StoreRefused} the connection string cannot be used
 */
export function openMongoStore(options: MongoStoreOptions): VisitorStore {
  return new MongoStore(options);
}

class MongoStore implements VisitorStore {
  readonly description: string;
  #use: MongoStoreOptions["use"];
  #connection: Connection;
  #visitors: VisitorCollection;
  #indexes: IndexMaker;
  #search: CollectionSearch;
  #presence: CollectionPresence;
  #leases: CollectionLeases;

  constructor(options: MongoStoreOptions) {
    this.#use = options.use;
    this.#connection = new Connection(options);
    this.#visitors = this.#connection.visitors;
    this.description = this.#connection.description;
    this.#indexes = new IndexMaker(options, this.#connection);
    this.#search = new CollectionSearch(this.#visitors, options.exceptions);
    this.#presence = new CollectionPresence(this.#connection);
    this.#leases = new CollectionLeases(this.#connection);
  }

  findVisitors(
    query: SearchQuery,
    limit: number,
    after: Position | null,
    fallback: SearchQuery | null = null,
  ): Promise<ResultPage> {
    return this.#run((deadline) => this.#search.findVisitors(query, limit, after, fallback, deadline));
  }

  getVisitors(shortIds: string[]): Promise<(EncodedVisitor | null)[]> {
    return this.#run(async (deadline) => {
      const condition = { short_id: { $in: [...new Set(shortIds)] } };
      const firsts = new Map<string, ReadDocument>();
      for (const document of await this.#visitors.read(condition, {}, deadline)) {
        const { shortId } = document.position;
        const other = firsts.get(shortId);
        const isFirst = other === undefined || comparePositions(document.position, other.position) < 0;
        if (isFirst) firsts.set(shortId, document);
      }
      return shortIds.map((shortId) => firsts.get(shortId)?.visitor ?? null);
    });
  }

  pagesOf(shortId: string): Promise<PageView[] | null> {
    return this.#run(async (deadline) => {
      const document = await this.#firstDocument(shortId, deadline, { ...SORT_KEY, [PAGES]: 1 });
      if (document === null) return null;
      return positionOf(document).online ? pagesOf(document) : [];
    });
  }

  countWaiting(): Promise<number> {
    return this.#run((deadline) => countWaiting(this.#visitors, deadline));
  }

  countOnline(): Promise<number> {
    return this.#run((deadline) => countOnline(this.#visitors, deadline));
  }

  countVisitors(now: Date): Promise<VisitorCounts> {
    return this.#run((deadline) => countVisitors(this.#visitors, now, deadline));
  }

  /** As `StoreMaintenance.countUnindexed`. */
  countUnindexed(): Promise<number> {
    return this.#run((deadline) => this.#visitors.count(UNINDEXED, deadline));
  }

  putVisitors(visitors: Visitor[]): Promise<Refusal[]> {
    return this.#run(async (deadline) => {
      // Without the index each upsert scans the collection, which takes longer than to wait for the index.
      if (this.#use === "command") await this.#indexes.hasShortId;
      return await putVisitors(this.#visitors, visitors, deadline);
    });
  }

  readForWrite(shortId: string): Promise<EncodedVisitor | null> {
    return this.#run(async (deadline) => {
      const document = await this.#firstDocument(shortId, deadline);
      return document && new EncodedVisitor(visitorOf(document)!);
    });
  }

  updateVisitor(
    shortId: string,
    change: VisitorChange,
    expected?: EncodedVisitor,
  ): Promise<Visitor | null> {
    return this.#run(async (deadline) => {
      const names = Object.keys(change);
      // Search fields are computed from all searched attributes, so the filter must compare them all.
      const isSearched = names.some((name) => INDEXED_ATTRIBUTES.has(name));
      const isOfCall = changesCall(change);
      for (let tries = 1;; tries++) {
        const document = await this.#firstDocument(shortId, deadline);
        if (document === null) return null;
        const before = visitorOf(document)!;
        requireUnchanged(before, expected);
        const visitor = applyChange(before, change);
        if (names.length === 0) return visitor;
        const filter = unchangedFilter(
          document,
          expected !== undefined
            ? ATTRIBUTE_NAMES
            : [...(isSearched ? INDEXED_ATTRIBUTES : []), ...(isOfCall ? CALL_ATTRIBUTES : [])],
        );
        const ofCall = CALL_ATTRIBUTES.filter((name) => isOfCall && visitor[name] !== before[name]);
        const written = [...new Set([...names, ...ofCall, ...emptiedIn(document, visitor)])];
        const update = isSearched
          ? updateOf(documentOf(visitor), [...written, "foyer"])
          : updateOf(fieldsOf(visitor), written);
        if (await this.#writeOne(filter, update, deadline)) return visitor;
        await this.#pauseForOthers(tries, deadline);
      }
    });
  }

  /** Updates one document; returns whether the filter matched it. */
  async #writeOne(filter: StoredDocument, update: Update, deadline: Deadline): Promise<boolean> {
    const { matched, errors } = await this.#visitors.write([{ updateOne: { filter, update } }], deadline);
    if (errors.length > 0) {
      throw new StoreUnavailable(`MongoDB refused a change (code ${errors[0].code})`);
    }
    return matched === 1;
  }

  claimVisitor(shortId: string, request: AgentClaim): Promise<ClaimResult | null> {
    return this.#run(async (deadline) => {
      for (let tries = 1;; tries++) {
        const document = await this.#firstDocument(shortId, deadline, { ...WHOLE, [CLAIM_END]: 1 });
        if (document === null) return null;
        const end = document[CLAIM_END];
        const isOver = end instanceof Date && end.getTime() <= Date.now();
        const result = claim(visitorOf(document)!, request, isOver);
        if (result.refusal !== null) return result;
        const filter = unchangedFilter(document, ["claimed_by", "is_online", CLAIM_END]);
        const { until } = request;
        const fields = { ...fieldsOf(result.visitor), ...(until === null ? {} : { [CLAIM_END]: until }) };
        if (await this.#writeOne(filter, updateOf(fields, ["claimed_by", CLAIM_END]), deadline)) {
          return result;
        }
        await this.#pauseForOthers(tries, deadline);
      }
    });
  }

  endClaims(now: Date): Promise<number> {
    return this.#run(async (deadline) => {
      // Foyer writes no claims to a view, and on one this query might scan the whole collection.
      if (this.#indexes.isOnView) return 0;
      const isOver: Condition = { [CLAIM_END]: { $lte: now } };
      const documents = await this.#visitors.readForWrite(isOver, CLAIMS_ALONE, deadline);
      const update = { $unset: { claimed_by: "", [CLAIM_END]: "" } };
      // The filter leaves out claims that were renewed meanwhile.
      const operations = documents.map((document) => ({
        updateOne: { filter: unchangedFilter(document, [CLAIM_END]), update },
      }));
      return (await this.#visitors.write(operations, deadline)).matched;
    });
  }

  /** Waits a random time before a retry, so that writers of the same visitor do not collide again. */
  async #pauseForOthers(tries: number, deadline: Deadline) {
    await this.#connection.pause(Math.random() * Math.min(100, 5 * tries));
    void deadline.left;
  }

  async #firstDocument(
    shortId: string,
    deadline: Deadline,
    projection = WHOLE,
  ): Promise<StoredDocument | null> {
    return (await this.#documentsOf(shortId, deadline, projection))[0] ?? null;
  }

  /**
   * The documents of a visitor in list order; there may be several, since other software may repeat a short id. MongoDB
   * also matches arrays that contain the short id; these documents are no visitors and are left out.
   */
  async #documentsOf(
    shortId: string,
    deadline: Deadline,
    projection = WHOLE,
  ): Promise<StoredDocument[]> {
    const documents = await this.#visitors.readForWrite({ short_id: shortId }, projection, deadline);
    return documents.filter(({ short_id }) => short_id === shortId)
      .sort((a, b) => comparePositions(positionOf(a), positionOf(b)));
  }

  removeVisitor(shortId: string, expected?: EncodedVisitor): Promise<boolean> {
    return this.#run(async (deadline) => {
      for (let tries = 1;; tries++) {
        const documents = await this.#documentsOf(shortId, deadline);
        if (documents.length === 0) return false;
        if (expected === undefined || await this.#removeUnchanged(documents[0], expected, deadline)) {
          const ids = documents.map(({ _id }) => _id);
          await this.#visitors.remove({ _id: { $in: ids }, short_id: shortId }, deadline);
          return true;
        }
        await this.#pauseForOthers(tries, deadline);
      }
    });
  }

  /**
   * Removes a document unless it was changed since it was read; returns whether it was removed.
   *
   * @throws {VisitorChanged} its visitor is not as expected
   */
  async #removeUnchanged(document: StoredDocument, expected: EncodedVisitor, deadline: Deadline) {
    requireUnchanged(visitorOf(document)!, expected);
    return await this.#visitors.remove(unchangedFilter(document, ATTRIBUTE_NAMES), deadline) === 1;
  }

  removeOffline(seenBefore: Date | null, limit: number): Promise<number> {
    return this.#run(async (deadline) => {
      const condition = all(IS_OFFLINE, wasSeenBefore(seenBefore));
      const ids: unknown[] = [];
      for await (const documents of this.#visitors.batches(condition, SORT_KEY, deadline)) {
        ids.push(
          ...documents.filter((document) => isOfflineBefore(document, seenBefore)).map(({ _id }) => _id),
        );
        if (ids.length >= limit) break;
      }
      // The condition again, for visitors that have come online meanwhile.
      return await this.#visitors.remove(all({ _id: { $in: ids.slice(0, limit) } }, condition), deadline);
    });
  }

  writePresence(process: string, writes: PresenceWrite[]): Promise<PresenceResult[]> {
    return this.#presence.writePresence(process, writes);
  }

  connectedTo(process: string): Promise<Map<string, boolean>> {
    return this.#presence.connectedTo(process);
  }

  connectedProcesses(): Promise<string[]> {
    return this.#presence.connectedProcesses();
  }

  onlineWithoutConnection(siteKey: string): Promise<string[]> {
    return this.#presence.onlineWithoutConnection(siteKey);
  }

  endConnections(process: string, limit: number): Promise<number> {
    return this.#presence.endConnections(process, limit);
  }

  lookupCodesInUse(codes: string[]): Promise<Set<string>> {
    return this.#presence.lookupCodesInUse(codes);
  }

  heartbeat(process: string, count: number): Promise<Heartbeat> {
    return this.#run((deadline) => this.#leases.heartbeat(process, count, deadline));
  }

  forgetProcess(process: string): Promise<void> {
    return this.#run(() => this.#leases.forget(process));
  }

  takeLease(name: string, holder: string, milliseconds: number): Promise<boolean> {
    return this.#run(() => this.#leases.take(name, holder, milliseconds));
  }

  releaseLease(name: string, holder: string): Promise<void> {
    return this.#run(() => this.#leases.release(name, holder));
  }

  async *allVisitors(): AsyncIterable<Visitor> {
    const deadline = await this.#run((deadline) => Promise.resolve(deadline));
    let last: unknown;
    for (let isDone = false; !isDone;) {
      // A query after a lost cursor continues after the last `_id`. `$expr`, since it compares ids of different types.
      const rest = last === undefined ? {} : { $expr: { $gt: ["$_id", { $literal: last }] } };
      try {
        for await (const documents of this.#visitors.batches(rest, WHOLE, deadline, { _id: 1 })) {
          yield* documents.map(visitorOf).filter((visitor) => visitor !== null);
          last = documents.at(-1)?._id;
        }
        isDone = true;
      } catch (error) {
        if (!isCursorLost(error) || last === undefined) throw asStoreError(error);
      }
    }
  }

  reindex(onProgress: (looked: number, total: number) => void): Promise<Reindexed> {
    return this.#run(async (deadline) => {
      await this.#indexes.areMade;
      return await reindex(this.#visitors, onProgress, deadline);
    });
  }

  isReady(): boolean {
    return this.#connection.isReady();
  }

  async close(): Promise<void> {
    await this.#connection.close();
    await this.#indexes.areMade;
  }

  #run<T>(work: (deadline: Deadline) => Promise<T>): Promise<T> {
    return this.#connection.run(work);
  }
}

/** @throws {VisitorChanged} */
function requireUnchanged(visitor: Visitor, expected: EncodedVisitor | undefined) {
  if (expected !== undefined && new EncodedVisitor(visitor).json !== expected.json) {
    throw new VisitorChanged();
  }
}

/** The fields needed to end a claim. */
const CLAIMS_ALONE: Projection = { _id: 1, short_id: 1, [CLAIM_END]: 1 };

const IS_OFFLINE: Condition = { short_id: { $gt: "" }, is_online: { $ne: true } };

/** Two conditions, since MongoDB compares dates with dates and strings, which other software may store, with strings. */
function wasSeenBefore(time: Date | null): Condition {
  if (time === null) return {};
  return { $or: [{ last_seen_at: { $lt: time } }, { last_seen_at: { $lt: time.toISOString() } }] };
}

function isOfflineBefore(document: StoredDocument, time: Date | null): boolean {
  const visitor = visitorOf(document);
  if (visitor === null || visitor.is_online) return false;
  return time === null || visitor.last_seen_at !== null && Date.parse(visitor.last_seen_at) < time.getTime();
}
