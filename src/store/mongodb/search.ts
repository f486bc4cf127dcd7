/**
 * Searches a collection: by an index lookup if a bounded probe finds few candidates, otherwise by an ordered scan.
 *
 * @module
 */
import { Deadline } from "../../async/deadline.ts";
import { SingleFlight } from "../../async/single_flight.ts";
import { isSelective, type SearchQuery } from "../../search/parse.ts";
import { comparePositions, type Position } from "../../visitor/list_order.ts";
import { REQUEST_DEADLINE, type ResultPage } from "../visitor_store.ts";
import type { VisitorCollection } from "./collection.ts";
import {
  all,
  any,
  anyOf,
  conditionsOf,
  isOfOneCommonValue,
  mayMatch,
  needsUrls,
  ODD,
  OFFLINE,
  ONLINE,
  type PartCondition,
} from "./conditions.ts";
import type { ReadDocument } from "./document.ts";
import type { Condition } from "./driver.ts";
import { Matches } from "./matches.ts";
import { type Scan, scanInOrder } from "./ordered_scan.ts";
import { UNINDEXED } from "./search_fields.ts";

/** The fewest candidates that a probe asks for, even if a smaller result page is wanted. */
const MIN_PROBE = 100;

/** Limits on reading exceptions: unindexed documents, and documents whose `is_online` has an unusual type. */
export interface ExceptionLimits {
  /** Up to this many exceptions are read with each search; if there are more, the search is an ordered scan. */
  maxRead: number;
  /** The number of documents that such a scan reads at least. */
  minScanned: number;
  /** The time after which such a scan ends, once it has read `minScanned`; in milliseconds. */
  scanTime: number;
}

const EXCEPTION_LIMITS: ExceptionLimits = { maxRead: 500, minScanned: 5000, scanTime: REQUEST_DEADLINE / 2 };

/** Queries that every search needs; searches at the same time share one run of them. */
interface SharedQueries {
  /** The distinct values of `last_url` of visitors online. */
  urls: SingleFlight<unknown[]>;
  /** Documents without search fields, documents with an unusual `is_online`, or both kinds; `null` where they are many. */
  exceptions: Record<"unindexed" | "odd" | "both", SingleFlight<ReadDocument[] | null>>;
}

/** Searches of one collection. */
export class CollectionSearch {
  #collection: VisitorCollection;
  #limits: ExceptionLimits;
  #shared: SharedQueries;

  constructor(collection: VisitorCollection, limits: Partial<ExceptionLimits> = {}) {
    this.#collection = collection;
    this.#limits = { ...EXCEPTION_LIMITS, ...limits };
    const inTime = () => new Deadline(REQUEST_DEADLINE);
    const exceptions = (...conditions: Condition[]) =>
      new SingleFlight(() => readUpTo(collection, any(...conditions), this.#limits.maxRead, inTime()));
    const odd = ODD.$or as Condition[];
    this.#shared = {
      urls: new SingleFlight(() => collection.urlsOfOnline(inTime())),
      exceptions: {
        unindexed: exceptions(UNINDEXED),
        odd: exceptions(...odd),
        both: exceptions(UNINDEXED, ...odd),
      },
    };
  }

  /** As `VisitorReads.findVisitors`. */
  async findVisitors(
    query: SearchQuery,
    limit: number,
    after: Position | null,
    fallback: SearchQuery | null,
    deadline: Deadline,
  ): Promise<ResultPage> {
    const search = new Search(this.#collection, this.#shared, this.#limits, after, limit + 1, deadline);
    const exact = await search.find(query);
    const isFallback = exact.length === 0 && fallback !== null;
    const found = isFallback ? await search.find(fallback) : exact;
    const visitors = found.slice(0, limit);
    return {
      visitors: visitors.map(({ visitor }) => visitor),
      next: found.length > limit ? visitors[limit - 1].position : null,
      isFallback,
      unindexed: await search.countUnread(),
    };
  }
}

/** One search, of a query and perhaps its fallback. Both use the same results of the shared queries. */
class Search {
  #collection: VisitorCollection;
  #shared: SharedQueries;
  #limits: ExceptionLimits;
  #after: Position | null;
  #wanted: number;
  #deadline: Deadline;
  #urls: Promise<unknown[]> | undefined;
  #exceptions: Promise<ReadDocument[] | null> | undefined;
  /** The number of documents that scans including unindexed documents read. */
  #read = 0;
  #isCut = false;
  #unindexedTime: Deadline;

  constructor(
    collection: VisitorCollection,
    shared: SharedQueries,
    limits: ExceptionLimits,
    after: Position | null,
    wanted: number,
    deadline: Deadline,
  ) {
    this.#collection = collection;
    this.#shared = shared;
    this.#limits = limits;
    this.#unindexedTime = new Deadline(limits.scanTime);
    this.#after = after;
    this.#wanted = wanted;
    this.#deadline = deadline;
  }

  /** The first visitors that match, in list order. */
  async find(query: SearchQuery) {
    if (query.some(({ kind }) => kind === "nobody")) return [];
    const urls = needsUrls(query) ? await this.#deadline.race(this.#urls ??= this.#shared.urls.run()) : [];
    const parts = conditionsOf(query, urls);
    const needsSearchFields = parts.some((part) => part.needsSearchFields);
    const condition = all(...parts.map(anyOf));
    const orUnindexed = !needsSearchFields ? condition : all(
      ...parts.filter((part) => !part.needsSearchFields).map(anyOf),
      any(all(...parts.filter((part) => part.needsSearchFields).map(anyOf)), UNINDEXED),
    );
    const isInOrder = isOfOneCommonValue(query) || parts.length === 0;
    const isOnlineOnly = !mayMatch(query, false);
    // Few visitors are online, so one scan of them reads indexed and unindexed documents alike.
    if (isOnlineOnly && !isOfOneCommonValue(query) && !query.some(isSelective)) {
      return await this.#scan(query, orUnindexed, { isCut: needsSearchFields });
    }
    // Exceptions are read first, so that a document that gets search fields meanwhile is read twice and not missed.
    const exceptions = await this.#readExceptions(!isOnlineOnly, needsSearchFields);
    if (exceptions === null) {
      return await this.#scan(query, orUnindexed, { withOdd: true, isCut: needsSearchFields });
    }
    const matches = this.#newMatches(query);
    matches.add(exceptions);
    const candidates = isInOrder ? null : await this.#probe(parts);
    if (candidates === null) return merge(matches.inOrder(), await this.#scan(query, condition));
    matches.add(candidates);
    return matches.inOrder();
  }

  /** The documents of the kinds asked for; `null` if they are more than `maxRead`. */
  async #readExceptions(odd: boolean, unindexed: boolean): Promise<ReadDocument[] | null> {
    if (!odd && !unindexed) return [];
    const which = odd && unindexed ? "both" : odd ? "odd" : "unindexed";
    return await this.#deadline.race(this.#exceptions ??= this.#shared.exceptions[which].run());
  }

  /**
   * The bounded probe: all documents that fulfil every part, by the index of the part that looks rarest; `null` if there
   * are more than a result page needs.
   */
  async #probe(parts: PartCondition[]): Promise<ReadDocument[] | null> {
    const [rarest, ...filters] = parts.toSorted((a, b) => b.rarity - a.rarity);
    const candidates: ReadDocument[] = [];
    for (const lookup of [rarest.lookup, ...(rarest.others.length === 0 ? [] : [any(...rarest.others)])]) {
      const condition = all(lookup, ...filters.map(anyOf));
      const most = Math.max(MIN_PROBE, this.#wanted);
      const documents = await readUpTo(this.#collection, condition, most, this.#deadline);
      if (documents === null) return null;
      candidates.push(...documents);
    }
    return candidates;
  }

  /**
   * Scans visitors online, and then those offline.
   *
   * @param withOdd whether documents with an unusual `is_online` are scanned as well
   * @param isCut whether the scan includes unindexed documents, and so ends when the time for these is over
   */
  async #scan(query: SearchQuery, condition: Condition, { withOdd = false, isCut = false } = {}) {
    const scan = async (matches: Matches, side: Condition, online: boolean) => {
      const isPast = this.#after !== null && online && !this.#after.online;
      if (matches.isEnough || isPast || this.#isCut || !mayMatch(query, online)) return;
      const options: Scan = { side, online, condition, matches, deadline: this.#deadline };
      if (isCut) options.isOver = () => this.#isOver(matches);
      await scanInOrder(this.#collection, options);
    };
    const matches = this.#newMatches(query);
    await scan(matches, ONLINE, true);
    const odd = this.#newMatches(query);
    if (withOdd && !matches.isEnough) await scan(odd, ODD, false);
    await scan(matches, OFFLINE, false);
    return merge(matches.inOrder(), odd.inOrder());
  }

  #isOver({ read }: Matches): boolean {
    this.#read = Math.max(this.#read, read);
    this.#isCut = read >= this.#limits.minScanned && this.#unindexedTime.isOver;
    return this.#isCut;
  }

  #newMatches(query: SearchQuery): Matches {
    return new Matches(query, this.#after, this.#wanted);
  }

  /** About how many unindexed documents were not read; 0 unless the time for them was over. */
  async countUnread(): Promise<number> {
    if (!this.#isCut) return 0;
    return Math.max(1, await this.#collection.count(UNINDEXED, this.#deadline) - this.#read);
  }
}

/** All documents that fulfil a condition; `null` where these are more than `most`. */
async function readUpTo(
  collection: VisitorCollection,
  condition: Condition,
  most: number,
  deadline: Deadline,
): Promise<ReadDocument[] | null> {
  const documents = await collection.read(condition, { limit: most + 1 }, deadline);
  return documents.length > most ? null : documents;
}

/** Merges matches in list order. Of a document that moved and was read twice, the first one stays. */
function merge(...lists: ReturnType<Matches["inOrder"]>[]) {
  const found = new Map<string, ReturnType<Matches["inOrder"]>[number]>();
  for (const one of lists.flat().sort((a, b) => comparePositions(a.position, b.position))) {
    if (!found.has(one.position.tie!)) found.set(one.position.tie!, one);
  }
  return [...found.values()];
}
