/**
 * The numbers of visitors who are online and who wait for a call, shared by all streams.
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

  /** The encoded `count` event: a new object after each change, `null` before the first read. */
  get event(): Chunks | null {
    return this.#event;
  }

  /** Drops the counts, which go stale while no stream is open. */
  forget() {
    this.#data = "";
    this.#event = null;
  }

  /**
   * Reads the counts.
   *
   * @returns whether the counts changed
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
