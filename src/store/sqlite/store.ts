/**
 * The embedded store: one SQLite file, for trying Foyer, for small sites and for tests.
 *
 * Reads that are bounded by their result page run on the event loop, all other work in threads.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { Deadline, DeadlineExceeded } from "../../async/deadline.ts";
import type { SearchQuery } from "../../search/parse.ts";
import { EncodedVisitor } from "../../visitor/encoded_visitor.ts";
import type { Position } from "../../visitor/list_order.ts";
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
  StoreRebuilding,
  StoreUnavailable,
  type VisitorChange,
  type VisitorCounts,
  type VisitorStore,
} from "../visitor_store.ts";
import { asStoreError, TimeBudgetOver } from "./file.ts";
import { openFile } from "./open.ts";
import { type AnsweredPage, Session } from "./session.ts";
import { type Arguments, type Asked, InlineSession, type Method, type Result, Thread } from "./threads.ts";

/** Visitors, and writes of presence, that are sent to the writing thread at a time. */
const [BATCH, PRESENCE_BATCH] = [500, 50];

/** Threads that read, so that one long search does not hold up all others; fewer leave a processor to the event loop. */
const READERS = navigator.hardwareConcurrency > 2 ? 2 : 1;

/** How often the log says how far a rebuild is, in milliseconds. */
const PROGRESS_INTERVAL = 10_000;

/** How long the rebuild waits after it failed, in milliseconds. */
const RETRY = 1000;

/** How a store is opened. */
export interface SqliteOptions {
  /**
   * Whether requests wait for its answers, {@link REQUEST_DEADLINE} at most, or a command that takes its time. While the
   * file is rebuilt requests are refused, and a command waits.
   */
  use?: "request" | "command";
  /** How long to wait while another process writes, in milliseconds. */
  busyMilliseconds?: number;
  /** Called with the progress of a rebuild. */
  log?: (sentence: string, level?: "warning") => void;
}

/**
 * Opens the embedded store, making the file (mode 0600) where there is none. A file of an earlier version is rebuilt in
 * the background.
 *
 * @param path a file, or `:memory:`
 * @throws {StoreRefused} the file is not a Foyer database, is newer than this Foyer or cannot be made
 */
export function openSqliteStore(path: string, options: SqliteOptions = {}): VisitorStore {
  const { use = "request", busyMilliseconds = use === "request" ? 2000 : 60_000, log = () => {} } = options;
  const session = new Session(openFile(path, { busyMilliseconds }));
  const inline = new InlineSession(session);
  const isInMemory = path === ":memory:";
  const thread = (isWriter: boolean) =>
    isInMemory ? inline : new Thread({ path, busyMilliseconds, isWriter });
  return new SqliteStore({
    description: `the embedded store in ${path}`,
    session,
    writer: thread(true),
    readers: Array.from({ length: READERS }, () => thread(false)),
    use,
    log,
  });
}

interface StoreParts extends Required<Pick<SqliteOptions, "use" | "log">> {
  description: string;
  /** On the event loop. */
  session: Session;
  writer: Asked;
  readers: Asked[];
}

class SqliteStore implements VisitorStore {
  readonly description: string;
  #parts: StoreParts;
  #isOpen = true;
  #didAnswer = true;
  /** Settles when the file is whole; `null` once it is. */
  #rebuild: Promise<void> | null;

  constructor(parts: StoreParts) {
    this.description = parts.description;
    this.#parts = parts;
    this.#rebuild = parts.session.isUnbuilt ? this.#rebuildFile() : null;
  }

  async findVisitors(
    query: SearchQuery,
    limit: number,
    after: Position | null,
    fallback: SearchQuery | null = null,
  ): Promise<ResultPage> {
    const bounded = fallback === null ? await this.#onLoop("findBounded", query, limit, after) : null;
    return pageOf(bounded ?? await this.#read("findVisitors", query, limit, after, fallback));
  }

  async getVisitors(shortIds: string[]): Promise<(EncodedVisitor | null)[]> {
    const found = await this.#onLoop("getVisitors", shortIds);
    return found.map((json) => json === null ? null : new EncodedVisitor(json));
  }

  pagesOf(shortId: string): Promise<PageView[] | null> {
    return this.#onLoop("pagesOf", shortId);
  }

  countWaiting(): Promise<number> {
    return this.#onLoop("countWaiting");
  }

  countOnline(): Promise<number> {
    return this.#read("countOnline");
  }

  countVisitors(now: Date): Promise<VisitorCounts> {
    return this.#read("countVisitors", now);
  }

  async putVisitors(visitors: Visitor[]): Promise<Refusal[]> {
    let stored = 0;
    while (stored < visitors.length) {
      if (stored > 0) await nextTurn();
      stored += await this.#write("putVisitors", visitors.slice(stored, stored + BATCH));
    }
    return [];
  }

  async readForWrite(shortId: string): Promise<EncodedVisitor | null> {
    return (await this.getVisitors([shortId]))[0];
  }

  updateVisitor(shortId: string, change: VisitorChange, expected?: EncodedVisitor): Promise<Visitor | null> {
    return this.#write("updateVisitor", shortId, change, expected?.json ?? null);
  }

  claimVisitor(shortId: string, claim: AgentClaim): Promise<ClaimResult | null> {
    return this.#write("claimVisitor", shortId, claim);
  }

  async endClaims(now: Date): Promise<number> {
    // So that nothing is written, nor a thread started, for looking alone.
    if (!await this.#onLoop("hasClaimsOver", now)) return 0;
    return await this.#untilNone(Infinity, () => this.#write("endClaims", now));
  }

  removeVisitor(shortId: string, expected?: EncodedVisitor): Promise<boolean> {
    return this.#write("removeVisitor", shortId, expected?.json ?? null);
  }

  removeOffline(seenBefore: Date | null, limit: number): Promise<number> {
    return this.#untilNone(limit, (left) => this.#write("removeOffline", seenBefore, left));
  }

  async writePresence(process: string, writes: PresenceWrite[]): Promise<PresenceResult[]> {
    const results: PresenceResult[] = [];
    while (results.length < writes.length) {
      if (results.length > 0) await nextTurn();
      const left = writes.slice(results.length, results.length + PRESENCE_BATCH);
      results.push(...await this.#write("writePresence", process, left));
    }
    return results;
  }

  connectedTo(process: string): Promise<Map<string, boolean>> {
    return this.#read("connectedTo", process);
  }

  connectedProcesses(): Promise<string[]> {
    return this.#read("connectedProcesses");
  }

  onlineWithoutConnection(siteKey: string): Promise<string[]> {
    return this.#read("onlineWithoutConnection", siteKey);
  }

  endConnections(process: string, limit: number): Promise<number> {
    return this.#untilNone(limit, (left) => this.#write("endConnections", process, left));
  }

  heartbeat(process: string, count: number): Promise<Heartbeat> {
    return this.#write("heartbeat", process, count);
  }

  forgetProcess(process: string): Promise<void> {
    return this.#write("forgetProcess", process);
  }

  lookupCodesInUse(codes: string[]): Promise<Set<string>> {
    return this.#onLoop("lookupCodesInUse", codes);
  }

  takeLease(name: string, holder: string, milliseconds: number): Promise<boolean> {
    return this.#write("takeLease", name, holder, milliseconds);
  }

  releaseLease(name: string, holder: string): Promise<void> {
    return this.#write("releaseLease", name, holder);
  }

  async *allVisitors(): AsyncIterable<Visitor> {
    // In batches, since an open read keeps SQLite from reusing its write-ahead log.
    let last: number | null = 0;
    while (last !== null) {
      const batch: Result<"visitorsAfter"> = await this.#read("visitorsAfter", last);
      for (const json of batch.visitors) yield JSON.parse(json);
      last = batch.last;
    }
  }

  /** Only Foyer writes this file, and it stores the search fields with the visitors. */
  reindex(): Promise<Reindexed> {
    return Promise.resolve({ written: 0, missed: 0 });
  }

  maintainIndexes(): Promise<boolean> {
    return this.#write("maintainIndexes");
  }

  backup(path: string): Promise<void> {
    return this.#read("backup", path);
  }

  version(): unknown {
    if (!this.#isOpen) throw new StoreUnavailable("The embedded store is closed");
    try {
      return this.#parts.session.version;
    } catch (error) {
      throw asStoreError(error);
    }
  }

  isReady(): boolean {
    return this.#isOpen && this.#rebuild === null && this.#didAnswer;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const { writer, readers, session } = this.#parts;
    session.close();
    await this.#rebuild;
    await Promise.all([writer, ...readers].map((asked) => asked.close()));
  }

  /** Does work that is bounded by its result page. */
  #onLoop<Name extends Method>(method: Name, ...args: Arguments<Name>): Promise<Result<Name>> {
    return this.#ask(new InlineSession(this.#parts.session), method, args);
  }

  /** Does work in the reading thread that has less to do. */
  #read<Name extends Method>(method: Name, ...args: Arguments<Name>): Promise<Result<Name>> {
    const leastBusy = this.#parts.readers.reduce((a, b) => b.load < a.load ? b : a);
    return this.#ask(leastBusy, method, args);
  }

  #write<Name extends Method>(method: Name, ...args: Arguments<Name>): Promise<Result<Name>> {
    return this.#ask(this.#parts.writer, method, args);
  }

  async #ask<Name extends Method>(asked: Asked, method: Name, args: Arguments<Name>): Promise<Result<Name>> {
    const isRequest = this.#parts.use === "request";
    if (this.#rebuild !== null) {
      if (isRequest) {
        throw new StoreRebuilding("The embedded store is being rebuilt for this version of Foyer");
      }
      await this.#rebuild;
    }
    if (!this.#isOpen) throw new StoreUnavailable("The embedded store is closed");
    const milliseconds = isRequest ? REQUEST_DEADLINE : Infinity;
    try {
      const result = await new Deadline(milliseconds).race(
        asked.ask(method, args, Date.now() + milliseconds),
      );
      this.#didAnswer = true;
      return result;
    } catch (error) {
      if (error instanceof DeadlineExceeded) {
        throw new TimeBudgetOver();
      }
      this.#didAnswer = !(error instanceof StoreUnavailable) || error instanceof TimeBudgetOver;
      throw error;
    }
  }

  /** Does steps until the limit is reached, or nothing is left; returns how many things were done. */
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

  async #rebuildFile() {
    const { session, writer, log } = this.#parts;
    let loggedAt = -Infinity;
    while (this.#isOpen) {
      try {
        if (performance.now() - loggedAt > PROGRESS_INTERVAL) {
          log(
            `Rebuilding the embedded store for this version of Foyer, ${session.countUnbuilt()} visitors are left`,
          );
          loggedAt = performance.now();
        }
        if (!await writer.ask("rebuild", [], Infinity)) {
          this.#rebuild = null;
          return;
        }
      } catch (error) {
        if (!this.#isOpen) return;
        log(`The embedded store cannot be rebuilt now: ${(error as Error).message}`, "warning");
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
  }
}

/** A store in memory answers at once: others are answered between two steps. */
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
