/**
 * Counts within fixed time windows, for rate limits.
 *
 * @module
 */
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";

/** The most keys that are counted at the same time; beyond it, the oldest window is dropped. */
const MAX_KEYS = 50_000;

/** A key's window. */
interface Window {
  count: number;
  /** When the window ends, in milliseconds of the clock. */
  end: number;
}

/**
 * Counts by key. A key's time window begins with its first count and ends a fixed time later; then its count is 0 again.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const windows = new FixedWindows(60_000);
 * assert.equal(windows.add("203.0.113.9"), 1);
 * assert.equal(windows.add("203.0.113.9"), 2);
 * assert.equal(windows.count("198.51.100.1"), 0);
 * ```
 */
export class FixedWindows {
  #length: number;
  #clock: Clock;
  /** The windows in the order of their ends. */
  #windows = new Map<string, Window>();

  /** @param length of a window, in milliseconds */
  constructor(length: number, clock: Clock = SYSTEM_CLOCK) {
    this.#length = length;
    this.#clock = clock;
  }

  /** The count of a key in its current window; 0 if it has none. */
  count(key: string): number {
    return this.#find(key)?.count ?? 0;
  }

  /**
   * Counts a key once more.
   *
   * @returns the key's count in its window
   */
  add(key: string): number {
    const window = this.#find(key) ?? this.#begin(key);
    return ++window.count;
  }

  /** The time until a key's window ends, in milliseconds; 0 if it has none. */
  left(key: string): number {
    const window = this.#find(key);
    return window === undefined ? 0 : window.end - this.#clock.now();
  }

  #begin(key: string): Window {
    const window = { count: 0, end: this.#clock.now() + this.#length };
    if (this.#windows.size >= MAX_KEYS) this.#windows.delete(this.#windows.keys().next().value!);
    this.#windows.set(key, window);
    return window;
  }

  #find(key: string): Window | undefined {
    const now = this.#clock.now();
    for (const [ended, { end }] of this.#windows) {
      if (end > now) break;
      this.#windows.delete(ended);
    }
    return this.#windows.get(key);
  }
}
