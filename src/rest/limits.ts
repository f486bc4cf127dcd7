/**
 * Limits on how often something is asked, in memory: each process counts for itself.
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
 * Lets each key make so many requests a second.
 *
 * @param perSecond `null`: any number
 * @returns throws {@link ApiError} `too_many_requests`
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
 * Prevents trying out lookup codes: there are 10,000, and each hit shows a visitor. After so many searches by a code
 * that found nobody, further searches by a code are refused for the rest of the minute; other searches never are.
 */
export class LookupLimit {
  #misses: FixedWindows;
  #most: number;
  /** Running searches by client, and a promise that resolves when one of them ends. */
  #running = new Map<string, { count: number; ended: PromiseWithResolvers<void> }>();

  /** @param perMinute searches that may find nobody */
  constructor(perMinute: number, clock: Clock = SYSTEM_CLOCK) {
    this.#most = perMinute;
    this.#misses = new FixedWindows(MINUTE, clock);
  }

  /**
   * Runs a search by a lookup code. Concurrent searches of one client wait for each other where all of them together
   * could miss too often, since otherwise thousands could be tried at once. The time budget of a request includes that.
   *
   * @param client the key and the address
   * @throws {ApiError} `too_many_requests`
   * @throws {DeadlineExceeded} its turn, or the result, did not come in time
   */
  async run<T extends { page: ResultPage }>(client: string, search: () => Promise<T>): Promise<T> {
    const deadline = new Deadline(REQUEST_DEADLINE);
    while (true) {
      const misses = this.#misses.count(client);
      if (misses >= this.#most) {
        throw tooMany(
          "Too many lookup codes that nobody has were searched for.",
          this.#misses.left(client),
        );
      }
      const running = this.#running.get(client);
      if (running === undefined || misses + running.count < this.#most) break;
      await deadline.race(running.ended.promise);
    }
    return await deadline.race(this.#count(client, search));
  }

  /** Runs a search, which counts as running for as long as it goes on, whoever still waits for it. */
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

/** @param left how long it is refused, in milliseconds */
function tooMany(message: string, left: number): ApiError {
  const seconds = Math.max(1, Math.ceil(left / 1000));
  return new ApiError("too_many_requests", message, { "Retry-After": String(seconds) });
}
