/**
 * Words one typo apart: a letter too many, one missing, another one, or two neighbours swapped.
 *
 * @module
 */
import type { SearchQuery } from "./parse.ts";

/** Shorter words than this one typo apart are mostly other words. */
const MIN_LETTERS = 4;

/** In more letters than a search may have nobody types all but one of a word's. */
const MAX_LETTERS = 256;

/** Letters at a word's beginning of which deletions are made: enough to be rare, few enough to be few. */
const PREFIX = 10;

/** A letter may have marks that make it another one, see `MARKS` in normalise.ts. */
const WORD = new RegExp(`^(?:\\p{L}\\p{M}*){${MIN_LETTERS},}$`, "u");

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
  return folded.match(/\p{L}[\p{L}\p{M}]*/gu) ?? [];
}

/**
 * The words of a folded text, each once, that may be one typo away from a word that is looked for.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(likelyWordsOf("ada.o'brien@brien.com"), ["ada", "brien", "com"]);
 * ```
 */
export function likelyWordsOf(folded: string): string[] {
  return [...new Set(wordsOf(folded))].filter((word) => {
    // Of a letter beyond U+FFFF there are two units.
    return word.length >= MIN_LETTERS - 1 && word.length <= 2 * (MAX_LETTERS + 1);
  });
}

/** Whether a folded text has a word that is this one but for a typo at most. */
export function hasTypo(text: string, word: string): boolean {
  return wordsOf(text).some((other) => isOneTypoAway(other, word));
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
  // By code points: a letter of two units may have one of them in common with another letter.
  if (/[\ud800-\udfff]/.test(a + b)) return isAtMostOneChange(Array.from(a), Array.from(b));
  return isAtMostOneChange(a, b);
}

function isAtMostOneChange(a: string | string[], b: string | string[]): boolean {
  // What both have at their ends changes nothing.
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [endOfA, endOfB] = [a.length, b.length];
  while (endOfA > start && endOfB > start && a[endOfA - 1] === b[endOfB - 1]) {
    [endOfA, endOfB] = [endOfA - 1, endOfB - 1];
  }
  const [leftOfA, leftOfB] = [endOfA - start, endOfB - start];
  if (leftOfA <= 1 && leftOfB <= 1) return true;
  const isSwapped = a[start] === b[start + 1] && a[start + 1] === b[start];
  return leftOfA === 2 && leftOfB === 2 && isSwapped;
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
