/**
 * Clocks: code that waits or measures takes one as a parameter, so that tests can use one that they set.
 *
 * @module
 */

/** A source of time. */
export interface Clock {
  /** Milliseconds since a fixed moment; unlike the time of day it never goes back. */
  now(): number;
  /**
   * Calls a function once, after a time in milliseconds.
   *
   * @returns a function that cancels the call, if it has not happened yet
   */
  after(milliseconds: number, callback: () => void): () => void;
}

/** The clock of this machine. */
export const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Resolves after a time in milliseconds. */
export function pause(milliseconds: number, clock: Clock = SYSTEM_CLOCK): Promise<void> {
  return new Promise((resolve) => clock.after(milliseconds, resolve));
}
