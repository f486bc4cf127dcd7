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
  /** The position of the last visitor on this page, after which the next one starts; `null` where no more match. */
  next: Position | null;
  /** Whether nobody matched the query, so that these visitors match the fallback. */
  isFallback: boolean;
  /** The number of documents without search fields that were not read, since the request's time was over. */
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
   * @param fallback a query that is tried if nobody matches `query`; must not be given together with `after`
   */
  findVisitors(
    query: SearchQuery,
    limit: number,
    after: Position | null,
    fallback?: SearchQuery | null,
  ): Promise<ResultPage>;
  /**
   * The visitors with these short ids, in the order of `shortIds`; `null` for each that has none. Where several documents
   * have the same short id, the first one in list order is returned.
   */
  getVisitors(shortIds: string[]): Promise<(EncodedVisitor | null)[]>;
  /**
   * The last web pages of a visitor, the newest last: none while it is offline. `null` where there is no visitor with
   * this short id.
   */
  pagesOf(shortId: string): Promise<PageView[] | null>;
  /** Counts the visitors online now. */
  countOnline(): Promise<number>;
  /** Counts the visitors online who wait for a call. */
  countWaiting(): Promise<number>;
  /** Counts visitors; the periods of {@link VisitorCounts} end at `now`. */
  countVisitors(now: Date): Promise<VisitorCounts>;
  /**
   * A cheap token that changes after every write, for cache validation. Not implemented by stores that would need a
   * query for it.
   */
  version?(): unknown;
}

/** A visitor that the database refused to store, and the reason. Of the visitor's data it holds the short id alone. */
export interface Refusal {
  shortId: string;
  reason: string;
}

/** Changing and removing visitors. */
export interface VisitorWrites {
  /**
   * Stores visitors by their short ids, which must differ. An existing visitor is replaced, except for its agent's claim
   * and for those fields of its document that are no attributes. A visitor that is connected to a process also keeps the
   * attributes that connections, calls and sessions decide: it stays online, with its lookup code.
   *
   * @returns the visitors that the database refused; all others are stored
   */
  putVisitors(visitors: Visitor[]): Promise<Refusal[]>;
  /** The visitor with this short id, read from the primary since a replica may be behind; `null` where there is none. */
  readForWrite(shortId: string): Promise<EncodedVisitor | null>;
  /**
   * Changes attributes of a visitor, and its index keys with them.
   *
   * @param expected the visitor as it was read; comparing it with the stored one and writing are atomic
   * @returns the visitor after the change; `null` where there is none with this short id
   * @throws {VisitorChanged} the stored visitor differs from `expected`
   */
  updateVisitor(shortId: string, change: VisitorChange, expected?: EncodedVisitor): Promise<Visitor | null>;
  /**
   * Removes all documents of a visitor.
   *
   * @param expected the visitor as it was read; comparing it with the stored one and removing it are atomic
   * @returns whether there was a visitor with this short id
   * @throws {VisitorChanged} the stored visitor differs from `expected`
   */
  removeVisitor(shortId: string, expected?: EncodedVisitor): Promise<boolean>;
  /**
   * Removes some of the visitors that are offline.
   *
   * @param seenBefore only visitors last seen before this time are removed; `null`: visitors of any age
   * @param limit the most visitors that are removed
   * @returns how many were removed; 0 where no such visitor is left
   */
  removeOffline(seenBefore: Date | null, limit: number): Promise<number>;
}

/** Which agent takes care of a visitor. */
export interface AgentClaims {
  /**
   * Claims a visitor for an agent, renews the agent's claim or ends it.
   *
   * @returns the visitor after it, or why it was refused; `null` where there is no visitor with this short id
   */
  claimVisitor(shortId: string, claim: AgentClaim): Promise<ClaimResult | null>;
  /**
   * Ends the claims that have expired at `now`.
   *
   * @returns the number of claims that it ended
   */
  endClaims(now: Date): Promise<number>;
}

/** What a process writes about a visitor whose web pages are, or were, connected to this process. */
export interface PresenceWrite {
  shortId: string;
  /** Whether the visitor is created where it does not exist; otherwise only an existing one is changed. */
  isNew: boolean;
  /** Must not contain `is_online` when `isConnected` is set; the store derives it from the connections. */
  change: VisitorChange;
  /** What web pages claim of the visitor, applied to it after `change`; see `changeOfClaims`. */
  claims?: Claims | null;
  /** The lookup code that the visitor gets; a visitor that is online and has one keeps that one. */
  offeredCode?: string | null;
  /** Whether the visitor is connected to this process from now on; absent where that did not change. */
  isConnected?: boolean;
  /** Web pages that the visitor was on, the newest last; absent where web pages are not stored. */
  pages?: PageView[];
}

/** The result of a {@link PresenceWrite}. */
export interface PresenceResult {
  /** Whether the visitor existed or was created; `false`: nothing was written. */
  exists: boolean;
  /** The visitor's lookup code, where one was offered; otherwise `null`. */
  lookupCode: string | null;
  /** Whether the visitor waits for a call, after the write; absent where the visitor does not exist or was not written. */
  call?: CallState;
  /**
   * Why the visitor was not written. `refused`: the database refuses it, and would refuse it again. `conflict`: other
   * writers changed the visitor at each try; the write can be sent again.
   */
  problem?: "refused" | "conflict";
}

/** The result of a heartbeat. */
export interface Heartbeat {
  /**
   * Whether this process was not registered until now: it has just started, or another process took it for dead and
   * ended its connections. Then it must write all its connections again.
   */
  isNew: boolean;
  /** The last `count` of each other registered process, by process. */
  counts: Map<string, number>;
}

/** Who is connected to which process. Processes coordinate through the database only. */
export interface PresenceStore {
  /**
   * Writes what connections say about their visitors. After an error some of the writes may be done; all of them may be
   * sent again, since every write is idempotent. Documents that other software made are left alone.
   *
   * `isConnected: true` records the process with the visitor, which makes the visitor online. `false` removes the
   * process from the visitor. A visitor that is connected to no process any more becomes offline: it loses its lookup
   * code, its claim and its web pages, and no longer waits for a call.
   *
   * @param process an id that no other process has
   * @param writes at most one for each visitor
   * @returns the results, in the order of `writes`
   */
  writePresence(process: string, writes: PresenceWrite[]): Promise<PresenceResult[]>;
  /** The visitors that are recorded as connected to a process: by short id, whether each is online. */
  connectedTo(process: string): Promise<Map<string, boolean>>;
  /** All processes that visitors are recorded as connected to, whether these processes are registered or not. */
  connectedProcesses(): Promise<string[]>;
  /**
   * The short ids of web SDK visitors (see `comesByWebSdk`) that are marked online but connected to no process, such as
   * after an import of another installation's export.
   */
  onlineWithoutConnection(siteKey: string): Promise<string[]>;
  /**
   * Ends the connections of a dead process: its visitors become offline unless they are connected to another process.
   *
   * @param limit the most visitors whose connections are ended
   * @returns the number of visitors whose connections were ended; 0 where none is left
   */
  endConnections(process: string, limit: number): Promise<number>;
  /**
   * Records that a process is alive, and reads the heartbeats of the other processes that share these visitors.
   *
   * @param count must differ from the previous call's: the others see that the process is alive by the change, since
   * clocks of hosts differ
   */
  heartbeat(process: string, count: number): Promise<Heartbeat>;
  /** Removes a process from the registry, once its connections are ended. */
  forgetProcess(process: string): Promise<void>;
  /** The subset of `codes` that are lookup codes of visitors online now. */
  lookupCodesInUse(codes: string[]): Promise<Set<string>>;
}

/** Leases: only the holder of a lease does the work that the lease is named after, so that one process at a time does it. */
export interface Leases {
  /**
   * Takes a lease, or renews it.
   *
   * @param holder an id that no other process has
   * @param milliseconds how long the lease lasts unless it is renewed
   * @returns whether `holder` has the lease now; `false` where another process has it
   */
  takeLease(name: string, holder: string, milliseconds: number): Promise<boolean>;
  /** Ends a lease before it expires; does nothing where another holder has it. */
  releaseLease(name: string, holder: string): Promise<void>;
}

/** The result of {@link StoreMaintenance.reindex}, as numbers of visitors. */
export interface Reindexed {
  /** Visitors that got new search fields. */
  written: number;
  /** Visitors that other software changed while they were being written; their search fields are as before. */
  missed: number;
}

/** Work on all visitors, and on their indexes. */
export interface StoreMaintenance {
  /** All visitors, in no particular order. */
  allVisitors(): AsyncIterable<Visitor>;
  /**
   * Gives search fields to visitors that other software wrote or changed, so that an index finds them. May be stopped
   * at any time; the next run continues there.
   *
   * @param onProgress receives the number of documents read so far, and an estimate of all
   */
  reindex(onProgress: (looked: number, total: number) => void): Promise<Reindexed>;
  /**
   * Counts the unindexed documents, to which {@link reindex} would give search fields. Not implemented by stores that
   * can have none.
   */
  countUnindexed?(): Promise<number>;
  /**
   * Performs one step of index maintenance. Not implemented by stores whose database maintains its indexes itself.
   *
   * @returns whether there is more to do
   */
  maintainIndexes?(): Promise<boolean>;
  /**
   * Writes a consistent copy of the store while it is in use. Not implemented by stores whose database has its own
   * backup tool.
   *
   * @param path of an existing, empty file, which becomes the copy
   */
  backup?(path: string): Promise<void>;
}

/** A database of visitors. */
export interface VisitorStore
  extends VisitorReads, VisitorWrites, AgentClaims, PresenceStore, Leases, StoreMaintenance {
  /** The database's kind and address, to be shown to people; without secrets. */
  readonly description: string;
  /** Whether the database answered when it was last asked; does not ask it now. */
  isReady(): boolean;
  close(): Promise<void>;
}

/** The database does not answer now; a later call may succeed. */
export class StoreUnavailable extends Error {
  override name = "StoreUnavailable";
}

/** The stored visitor differs from the one that the caller had read. Nothing was written; the caller may read it again. */
export class VisitorChanged extends Error {
  override name = "VisitorChanged";

  constructor() {
    super("The visitor was changed meanwhile");
  }
}

/** The database file is being rebuilt for this version of Foyer; the store answers once that is done. */
export class StoreRebuilding extends StoreUnavailable {
  override name = "StoreRebuilding";
}

/** The store cannot be opened as configured; opening it again would fail again. */
export class StoreRefused extends Error {
  override name = "StoreRefused";
}
