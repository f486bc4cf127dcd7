/**
 * The embedded store: one SQLite file, for trying Foyer, for small sites and for tests.
 *
 * Reads that are bounded by their result page run on the event loop, all other work in threads. See DESIGN.md.
 *
 * @module
 */
import { resolve } from "node:path";
import { setImmediate } from "node:timers";
import type { SearchQuery } from "../../search/parse.ts";
import { EncodedVisitor } from "../../visitor/encoded_visitor.ts";
import type { Position } from "../../visitor/list_order.ts";
import { readJson } from "../../visitor/read_json.ts";
import type { Visitor } from "../../visitor/visitor.ts";
import type { AgentClaim, ClaimResult } from "../agent_claim.ts";
import type { PageView } from "../page_views.ts";
import {
  type Heartbeat,
  type PresenceResult,
  type PresenceWrite,
  type Refusal,
  type Reindexed,
  REQUEST_DEADLINE,
  type ResultPage,
  StoreRefused,
  type VisitorChange,
  type VisitorCounts,
  type VisitorStore,
} from "../visitor_store.ts";
import { Connections } from "./connections.ts";
import { absenceOf } from "./file_watch.ts";
import type { AnsweredPage } from "./session.ts";
import type { Result } from "./threads.ts";

/** The most visitors, and the most writes of presence, in one message to the writing thread. */
const [BATCH, PRESENCE_BATCH] = [500, 50];

/** Options of {@link openSqliteStore}. */
export interface SqliteOptions {
  /**
   * `request`: each answer has a deadline, and `StoreRebuilding` is thrown while the file is rebuilt. `command`: answers
   * have no deadline, and wait for a rebuild. Default `request`.
   */
  use?: "request" | "command";
  /** Whether the file is created if it does not exist; default `true`. */
  mayCreate?: boolean;
  /** When a request's answer is due, in milliseconds; default {@link REQUEST_DEADLINE}. */
  deadline?: number;
  /** How long a write waits while another process writes, in milliseconds; default 2 s for requests, 60 s for commands. */
  busyMilliseconds?: number;
  /** Receives sentences about failures of the file and the progress of a rebuild. */
  log?: (sentence: string, level?: "warning") => void;
}

/**
 * Opens the embedded store; creates its file (mode 0600) if there is none. A file of an earlier version is rebuilt in
 * the background.
 *
 * @param path of a file, or `:memory:`
 * @throws {StoreRefused} the file is not a Foyer database, is newer than this Foyer, or cannot be opened or created
 */
export function openSqliteStore(path: string, options: SqliteOptions = {}): VisitorStore {
  const {
    use = "request",
    mayCreate = true,
    deadline = REQUEST_DEADLINE,
    busyMilliseconds = use === "request" ? 2000 : 60_000,
    log = () => {},
  } = options;
  if (!mayCreate && absenceOf(path)?.kind === "removed") {
    throw new StoreRefused("Cannot open the store: there is no such file");
  }
  return new SqliteStore(path, new Connections({ path, use, deadline, busyMilliseconds, log }));
}

class SqliteStore implements VisitorStore {
  readonly description: string;
  #connections: Connections;

  constructor(path: string, connections: Connections) {
    this.description = `the embedded store in ${path}`;
    this.#connections = connections;
  }

  async findVisitors(
    query: SearchQuery,
    limit: number,
    after: Position | null,
    fallback: SearchQuery | null = null,
  ): Promise<ResultPage> {
    const bounded = fallback === null
      ? await this.#connections.onLoop("findBounded", query, limit, after)
      : null;
    return pageOf(bounded ?? await this.#connections.read("findVisitors", query, limit, after, fallback));
  }

  async getVisitors(shortIds: string[]): Promise<(EncodedVisitor | null)[]> {
    const found = await this.#connections.onLoop("getVisitors", shortIds);
    return found.map((json) => json === null ? null : new EncodedVisitor(json));
  }

  pagesOf(shortId: string): Promise<PageView[] | null> {
    return this.#connections.onLoop("pagesOf", shortId);
  }

  countWaiting(): Promise<number> {
    return this.#connections.onLoop("countWaiting");
  }

  countOnline(): Promise<number> {
    return this.#connections.read("countOnline");
  }

  countVisitors(now: Date): Promise<VisitorCounts> {
    return this.#connections.read("countVisitors", now);
  }

  async putVisitors(visitors: Visitor[]): Promise<Refusal[]> {
    let stored = 0;
    while (stored < visitors.length) {
      if (stored > 0) await nextTurn();
      stored += await this.#connections.write("putVisitors", visitors.slice(stored, stored + BATCH));
    }
    return [];
  }

  async readForWrite(shortId: string): Promise<EncodedVisitor | null> {
    return (await this.getVisitors([shortId]))[0];
  }

  updateVisitor(shortId: string, change: VisitorChange, expected?: EncodedVisitor): Promise<Visitor | null> {
    return this.#connections.write("updateVisitor", shortId, change, expected?.json ?? null);
  }

  claimVisitor(shortId: string, claim: AgentClaim): Promise<ClaimResult | null> {
    return this.#connections.write("claimVisitor", shortId, claim);
  }

  async endClaims(now: Date): Promise<number> {
    // Checked on the event loop, so that no thread is started and no transaction is written if no claim has expired.
    if (!await this.#connections.onLoop("hasClaimsOver", now)) return 0;
    return await this.#untilNone(Infinity, () => this.#connections.write("endClaims", now));
  }

  removeVisitor(shortId: string, expected?: EncodedVisitor): Promise<boolean> {
    return this.#connections.write("removeVisitor", shortId, expected?.json ?? null);
  }

  removeOffline(seenBefore: Date | null, limit: number): Promise<number> {
    return this.#untilNone(limit, (left) => this.#connections.write("removeOffline", seenBefore, left));
  }

  async writePresence(process: string, writes: PresenceWrite[]): Promise<PresenceResult[]> {
    const results: PresenceResult[] = [];
    while (results.length < writes.length) {
      if (results.length > 0) await nextTurn();
      const left = writes.slice(results.length, results.length + PRESENCE_BATCH);
      results.push(...await this.#connections.write("writePresence", process, left));
    }
    return results;
  }

  connectedTo(process: string): Promise<Map<string, boolean>> {
    return this.#connections.read("connectedTo", process);
  }

  connectedProcesses(): Promise<string[]> {
    return this.#connections.read("connectedProcesses");
  }

  onlineWithoutConnection(siteKey: string): Promise<string[]> {
    return this.#connections.read("onlineWithoutConnection", siteKey);
  }

  endConnections(process: string, limit: number): Promise<number> {
    return this.#untilNone(limit, (left) => this.#connections.write("endConnections", process, left));
  }

  heartbeat(process: string, count: number): Promise<Heartbeat> {
    return this.#connections.write("heartbeat", process, count);
  }

  forgetProcess(process: string): Promise<void> {
    return this.#connections.write("forgetProcess", process);
  }

  lookupCodesInUse(codes: string[]): Promise<Set<string>> {
    return this.#connections.onLoop("lookupCodesInUse", codes);
  }

  takeLease(name: string, holder: string, milliseconds: number): Promise<boolean> {
    return this.#connections.write("takeLease", name, holder, milliseconds);
  }

  releaseLease(name: string, holder: string): Promise<void> {
    return this.#connections.write("releaseLease", name, holder);
  }

  async *allVisitors(): AsyncIterable<Visitor> {
    // In batches, since a long read transaction would keep SQLite from reusing its write-ahead log.
    let last: number | null = 0;
    while (last !== null) {
      const batch: Result<"visitorsAfter"> = await this.#connections.read("visitorsAfter", last);
      for (const json of batch.visitors) yield readJson(json) as Visitor;
      last = batch.last;
    }
  }

  /** Does nothing: only Foyer writes this file, and each write updates the index keys. */
  reindex(): Promise<Reindexed> {
    return Promise.resolve({ written: 0, missed: 0 });
  }

  maintainIndexes(): Promise<boolean> {
    return this.#connections.write("maintainIndexes");
  }

  async backup(path: string): Promise<void> {
    // An absolute path, since SQLite would take one that begins with "file:" for a URI.
    await this.#connections.onLoop("backup", resolve(path));
  }

  version(): unknown {
    return this.#connections.version;
  }

  isReady(): boolean {
    return this.#connections.isReady();
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  /**
   * Calls `step` until it returns 0 or the limit is reached.
   *
   * @param step receives how many things are left of the limit, and returns how many it did
   * @returns the sum of what the steps did
   */
  async #untilNone(limit: number, step: (left: number) => Promise<number>): Promise<number> {
    let done = 0;
    while (done < limit) {
      const some = await step(limit - done);
      if (some === 0) break;
      done += some;
      await nextTurn();
    }
    return done;
  }
}

/** Lets the event loop answer others between two steps, since a store in memory does each step on the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function pageOf({ visitors, next, isFallback }: AnsweredPage): ResultPage {
  return {
    visitors: visitors.map((json) => new EncodedVisitor(json)),
    next,
    isFallback,
    unindexed: 0,
  };
}
