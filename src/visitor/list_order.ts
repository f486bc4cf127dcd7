/**
 * The order of every list, and positions in it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Visitor } from "./visitor.ts";

/**
 * A visitor's sort key, and so a position in every list: online visitors come first, then the newest `last_seen_at`,
 * those without one last, ties by `short_id` in UTF-8 byte order. A result page starts after the position of the last
 * visitor before it (keyset paging), so visitors who come and go shift nothing.
 */
export interface Position {
  online: boolean;
  /** Milliseconds since 1970; `null` where the database holds no date. */
  lastSeenAt: number | null;
  shortId: string;
  /** Orders documents that repeat a short id at the same time; `null` where a database has no such documents. */
  tie: string | null;
}

/** The position of a visitor in a database that does not repeat short ids. */
export function positionOfVisitor({ is_online, last_seen_at, short_id }: Visitor): Position {
  return {
    online: is_online,
    lastSeenAt: last_seen_at === null ? null : Date.parse(last_seen_at),
    shortId: short_id,
    tie: null,
  };
}

/** Whether two positions differ in nothing but what orders ties. */
export function isTied(a: Position, b: Position): boolean {
  return a.online === b.online && a.lastSeenAt === b.lastSeenAt && a.shortId === b.shortId;
}

/**
 * Compares as `Array.sort` wants it.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const seen = { online: true, lastSeenAt: 1767323045678, shortId: "a", tie: null };
 * assert.ok(comparePositions(seen, { ...seen, online: false }) < 0);
 * assert.ok(comparePositions(seen, { ...seen, lastSeenAt: null }) < 0);
 * assert.ok(comparePositions(seen, { ...seen, shortId: "b" }) < 0);
 * ```
 */
export function comparePositions(a: Position, b: Position): number {
  if (a.online !== b.online) return a.online ? -1 : 1;
  if (a.lastSeenAt !== b.lastSeenAt) {
    if (a.lastSeenAt === null || b.lastSeenAt === null) return a.lastSeenAt === null ? 1 : -1;
    return b.lastSeenAt - a.lastSeenAt;
  }
  // JavaScript compares UTF-16 units, which is another order beyond U+FFFF.
  if (a.shortId !== b.shortId) return Buffer.compare(Buffer.from(a.shortId), Buffer.from(b.shortId));
  const [tieA, tieB] = [a.tie ?? "", b.tie ?? ""];
  return tieA === tieB ? 0 : tieA < tieB ? -1 : 1;
}
