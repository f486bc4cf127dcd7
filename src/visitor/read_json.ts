/**
 * Parses JSON from outside, around a bug in V8.
 *
 * @module
 */

/** A key that is one escaped character. It cannot match within a string, where the quotes would be escaped. */
const ESCAPED_KEY = /"(\\(?:u[\da-fA-F]{4}|[^u]))"(?=\s*:)/g;

/** A string that no parsed text contains. */
const MARK = crypto.randomUUID();

/**
 * Parses JSON as `JSON.parse` should. V8 15 reads a key that is one escaped character as a backslash, if any text parsed
 * before had an object with the same preceding keys and then a backslash as key: one visitor's metadata would change how
 * another's is read. Therefore such keys are parsed with a suffix, which is then removed.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * readJson(String.raw`{"a":"x","\\":1}`);
 * assert.deepEqual(readJson(String.raw`{"a":"x","\u540d":1}`), { a: "x", 名: 1 });
 * ```
 *
 * @param revive the reviver, as for `JSON.parse`
 * @throws {SyntaxError} the text is no JSON
 */
export function readJson(text: string, revive?: Parameters<typeof JSON.parse>[1]): unknown {
  // The search for a fixed string comes first, since it is fast and settles most texts.
  if (!text.includes('"\\') || text.search(ESCAPED_KEY) === -1) return JSON.parse(text, revive);
  const rename = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const keys = Object.keys(value);
    if (!keys.some((key) => key.endsWith(MARK))) return value;
    return Object.fromEntries(
      keys.map((key) => [key.replace(MARK, ""), (value as Record<string, unknown>)[key]]),
    );
  };
  const reviver = (...[key, value, ...context]: Parameters<NonNullable<typeof revive>>) =>
    rename(revive === undefined ? value : revive(key, value, ...context));
  return JSON.parse(text.replace(ESCAPED_KEY, `"$1${MARK}"`), reviver);
}
