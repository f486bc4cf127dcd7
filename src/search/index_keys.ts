/**
 * Index keys: short strings by which a store finds the visitors that may match a part of a search without
 * reading the others. Both stores keep a visitor's keys; {@link matches} has the last word.
 *
 * @module
 */
import type { AttributeName, Visitor } from "../visitor/visitor.ts";
import { canonicalAddress, foldCase, foldText, grams, plainText } from "./normalise.ts";
import { EMAIL_ATTRIBUTES, type SearchPart, TEXT_ATTRIBUTES } from "./parse.ts";
import { phoneDigits } from "./phone.ts";
import { deletions, likelyWordsOf } from "./typo.ts";

/**
 * The attributes that keys and search text are made of: where no other one changes, neither does. What is missing
 * is asked of the visitor itself, such as `last_url`, since it changes with each page view.
 */
export const SEARCHED_ATTRIBUTES: ReadonlySet<string> = new Set<AttributeName>([
  "ip_address",
  "unique_id",
  "lookup_code",
  "tags",
  "integration_ids",
  ...EMAIL_ATTRIBUTES,
  ...TEXT_ATTRIBUTES,
]);

/** The exact values by which operators find a visitor, each with the operator's kind before it. */
export function exactKeys(visitor: Visitor): string[] {
  const keys = new Set<string>();
  if (visitor.ip_address !== null) keys.add("ip:" + canonicalAddress(visitor.ip_address));
  if (visitor.unique_id !== null) keys.add("unique_id:" + plainText(visitor.unique_id));
  if (visitor.lookup_code !== null) keys.add("code:" + visitor.lookup_code);
  for (const tag of visitor.tags) keys.add("tag:" + foldCase(tag));
  for (const id of visitor.integration_ids) keys.add("integration_id:" + plainText(id));
  for (const value of attributeTexts(visitor, EMAIL_ATTRIBUTES)) {
    if (value.includes("@")) keys.add("email:" + foldCase(value));
  }
  return [...keys];
}

/**
 * The exact key that every visitor has who matches a part by its operator, or `null` where the part is not
 * answered by an exact key. A `code` may be a short id as well, which is no key.
 */
export function exactKey(part: SearchPart): string | null {
  switch (part.kind) {
    case "ip":
      return "ip:" + part.address;
    case "unique_id":
      return "unique_id:" + part.value;
    case "code":
      return "code:" + part.digits;
    case "tag":
      return "tag:" + part.tag;
    case "integration_id":
      return "integration_id:" + part.value;
    case "email":
      return "email:" + part.address;
    default:
      return null;
  }
}

/** Characters (UTF-16 units) of one value in which text is looked for: a value of a megabyte has as many index keys. */
const MAX_SEARCHED = 1000;

/**
 * What text is looked for in, of one value: its first {@link MAX_SEARCHED} characters, folded. Index keys and `matches`
 * both use it, so that every store finds the same visitors.
 */
export function searchedText(value: string): string {
  if (value.length <= MAX_SEARCHED) return foldText(value);
  // The cut may leave half of a character.
  return foldText(value.slice(0, MAX_SEARCHED).replace(/[\ud800-\udbff]$/, ""));
}

/**
 * Everything of a visitor in which text is looked for, folded; not `last_url`. A line break follows each value, so that
 * no run of characters that may be typed goes across two values; so are the digits of a phone number a line.
 */
export function searchText(visitor: Visitor): string {
  return attributeTexts(visitor, TEXT_ATTRIBUTES).map((value) => withPhoneDigits(searchedText(value))).join(
    "",
  );
}

/** A folded URL in which text is looked for, as {@link searchText}. */
export function searchedUrl(url: string): string {
  return withPhoneDigits(foldText(url));
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

/** The values of text and list attributes, each by itself. */
function attributeTexts(visitor: Visitor, attributes: readonly AttributeName[]): string[] {
  return attributes.flatMap((name) => visitor[name] as string | string[] | null ?? []);
}
