/**
 * How much a database is asked to do at once.
 *
 * @module
 */

/** The most and the fewest visitors that are written at once. */
const [MAX_SIZE, MIN_SIZE] = [250, 10];

/**
 * The number of visitors that are written at once. A database that did not write so many in time would not do so next
 * time either, since it is still busy with work that nobody waits for: it is asked for half as many then.
 */
export class BatchSize {
  #size = MAX_SIZE;

  /** Runs work that writes so many visitors at once. */
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
