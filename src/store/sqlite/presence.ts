/**
 * What processes write of the visitors who are connected to them. Writes belong into a transaction.
 *
 * @module
 */
import { readVisitor, type Visitor } from "../../visitor/visitor.ts";
import { comesByWebSdk } from "../../visitor/web_sdk.ts";
import { changeOfClaims } from "../claims.ts";
import type { Heartbeat, PresenceResult, PresenceWrite } from "../visitor_store.ts";
import { lazyVisitorOf, shortIdOf } from "./document.ts";
import type { Connection } from "./file.ts";
import { attributesOf, type SqliteVisitors, type StoredVisitor } from "./visitors.ts";

/** The part of `VisitorStore` that concerns connections. */
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
    const isConnected = stored !== null &&
      this.#connection.get("SELECT 1 FROM connection WHERE id = ?", stored.id) !== undefined;
    const { lookup_code } = isConnected ? attributesOf(stored) : visitor;
    this.#visitors.put(isConnected ? { ...visitor, is_online: true, lookup_code } : visitor, stored);
  }

  /** Writes what one of a process's visitors does. */
  write(process: string, write: PresenceWrite): PresenceResult {
    const { shortId, isNew, change, claims, offeredCode, isConnected } = write;
    const stored = this.#visitors.get(shortId);
    if (stored === null && !isNew) return { exists: false, lookupCode: null };
    const before = stored === null ? readVisitor({ short_id: shortId })! : attributesOf(stored);
    const visitor = { ...before, ...change };
    if (offeredCode !== undefined) {
      visitor.lookup_code = before.is_online ? before.lookup_code ?? offeredCode : offeredCode;
    }
    if (claims) Object.assign(visitor, changeOfClaims(visitor, claims));
    if (isConnected === undefined) {
      this.#visitors.put(visitor, stored);
    } else if (isConnected) {
      const id = this.#visitors.put({ ...visitor, is_online: true }, stored);
      this.#connection.run("INSERT OR IGNORE INTO connection (id, process) VALUES (?, ?)", id, process);
    } else {
      this.#disconnect(process, { ...visitor, is_online: before.is_online }, stored);
    }
    return { exists: true, lookupCode: offeredCode === undefined ? null : visitor.lookup_code };
  }

  /** Removes a process from a visitor, who is offline where no other process has it. */
  #disconnect(process: string, visitor: Visitor, stored: StoredVisitor | null) {
    const id = stored?.id ?? null;
    const other = this.#connection.get("SELECT 1 FROM connection WHERE id = ? AND process <> ?", id, process);
    this.#visitors.put(
      other === undefined ? { ...visitor, is_online: false, lookup_code: null } : visitor,
      stored,
    );
    this.#connection.run("DELETE FROM connection WHERE id = ? AND process = ?", id, process);
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
       WHERE offline = 0 AND NOT EXISTS (SELECT 1 FROM connection WHERE connection.id = visitor.id)`,
    );
    return online.filter(([document]) => comesByWebSdk(lazyVisitorOf(document), siteKey))
      .map(([document]) => shortIdOf(document));
  }

  /** Those with whom a process is recorded, some of them. */
  someConnectedTo(process: string, limit: number): StoredVisitor[] {
    return this.#connection.all<[id: number, document: string]>(
      "SELECT id, attributes FROM connection JOIN document USING (id) WHERE process = ? LIMIT ?",
      process,
      limit,
    ).map(([id, document]) => ({ id, document }));
  }

  /** Ends the connection of a visitor to a process. */
  end(process: string, stored: StoredVisitor) {
    this.#disconnect(process, attributesOf(stored), stored);
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
