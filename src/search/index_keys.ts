/**
 * Index keys: short strings by which a store finds the visitors that may match a part of a search without
 * reading the others. Both stores keep a visitor's keys; {@link matches} has the last word.
 *
 * @module
 */
import type { Visitor } from "../visitor/visitor.ts";
import { foldText, grams } from "./normalise.ts";
import { OPERATOR_NAMES, type OperatorName, operatorOf, someValue } from "./operators.ts";
import { type SearchPart, TEXT_ATTRIBUTES } from "./parse.ts";
import { phoneDigits } from "./phone.ts";
import { deletions, likelyWordsOf } from "./typo.ts";

/**
 * The version of all that is stored to find visitors: index keys, search text, and how both are normalised. Raise it
 * with every change of these: both stores then make anew what an earlier version stored.
 */
export const INDEX_KEYS_VERSION = 6;

/**
 * The attributes that keys and search text are made of: where no other one changes, neither does. What is missing
 * is asked of the visitor itself, such as `last_url` and `lookup_code`, since they change with each visit.
 *
 * @param operators whose exact keys are meant
 */
export function searchedAttributes(operators = OPERATOR_NAMES): ReadonlySet<string> {
  return new Set([...operators.flatMap((name) => operatorOf(name).attributes), ...TEXT_ATTRIBUTES]);
}

/** The exact values by which operators find a visitor, each with the operator's name before it. */
export function exactKeys(visitor: Visitor, operators = OPERATOR_NAMES): string[] {
  const keys = new Set<string>();
  for (const name of operators) {
    const { attributes, normalise } = operatorOf(name);
    someValue(visitor, attributes, (given) => {
      const value = normalise(given);
      if (value !== null) keys.add(keyOf(name, value));
      return false;
    });
  }
  return [...keys];
}

/**
 * The exact key that every visitor has who matches a part, or `null` where the part is not answered by one.
 */
export function exactKey(part: SearchPart): string | null {
  return part.kind === "value" ? keyOf(part.operator, part.value) : null;
}

function keyOf(operator: OperatorName, value: string): string {
  return `${operator}:${value}`;
}

/** Characters (UTF-16 units) of one value in which text is looked for: a value of a megabyte has as many index keys. */
const MAX_SEARCHED = 1000;

/** Characters of all values of a list in which text is looked for. */
const MAX_SEARCHED_LIST = 10_000;

/** As many as a URL may have that a web page sends. */
const MAX_SEARCHED_URL = 2048;

/**
 * Whether a folded text in which text is looked for fulfils a condition: the beginning of a value, or of each of the first
 * ones of a list. Index keys and `matches` both use it, so that every store finds the same visitors.
 */
export function someSearchedText(
  value: string | readonly string[] | null,
  test: (folded: string) => boolean,
): boolean {
  if (value === null) return false;
  if (typeof value === "string") return test(foldedBeginning(value, MAX_SEARCHED));
  let left = MAX_SEARCHED_LIST;
  for (const item of value) {
    left -= Math.min(item.length, MAX_SEARCHED) + 1;
    if (left < 0) break;
    if (test(foldedBeginning(item, MAX_SEARCHED))) return true;
  }
  return false;
}

/** The folded URL in which text is looked for. */
export function searchedUrl(url: string): string {
  return foldedBeginning(url, MAX_SEARCHED_URL);
}

function foldedBeginning(value: string, length: number): string {
  if (value.length <= length) return foldText(value);
  // The cut may leave half of a character.
  return foldText(value.slice(0, length).replace(/[\ud800-\udbff]$/, ""));
}

/**
 * Everything of a visitor in which text is looked for, folded; not `last_url`. A line break follows each value, so that
 * no run of characters that may be typed goes across two values; so are the digits of a phone number a line.
 */
export function searchText(visitor: Visitor): string {
  let text = "";
  for (const name of TEXT_ATTRIBUTES) {
    someSearchedText(visitor[name] as string | string[] | null, (folded) => {
      text += withPhoneDigits(folded);
      return false;
    });
  }
  return text;
}

/** A URL in which text is looked for, as {@link searchText}. */
export function searchTextOfUrl(url: string): string {
  return withPhoneDigits(searchedUrl(url));
}

function withPhoneDigits(folded: string): string {
  return [folded, ...phoneDigits(folded), ""].join("\n");
}

/** The characters of a suffix that is a key: few visitors have so many in common who have not what is typed. */
export const SUFFIX = 8;

/**
 * What follows in a search text from each character on within its value, cut to {@link SUFFIX} characters: a text is in
 * it where one of them begins so, and a longer text only where all its pieces of that length are among them.
 */
export function suffixesOf(searchText: string): string[] {
  return [...new Set(searchText.split("\n").flatMap((value) => grams(value, SUFFIX, true)))];
}

/** The words of a search text and what is left of each without one letter, see {@link deletions}. */
export function typoKeys(searchText: string): string[] {
  const found = new Set<string>();
  for (const word of likelyWordsOf(searchText)) {
    for (const key of deletions(word)) found.add(key);
  }
  return [...found];
}
