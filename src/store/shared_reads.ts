/**
 * Shared reads: one query for all requests that ask the same, so that many dashboards cost the database as much as one.
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

/** Visitors in all cached result pages together; about 6 KB each with what is made of them. */
const MAX_CACHED_VISITORS = 3000;

/** Short ids that are looked up in one query. */
const MAX_BATCH = 500;

/** A result page that others may have got as well. */
export interface SharedPage extends ResultPage {
  /** Higher for result pages that were asked for later. */
  readonly order: number;
}

type Search = Parameters<VisitorReads["findVisitors"]>;

/** Reads of a store, as requests want them: each rejects when {@link REQUEST_DEADLINE} is over. */
export interface SharedReads {
  /** As {@link VisitorReads.findVisitors}. Requests that share a result page get the same object. */
  findVisitors(...search: Search): Promise<SharedPage>;
  /** As `findVisitors`, and never stale. */
  findCurrent(...search: Search): Promise<SharedPage>;
  getVisitor(shortId: string): Promise<EncodedVisitor | null>;
  /** As {@link VisitorReads.pagesOf}. */
  pagesOf(shortId: string): Promise<PageView[] | null>;
  countOnline(): Promise<number>;
  countWaiting(): Promise<number>;
  countVisitors(): Promise<VisitorCounts>;
  /** Moves ahead of all reads that began before; those that begin later are ahead of it. */
  nextOrder(): number;
  /** Drops all cached results, after a write: no later request gets an answer from before, whatever may be stale. */
  forget(): void;
}

/** How reads are shared. */
export interface SharingOptions {
  /** The maximum age of a result in milliseconds, where the store cannot tell that it is current. */
  maxStale?: number;
  /** Called for each read of a list with the source of its result. */
  onRead?: (source: ReadSource) => void;
}

/** Where the result of a read came from: the database, a query that several requests wait for, or the cache. */
export type ReadSource = "database" | "shared" | "cached";

/** A query that was sent to the database, and may still run. */
interface Sent {
  /** When, in milliseconds of `performance.now`. */
  at: number;
  /** The number of writes of this process by then. */
  writes: number;
}

/** The queries of one list that are running. */
interface Reading {
  flight: SingleFlight<SharedPage>;
  /** The one that began last. */
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
 * stale; while one runs, all that come share the next. A result is used again while the store's version is the same,
 * or while it is younger than `maxStale`; then it is refreshed shortly before that age, so that nobody waits.
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

  /** Requests of one turn of the event loop are answered in one as well, which costs much less. */
  const turn = new SingleFlight(() => new Promise<void>((resolve) => setImmediate(resolve)));
  const currentVersion = new SingleFlight(async () => await store.version!());

  async function isCurrent({ sent, version }: Cached, maxAge: number): Promise<boolean> {
    if (ageOf(sent) < maxAge) return true;
    return version !== undefined && version === await currentVersion.joinRunning();
  }

  /** Whether a result reaches its maximum age in about the time that it takes to read it again. */
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
    // Where the refresh fails, the next request does.
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
