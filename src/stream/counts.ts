/**
 * How many visitors are online and waiting, for all streams.
 *
 * @module
 */
import type { SharedReads } from "../store/shared_reads.ts";
import { type Chunks, chunksOf, eventText } from "./events.ts";

/** The latest counts. */
export class Counts {
  #reads: SharedReads;
  #data = "";
  #event: Chunks | null = null;

  constructor(reads: SharedReads) {
    this.#reads = reads;
  }

  /** The event that holds them: a new object whenever they changed, `null` before they are known. */
  get event(): Chunks | null {
    return this.#event;
  }

  /** Forgets them, since nobody follows how they change. */
  forget() {
    this.#data = "";
    this.#event = null;
  }

  /**
   * Counts anew.
   *
   * @returns whether they changed
   */
  async ask(): Promise<boolean> {
    const [online, waiting] = await Promise.all([this.#reads.countOnline(), this.#reads.countWaiting()]);
    const data = JSON.stringify({ online, waiting });
    if (data === this.#data) return false;
    this.#data = data;
    this.#event = chunksOf(eventText("count", data));
    return true;
  }
}
