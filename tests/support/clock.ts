/**
 * A clock that a test moves, so that it need not wait for real seconds.
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

  /** How many calls are waited for. */
  get waiting(): number {
    return this.#calls.size;
  }

  /** As {@link advance}, by the name that {@link SkippingClock} has for it. */
  skip(milliseconds: number) {
    this.advance(milliseconds);
  }

  /** Moves the clock, and calls back what is due, in order. */
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
 * A clock that runs as the machine's does, and that a test can move ahead: for parts that work with real sockets, and
 * wait for seconds that a test must neither sit through nor be late for.
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

  /** Moves the clock ahead, and calls back what is due, in order. */
  skip(milliseconds: number) {
    this.#skipped += milliseconds;
    const due = [...this.#calls].filter(({ at }) => at <= this.now()).sort((a, b) => a.at - b.at);
    for (const call of due) {
      // One before it may have cancelled it.
      if (!this.#calls.delete(call)) continue;
      clearTimeout(call.timer);
      call.callback();
    }
  }
}
