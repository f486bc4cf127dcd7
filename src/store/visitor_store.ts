/**
 * What Foyer asks of a database. Both implementations give the same answers in the same order.
 *
 * Consumers take the small interface that they need; {@link VisitorStore} is all of them. Every method rejects with
 * {@link StoreUnavailable} when the database does not answer.
 *
 * @module
 */
import type { SearchQuery } from "../search/parse.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import type { Position } from "../visitor/list_order.ts";
import type { Visitor, VisitorChange } from "../visitor/visitor.ts";
import type { CallState } from "../visitor/visitor_state.ts";
import type { AgentClaim, ClaimResult } from "./agent_claim.ts";
import type { Claims } from "./claims.ts";
import type { PageView } from "./page_views.ts";

export type { VisitorChange };

/** How long a request waits for its store, in milliseconds: under the 3 seconds within which it must be answered. */
export const REQUEST_DEADLINE = 2500;

/** One result page of a list. */
export interface ResultPage {
  visitors: EncodedVisitor[];
  /** The position of its last visitor, after which the next result page starts; `null` where no more visitors match. */
  next: Position | null;
  /** Whether nobody matched the query, and these match the fallback. */
  isFallback: boolean;
  /** Documents without search fields that were not looked at, since that takes longer than a request may. */
  unindexed: number;
}

/** How many visitors there are. */
export interface VisitorCounts {
  online: number;
  /** Seen in the last 24 hours, and in the last 30 days. */
  lastDay: number;
  last30Days: number;
  inSession: number;
  /** Online, and waiting for a call. */
  waiting: number;
}

/** Finding visitors. */
export interface VisitorReads {
  /**
   * The visitors that match, in list order.
   *
   * @param limit the most visitors on the result page, 1 or more
   * @param after the position after which the page starts; `null`: the first page
   * @param fallback what is asked where nobody matches `query`; not with `after`
   */
  findVisitors(
    query: SearchQuery,
    limit: number,
    after: Position | null,
    fallback?: SearchQuery | null,
  ): Promise<ResultPage>;
  /** The visitors with these short ids, in their order; of a repeated short id the first in list order. */
  getVisitors(shortIds: string[]): Promise<(EncodedVisitor | null)[]>;
  /** The last web pages of a visitor online, the newest last; `null` where there is no visitor with this short id. */
  pagesOf(shortId: string): Promise<PageView[] | null>;
  /** Counts the visitors online now. */
  countOnline(): Promise<number>;
  /** Counts the visitors online who wait for a call. */
  countWaiting(): Promise<number>;
  /** Counts visitors, as of a time. */
  countVisitors(now: Date): Promise<VisitorCounts>;
  /**
   * A cheap token that changes after every write, for cache validation. Not implemented by stores that would need a
   * query for it.
   */
  version?(): unknown;
}

/** A visitor that a database did not take, and why, without any of the visitor's data but the short id. */
export interface Refusal {
  shortId: string;
  reason: string;
}

/** Changing and removing visitors. */
export interface VisitorWrites {
  /**
   * Stores visitors by their short ids, which must differ. An existing visitor is replaced; which agent takes care of it
   * and fields of its document that are no attributes are left alone. One who is connected to a process keeps all that
   * connections, calls and sessions decide: it stays online, with its lookup code.
   *
   * @returns those that the database refused; all others are stored
   */
  putVisitors(visitors: Visitor[]): Promise<Refusal[]>;
  /** The visitor with this short id, never from a replica that is behind; `null` where there is none. */
  readForWrite(shortId: string): Promise<EncodedVisitor | null>;
  /**
   * Changes a visitor, and what it is found by.
   *
   * @param expected the visitor as it was read; no other write comes between the comparison and this one
   * @returns the visitor after the change; `null` where there is none with this short id
   * @throws {VisitorChanged} it is not as `expected`
   */
  updateVisitor(shortId: string, change: VisitorChange, expected?: EncodedVisitor): Promise<Visitor | null>;
  /**
   * Removes all documents of a visitor.
   *
   * @param expected the visitor as it was read; no other write comes between the comparison and the removal
   * @returns whether there was one with this short id
   * @throws {VisitorChanged} it is not as `expected`
   */
  removeVisitor(shortId: string, expected?: EncodedVisitor): Promise<boolean>;
  /**
   * Removes some of the visitors that are offline.
   *
   * @param seenBefore only those last seen before this time; `null`: all
   * @param limit the most visitors that are removed
   * @returns how many were removed; 0 where none is left
   */
  removeOffline(seenBefore: Date | null, limit: number): Promise<number>;
}

/** Which agent takes care of a visitor. */
export interface AgentClaims {
  /**
   * Has an agent claim a visitor, renew the claim or end it.
   *
   * @returns what came of it; `null` where there is no visitor with this short id
   */
  claimVisitor(shortId: string, claim: AgentClaim): Promise<ClaimResult | null>;
  /**
   * Ends the claims that have expired.
   *
   * @returns how many there were
   */
  endClaims(now: Date): Promise<number>;
}

/** What a process writes of a visitor whose web pages are, or were, connected to it. */
export interface PresenceWrite {
  shortId: string;
  /** Whether the visitor is created where it does not exist; otherwise only an existing one is changed. */
  isNew: boolean;
  /** Must not contain `is_online` when `isConnected` is set; the store derives it from the connections. */
  change: VisitorChange;
  /** What web pages claim of the visitor, applied to it after `change`; see `changeOfClaims`. */
  claims?: Claims | null;
  /** The lookup code that the visitor gets, unless it is online with another one, which it keeps. */
  offeredCode?: string | null;
  /** Whether this process has connections of the visitor from now on; absent where that did not change. */
  isConnected?: boolean;
  /** Web pages that the visitor was on, the newest last; absent where none is kept. */
  pages?: PageView[];
}

/** The result of a {@link PresenceWrite}. */
export interface PresenceResult {
  /** Whether the visitor exists, or was created; where not, nothing was written of it. */
  exists: boolean;
  /** The visitor's lookup code, where one was offered; otherwise `null`. */
  lookupCode: string | null;
  /** Whether the visitor waits for a call; absent where nothing was written. */
  call?: CallState;
  /**
   * Why nothing was written of a visitor: the database refused it, and would again (`refused`); or others changed the
   * visitor all the time, so that it can be sent again (`conflict`).
   */
  problem?: "refused" | "conflict";
}

/** The result of a heartbeat. */
export interface Heartbeat {
  /**
   * Whether this process was not registered: it has just started, or another one took it for dead and ended its
   * connections, all of which must be written again.
   */
  isNew: boolean;
  /** The last count of each other process, by process. */
  counts: Map<string, number>;
}

/** Who is connected to which process. Processes coordinate through the database only. */
export interface PresenceStore {
  /**
   * Writes what connections say of their visitors. After an error some of it may be written; all of it may be sent
   * again, since every write is idempotent. Documents that other software made are left alone.
   *
   * With `isConnected: true` the process is recorded with the visitor, who is online. With `false` it is no longer,
   * and a visitor whom no other process has is offline: it has no lookup code, waits for no call, is nobody's and has no
   * web pages.
   *
   * @param process differs between processes
   * @param writes of visitors that differ
   * @returns the results, in the order of `writes`
   */
  writePresence(process: string, writes: PresenceWrite[]): Promise<PresenceResult[]>;
  /** Of each visitor with whom a process is recorded whether it is online, by short id. */
  connectedTo(process: string): Promise<Map<string, boolean>>;
  /** All processes that are recorded with visitors, registered or not. */
  connectedProcesses(): Promise<string[]>;
  /**
   * The short ids of the visitors who come by the web SDK (see `comesByWebSdk`) and are online although no process is
   * recorded with them, as in a copy that was imported.
   */
  onlineWithoutConnection(siteKey: string): Promise<string[]>;
  /**
   * Ends the connections of a dead process: visitors whom no other process has become offline.
   *
   * @param limit the most visitors whose connections are ended
   * @returns how many there were; 0 where none is left
   */
  endConnections(process: string, limit: number): Promise<number>;
  /**
   * Records that a process is alive, and reads the heartbeats of the others over the same visitors.
   *
   * @param count differs from the last one: others see by the change that the process is alive, whatever the clocks
   */
  heartbeat(process: string, count: number): Promise<Heartbeat>;
  /** Removes a process whose connections are ended from the registry. */
  forgetProcess(process: string): Promise<void>;
  /** Those of these lookup codes that visitors have who are online now. */
  lookupCodesInUse(codes: string[]): Promise<Set<string>>;
}

/** Leases: work that one process at a time may do is done by the lease's holder. */
export interface Leases {
  /**
   * Takes a lease, or renews it.
   *
   * @param holder differs between processes
   * @param milliseconds how long it is held unless renewed
   * @returns whether it is held; `false` where another process has it
   */
  takeLease(name: string, holder: string, milliseconds: number): Promise<boolean>;
  /** Ends a lease before its time; does nothing where another holder has it. */
  releaseLease(name: string, holder: string): Promise<void>;
}

/** The result of a reindexing, in visitors. */
export interface Reindexed {
  /** Visitors that got new search fields. */
  written: number;
  /** Visitors that other software changed at the same moment; they are left as they were. */
  missed: number;
}

/** Work on all visitors, and on what they are found by. */
export interface StoreMaintenance {
  /** All visitors, in no particular order. */
  allVisitors(): AsyncIterable<Visitor>;
  /**
   * Gives search fields to visitors that other software wrote or changed, so that an index finds them. May be stopped
   * at any time; the next run continues.
   *
   * @param onProgress receives how many documents were looked at, and about how many there are
   */
  reindex(onProgress: (looked: number, total: number) => void): Promise<Reindexed>;
  /**
   * Counts the documents without search fields, which {@link reindex} would give some. Not implemented where there can
   * be none.
   */
  countUnindexed?(): Promise<number>;
  /**
   * Performs one step of index maintenance. Not implemented where the database does so by itself.
   *
   * @returns whether there is more to do
   */
  maintainIndexes?(): Promise<boolean>;
  /**
   * Writes a copy of the store, as of one moment, while it is in use. Not implemented where the database has a tool for
   * that.
   *
   * @param path an empty file
   */
  backup?(path: string): Promise<void>;
}

/** A database of visitors. */
export interface VisitorStore
  extends VisitorReads, VisitorWrites, AgentClaims, PresenceStore, Leases, StoreMaintenance {
  /** The engine and its place, for people, without secrets. */
  readonly description: string;
  /** Whether the database answered last; costs no database operation. */
  isReady(): boolean;
  close(): Promise<void>;
}

/** The database does not answer now; it may do so later. */
export class StoreUnavailable extends Error {
  override name = "StoreUnavailable";
}

/** A visitor is no longer as it was expected to be, and nothing was written; it can be read and written again. */
export class VisitorChanged extends Error {
  override name = "VisitorChanged";

  constructor() {
    super("The visitor was changed meanwhile");
  }
}

/** The database is being rebuilt for this version of Foyer, and answers once that is done. */
export class StoreRebuilding extends StoreUnavailable {
  override name = "StoreRebuilding";
}

/** A store that cannot be opened as configured; trying again would not help. */
export class StoreRefused extends Error {
  override name = "StoreRefused";
}
