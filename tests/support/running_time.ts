/**
 * Time as a process has it that shares the machine: tests of deadlines neither fail nor pass by what else runs there.
 *
 * @module
 */
import assert from "node:assert/strict";
import { REQUEST_DEADLINE } from "../../src/store/visitor_store.ts";

/** How often it is looked whether timers are late, in milliseconds. */
const INTERVAL = 20;

/** Longer than one deadline of a request, and shorter than two, one after the other; in milliseconds. */
const MOST = 1.8 * REQUEST_DEADLINE;

/** A clock that stands still while this process is kept from running. */
export class RunningTime implements Disposable {
  #last = performance.now();
  /** How late timers were, in milliseconds, all together. */
  #late = 0;
  #timer = setInterval(() => {
    this.#late += this.#lateNow();
    this.#last = performance.now();
  }, INTERVAL);

  #lateNow(): number {
    return Math.max(0, performance.now() - this.#last - INTERVAL);
  }

  /** Milliseconds since a moment that does not change. */
  now(): number {
    return performance.now() - this.#late - this.#lateNow();
  }

  /**
   * Fails where an answer took two deadlines of a request, one after the other.
   *
   * @param since the clock's time when it was asked for
   */
  assertOneDeadline(since: number, what: string) {
    const took = this.now() - since;
    assert.ok(took < MOST, `${what}: ${Math.round(took)} ms, and one deadline is ${REQUEST_DEADLINE}`);
  }

  [Symbol.dispose]() {
    clearInterval(this.#timer);
  }
}
