/**
 * How much a database is asked to do at once.
 *
 * @module
 */

/** Visitors that are written at once, at the most and at the least. */
const [MAX_CHUNK, MIN_CHUNK] = [250, 10];

/**
 * How many visitors are written at once. A database that has not done so many within a request's deadline would not
 * have next time either, for it still does what nobody waits for any more: it is asked for half as many then.
 */
export class ChunkSize {
  #size = MAX_CHUNK;

  /** Runs work that writes so many at once. */
  async run<T>(work: (size: number) => Promise<T>): Promise<T> {
    try {
      const result = await work(this.#size);
      this.#size = Math.min(MAX_CHUNK, 2 * this.#size);
      return result;
    } catch (error) {
      this.#size = Math.max(MIN_CHUNK, this.#size >> 1);
      throw error;
    }
  }
}
