/**
 * The size of write batches, adapted to how fast the database is.
 *
 * @module
 */

/** The most and the fewest visitors in a batch. */
const [MAX_SIZE, MIN_SIZE] = [250, 10];

/**
 * The number of visitors in a write batch: halved after a failure, doubled after a success. A database that did not
 * write a batch in time may still be busy with it, so an equally large one would fail again.
 */
export class BatchSize {
  #size = MAX_SIZE;

  /** Runs work with the current batch size, and adapts the size to whether the work succeeds. */
  async run<T>(work: (size: number) => Promise<T>): Promise<T> {
    try {
      const result = await work(this.#size);
      this.#size = Math.min(MAX_SIZE, 2 * this.#size);
      return result;
    } catch (error) {
      this.#size = Math.max(MIN_SIZE, this.#size >> 1);
      throw error;
    }
  }
}
