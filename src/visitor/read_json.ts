/**
 * Parsing JSON whose keys anybody may have chosen.
 *
 * @module
 */

/** A key of one character that is written with an escape. Within a string a backslash is before the first quote. */
const ESCAPED_KEY = /"(\\(?:u[\da-fA-F]{4}|[^u]))"(?=\s*:)/g;

/** No text has it. */
const MARK = crypto.randomUUID();

/**
 * Parses JSON as `JSON.parse` should. V8 15 takes a key of one character that is written with an escape for a backslash,
 * once any text had an object with the same keys before it and then a backslash as key: so one visitor's metadata would
 * change another's. Such keys are parsed with something behind them, and renamed.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * readJson(String.raw`{"a":"x","\\":1}`);
 * assert.deepEqual(readJson(String.raw`{"a":"x","\u540d":1}`), { a: "x", 名: 1 });
 * ```
 *
 * @param revive as the second parameter of `JSON.parse`
 * @throws {SyntaxError} the text is no JSON
 */
export function readJson(text: string, revive?: Parameters<typeof JSON.parse>[1]): unknown {
  // Many texts have such a value, few such a key, and to look for a fixed text is quick.
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
