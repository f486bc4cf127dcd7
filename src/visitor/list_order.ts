/**
 * The order of every list, and positions in it.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Visitor } from "./visitor.ts";

/**
 * A visitor's sort key, which is its position in every list. Order: visitors online first; then by `last_seen_at`, newest
 * first and missing ones last; then by `short_id` in UTF-8 byte order. A result page starts after the position of the
 * previous page's last visitor (keyset paging), so visitors that come and go do not shift the others.
 */
export interface Position {
  online: boolean;
  /** Milliseconds since 1970; `null` if the database has no date for the visitor. */
  lastSeenAt: number | null;
  shortId: string;
  /** Orders documents with the same short id and time; `null` for a database in which short ids are unique. */
  tie: string | null;
}

/** The position of a visitor in a database in which short ids are unique. */
export function positionOfVisitor({ is_online, last_seen_at, short_id }: Visitor): Position {
  return {
    online: is_online,
    lastSeenAt: last_seen_at === null ? null : Date.parse(last_seen_at),
    shortId: short_id,
    tie: null,
  };
}

/** Whether two positions are equal except perhaps for `tie`. */
export function isTied(a: Position, b: Position): boolean {
  return a.online === b.online && a.lastSeenAt === b.lastSeenAt && a.shortId === b.shortId;
}

/**
 * Compares two positions, for `Array.sort`.
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
  // Not by `<`, which compares UTF-16 units: a different order for characters beyond U+FFFF.
  if (a.shortId !== b.shortId) return Buffer.compare(Buffer.from(a.shortId), Buffer.from(b.shortId));
  const [tieA, tieB] = [a.tie ?? "", b.tie ?? ""];
  return tieA === tieB ? 0 : tieA < tieB ? -1 : 1;
}
