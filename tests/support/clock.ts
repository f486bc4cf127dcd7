/**
 * Clocks that a test moves, so that it need not wait for real seconds.
 *
 * @module
 */
import type { Clock } from "../../src/async/clock.ts";

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #now = 0;
  #calls = new Set<{ at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const call = { at: this.#now + milliseconds, callback };
    this.#calls.add(call);
    return () => this.#calls.delete(call);
  }

  /** The number of scheduled calls. */
  get waiting(): number {
    return this.#calls.size;
  }

  /** Same as {@link advance}; the name that {@link SkippingClock} uses. */
  skip(milliseconds: number) {
    this.advance(milliseconds);
  }

  /** Moves the clock, and runs the calls that become due, in order. */
  advance(milliseconds: number) {
    const end = this.#now + milliseconds;
    for (;;) {
      const due = [...this.#calls].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (due.length === 0) break;
      this.#calls.delete(due[0]);
      this.#now = Math.max(this.#now, due[0].at);
      due[0].callback();
    }
    this.#now = end;
  }
}

/**
 * A clock that runs in real time, and that a test can also move ahead: for code that uses real sockets, but waits for
 * periods that a test should skip.
 */
export class SkippingClock implements Clock {
  #skipped = 0;
  #calls = new Set<{ at: number; callback: () => void; timer?: ReturnType<typeof setTimeout> }>();

  now(): number {
    return performance.now() + this.#skipped;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const call = {
      at: this.now() + milliseconds,
      callback,
      timer: undefined as ReturnType<typeof setTimeout> | undefined,
    };
    const cancel = () => {
      clearTimeout(call.timer);
      this.#calls.delete(call);
    };
    call.timer = setTimeout(() => {
      cancel();
      callback();
    }, milliseconds);
    this.#calls.add(call);
    return cancel;
  }

  /** Moves the clock ahead, and runs the calls that become due, in order. */
  skip(milliseconds: number) {
    this.#skipped += milliseconds;
    const due = [...this.#calls].filter(({ at }) => at <= this.now()).sort((a, b) => a.at - b.at);
    for (const call of due) {
      // An earlier call may have cancelled this one.
      if (!this.#calls.delete(call)) continue;
      clearTimeout(call.timer);
      call.callback();
    }
  }
}
