/**
 * Shared reads: requests that ask the same at the same time share one query, so that many dashboards cost the database
 * as much as one.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { LRUCache } from "lru-cache";
import { Deadline } from "../async/deadline.ts";
import { BatchedFlight, SingleFlight } from "../async/single_flight.ts";
import type { SearchQuery } from "../search/parse.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import type { Position } from "../visitor/list_order.ts";
import type { PageView } from "./page_views.ts";
import { REQUEST_DEADLINE, type ResultPage, type VisitorCounts, type VisitorReads } from "./visitor_store.ts";

/** The most visitors in all cached result pages together; a visitor takes about 6 KB with the JSON made of it. */
const MAX_CACHED_VISITORS = 3000;

/** The most short ids that one query looks up. */
const MAX_BATCH = 500;

/** A result page that several requests may share. It must not be changed. */
export interface SharedPage extends ResultPage {
  /** A number that grows with each query sent: of two result pages, the higher one was read later. */
  readonly order: number;
}

type Search = Parameters<VisitorReads["findVisitors"]>;

/** Reads of a store for requests: each rejects with `DeadlineExceeded` after {@link REQUEST_DEADLINE}. */
export interface SharedReads {
  /** As {@link VisitorReads.findVisitors}. Requests that share a result page get the same object. */
  findVisitors(...search: Search): Promise<SharedPage>;
  /** As `findVisitors`, with a maximum age of 0. */
  findCurrent(...search: Search): Promise<SharedPage>;
  getVisitor(shortId: string): Promise<EncodedVisitor | null>;
  /** As {@link VisitorReads.pagesOf}. */
  pagesOf(shortId: string): Promise<PageView[] | null>;
  countOnline(): Promise<number>;
  countWaiting(): Promise<number>;
  countVisitors(): Promise<VisitorCounts>;
  /** A new {@link SharedPage.order}: higher than those of all reads that have begun, lower than those of later reads. */
  nextOrder(): number;
  /** Drops all cached results. Called after a write, so that no later request gets an answer from before the write. */
  forget(): void;
}

/** How reads are shared. */
export interface SharingOptions {
  /** The maximum age of a cached result in milliseconds, for stores without {@link VisitorReads.version}. */
  maxStale?: number;
  /** Called for each read of a list with the source of its result. */
  onRead?: (source: ReadSource) => void;
}

/** Where the result of a read came from: the database, a query that several requests wait for, or the cache. */
export type ReadSource = "database" | "shared" | "cached";

/** A query that was sent to the database; it may still be running. */
interface Sent {
  /** When it was sent, in milliseconds of `performance.now`. */
  at: number;
  /** How many writes this process had done when it was sent. */
  writes: number;
}

/** The queries of one list that are running. */
interface Reading {
  flight: SingleFlight<SharedPage>;
  /** The query that was sent last. */
  sent: Sent | null;
}

interface Cached {
  page: SharedPage;
  sent: Sent;
  /** How long the answer took, in milliseconds. */
  took: number;
  version: unknown;
}

/**
 * Shares the reads of a store. A request never joins a query that started before it, because its result could be
 * stale; all requests that arrive during a query share the next one. A result is reused while the store's version is
 * unchanged, or while the result is younger than `maxStale`. In the latter case a request shortly before that age starts
 * a refresh in the background, so that no request waits for the database.
 */
export function shareReads(
  store: VisitorReads,
  { maxStale = 0, onRead = () => {} }: SharingOptions = {},
): SharedReads {
  const readings = new Map<string, Reading>();
  const cache = new LRUCache<string, Cached>({
    maxSize: MAX_CACHED_VISITORS,
    sizeCalculation: ({ page }) => page.visitors.length + 1,
  });
  const isCachable = maxStale > 0 || store.version !== undefined;
  let writes = 0;
  let asked = 0;

  const ageOf = ({ at }: Sent) => performance.now() - at;
  const inTime = <T>(work: Promise<T>) => new Deadline(REQUEST_DEADLINE).race(work);

  async function read(key: string, ask: () => Promise<ResultPage>): Promise<SharedPage> {
    onRead("database");
    const order = ++asked;
    const sent = { at: performance.now(), writes };
    readings.get(key)!.sent = sent;
    const version = await store.version?.();
    const page = { ...await ask(), order };
    if (isCachable && writes === sent.writes) {
      cache.set(key, { page, sent, took: performance.now() - sent.at, version });
    }
    return page;
  }

  function share(key: string, maxAge: number, ask: () => Promise<ResultPage>): Promise<SharedPage> {
    let reading = readings.get(key);
    if (reading !== undefined) onRead("shared");
    else {
      reading = { flight: new SingleFlight(() => read(key, ask), () => readings.delete(key)), sent: null };
      readings.set(key, reading);
    }
    const { flight, sent } = reading;
    const isYoung = sent !== null && sent.writes === writes && ageOf(sent) < maxAge;
    return isYoung ? flight.joinRunning() : flight.run();
  }

  /** Requests that arrive in one turn of the event loop are answered in one turn, which costs less CPU time. */
  const turn = new SingleFlight(() => new Promise<void>((resolve) => setImmediate(resolve)));
  const currentVersion = new SingleFlight(async () => await store.version!());

  async function isCurrent({ sent, version }: Cached, maxAge: number): Promise<boolean> {
    if (ageOf(sent) < maxAge) return true;
    return version !== undefined && version === await currentVersion.joinRunning();
  }

  /** Whether a result will be older than `maxStale` by the time that a refresh would end. */
  function isEnding({ sent, took, version }: Cached): boolean {
    return version === undefined && ageOf(sent) > maxStale - Math.min(2 * took, maxStale / 2);
  }

  async function findVisitors(
    maxAge: number,
    query: SearchQuery,
    limit: number,
    after: Position | null,
    fallback: SearchQuery | null = null,
  ): Promise<SharedPage> {
    await turn.joinRunning();
    const key = JSON.stringify([query, limit, after, fallback]);
    const cached = cache.get(key);
    const ask = () => store.findVisitors(query, limit, after, fallback);
    if (cached === undefined || !await isCurrent(cached, maxAge)) return await share(key, maxAge, ask);
    onRead("cached");
    // An error of the refresh is dropped: the next request reads again, and gets its own error.
    if (isEnding(cached) && !readings.has(key)) share(key, maxAge, ask).catch(() => {});
    return cached.page;
  }

  const visitors = new BatchedFlight<string, EncodedVisitor | null>(async (shortIds) => {
    const batches = Array.from(
      { length: Math.ceil(shortIds.length / MAX_BATCH) },
      (_, i) => shortIds.slice(i * MAX_BATCH, (i + 1) * MAX_BATCH),
    );
    return (await Promise.all(batches.map((batch) => store.getVisitors(batch)))).flat();
  });
  const online = new SingleFlight(() => store.countOnline());
  const waiting = new SingleFlight(() => store.countWaiting());
  const counts = new SingleFlight(() => store.countVisitors(new Date()));

  return {
    findVisitors: (...search) => inTime(findVisitors(maxStale, ...search)),
    findCurrent: (...search) => inTime(findVisitors(0, ...search)),
    getVisitor: (shortId) => inTime(visitors.ask(shortId)),
    pagesOf: (shortId) => inTime(store.pagesOf(shortId)),
    countOnline: () => inTime(online.run()),
    countWaiting: () => inTime(waiting.run()),
    countVisitors: () => inTime(counts.run()),
    nextOrder: () => ++asked,
    forget() {
      writes++;
      cache.clear();
    },
  };
}
