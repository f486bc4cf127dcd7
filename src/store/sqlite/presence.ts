/**
 * What processes write into a file of the visitors who are connected to them.
 *
 * @module
 */
import type { StatementSync } from "./file.ts";
import { setImmediate } from "node:timers";
import { exactKey } from "../../search/index_keys.ts";
import { readVisitor, type Visitor } from "../../visitor/visitor.ts";
import { changeOfClaims } from "../claims.ts";
import type { Heartbeat, PresenceResult, PresenceWrite } from "../visitor_store.ts";

/** Visitors that are written at once: few, since nobody is answered meanwhile. */
const BATCH = 50;

/** The file, as presence writes it. */
export interface WrittenFile {
  prepare(sql: string): StatementSync;
  /** Writes all or nothing. */
  write<T>(work: (visitors: WrittenVisitors) => T): T;
}

/** The visitors, in the midst of a write. */
export interface WrittenVisitors {
  get(shortId: string): { id: number; visitor: Visitor } | undefined;
  /** @returns the visitor's id in the tables */
  put(visitor: Visitor): number;
}

/** The part of `VisitorStore` that concerns connections. */
export class SqlitePresence {
  #file: WrittenFile;

  constructor(file: WrittenFile) {
    this.#file = file;
  }

  async writePresence(process: string, writes: PresenceWrite[]): Promise<PresenceResult[]> {
    const results: PresenceResult[] = [];
    for (let start = 0; start < writes.length; start += BATCH) {
      if (start > 0) await new Promise((resolve) => setImmediate(resolve));
      const batch = writes.slice(start, start + BATCH);
      results.push(
        ...this.#file.write((visitors) => batch.map((write) => this.#writeOne(visitors, process, write))),
      );
    }
    return results;
  }

  #writeOne(visitors: WrittenVisitors, process: string, write: PresenceWrite): PresenceResult {
    const { shortId, isNew, change, claims, offeredCode, isConnected } = write;
    const stored = visitors.get(shortId);
    if (stored === undefined && !isNew) return { exists: false, lookupCode: null };
    const before = stored?.visitor ?? readVisitor({ short_id: shortId })!;
    const visitor = { ...before, ...change };
    if (offeredCode !== undefined) {
      visitor.lookup_code = before.is_online ? before.lookup_code ?? offeredCode : offeredCode;
    }
    if (claims) Object.assign(visitor, changeOfClaims(visitor, claims));
    if (isConnected === undefined) {
      visitors.put(visitor);
    } else if (isConnected) {
      const id = visitors.put({ ...visitor, is_online: true });
      this.#file.prepare("INSERT OR IGNORE INTO connection (id, process) VALUES (?, ?)").run(id, process);
    } else {
      this.#disconnect(visitors, process, { ...visitor, is_online: before.is_online }, stored?.id);
    }
    return { exists: true, lookupCode: offeredCode === undefined ? null : visitor.lookup_code };
  }

  /** Takes a process away from a visitor, who is offline where no other one has it. */
  #disconnect(visitors: WrittenVisitors, process: string, visitor: Visitor, id: number | undefined) {
    const other = this.#file.prepare("SELECT 1 FROM connection WHERE id = ? AND process <> ?")
      .get(id ?? null, process);
    visitors.put(other === undefined ? { ...visitor, is_online: false, lookup_code: null } : visitor);
    this.#file.prepare("DELETE FROM connection WHERE id = ? AND process = ?").run(id ?? null, process);
  }

  connectedTo(process: string): Set<string> {
    const rows = this.#file.prepare(
      "SELECT visitor FROM connection JOIN document USING (id) WHERE process = ?",
    );
    return new Set(rows.all(process).map(({ visitor }) => JSON.parse(visitor as string).short_id));
  }

  async endConnections(process: string, most: number): Promise<number> {
    let ended = 0;
    while (ended < most) {
      if (ended > 0) await new Promise((resolve) => setImmediate(resolve));
      const wanted = Math.min(BATCH, most - ended);
      const found = this.#file.write((visitors) => {
        const rows = this.#file.prepare(
          "SELECT id, visitor FROM connection JOIN document USING (id) WHERE process = ? LIMIT ?",
        ).all(process, wanted) as { id: number; visitor: string }[];
        for (const { id, visitor } of rows) this.#disconnect(visitors, process, JSON.parse(visitor), id);
        return rows.length;
      });
      ended += found;
      if (found < wanted) break;
    }
    return ended;
  }

  heartbeat(process: string, count: number): Heartbeat {
    const { changes } = this.#file.prepare("UPDATE process SET count = ? WHERE process = ?").run(
      count,
      process,
    );
    if (changes === 0) {
      this.#file.prepare("INSERT OR REPLACE INTO process (process, count) VALUES (?, ?)").run(process, count);
    }
    const others = this.#file.prepare("SELECT process, count FROM process WHERE process <> ?").all(process);
    return {
      isNew: changes === 0,
      counts: new Map(others.map(({ process, count }) => [process as string, count as number])),
    };
  }

  forgetProcess(process: string) {
    this.#file.prepare("DELETE FROM process WHERE process = ?").run(process);
  }

  lookupCodesInUse(codes: string[]): Set<string> {
    const holder = this.#file.prepare(
      "SELECT 1 FROM exact_key JOIN visitor USING (id) WHERE key = ? AND offline = 0",
    );
    const keyOf = (digits: string) => exactKey({ kind: "code", digits, inLookupCode: true });
    return new Set(codes.filter((code) => holder.get(keyOf(code)) !== undefined));
  }
}
