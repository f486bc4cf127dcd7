/**
 * One query for everybody who asks the same thing: many dashboards cost the database as much as one.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import DataLoader from "dataloader";
import { LRUCache } from "lru-cache";
import type { SearchQuery } from "../search/parse.ts";
import { Deadline, REQUEST_DEADLINE } from "../async/deadline.ts";
import type { Position } from "../visitor/list_order.ts";
import { SharedRun } from "../async/single_flight.ts";
import type { StoredVisitor } from "../visitor/encoded_visitor.ts";
import type { Page, VisitorCounts, VisitorStore } from "./visitor_store.ts";

/** Visitors in results that are kept, all together; about 6 KB each with what is made of them. */
const MAX_KEPT_VISITORS = 3000;

/** Short ids that go to the database as one query. */
const MAX_BATCH = 500;

/** Reads of a store, as requests want them. */
export interface SharedReads {
  /** As {@link VisitorStore.findVisitors}. Those who share a result get the same object. */
  findVisitors(query: SearchQuery, limit: number, after: Position | null): Promise<Page>;
  getVisitor(shortId: string): Promise<StoredVisitor | null>;
  countOnline(): Promise<number>;
  countVisitors(): Promise<VisitorCounts>;
  /** Tells that something was written: no answer to a later request is from before, whatever may be stale. */
  forget(): void;
}

/** How reads are shared. */
export interface SharingOptions {
  /** How old a result may be where nothing tells that it is current, in milliseconds. */
  maxStale?: number;
  /** Told of each read of a list where its result came from. */
  onRead?: (source: ReadSource) => void;
}

/** Where the result of a read came from: the database, a query that others wait for too, or one before. */
export type ReadSource = "database" | "shared" | "kept";

/** A read of the database, which may still go on. */
interface Asked {
  /** When the database was asked, in milliseconds of `performance.now`. */
  at: number;
  /** How much this process had written by then. */
  writes: number;
}

/** Reads of one thing, as long as somebody waits for one. */
interface Reading {
  run: SharedRun<Page>;
  /** The one that runs. */
  asked: Asked | null;
}

interface Kept {
  page: Page;
  asked: Asked;
  /** How long the answer took, in milliseconds. */
  took: number;
  version: unknown;
}

/**
 * Shares reads. A request that finds the same read running waits for the next one, so that no answer is older than
 * its request, and the database is asked one thing once at a time. Look-ups by short id that come while one is
 * running go as one query. Where the store tells that nothing was written, the last result serves again. Where answers
 * may be older, a result is asked for anew before it is too old, so that nobody waits.
 */
export function shareReads(
  store: VisitorStore,
  { maxStale = 0, onRead = () => {} }: SharingOptions = {},
): SharedReads {
  const reads = new Map<string, Reading>();
  const kept = new LRUCache<string, Kept>({
    maxSize: MAX_KEPT_VISITORS,
    sizeCalculation: ({ page }) => page.visitors.length + 1,
  });

  /** Counts what was written by this process. */
  let writes = 0;

  async function readAndKeep(key: string, ask: () => Promise<Page>): Promise<Page> {
    onRead("database");
    const asked = { at: performance.now(), writes };
    reads.get(key)!.asked = asked;
    const version = store.version?.();
    const page = await ask();
    if ((maxStale > 0 || version !== undefined) && writes === asked.writes) {
      kept.set(key, { page, asked, took: performance.now() - asked.at, version });
    }
    return page;
  }

  function readShared(key: string, ask: () => Promise<Page>): Promise<Page> {
    if (reads.has(key)) onRead("shared");
    const reading = reads.get(key) ?? {
      run: new SharedRun(() => readAndKeep(key, ask), () => reads.delete(key)),
      asked: null,
    };
    reads.set(key, reading);
    const { run, asked } = reading;
    const isYoung = asked !== null && asked.writes === writes && ageOf(asked) < maxStale;
    return new Deadline(REQUEST_DEADLINE).race(run.run(isYoung));
  }

  function ageOf({ at }: Asked): number {
    return performance.now() - at;
  }

  /** Those who come in one turn of the event loop are answered in one as well, which costs much less. */
  const turn = new SharedRun(() => new Promise<void>((resolve) => setImmediate(resolve)));
  const version = new SharedRun(async () => await store.version!());

  async function isCurrent(result: Kept): Promise<boolean> {
    if (ageOf(result.asked) < maxStale) return true;
    return result.version !== undefined && result.version === await version.run(true);
  }

  /** Whether a result is current for about as long as it takes to ask anew, where nothing tells that it stays so. */
  function isEnding({ asked, took, version }: Kept): boolean {
    return version === undefined && ageOf(asked) > maxStale - Math.min(2 * took, maxStale / 2);
  }

  let lookingUp = Promise.resolve();
  const visitors = new DataLoader<string, StoredVisitor | null>((shortIds) => {
    const answer = store.getVisitors([...shortIds]);
    lookingUp = answer.then(() => {}, () => {});
    return answer;
  }, {
    cache: false,
    maxBatchSize: MAX_BATCH,
    batchScheduleFn: (send) => void Promise.all([lookingUp, turn.run(true)]).then(send),
  });

  const online = new SharedRun(() => store.countOnline());
  const counts = new SharedRun(() => store.countVisitors(new Date()));

  return {
    async findVisitors(query, limit, after) {
      await turn.run(true);
      const key = JSON.stringify([query, limit, after]);
      const last = kept.get(key);
      const ask = () => store.findVisitors(query, limit, after);
      if (last === undefined || !await isCurrent(last)) return readShared(key, ask);
      onRead("kept");
      // Where it fails, whoever needs it will be told.
      if (isEnding(last) && !reads.has(key)) void readShared(key, ask).catch(() => {});
      return last.page;
    },
    getVisitor: (shortId) => new Deadline(REQUEST_DEADLINE).race(visitors.load(shortId)),
    countOnline: () => new Deadline(REQUEST_DEADLINE).race(online.run()),
    countVisitors: () => new Deadline(REQUEST_DEADLINE).race(counts.run()),
    forget() {
      writes++;
      kept.clear();
    },
  };
}
