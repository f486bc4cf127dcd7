/**
 * Leases, and the registry of processes.
 *
 * Hosts' clocks differ, so no time of day is stored: a holder counts up, and whoever sees the same count for as long as
 * the lease lasts, by its own clock, may take it.
 *
 * @module
 */
import type { Deadline } from "../../async/deadline.ts";
import type { Heartbeat } from "../visitor_store.ts";
import type { Connection } from "./connection.ts";
import { type Collection, DUPLICATE_KEY } from "./driver.ts";

/** The collection, beside those of visitors. */
const COLLECTION = "foyer_leases";

/** The ids of processes begin so; the second one sorts after all of them. */
const [PROCESS, AFTER_PROCESSES] = ["process ", "process!"];

interface Lease {
  _id: string;
  holder: string;
  count: number;
  /** How long it lasts unless renewed. */
  milliseconds: number;
}

interface Process {
  _id: string;
  /** The name of the collection of visitors. */
  collection: string;
  process: string;
  count: number;
  /** The count with which it was registered. */
  since: number;
}

/** Leases and processes over one collection of visitors. */
export class CollectionLeases {
  #leases: Collection;
  #visitors: string;
  /** The leases that others hold, as last seen, and since when each is as it is. */
  #seen = new Map<string, Lease & { at: number }>();
  /** The `since` of processes, as last read: where the answer that registered one anew was lost, the next one shows it. */
  #since = new Map<string, number>();

  constructor(connection: Connection) {
    this.#leases = connection.collectionBeside(COLLECTION);
    this.#visitors = connection.visitors.name;
  }

  /** As `Leases.takeLease`. */
  async take(name: string, holder: string, milliseconds: number): Promise<boolean> {
    const _id = this.#idOf(name);
    const leases = this.#leases as unknown as Collection<Lease>;
    const take = { $set: { holder, milliseconds }, $inc: { count: 1 } };
    const renewed = await leases.updateOne({ _id, holder }, take);
    if (renewed.matchedCount === 1) return true;
    const lease = await leases.findOne({ _id });
    if (lease === null) return await inserted(leases.insertOne({ _id, holder, milliseconds, count: 0 }));
    if (performance.now() - this.#unchangedSince(lease) < lease.milliseconds) return false;
    const taken = await leases.updateOne({ _id, holder: lease.holder, count: lease.count }, take);
    return taken.matchedCount === 1;
  }

  /** Since when a lease is as it is, as far as this process saw, by `performance.now`. */
  #unchangedSince(lease: Lease): number {
    const seen = this.#seen.get(lease._id);
    if (seen?.holder === lease.holder && seen.count === lease.count) return seen.at;
    const at = performance.now();
    this.#seen.set(lease._id, { ...lease, at });
    return at;
  }

  /** As `Leases.releaseLease`. */
  async release(name: string, holder: string): Promise<void> {
    await (this.#leases as unknown as Collection<Lease>).deleteOne({ _id: this.#idOf(name), holder });
  }

  /** As `PresenceStore.heartbeat`. */
  async heartbeat(process: string, count: number, deadline: Deadline): Promise<Heartbeat> {
    const processes = this.#leases as unknown as Collection<Process>;
    const _id = this.#idOf(PROCESS + process);
    const written = await processes.findOneAndUpdate(
      { _id },
      { $set: { collection: this.#visitors, process, count }, $setOnInsert: { since: count } },
      { upsert: true, returnDocument: "after" },
    );
    void deadline.left;
    const found = await processes.find({ _id: { $gte: PROCESS, $lt: AFTER_PROCESSES } }).toArray();
    const others = found.filter((other) => other.collection === this.#visitors && other.process !== process);
    // A write that the driver had to send again may be answered without the document.
    const since = (written ?? found.find((one) => one._id === _id))?.since ?? count;
    const isNew = this.#since.get(process) !== since;
    this.#since.set(process, since);
    return { isNew, counts: new Map(others.map((other) => [other.process, other.count])) };
  }

  /** As `PresenceStore.forgetProcess`. */
  async forget(process: string): Promise<void> {
    await (this.#leases as unknown as Collection<Process>).deleteOne({ _id: this.#idOf(PROCESS + process) });
  }

  /** A database may hold several collections of visitors. */
  #idOf(name: string): string {
    return `${name} of ${this.#visitors}`;
  }
}

/** Whether a document was inserted; not where another process inserted it at the same time. */
async function inserted(inserting: Promise<unknown>): Promise<boolean> {
  try {
    await inserting;
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}
