/**
 * Places in the order of all lists.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Visitor } from "./visitor.ts";

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

/** The place of a visitor that is the only one there. */
export function placeOf({ is_online, last_seen_at, short_id }: Visitor): Position {
  return {
    online: is_online,
    lastSeenAt: last_seen_at === null ? null : Date.parse(last_seen_at),
    shortId: short_id,
    count: 1,
  };
}

/** Whether two positions differ in nothing but their count. */
export function isSamePlace(a: Position, b: Position): boolean {
  return a.online === b.online && a.lastSeenAt === b.lastSeenAt && a.shortId === b.shortId;
}

/**
 * Compares as `Array.sort` wants it.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const seen = { online: true, lastSeenAt: 1767323045678, shortId: "a", count: 1 };
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
  return a.shortId === b.shortId ? 0 : Buffer.compare(Buffer.from(a.shortId), Buffer.from(b.shortId));
}
