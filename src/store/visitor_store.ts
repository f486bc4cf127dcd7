/**
 * What Foyer asks of a database. Both implementations give the same answers in the same order.
 *
 * @module
 */
import type { SearchQuery } from "../search/parse.ts";
import type { Visitor } from "../visitor/visitor.ts";
import type { Position } from "../visitor/list_order.ts";
import type { StoredVisitor } from "../visitor/encoded_visitor.ts";

/** A page of visitors and where the next one starts; `null` where no more visitors match. */
export interface Page {
  visitors: StoredVisitor[];
  next: Position | null;
}

/** A visitor that a database did not take, and why, without any of the visitor's data but the short id. */
export interface Refusal {
  shortId: string;
  reason: string;
}

/** What a reindexing came to, in visitors. */
export interface Reindexed {
  /** Who got search fields, or others than they had. */
  written: number;
  /** Whom other software changed at that very moment: they are as they were. */
  missed: number;
}

/** What of a visitor is changed: the attributes that are there, each as a whole. */
export type VisitorChange = Partial<Omit<Visitor, "short_id">>;

/** What a process writes of a visitor whose pages are, or were, connected to it. */
export interface PresenceWrite {
  shortId: string;
  /** Whether the visitor is made where it is not there; otherwise only one that is there is changed. */
  isNew: boolean;
  /** Of `is_online` nothing, where `isConnected` is there: the connections tell. */
  change: VisitorChange;
  /**
   * More of the change, given the visitor as it is then, with `change`. Run again for the visitor that came of it,
   * it must tell the same: it may be run more than once.
   */
  derive?: (visitor: Visitor) => VisitorChange;
  /** Whether this process has connections of the visitor from now on; absent where that did not change. */
  isConnected?: boolean;
}

/** What a process hears when it tells that it lives. */
export interface Beat {
  /**
   * Whether this process was not known: it has just begun, or another one has taken it for dead and ended its
   * connections, all of which are to be written again.
   */
  isNew: boolean;
  /** What the other processes told last, by process. */
  beats: Map<string, number>;
}

/** How many visitors there are. */
export interface VisitorCounts {
  online: number;
  /** Seen in the last 24 hours, and in the last 30 days. */
  lastDay: number;
  last30Days: number;
  inSession: number;
}

/** A database of visitors. Every method throws {@link StoreUnavailable} when the database does not answer. */
export interface VisitorStore {
  /** What this store is, for people: the engine and where, without secrets. */
  readonly description: string;
  /** The visitors that match, in the order of {@link Position}, at most `limit` of them. */
  findVisitors(query: SearchQuery, limit: number, after: Position | null): Promise<Page>;
  /** The visitors with these short ids, each the first in the order of {@link Position} where it is repeated. */
  getVisitors(shortIds: string[]): Promise<(StoredVisitor | null)[]>;
  /**
   * Stores visitors by their short ids, which must differ; one that is there already is replaced, other
   * software's fields of its document excepted.
   */
  putVisitors(visitors: Visitor[]): Promise<Refusal[]>;
  /**
   * Changes a visitor, and what it is found by.
   *
   * @returns the visitor as it is then; `null` where there is none with this short id
   */
  updateVisitor(shortId: string, change: VisitorChange): Promise<Visitor | null>;
  /**
   * Writes of visitors what their connections tell. After an error some of it is written, and all may be sent again:
   * what is written twice is as if written once. Documents that other software made are left alone.
   *
   * With `isConnected` the process is noted with the visitor, who is online; without, it is so no more, and whom no
   * other process has is offline and has no lookup code.
   *
   * @param process differs between processes
   * @param writes of visitors that differ
   * @returns of each whether the visitor is there, or was made; where not, nothing was written of it
   */
  writePresence(process: string, writes: PresenceWrite[]): Promise<boolean[]>;
  /** The short ids of the visitors with whom a process is noted. */
  connectedTo(process: string): Promise<Set<string>>;
  /**
   * Ends the connections of a process that is no more: visitors whom no other process has become offline.
   *
   * @param most how many at the most
   * @returns how many; 0 where none is left
   */
  endConnections(process: string, most: number): Promise<number>;
  /**
   * Tells that a process lives, and hears of the others over the same visitors.
   *
   * @param count another one each time: others see by it that the process lives, whatever their clocks say
   */
  beat(process: string, count: number): Promise<Beat>;
  /** Forgets a process whose connections are ended. */
  forgetProcess(process: string): Promise<void>;
  /** Tells which of these lookup codes visitors have who are online now. */
  lookupCodesInUse(codes: string[]): Promise<Set<string>>;
  /**
   * Removes a visitor from everything that is kept of it.
   *
   * @returns whether there was one with this short id
   */
  removeVisitor(shortId: string): Promise<boolean>;
  /**
   * Removes some of the visitors that are offline.
   *
   * @param seenBefore only those last seen before this time; `null`: whenever they were seen
   * @param most how many at the most
   * @returns how many; 0 where none is left
   */
  removeOffline(seenBefore: Date | null, most: number): Promise<number>;
  /** Counts the visitors online now. */
  countOnline(): Promise<number>;
  /** Counts visitors, as of a time. */
  countVisitors(now: Date): Promise<VisitorCounts>;
  /**
   * Takes a lease, or renews it: work that one process at a time shall do is done by whoever holds it.
   *
   * @param holder differs between processes
   * @param milliseconds how long it holds, unless renewed
   * @returns whether it is held; not where another process has it
   */
  takeLease(name: string, holder: string, milliseconds: number): Promise<boolean>;
  /** Gives a lease back before its time; nothing happens where another holder has it. */
  releaseLease(name: string, holder: string): Promise<void>;
  /** All visitors, in no particular order. */
  allVisitors(): AsyncIterable<Visitor>;
  /**
   * Gives visitors whom other software wrote or changed the search fields by which they are found quickly. Stopped
   * at any moment it goes on where it was, and harms nothing that is written meanwhile.
   *
   * @param onProgress told how many documents were looked at, and how many there are, about
   */
  reindex(onProgress: (looked: number, total: number) => void): Promise<Reindexed>;
  /**
   * Puts a little of what visitors are found by in order, where many were stored: searches are quicker then. Absent where
   * the database does so by itself.
   *
   * @returns whether there is more to do
   */
  tidy?(): Promise<boolean>;
  /**
   * A value that is another one whenever anything may have been written since; absent where the store cannot
   * tell for next to nothing.
   */
  version?(): unknown;
  /** Whether the database answers, as last heard: asking costs no database operation. */
  isReady(): boolean;
  close(): Promise<void>;
}

/** The database does not answer now; it may do so later. */
export class StoreUnavailable extends Error {
  override name = "StoreUnavailable";
}

/** A store that cannot be opened as configured; trying again would not help. */
export class StoreRefused extends Error {
  override name = "StoreRefused";
}
