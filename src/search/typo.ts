/**
 * Finds words that differ by one typo: an extra letter, a missing one, a wrong one, or two adjacent ones swapped.
 *
 * @module
 */
import type { SearchQuery } from "./parse.ts";

/** The fewest letters of a word that may have a typo; shorter words that differ by a letter are mostly different words. */
const MIN_LETTERS = 4;

/** The most letters of a word that may have a typo: a search may have no more code points. */
const MAX_LETTERS = 256;

/** Deletions are made of this many first letters of a word: with more, a long word would have more index keys. */
const PREFIX = 10;

/** A word of letters. Each letter may be followed by marks, which folding has left (see `MARKS` in normalise.ts). */
const WORD = new RegExp(`^(?:\\p{L}\\p{M}*){${MIN_LETTERS},}$`, "u");

/**
 * A query that also finds words one typo away; `null` if no part is a word that may have a typo. Only words of letters
 * may: a number that differs by a digit is another one.
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
 * The distinct words of a folded text whose length allows them to be one typo away from a word in a search.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(likelyWordsOf("ada.o'brien@brien.com"), ["ada", "brien", "com"]);
 * ```
 */
export function likelyWordsOf(folded: string): string[] {
  return [...new Set(wordsOf(folded))].filter((word) => {
    // `length` counts UTF-16 units, and a letter may have two.
    return word.length >= MIN_LETTERS - 1 && word.length <= 2 * (MAX_LETTERS + 1);
  });
}

/** Whether a folded text contains this word, or one that is one typo away from it. */
export function hasTypo(text: string, word: string): boolean {
  return wordsOf(text).some((other) => isOneTypoAway(other, word));
}

/**
 * Whether two words are equal or differ by one typo.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * for (const typo of ["fatma", "faatima", "fotima", "ftaima", "fatima"]) assert.ok(isOneTypoAway("fatima", typo));
 * for (const other of ["fama", "fattimaa", "ftamia"]) assert.ok(!isOneTypoAway("fatima", other));
 * ```
 */
export function isOneTypoAway(a: string, b: string): boolean {
  // Compared by code points: two different letters beyond U+FFFF may share one of their UTF-16 units.
  if (/[\ud800-\udfff]/.test(a + b)) return isAtMostOneChange(Array.from(a), Array.from(b));
  return isAtMostOneChange(a, b);
}

function isAtMostOneChange(a: string | string[], b: string | string[]): boolean {
  // Only the part between the common prefix and the common suffix can differ.
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
 * The first {@link PREFIX} letters of a word, and these with each one of the letters deleted. Two words that differ by
 * one typo share one of these strings, so an index of them finds either word by the other; few other words share one
 * (SymSpell's symmetric deletions, https://github.com/wolfgarbe/SymSpell).
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
