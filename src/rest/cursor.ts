/**
 * Cursors: the position in a list where the next result page starts, in a `Link`; opaque to clients.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Position } from "../visitor/list_order.ts";
import { ApiError } from "../http/errors.ts";

/** The start of the next result page of a list. */
export interface Cursor {
  position: Position;
  /** Whether the previous result pages are of the fallback, whose words may have a typo. */
  typos: boolean;
}

/**
 * Encodes a cursor, for one search.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const position = { online: true, lastSeenAt: 1767323045678, shortId: "aB3", tie: null };
 * const cursor = { position, typos: false };
 * assert.deepEqual(decodeCursor(encodeCursor(cursor, "#vip"), "#vip"), cursor);
 * assert.throws(() => decodeCursor(encodeCursor(cursor, "#vip"), "#new"), { code: "invalid_parameter" });
 * ```
 *
 * @param q the search whose result the list is; empty for `list/latest`
 */
export function encodeCursor({ position, typos }: Cursor, q: string): string {
  const { online, lastSeenAt, shortId, tie } = position;
  return Buffer.from(JSON.stringify([fingerprint(q), online, lastSeenAt, shortId, tie, typos])).toString(
    "base64url",
  );
}

/**
 * Decodes a cursor.
 *
 * @throws {ApiError} `invalid_parameter`: Foyer did not make the cursor, or made it for another search
 */
export function decodeCursor(cursor: string, q: string): Cursor {
  let values: unknown;
  try {
    values = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(cursor, "base64url")));
  } catch {
    throw unusable();
  }
  // Checked since Buffer ignores other characters than those of base64url.
  if (!Array.isArray(values) || values.length !== 6 || !/^[A-Za-z0-9_-]+$/.test(cursor)) throw unusable();
  const [madeFor, online, lastSeenAt, shortId, tie, typos] = values;
  if (
    typeof online !== "boolean" || !(lastSeenAt === null || isTime(lastSeenAt)) ||
    typeof shortId !== "string" || shortId === "" || !shortId.isWellFormed() ||
    !(tie === null || typeof tie === "string" && /^[\w-]{1,20}$/.test(tie)) || typeof typos !== "boolean"
  ) throw unusable();
  if (madeFor !== fingerprint(q)) {
    throw new ApiError("invalid_parameter", "The cursor was made for another q.");
  }
  return { position: { online, lastSeenAt, shortId, tie }, typos };
}

function isTime(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isNaN(new Date(value as number).getTime());
}

function unusable(): ApiError {
  return new ApiError("invalid_parameter", "The cursor is not one that a Link header gave.");
}

/** A hash that distinguishes searches. A cursor must not contain the search, which may contain a person's name. */
function fingerprint(q: string): string {
  return createHash("sha256").update(q).digest("base64url").slice(0, 12);
}
