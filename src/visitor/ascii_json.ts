/**
 * JSON in the form that the runtime sends fastest.
 *
 * @module
 */

/**
 * A value as JSON of ASCII characters alone: the runtime sends such a string twice as fast as bytes, and several
 * times as fast as a string with other characters. These are escaped, which a JSON parser undoes (RFC 8259, section 7).
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(asciiJson({ name: "Zoë 😀" }), String.raw`{"name":"Zo\u00eb \ud83d\ude00"}`);
 * ```
 */
export function asciiJson(value: unknown): string {
  const json = JSON.stringify(value);
  const escaped = json.replace(
    /[\u0080-\uffff]/g,
    (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
  );
  // Copied by JSON, since V8 keeps two bytes for each character of a string derived from one beyond Latin-1.
  return /[\u0100-\uffff]/.test(json) ? JSON.parse(JSON.stringify(escaped)) : escaped;
}
