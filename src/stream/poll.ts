/**
 * Decides when streams query the database again.
 *
 * @module
 */
import type { Clock } from "../async/clock.ts";
import { DeadlineExceeded } from "../async/deadline.ts";
import type { Log } from "../operations/log.ts";
import { OngoingFailure } from "../operations/ongoing_failure.ts";
import { StoreUnavailable } from "../store/visitor_store.ts";

/**
 * The least time between two runs of a query, in milliseconds. It is more than a second, so that ten lists and the
 * counts together are at most ten queries a second.
 */
const INTERVAL = 1200;

/** A query that is repeated about once a second at most, and never while a run is in progress. */
export class Poll {
  #clock: Clock;
  #ask: () => Promise<void>;
  #failure: OngoingFailure;
  #running: Promise<void> | null = null;
  #askedAt = -Infinity;
  /** The store's version before the last successful run; `undefined` if unknown. */
  #version: unknown;
  /** The error of the last run; `null` if it succeeded. */
  #error: { cause: unknown } | null = null;

  /** @param log receives unexpected failures; that the database does not answer is logged elsewhere */
  constructor(clock: Clock, log: Log, ask: () => Promise<void>) {
    this.#clock = clock;
    this.#failure = new OngoingFailure(log, "Streams get no changes");
    this.#ask = ask;
  }

  /** Whether it is time for a run: never while the store's version is the one of the last successful run. */
  isDue(version: unknown): boolean {
    if (this.#running !== null || this.#clock.now() - this.#askedAt < INTERVAL) return false;
    return this.#error !== null || version === undefined || version !== this.#version;
  }

  /**
   * Runs the query.
   *
   * @param version returns the store's version; called before the query
   * @throws the error of the query
   */
  run(version: () => unknown): Promise<void> {
    this.#askedAt = this.#clock.now();
    return this.#running = this.#answer(version);
  }

  /** Notes that the same query was just answered elsewhere, so that the next run can wait. */
  note() {
    this.#askedAt = this.#clock.now();
    this.#version = undefined;
    this.#error = null;
  }

  /** Forgets the last run. */
  reset() {
    this.#askedAt = -Infinity;
    this.#version = undefined;
    this.#error = null;
  }

  /**
   * Resolves once there is a result that is at most about a second old; runs the query if necessary.
   *
   * @throws the error of the query
   */
  async beRecent(version: () => unknown): Promise<void> {
    if (this.#running !== null) return await this.#running;
    if (this.#clock.now() - this.#askedAt >= INTERVAL) return await this.run(version);
    if (this.#error !== null) throw this.#error.cause;
  }

  async #answer(version: () => unknown) {
    try {
      const before = await version();
      await this.#ask();
      this.#version = before;
      this.#error = null;
      this.#failure.end();
    } catch (cause) {
      this.#error = { cause };
      const isForeseen = cause instanceof StoreUnavailable || cause instanceof DeadlineExceeded;
      if (!isForeseen) this.#failure.note(cause);
      throw cause;
    } finally {
      this.#running = null;
    }
  }
}
