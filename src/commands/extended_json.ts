/**
 * MongoDB's Extended JSON, relaxed and canonical, as mongoexport writes it
 * (https://www.mongodb.com/docs/manual/reference/mongodb-extended-json/). The driver's own parser is not used: it would
 * also convert metadata with keys such as `$date`, and lose digits of large numbers.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { exactNumber } from "../visitor/exact_json.ts";
import { parseTime } from "../visitor/time.ts";
import { ATTRIBUTE_NAMES, type AttributeName, ATTRIBUTES } from "../visitor/visitor.ts";

/** The unit of numbers in time attributes: seconds or milliseconds since 1970. */
export type TimeUnit = "s" | "ms";

/** The range of plausible times; a number outside it is in another unit. */
const [FIRST_TIME, LAST_TIME] = [Date.parse("1970-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59.999Z")];

/**
 * Converts a document's Extended JSON to JavaScript values, and the numbers in its time attributes to dates.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const document = { short_id: "aB3", added_at: { $date: { $numberLong: "0" } }, last_seen_at: 1767323045 };
 * assert.deepEqual(nativeDocument(document, "s", () => {}), {
 *   short_id: "aB3",
 *   added_at: new Date(0),
 *   last_seen_at: new Date("2026-01-02T03:04:05Z"),
 * });
 * ```
 *
 * @param refuse called for each attribute whose number is no time, with the reason
 */
export function nativeDocument(
  document: Record<string, unknown>,
  timeUnit: TimeUnit | null,
  refuse: (name: AttributeName, reason: string) => void,
): Record<string, unknown> {
  const native: Record<string, unknown> = {};
  for (const name of ATTRIBUTE_NAMES) {
    // Own properties only.
    if (!Object.hasOwn(document, name)) continue;
    const { kind } = ATTRIBUTES[name];
    // A short id is never converted: it must be a string, as in a collection.
    if (name === "short_id") native[name] = document[name];
    else native[name] = kind === "metadata" ? nativeMetadata(document[name]) : nativeValues(document[name]);
    if (kind === "time" && timeUnit !== null) {
      native[name] = dateOfNumber(native[name], timeUnit, (reason) => refuse(name, reason));
    }
  }
  return native;
}

/** Converts the values in metadata. The object itself is never read as Extended JSON, so that it may have any keys. */
function nativeMetadata(metadata: unknown): unknown {
  if (typeof metadata !== "object" || metadata === null) return metadata;
  if (!Array.isArray(metadata)) {
    return Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, nativeValue(value)]));
  }
  return metadata.map((pair) =>
    typeof pair === "object" && pair !== null && "v" in pair ? { ...pair, v: nativeValue(pair.v) } : pair
  );
}

function nativeValues(value: unknown): unknown {
  return Array.isArray(value) ? value.map(nativeValue) : nativeValue(value);
}

function nativeValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const [key, ...others] = Object.keys(value);
  if (others.length > 0) return value;
  const content = (value as Record<string, unknown>)[key];
  switch (key) {
    case "$oid":
    case "$uuid":
    case "$symbol":
      return typeof content === "string" ? content : value;
    case "$date":
      return nativeDate(content) ?? value;
    case "$numberInt":
    case "$numberLong":
    case "$numberDouble":
    case "$numberDecimal":
      return nativeNumber(content) ?? value;
    case "$binary":
      return uuidOf(content) ?? value;
    case "$undefined":
      return undefined;
    default:
      return value;
  }
}

const NUMBER = /^(?:[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|NaN|-?Infinity)$/;

/** Reads the content of `$numberLong`, `$numberInt` and the like: a string or a number. */
function nativeNumber(content: unknown): number | bigint | string | undefined {
  if (typeof content === "number" || typeof content === "bigint") return content;
  return typeof content === "string" && NUMBER.test(content) ? exactNumber(content) : undefined;
}

/** Reads the content of `$date`: an ISO 8601 string, or milliseconds as a number or a `$numberLong`. */
function nativeDate(content: unknown): Date | undefined {
  if (typeof content === "string") return parseTime(content) ?? undefined;
  const isObject = typeof content === "object" && content !== null;
  const [key] = isObject ? Object.keys(content) : [];
  const milliseconds = key?.startsWith("$number")
    ? nativeNumber((content as Record<string, unknown>)[key])
    : content;
  return typeof milliseconds === "number" ? new Date(milliseconds) : undefined;
}

/** The text form of a UUID (binary data of subtype 4); `undefined` for other binary data. */
function uuidOf(content: unknown): string | undefined {
  if (typeof content !== "object" || content === null) return undefined;
  const { base64, subType } = content as Record<string, unknown>;
  if (!/^0?4$/.test(String(subType))) return undefined;
  // 16 bytes. Checked before, since Buffer throws at malformed base64 (Deno 2.6).
  if (typeof base64 !== "string" || !/^[A-Za-z0-9+/]{22}(==)?$/.test(base64)) return undefined;
  return Buffer.from(base64, "base64").toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Converts a number to a date; returns any other value unchanged. */
function dateOfNumber(value: unknown, unit: TimeUnit, refuse: (reason: string) => void): unknown {
  const isNumber = typeof value === "number" || typeof value === "bigint" ||
    typeof value === "string" && /^-?\d{9,}(\.\d+)?$/.test(value);
  if (!isNumber) return value;
  const milliseconds = Math.round(Number(value) * (unit === "s" ? 1000 : 1));
  if (milliseconds >= FIRST_TIME && milliseconds <= LAST_TIME) return new Date(milliseconds);
  refuse(`a number that is no time from 1970 to 9999 in ${unit}`);
  return null;
}
