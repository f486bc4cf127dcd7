/**
 * Time budgets.
 *
 * @module
 */

import { type Clock, SYSTEM_CLOCK } from "./clock.ts";

/** The work was not done within its time budget. */
export class DeadlineExceeded extends Error {
  override name = "DeadlineExceeded";

  constructor() {
    super("The work was not done in time");
  }
}

/** A time budget, which begins when it is made. */
export class Deadline {
  #end: number;

  /** @param milliseconds `Infinity` for no limit */
  constructor(milliseconds: number) {
    this.#end = performance.now() + milliseconds;
  }

  /**
   * Waits for work, but not longer than the budget. The work itself goes on.
   *
   * @throws {DeadlineExceeded}
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
   * What is left of the budget, in whole milliseconds; `Infinity` without a limit.
   *
   * @throws {DeadlineExceeded} nothing is left
   */
  get left(): number {
    const left = Math.floor(this.#end - performance.now());
    if (left <= 0) throw new DeadlineExceeded();
    return left;
  }

  /** Whether nothing is left. */
  get isOver(): boolean {
    return performance.now() >= this.#end;
  }
}

/** Waits for work, but not longer than so many milliseconds; the work goes on. */
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
