/**
 * Limits on how often something is asked. They are kept in memory, each process for itself.
 *
 * @module
 */
import type { RateLimiterMemory as Limiter, RateLimiterRes } from "rate-limiter-flexible";
// Not by its index, which loads a limiter for each database: several megabytes, at each start.
import limiterModule from "rate-limiter-flexible/lib/RateLimiterMemory.js";
import type { ResultPage } from "../store/visitor_store.ts";
import type { KeyName } from "../http/answer.ts";
import { ApiError } from "../http/errors.ts";

const RateLimiterMemory = limiterModule as unknown as typeof Limiter;

const MINUTE = 60;

/**
 * Lets each key make so many requests a second.
 *
 * @param perSecond `null`: any number
 * @returns what throws {@link ApiError} `too_many_requests`
 */
export function limitRate(perSecond: number | null): (key: KeyName) => Promise<void> | void {
  if (perSecond === null) return () => {};
  const limiter = new RateLimiterMemory({ points: perSecond, duration: 1 });
  return async (key) => {
    try {
      await limiter.consume(key);
    } catch (spent) {
      throw tooMany("This key makes too many requests a second.", spent as RateLimiterRes);
    }
  };
}

/**
 * Keeps lookup codes from being tried out: there are 10,000, and who hits one sees a visitor. After so many searches
 * by a code that found nobody, further ones are refused for the rest of the minute; other searches are never.
 */
export class LookupLimit {
  #misses: Limiter;
  #most: number;
  /** Searches under way, and whoever waits for one of them to end, by client. */
  #running = new Map<string, { count: number; ended: PromiseWithResolvers<void> }>();

  /** @param perMinute searches that may find nobody */
  constructor(perMinute: number) {
    this.#most = perMinute;
    this.#misses = new RateLimiterMemory({ points: perMinute, duration: MINUTE });
  }

  /**
   * Runs a search by a lookup code. Those of one client that come at the same time wait for each other where all of
   * them together might miss too often, since otherwise thousands could be tried at once.
   *
   * @param client the key and the address
   * @throws {ApiError} `too_many_requests`
   */
  async run<T extends { page: ResultPage }>(client: string, search: () => Promise<T>): Promise<T> {
    while (true) {
      const missed = await this.#misses.get(client);
      const misses = missed?.consumedPoints ?? 0;
      if (misses >= this.#most) {
        throw tooMany("Too many lookup codes that nobody has were searched for.", missed!);
      }
      const running = this.#running.get(client);
      if (running === undefined || misses + running.count < this.#most) break;
      await running.ended.promise;
    }
    this.#begin(client);
    try {
      const found = await search();
      if (found.page.visitors.length === 0) await this.#misses.penalty(client);
      return found;
    } finally {
      this.#end(client);
    }
  }

  #begin(client: string) {
    const running = this.#running.get(client);
    if (running === undefined) this.#running.set(client, { count: 1, ended: Promise.withResolvers() });
    else running.count++;
  }

  #end(client: string) {
    const running = this.#running.get(client)!;
    running.count--;
    running.ended.resolve();
    if (running.count === 0) this.#running.delete(client);
    else running.ended = Promise.withResolvers();
  }
}

function tooMany(message: string, { msBeforeNext }: RateLimiterRes): ApiError {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return new ApiError("too_many_requests", message, { "Retry-After": String(seconds) });
}
