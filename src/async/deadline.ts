/**
 * A moment after which an answer is of no use.
 *
 * @module
 */
import { StoreUnavailable } from "../store/visitor_store.ts";

/** How long a request waits for its store, in milliseconds: under the 3 seconds within which it must be answered. */
export const REQUEST_DEADLINE = 2500;

/** Counts from when it is made. */
export class Deadline {
  #end: number;

  /** @param milliseconds `Infinity` for work that takes its time */
  constructor(milliseconds: number) {
    this.#end = performance.now() + milliseconds;
  }

  /** @throws {StoreUnavailable} the deadline has passed before the work was done */
  async race<T>(work: Promise<T>): Promise<T> {
    if (this.#end === Infinity) return await work;
    let timer;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(tooLate()), this.#end - performance.now());
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * What is left, in whole milliseconds.
   *
   * @throws {StoreUnavailable} nothing is left
   */
  get left(): number {
    const left = Math.floor(this.#end - performance.now());
    if (left <= 0) throw tooLate();
    return left;
  }
}

function tooLate(): StoreUnavailable {
  return new StoreUnavailable("The database does not answer in time");
}
