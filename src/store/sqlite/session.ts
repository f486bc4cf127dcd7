/**
 * The operations on one connection, as synchronous methods: they run in a thread, or, for a store in memory, on the event
 * loop. A long write does one step of {@link STEP} and returns how far it came; the caller asks for the next one.
 *
 * @module
 */
import type { SearchQuery } from "../../search/parse.ts";
import type { Position } from "../../visitor/list_order.ts";
import type { Visitor } from "../../visitor/visitor.ts";
import { applyChange } from "../../visitor/visitor_state.ts";
import { type AgentClaim, claim, type ClaimResult } from "../agent_claim.ts";
import type { PageView } from "../page_views.ts";
import {
  type Heartbeat,
  type PresenceResult,
  type PresenceWrite,
  type VisitorChange,
  VisitorChanged,
  type VisitorCounts,
} from "../visitor_store.ts";
import { jsonOf } from "./document.ts";
import type { Connection } from "./file.ts";
import { IndexMaintenance } from "./index_maintenance.ts";
import { SqlitePresence } from "./presence.ts";
import { countUnbuilt, isUnbuilt, rebuildStep } from "./rebuild.ts";
import { type FoundPage, isForFew, isList, offlineBefore, prepareSearch, SqliteSearch } from "./search.ts";
import { attributesOf, SqliteVisitors, type StoredVisitor } from "./visitors.ts";

const DAY = 86_400_000;

/** The duration of one step of a long write, in milliseconds; other requests write between two steps. */
const STEP = 50;

/** The number of bytes that {@link Session.tryWriting} writes: more than most changes of a visitor. */
const TRIAL = 65_536;

/** The number of visitors in a {@link VisitorBatch}. */
const BATCH = 500;

/** The result page of a query, or of its fallback. */
export interface AnsweredPage extends FoundPage {
  isFallback: boolean;
}

/** A batch of all visitors, as JSON. */
export interface VisitorBatch {
  visitors: string[];
  /** The id after which the next batch starts; `null` at the end. */
  last: number | null;
}

/** The operations on one connection. */
export class Session {
  #connection: Connection;
  #search: SqliteSearch;
  #maintenance: IndexMaintenance;
  #visitors: SqliteVisitors;
  #presence: SqlitePresence;

  constructor(connection: Connection) {
    prepareSearch(connection);
    this.#connection = connection;
    this.#search = new SqliteSearch(connection);
    this.#maintenance = new IndexMaintenance(connection);
    this.#visitors = new SqliteVisitors(connection, () => this.#maintenance.noteRemoval());
    this.#presence = new SqlitePresence(connection, this.#visitors);
  }

  /** Sets when the time budget of the current call ends, in ms since 1970. */
  set until(time: number) {
    this.#connection.until = time;
  }

  /** As `VisitorReads.findVisitors`. */
  findVisitors(
    query: SearchQuery,
    limit: number,
    after: Position | null,
    fallback: SearchQuery | null,
  ): AnsweredPage {
    const { until } = this.#connection;
    const page = this.#search.findPage({ query, limit, after }, until);
    if (page.visitors.length > 0 || fallback === null) return { ...page, isFallback: false };
    return { ...this.#search.findPage({ query: fallback, limit, after }, until), isFallback: true };
  }

  /** As {@link findVisitors}, for the event loop: `null` if the number of documents to read is not bounded. */
  findBounded(query: SearchQuery, limit: number, after: Position | null): AnsweredPage | null {
    const search = { query, limit, after };
    const page = isList(query)
      ? this.#search.findPage(search, Infinity)
      : isForFew(query)
      ? this.#search.findFew(search)
      : null;
    return page && { ...page, isFallback: false };
  }

  /** The visitors with these short ids, as JSON. */
  getVisitors(shortIds: string[]): (string | null)[] {
    return shortIds.map((shortId) => {
      const stored = this.#visitors.get(shortId);
      return stored && jsonOf(stored.document);
    });
  }

  /** As `VisitorReads.pagesOf`. */
  pagesOf(shortId: string): PageView[] | null {
    const stored = this.#visitors.get(shortId);
    if (stored === null) return null;
    return attributesOf(stored).is_online ? this.#visitors.pagesOf(stored.id) : [];
  }

  /** As `PresenceStore.lookupCodesInUse`. */
  lookupCodesInUse(codes: string[]): Set<string> {
    const holder = "SELECT 1 FROM visitor WHERE lookup_code = ? AND offline = 0";
    return new Set(codes.filter((code) => this.#connection.get(holder, code) !== undefined));
  }

  visitorsAfter(id: number): VisitorBatch {
    const rows = this.#connection.all<[id: number, document: string]>(
      `SELECT id, attributes FROM document WHERE id > ? ORDER BY id LIMIT ${BATCH}`,
      id,
    );
    return {
      visitors: rows.map(([, document]) => jsonOf(document)),
      last: rows.length < BATCH ? null : rows.at(-1)![0],
    };
  }

  countOnline(): number {
    return this.#count("offline = 0");
  }

  countWaiting(): number {
    return this.#count("waiting = 1");
  }

  countVisitors(now: Date): VisitorCounts {
    const seenWithin = (days: number) =>
      this.#count("offline IN (0, 1) AND unseen <= ?", days * DAY - now.getTime());
    return {
      online: this.countOnline(),
      lastDay: seenWithin(1),
      last30Days: seenWithin(30),
      inSession: this.#count("in_session = 1"),
      waiting: this.countWaiting(),
    };
  }

  #count(condition: string, ...values: number[]): number {
    return this.#connection.get<[number]>(`SELECT count(*) FROM visitor WHERE ${condition}`, ...values)![0];
  }

  /** Stores as many of the visitors as one step may; returns how many. */
  putVisitors(visitors: Visitor[]): number {
    return this.#step(visitors, (visitor) => this.#presence.put(visitor)).length;
  }

  /** @param expected the visitor's JSON as it was read; `null`: no comparison */
  updateVisitor(shortId: string, change: VisitorChange, expected: string | null = null): Visitor | null {
    return this.#connection.write(() => {
      const stored = this.#visitors.get(shortId);
      if (stored === null) return null;
      requireUnchanged(stored, expected);
      const visitor = applyChange(attributesOf(stored), change);
      this.#visitors.put(visitor, stored);
      return visitor;
    });
  }

  /** As `AgentClaims.claimVisitor`. */
  claimVisitor(shortId: string, request: AgentClaim): ClaimResult | null {
    return this.#connection.write(() => {
      const stored = this.#visitors.get(shortId);
      if (stored === null) return null;
      const isOver = this.#visitors.isClaimOver(stored.id, new Date());
      const result = claim(attributesOf(stored), request, isOver);
      if (result.refusal === null) {
        this.#visitors.put(result.visitor, stored);
        this.#visitors.setClaimEnd(stored.id, request.until);
      }
      return result;
    });
  }

  /** Whether any claim has expired. */
  hasClaimsOver(now: Date): boolean {
    return this.#visitors.claimsOver(now).length > 0;
  }

  /** Ends as many expired claims as one step may; returns how many, 0 if none is left. */
  endClaims(now: Date): number {
    return this.#step(
      () => this.#visitors.claimsOver(now),
      (stored) => {
        this.#visitors.put({ ...attributesOf(stored), claimed_by: null }, stored);
        this.#visitors.setClaimEnd(stored.id, null);
      },
    ).length;
  }

  /** @param expected the visitor's JSON as it was read; `null`: no comparison */
  removeVisitor(shortId: string, expected: string | null = null): boolean {
    return this.#connection.write(() => {
      const stored = this.#visitors.get(shortId);
      if (stored === null) return false;
      requireUnchanged(stored, expected);
      this.#visitors.remove(stored.id);
      return true;
    });
  }

  /** Removes as many visitors as one step may; returns how many, 0 if none is left. */
  removeOffline(seenBefore: Date | null, limit: number): number {
    const { sql, values } = offlineBefore(seenBefore);
    return this.#step(
      () =>
        this.#connection.all<[id: number]>(
          `SELECT id FROM visitor WHERE ${sql} ORDER BY offline, unseen LIMIT ?`,
          ...values,
          limit,
        ),
      ([id]) => this.#visitors.remove(id),
    ).length;
  }

  /** Does as many of the writes as one step may, from the first on; returns their results. */
  writePresence(process: string, writes: PresenceWrite[]): PresenceResult[] {
    return this.#step(writes, (write) => this.#presence.write(process, write));
  }

  connectedTo(process: string): Map<string, boolean> {
    return this.#presence.connectedTo(process);
  }

  connectedProcesses(): string[] {
    return this.#presence.connectedProcesses();
  }

  onlineWithoutConnection(siteKey: string): string[] {
    return this.#presence.onlineWithoutConnection(siteKey);
  }

  /** Ends as many connections of a process as one step may; returns how many, 0 if none is left. */
  endConnections(process: string, limit: number): number {
    return this.#step(
      () => this.#presence.someConnectedTo(process, limit),
      (stored) => this.#presence.end(process, stored),
    ).length;
  }

  heartbeat(process: string, count: number): Heartbeat {
    return this.#connection.write(() => this.#presence.heartbeat(process, count));
  }

  forgetProcess(process: string) {
    this.#presence.forgetProcess(process);
  }

  takeLease(name: string, holder: string, milliseconds: number): boolean {
    const now = Date.now();
    return this.#connection.run(
      `INSERT INTO lease (name, holder, until) VALUES (?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
       WHERE holder = excluded.holder OR until < ?`,
      name,
      holder,
      now + milliseconds,
      now,
    ) === 1;
  }

  releaseLease(name: string, holder: string) {
    this.#connection.run("DELETE FROM lease WHERE name = ? AND holder = ?", name, holder);
  }

  /**
   * Checks whether the file can be written: writes about as much as a request does, and deletes it again.
   *
   * @throws SQLite's error if the file cannot be written
   */
  tryWriting() {
    const holder = "x".repeat(TRIAL);
    for (const until of [0, 1]) {
      this.#connection.run(
        "INSERT OR REPLACE INTO lease (name, holder, until) VALUES ('trial', ?, ?)",
        holder,
        until,
      );
    }
    this.#connection.run("DELETE FROM lease WHERE name = 'trial'");
  }

  /**
   * Reads the whole file (https://www.sqlite.org/pragma.html#pragma_quick_check) and decodes all documents.
   *
   * @returns whether no damage was found
   */
  isWhole(): boolean {
    if (this.#connection.get<[string]>("PRAGMA quick_check(1)")![0] !== "ok") return false;
    for (let last: number | null = 0; last !== null;) {
      const batch: VisitorBatch = this.visitorsAfter(last);
      if (!batch.visitors.every(isJson)) return false;
      last = batch.last;
    }
    return true;
  }

  /** Copies the content of the write-ahead log into the file, and empties the log. */
  emptyLog() {
    this.#connection.get("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  /** As `StoreMaintenance.backup`. */
  backup(path: string): Promise<void> {
    return this.#connection.backup(path);
  }

  /** As `StoreMaintenance.maintainIndexes`. */
  maintainIndexes(): boolean {
    return this.#maintenance.step();
  }

  /** The number of documents that a rebuild has still to store. */
  countUnbuilt(): number {
    return countUnbuilt(this.#connection);
  }

  /** Does one step of a rebuild; returns `false` once there is nothing left to do. */
  rebuild(): boolean {
    return rebuildStep(this.#connection, this.#visitors);
  }

  /** Whether the file must still be rebuilt. */
  get isUnbuilt(): boolean {
    return isUnbuilt(this.#connection);
  }

  /** A token that changes after every write. */
  get version(): string {
    return this.#connection.version;
  }

  close() {
    this.#connection.close();
  }

  /**
   * Calls `write` for items in one transaction, from the first on, until {@link STEP} is over: for one at least. Returns
   * the results.
   */
  #step<Item, Result>(items: Item[] | (() => Item[]), write: (item: Item) => Result): Result[] {
    return this.#connection.write(() => {
      const end = performance.now() + STEP;
      const results: Result[] = [];
      for (const item of typeof items === "function" ? items() : items) {
        results.push(write(item));
        if (performance.now() >= end) break;
      }
      return results;
    });
  }
}

/** @throws {VisitorChanged} */
function requireUnchanged({ document }: StoredVisitor, expected: string | null) {
  if (expected !== null && jsonOf(document) !== expected) throw new VisitorChanged();
}

/** Whether a text is JSON, of ASCII characters only. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    // deno-lint-ignore no-control-regex -- all of ASCII
    return !/[^\x00-\x7f]/.test(text);
  } catch {
    return false;
  }
}
