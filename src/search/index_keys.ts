/**
 * Index keys: short strings by which a store finds candidates for a part of a search without reading other visitors.
 * Both stores index each visitor's keys; {@link matches} decides which candidates match.
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
 * The version of the stored index keys and search text, and of how both are normalised. Raise it with every change of
 * these, so that both stores replace what an earlier version stored.
 */
export const INDEX_KEYS_VERSION = 6;

/**
 * The attributes that index keys and search text are computed from; a change of any other attribute changes neither.
 * `last_url` and `lookup_code` are not among them, since they change with each visit: stores compare their values.
 *
 * @param operators the operators whose exact keys are included
 */
export function searchedAttributes(operators = OPERATOR_NAMES): ReadonlySet<string> {
  return new Set([...operators.flatMap((name) => operatorOf(name).attributes), ...TEXT_ATTRIBUTES]);
}

/** The exact keys of a visitor: each value that an operator compares, after the operator's name and a colon. */
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

/** The exact key that every match of a part has; `null` if the part is not one of an operator and a value. */
export function exactKey(part: SearchPart): string | null {
  return part.kind === "value" ? keyOf(part.operator, part.value) : null;
}

function keyOf(operator: OperatorName, value: string): string {
  return `${operator}:${value}`;
}

/** The most characters (UTF-16 units) of a value that are searched for text, since each one costs an index key. */
const MAX_SEARCHED = 1000;

/** The most characters of all values of a list that are searched for text. */
const MAX_SEARCHED_LIST = 10_000;

/** The most characters of a URL that are searched for text: as many as a web page may send. */
const MAX_SEARCHED_URL = 2048;

/**
 * Whether a test succeeds for a searched text of an attribute: for the folded value, or for any folded item of a list,
 * both up to the limits above. Index keys and `matches` both use it, so that every store finds the same visitors.
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

/** The folded beginning of a URL that text searches look in. */
export function searchedUrl(url: string): string {
  return foldedBeginning(url, MAX_SEARCHED_URL);
}

function foldedBeginning(value: string, length: number): string {
  if (value.length <= length) return foldText(value);
  // Without a high surrogate that the cut separated from its low one.
  return foldText(value.slice(0, length).replace(/[\ud800-\udbff]$/, ""));
}

/**
 * The folded text of a visitor that text searches look in, without `last_url`. A line break follows each value, so that
 * no typed text matches across two values. The digits of each phone number follow as lines of their own.
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

/** The folded text of a URL that text searches look in, in the form of {@link searchText}. */
export function searchTextOfUrl(url: string): string {
  return withPhoneDigits(searchedUrl(url));
}

function withPhoneDigits(folded: string): string {
  return [folded, ...phoneDigits(folded), ""].join("\n");
}

/** The most characters of an index key for text: so many that few visitors share a key without sharing the whole text. */
export const SUFFIX = 8;

/**
 * The suffixes of each value in a search text, cut to {@link SUFFIX} characters. A value contains a text only if one of
 * its suffixes begins with the text, or, for a longer text, if all pieces of that length are among the suffixes.
 */
export function suffixesOf(searchText: string): string[] {
  return [...new Set(searchText.split("\n").flatMap((value) => grams(value, SUFFIX, true)))];
}

/** The index keys for typos: the {@link deletions} of each word in a search text. */
export function typoKeys(searchText: string): string[] {
  const found = new Set<string>();
  for (const word of likelyWordsOf(searchText)) {
    for (const key of deletions(word)) found.add(key);
  }
  return [...found];
}
