/**
 * A clock that leaves out the time during which this process could not run, so that other work on the machine does not
 * make tests of deadlines fail.
 *
 * @module
 */
import assert from "node:assert/strict";
import { REQUEST_DEADLINE } from "../../src/store/visitor_store.ts";

/** The interval at which the lateness of timers is measured, in milliseconds. */
const INTERVAL = 20;

/** A time between one request deadline and two consecutive ones, in milliseconds. */
const MOST = 1.8 * REQUEST_DEADLINE;

/** A clock that stops while this process cannot run. */
export class RunningTime implements Disposable {
  #last = performance.now();
  /** The total lateness of timers, in milliseconds. */
  #late = 0;
  #timer = setInterval(() => {
    this.#late += this.#lateNow();
    this.#last = performance.now();
  }, INTERVAL);

  #lateNow(): number {
    return Math.max(0, performance.now() - this.#last - INTERVAL);
  }

  /** The time in milliseconds since an arbitrary start. */
  now(): number {
    return performance.now() - this.#late - this.#lateNow();
  }

  /**
   * Asserts that an answer did not take two consecutive request deadlines.
   *
   * @param since the clock's time at the request
   */
  assertOneDeadline(since: number, what: string) {
    const took = this.now() - since;
    assert.ok(took < MOST, `${what}: ${Math.round(took)} ms, and one deadline is ${REQUEST_DEADLINE}`);
  }

  [Symbol.dispose]() {
    clearInterval(this.#timer);
  }
}
