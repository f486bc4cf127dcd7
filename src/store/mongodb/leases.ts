/**
 * Who of all processes over a collection of visitors does some work, and which of them live.
 *
 * @module
 */
import type { Collection } from "./driver.ts";
import type { Heartbeat } from "../visitor_store.ts";

/** The collection, beside those of visitors, in which all this is kept. */
const LEASES = "foyer_leases";

/** How the ids of processes begin there, and what comes after them all. */
const PROCESS = "process ";
const AFTER_PROCESSES = "process!";

interface Lease {
  _id: string;
  holder: string;
  until: Date;
}

/** How a process tells that it lives. */
interface ProcessBeat {
  _id: string;
  collection: string;
  process: string;
  count: number;
  /** With which count it became known. */
  since: number;
}

/** As the methods of `VisitorStore`. */
export class CollectionLeases {
  #visitors: Collection;
  /**
   * Since when processes were known, as they heard last: where the answer that made one known anew was lost, the next
   * one says so.
   */
  #knownSince = new Map<string, number>();

  constructor(visitors: Collection) {
    this.#visitors = visitors;
  }

  async take(name: string, holder: string, milliseconds: number): Promise<boolean> {
    const now = Date.now();
    try {
      await this.#visitors.db.collection<Lease>(LEASES).updateOne(
        { _id: this.#idOf(name), $or: [{ holder }, { until: { $lt: new Date(now) } }] },
        { $set: { holder, until: new Date(now + milliseconds) } },
        { upsert: true },
      );
      return true;
    } catch (error) {
      // There is one that another process holds.
      if (error instanceof Error && "code" in error && error.code === 11000) return false;
      throw error;
    }
  }

  async release(name: string, holder: string): Promise<void> {
    await this.#visitors.db.collection<Lease>(LEASES).deleteOne({ _id: this.#idOf(name), holder });
  }

  /** @param options how long the database may take to find the others */
  async heartbeat(process: string, count: number, options: { maxTimeMS?: number }): Promise<Heartbeat> {
    const collection = this.#visitors.collectionName;
    const beats = this.#visitors.db.collection<ProcessBeat>(LEASES);
    const _id = this.#idOf(PROCESS + process);
    const written = await beats.findOneAndUpdate(
      { _id },
      { $set: { collection, process, count }, $setOnInsert: { since: count } },
      { upsert: true, returnDocument: "after" },
    );
    // Not from a secondary: one that is late would make all others look dead.
    const found = await beats
      .find({ _id: { $gte: PROCESS, $lt: AFTER_PROCESSES } }, { ...options, readPreference: "primary" })
      .toArray();
    const others = found.filter((other) => other.collection === collection && other.process !== process);
    // A write that the driver had to send again may be answered without the document.
    const since = (written ?? found.find((one) => one._id === _id))?.since ?? count;
    const isNew = this.#knownSince.get(process) !== since;
    this.#knownSince.set(process, since);
    return { isNew, counts: new Map(others.map((other) => [other.process, other.count])) };
  }

  async forget(process: string): Promise<void> {
    await this.#visitors.db.collection<ProcessBeat>(LEASES).deleteOne({ _id: this.#idOf(PROCESS + process) });
  }

  /** A database may hold several collections of visitors. */
  #idOf(name: string): string {
    return `${name} of ${this.#visitors.collectionName}`;
  }
}
