/**
 * When the database is asked again for what streams send.
 *
 * @module
 */
import type { Clock } from "../async/clock.ts";
import { DeadlineExceeded } from "../async/deadline.ts";
import type { Log } from "../operations/log.ts";
import { OngoingFailure } from "../operations/ongoing_failure.ts";
import { StoreUnavailable } from "../store/visitor_store.ts";

/**
 * The least time between two questions, in milliseconds. It is more than a second, so that ten lists and the counts
 * together are at most ten questions a second.
 */
const INTERVAL = 1200;

/** A question that is asked again and again: never while it is being answered, and about once a second at the most. */
export class Poll {
  #clock: Clock;
  #ask: () => Promise<void>;
  #failure: OngoingFailure;
  #running: Promise<void> | null = null;
  #askedAt = -Infinity;
  /** The store's version when it was last answered, or `undefined`. */
  #version: unknown;
  /** Why it was not answered last. */
  #error: { cause: unknown } | null = null;

  /** @param log receives why it cannot be answered, unless the database is away, which is logged elsewhere */
  constructor(clock: Clock, log: Log, ask: () => Promise<void>) {
    this.#clock = clock;
    this.#failure = new OngoingFailure(log, "Streams get no changes");
    this.#ask = ask;
  }

  /** Whether it is time to ask: not while the store has the version that it had at the last answer. */
  isDue(version: unknown): boolean {
    if (this.#running !== null || this.#clock.now() - this.#askedAt < INTERVAL) return false;
    return this.#error !== null || version === undefined || version !== this.#version;
  }

  /**
   * Asks.
   *
   * @param version returns the store's version; called before the question
   * @throws whatever it was answered with
   */
  run(version: () => unknown): Promise<void> {
    this.#askedAt = this.#clock.now();
    return this.#running = this.#answer(version);
  }

  /** Takes note that it was answered just now, by other means. */
  note() {
    this.#askedAt = this.#clock.now();
    this.#version = undefined;
    this.#error = null;
  }

  /** Forgets when it was asked, and the answer. */
  reset() {
    this.#askedAt = -Infinity;
    this.#version = undefined;
    this.#error = null;
  }

  /**
   * Resolves once there is an answer that is at most about a second old.
   *
   * @throws whatever it was answered with
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
