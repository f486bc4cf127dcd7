/**
 * What Foyer asks of a database. Both implementations give the same answers in the same order.
 *
 * @module
 */
import type { SearchQuery } from "../search/parse.ts";
import type { Visitor } from "../visitor.ts";

/**
 * A place in the order of every list: online visitors first, then the newest `last_seen_at` first, those
 * without one last, ties by `short_id` in UTF-8 byte order. A page starts after the position that the page
 * before it ended at (a keyset cursor), so visitors who come and go shift nothing.
 */
export interface Position {
  online: boolean;
  /** Milliseconds since 1970; `null` where the database holds no date. */
  lastSeenAt: number | null;
  shortId: string;
  /** How many visitors with exactly these three values came up to here: foreign documents repeat short ids. */
  count: number;
}

/** A page of visitors and where the next one starts; `null` where no more visitors match. */
export interface Page {
  visitors: Visitor[];
  next: Position | null;
}

/** A visitor that a database did not take, and why, without any of the visitor's data but the short id. */
export interface Refusal {
  shortId: string;
  reason: string;
}

/** A database of visitors. Every method throws {@link StoreUnavailable} when the database does not answer. */
export interface VisitorStore {
  /** What this store is, for people: the engine and where, without secrets. */
  readonly description: string;
  /** The visitors that match, in the order of {@link Position}, at most `limit` of them. */
  findVisitors(query: SearchQuery, limit: number, after: Position | null): Promise<Page>;
  /** The visitor with this short id; the first in the order of {@link Position} where it is repeated. */
  getVisitor(shortId: string): Promise<Visitor | null>;
  /**
   * Stores visitors by their short ids, which must differ; one that is there already is replaced, other
   * software's fields of its document excepted.
   */
  putVisitors(visitors: Visitor[]): Promise<Refusal[]>;
  /** All visitors, in no particular order. */
  allVisitors(): AsyncIterable<Visitor>;
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
