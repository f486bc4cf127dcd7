/**
 * Words one typo apart: a letter too many, one missing, another one, or two neighbours swapped.
 *
 * @module
 */
import distance from "damerau-levenshtein";
import type { SearchQuery } from "./parse.ts";

/** Shorter words than this one typo apart are mostly other words. */
const MIN_LETTERS = 4;

/** Letters at a word's beginning of which deletions are made: enough to be rare, few enough to be few. */
const PREFIX = 7;

const WORD = new RegExp(`^\\p{L}{${MIN_LETTERS},}$`, "u");

/**
 * A search that finds words one typo away as well; `null` where no part is a word long enough. Words of letters
 * alone: one digit off, a number is somebody else's.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseSearch } from "./parse.ts";
 *
 * assert.equal(withTypos(parseSearch("#vip zoe")), null);
 * assert.equal(withTypos(parseSearch("#vip zoe muller"))?.filter((part) => "typos" in part).length, 1);
 * ```
 */
export function withTypos(query: SearchQuery): SearchQuery | null {
  const tolerant = query.map((part) =>
    part.kind === "text" && WORD.test(part.text) ? { ...part, typos: true as const } : part
  );
  return tolerant.some((part) => "typos" in part) ? tolerant : null;
}

/**
 * The words of a folded text: its runs of letters.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(wordsOf("ada.o'brien77@acme.com"), ["ada", "o", "brien", "acme", "com"]);
 * ```
 */
export function wordsOf(folded: string): string[] {
  return folded.match(/\p{L}+/gu) ?? [];
}

/**
 * Whether two words are the same but for one typo at most.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * for (const typo of ["fatma", "faatima", "fotima", "ftaima", "fatima"]) assert.ok(isOneTypoAway("fatima", typo));
 * for (const other of ["fama", "fattimaa", "ftamia"]) assert.ok(!isOneTypoAway("fatima", other));
 * ```
 */
export function isOneTypoAway(a: string, b: string): boolean {
  // By code points: a letter beyond U+FFFF is two of a string's units.
  const [from, to] = [Array.from(a), Array.from(b)];
  return Math.abs(from.length - to.length) <= 1 && distance(from, to).steps <= 1;
}

/**
 * A word, and what is left of its beginning without one of the letters. Two words one typo apart have one of these
 * in common, by which an index finds the one for the other; few others have (SymSpell's symmetric deletions,
 * https://github.com/wolfgarbe/SymSpell).
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(deletions("anna"), ["anna", "nna", "ana", "ann"]);
 * ```
 */
export function deletions(word: string): string[] {
  const letters = Array.from(word).slice(0, PREFIX);
  const found = new Set([letters.join("")]);
  for (let i = 0; i < letters.length; i++) found.add(letters.toSpliced(i, 1).join(""));
  return [...found];
}
