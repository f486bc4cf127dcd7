/**
 * Time budgets.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK } from "./clock.ts";

/** Thrown when work is not done within its time budget. */
export class DeadlineExceeded extends Error {
  override name = "DeadlineExceeded";

  constructor() {
    super("The work was not done in time");
  }
}

/** A time budget, which starts when the object is made. */
export class Deadline {
  #end: number;

  /** @param milliseconds `Infinity` for no limit */
  constructor(milliseconds: number) {
    this.#end = performance.now() + milliseconds;
  }

  /**
   * Waits for work until the deadline. The work itself is not stopped.
   *
   * @throws {DeadlineExceeded} the work did not end before the deadline
   */
  async race<T>(work: Promise<T>): Promise<T> {
    if (this.#end === Infinity) return await work;
    let timer;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new DeadlineExceeded()), this.#end - performance.now());
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The rest of the budget, in whole milliseconds; `Infinity` without a limit.
   *
   * @throws {DeadlineExceeded} the deadline is over
   */
  get left(): number {
    const left = Math.floor(this.#end - performance.now());
    if (left <= 0) throw new DeadlineExceeded();
    return left;
  }

  /** Whether the deadline is over. */
  get isOver(): boolean {
    return performance.now() >= this.#end;
  }
}

/** Waits for work, but no longer than a time in milliseconds. The work itself is not stopped. */
export async function within(
  milliseconds: number,
  work: Promise<unknown>,
  clock: Clock = SYSTEM_CLOCK,
): Promise<void> {
  const end = Promise.withResolvers<void>();
  const cancel = clock.after(milliseconds, end.resolve);
  await Promise.race([work, end.promise]);
  cancel();
}
