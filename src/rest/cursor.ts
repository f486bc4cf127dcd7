/**
 * The cursor of a page's `Link`: a position in a list, opaque to clients.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Position } from "../store/position.ts";
import { ApiError } from "./errors.ts";

/**
 * A position as a cursor for one search.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const position = { online: true, lastSeenAt: 1767323045678, shortId: "aB3", count: 1 };
 * assert.deepEqual(decodeCursor(encodeCursor(position, "#vip"), "#vip"), position);
 * assert.throws(() => decodeCursor(encodeCursor(position, "#vip"), "#new"), { code: "invalid_parameter" });
 * ```
 *
 * @param q the search that the page answers; empty for `list/latest`
 */
export function encodeCursor({ online, lastSeenAt, shortId, count }: Position, q: string): string {
  return Buffer.from(JSON.stringify([fingerprint(q), online, lastSeenAt, shortId, count])).toString(
    "base64url",
  );
}

/**
 * The position in a cursor.
 *
 * @throws {ApiError} `invalid_parameter`: no cursor of ours, or one made for another search
 */
export function decodeCursor(cursor: string, q: string): Position {
  let values: unknown;
  try {
    values = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(cursor, "base64url")));
  } catch {
    throw unusable();
  }
  // Buffer skips what is not base64url, which would give one position many spellings.
  if (!Array.isArray(values) || values.length !== 5 || !/^[A-Za-z0-9_-]+$/.test(cursor)) throw unusable();
  const [madeFor, online, lastSeenAt, shortId, count] = values;
  if (
    typeof online !== "boolean" || !(lastSeenAt === null || isTime(lastSeenAt)) ||
    typeof shortId !== "string" || shortId === "" || !shortId.isWellFormed() ||
    !Number.isInteger(count) || count < 1 || count > 10_000
  ) throw unusable();
  if (madeFor !== fingerprint(q)) {
    throw new ApiError("invalid_parameter", "The cursor was made for another q.");
  }
  return { online, lastSeenAt, shortId, count };
}

function isTime(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isNaN(new Date(value as number).getTime());
}

function unusable(): ApiError {
  return new ApiError("invalid_parameter", "The cursor is not one that a Link header gave.");
}

/** Enough of a hash to tell searches apart; the search itself may hold a person's name. */
function fingerprint(q: string): string {
  return createHash("sha256").update(q).digest("base64url").slice(0, 12);
}
