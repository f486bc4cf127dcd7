/**
 * Limits on the rate of requests. They are counted in memory, by each process for itself.
 *
 * @module
 */
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import { Deadline } from "../async/deadline.ts";
import { FixedWindows } from "../async/fixed_windows.ts";
import type { KeyName } from "../http/answer.ts";
import { ApiError } from "../http/errors.ts";
import { REQUEST_DEADLINE, type ResultPage } from "../store/visitor_store.ts";

const SECOND = 1000;
const MINUTE = 60_000;

/**
 * Limits the requests a second of each key.
 *
 * @param perSecond the limit; `null`: none
 * @returns a function to call for each request; throws {@link ApiError} `too_many_requests` beyond the limit
 */
export function limitRate(
  perSecond: number | null,
  clock: Clock = SYSTEM_CLOCK,
): (key: KeyName) => void {
  if (perSecond === null) return () => {};
  const requests = new FixedWindows(SECOND, clock);
  return (key) => {
    if (requests.add(key) > perSecond) {
      throw tooMany("This key makes too many requests a second.", requests.left(key));
    }
  };
}

/**
 * Prevents guessing lookup codes: there are only 10,000, and each right one reveals a visitor. After a number of searches
 * by a code that found nobody, a client's searches by a code are refused for the rest of the minute; other searches never
 * are.
 */
export class LookupLimit {
  #misses: FixedWindows;
  #most: number;
  /** Running searches by client, and a promise that resolves when one of them ends. */
  #running = new Map<string, { count: number; ended: PromiseWithResolvers<void> }>();

  /** @param perMinute the searches by a code that may find nobody, for each client */
  constructor(perMinute: number, clock: Clock = SYSTEM_CLOCK) {
    this.#most = perMinute;
    this.#misses = new FixedWindows(MINUTE, clock);
  }

  /**
   * Runs a search by a lookup code. A client's concurrent searches wait for each other if all of them missing would exceed
   * the limit; otherwise a client could try thousands of codes at once. Waiting counts towards the request's deadline.
   *
   * @param client a string that identifies the client, by key and address
   * @throws {ApiError} `too_many_requests`: too many searches by a code found nobody
   * @throws {DeadlineExceeded} the search did not end, or did not even begin, within {@link REQUEST_DEADLINE}
   */
  async run<T extends { page: ResultPage }>(client: string, search: () => Promise<T>): Promise<T> {
    const deadline = new Deadline(REQUEST_DEADLINE);
    while (true) {
      const misses = this.#misses.count(client);
      if (misses >= this.#most) {
        throw tooMany(
          "Too many searches for lookup codes that no visitor has.",
          this.#misses.left(client),
        );
      }
      const running = this.#running.get(client);
      if (running === undefined || misses + running.count < this.#most) break;
      await deadline.race(running.ended.promise);
    }
    return await deadline.race(this.#count(client, search));
  }

  /** Runs a search, which counts as running until it ends, even if its request is over before. */
  async #count<T extends { page: ResultPage }>(client: string, search: () => Promise<T>): Promise<T> {
    this.#begin(client);
    try {
      const found = await search();
      if (found.page.visitors.length === 0) this.#misses.add(client);
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

/** @param left the time until the client may try again, in milliseconds */
function tooMany(message: string, left: number): ApiError {
  const seconds = Math.max(1, Math.ceil(left / 1000));
  return new ApiError("too_many_requests", message, { "Retry-After": String(seconds) });
}
