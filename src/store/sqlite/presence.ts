/**
 * Writes of processes about the visitors connected to them. Callers run them in a transaction.
 *
 * @module
 */
import { readVisitor, type Visitor } from "../../visitor/visitor.ts";
import {
  applyChange,
  callStateOf,
  GONE_OFFLINE,
  makeConsistent,
  withLive,
} from "../../visitor/visitor_state.ts";
import { asciiJson } from "../../visitor/ascii_json.ts";
import { comesByWebSdk } from "../../visitor/web_sdk.ts";
import { importedClaimEnd } from "../agent_claim.ts";
import { changeOfClaims } from "../claims.ts";
import type { Heartbeat, PresenceResult, PresenceWrite } from "../visitor_store.ts";
import { lazyVisitorOf, shortIdOf } from "./document.ts";
import type { Connection } from "./file.ts";
import { attributesOf, type SqliteVisitors, type StoredVisitor } from "./visitors.ts";

/** The store's methods about connections and processes. */
export class SqlitePresence {
  #connection: Connection;
  #visitors: SqliteVisitors;

  constructor(connection: Connection, visitors: SqliteVisitors) {
    this.#connection = connection;
    this.#visitors = visitors;
  }

  /** Stores a visitor as `VisitorWrites.putVisitors` does. */
  put(visitor: Visitor) {
    const stored = this.#visitors.get(visitor.short_id);
    if (stored === null) {
      return this.#visitors.setClaimEnd(this.#visitors.put(visitor, null), importedClaimEnd(visitor));
    }
    const { id } = stored;
    const isConnected = this.#connection.get("SELECT 1 FROM connection WHERE id = ?", id) !== undefined;
    const { claimed_by } = lazyVisitorOf(stored.document);
    const imported = isConnected
      ? withLive(visitor, attributesOf(stored))
      : makeConsistent({ ...visitor, claimed_by });
    this.#visitors.put(imported, stored);
  }

  /** Writes one visitor, as `PresenceStore.writePresence` does. */
  write(process: string, write: PresenceWrite): PresenceResult {
    const { shortId, isNew, change, claims, offeredCode, isConnected, pages } = write;
    const stored = this.#visitors.get(shortId);
    if (stored === null && !isNew) return { exists: false, lookupCode: null };
    const before = stored === null ? readVisitor({ short_id: shortId })! : attributesOf(stored);
    const hasOther = isConnected === false && this.#hasOther(process, stored);
    const visitor = applyChange(before, change);
    if (offeredCode !== undefined) {
      visitor.lookup_code = before.is_online ? before.lookup_code ?? offeredCode : offeredCode;
    }
    if (claims) Object.assign(visitor, changeOfClaims(visitor, claims));
    if (isConnected === true) visitor.is_online = true;
    else if (hasOther) visitor.is_online = before.is_online;
    else if (isConnected === false) Object.assign(visitor, GONE_OFFLINE);
    const id = this.#visitors.put(visitor, stored);
    this.#connect(process, id, isConnected);
    if (isConnected === false && !hasOther) this.#visitors.removeOnlineState(id);
    else if (pages !== undefined && visitor.is_online) this.#visitors.addPages(id, pages);
    return {
      exists: true,
      lookupCode: offeredCode === undefined ? null : visitor.lookup_code,
      call: callStateOf(visitor),
    };
  }

  /** Whether the visitor is connected to another process. */
  #hasOther(process: string, stored: StoredVisitor | null): boolean {
    const sql = "SELECT 1 FROM connection WHERE id = ? AND process <> ?";
    return stored !== null && this.#connection.get(sql, stored.id, process) !== undefined;
  }

  #connect(process: string, id: number, isConnected: boolean | undefined) {
    if (isConnected === undefined) return;
    const sql = isConnected
      ? "INSERT OR IGNORE INTO connection (id, process) VALUES (?, ?)"
      : "DELETE FROM connection WHERE id = ? AND process = ?";
    this.#connection.run(sql, id, process);
  }

  /** As `PresenceStore.connectedTo`. */
  connectedTo(process: string): Map<string, boolean> {
    const visitors = this.#connection.all<[document: string, offline: number]>(
      `SELECT attributes, offline FROM connection JOIN document USING (id) JOIN visitor USING (id)
       WHERE process = ?`,
      process,
    );
    return new Map(visitors.map(([document, offline]) => [shortIdOf(document), offline === 0]));
  }

  /** As `PresenceStore.connectedProcesses`. */
  connectedProcesses(): string[] {
    return this.#connection.all<[process: string]>("SELECT DISTINCT process FROM connection").flat();
  }

  /** As `PresenceStore.onlineWithoutConnection`. */
  onlineWithoutConnection(siteKey: string): string[] {
    const online = this.#connection.all<[document: string]>(
      `SELECT attributes FROM visitor JOIN document USING (id)
       WHERE offline = 0 AND NOT EXISTS (SELECT 1 FROM connection WHERE connection.id = visitor.id)
         AND instr(attributes, ?)`,
      asciiJson(siteKey),
    );
    return online.filter(([document]) => comesByWebSdk(lazyVisitorOf(document), siteKey))
      .map(([document]) => shortIdOf(document));
  }

  /** Some of the visitors that are connected to a process. */
  someConnectedTo(process: string, limit: number): StoredVisitor[] {
    return this.#connection.all<[id: number, document: string]>(
      "SELECT id, attributes FROM connection JOIN document USING (id) WHERE process = ? LIMIT ?",
      process,
      limit,
    ).map(([id, document]) => ({ id, document }));
  }

  /** Ends the connection of a visitor to a process. */
  end(process: string, { document }: StoredVisitor) {
    this.write(process, { shortId: shortIdOf(document), isNew: false, change: {}, isConnected: false });
  }

  /** As `PresenceStore.heartbeat`. */
  heartbeat(process: string, count: number): Heartbeat {
    const changes = this.#connection.run("UPDATE process SET count = ? WHERE process = ?", count, process);
    if (changes === 0) {
      this.#connection.run("INSERT INTO process (process, count) VALUES (?, ?)", process, count);
    }
    const others = this.#connection.all<[process: string, count: number]>(
      "SELECT process, count FROM process WHERE process <> ?",
      process,
    );
    return { isNew: changes === 0, counts: new Map(others) };
  }

  forgetProcess(process: string) {
    this.#connection.run("DELETE FROM process WHERE process = ?", process);
  }
}
