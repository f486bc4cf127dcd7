/**
 * Leases, and the registry of processes.
 *
 * Hosts' clocks differ, so no time of day is stored. The holder increases a count with each renewal; a process that has
 * seen the same count for the duration of the lease, by its own clock, may take the lease.
 *
 * @module
 */
import type { Deadline } from "../../async/deadline.ts";
import type { Heartbeat } from "../visitor_store.ts";
import type { Connection } from "./connection.ts";
import { type Collection, DUPLICATE_KEY } from "./driver.ts";

/** The name of the collection, in the same database as the visitors. */
const COLLECTION = "foyer_leases";

/** The prefix of the `_id` of registered processes, and the string that sorts right after all ids with that prefix. */
const [PROCESS, AFTER_PROCESSES] = ["process ", "process!"];

interface Lease {
  _id: string;
  holder: string;
  count: number;
  /** How long the lease lasts unless it is renewed. */
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

/** The leases and the registered processes of one collection of visitors. */
export class CollectionLeases {
  #leases: Collection;
  #visitors: string;
  /** The leases of other holders as last read, and when each was first seen with its current count. */
  #seen = new Map<string, Lease & { at: number }>();
  /**
   * `since` of each process as last read. A changed value shows that a process was registered anew, even if the reply to
   * the heartbeat that did so was lost.
   */
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

  /** When this process first saw a lease with its current holder and count, in milliseconds of `performance.now`. */
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
    // The reply to a write that the driver retried may lack the document.
    const since = (written ?? found.find((one) => one._id === _id))?.since ?? count;
    const isNew = this.#since.get(process) !== since;
    this.#since.set(process, since);
    return { isNew, counts: new Map(others.map((other) => [other.process, other.count])) };
  }

  /** As `PresenceStore.forgetProcess`. */
  async forget(process: string): Promise<void> {
    await (this.#leases as unknown as Collection<Process>).deleteOne({ _id: this.#idOf(PROCESS + process) });
  }

  /** The `_id` includes the collection's name, since a database may hold several collections of visitors. */
  #idOf(name: string): string {
    return `${name} of ${this.#visitors}`;
  }
}

/** Whether this process inserted the document; `false` if another one inserted it at the same time. */
async function inserted(inserting: Promise<unknown>): Promise<boolean> {
  try {
    await inserting;
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === DUPLICATE_KEY) return false;
    throw error;
  }
}
