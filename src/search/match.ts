/**
 * What each part of a search means: whether a visitor matches it. This is the one definition; a store's own
 * conditions and index keys only narrow down whom to ask it about.
 *
 * @module
 */
import type { AttributeName, Visitor } from "../visitor/visitor.ts";
import { searchedText } from "./index_keys.ts";
import { canonicalAddress, foldCase, foldText } from "./normalise.ts";
import type { SearchPart, SearchQuery, TextPart } from "./parse.ts";
import { phoneDigits } from "./phone.ts";
import { hasTypo } from "./typo.ts";

/**
 * Whether a visitor matches every part of a query.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readVisitor } from "../visitor/visitor.ts";
 * import { parseSearch } from "./parse.ts";
 *
 * const visitor = readVisitor({ short_id: "aB3", name: "Zoë Müller", tags: ["#VIP"] })!;
 * assert.equal(matches(parseSearch("#vip muller"), visitor), true);
 * assert.equal(matches(parseSearch("#vip online"), visitor), false);
 * ```
 */
export function matches(query: SearchQuery, visitor: Visitor): boolean {
  return query.every((part) => matchesPart(part, visitor));
}

function matchesPart(part: SearchPart, visitor: Visitor): boolean {
  switch (part.kind) {
    case "nobody":
      return false;
    case "online":
      return visitor.is_online === part.online;
    case "ip":
      return visitor.ip_address !== null && canonicalAddress(visitor.ip_address) === part.address;
    case "unique_id":
      return visitor.unique_id !== null && isTyped(part, visitor.unique_id);
    case "code":
      return visitor.short_id === part.digits || (part.inLookupCode && visitor.lookup_code === part.digits);
    case "tag":
      return visitor.tags.some((tag) => foldCase(tag) === part.tag);
    case "integration_id":
      return visitor.integration_ids.some((id) => isTyped(part, id));
    case "url":
      return isOnPage(visitor, (url) => foldText(url).includes(part.text));
    case "email":
      return hasText(visitor, part.attributes, (value) => foldCase(value) === part.address);
    case "text":
      return visitor.short_id === part.shortId || isInText(visitor, part);
  }
}

/** An id is exactly what was typed, or that in plain characters. */
function isTyped({ value, typed }: { value: string; typed?: string }, id: string): boolean {
  return id === value || id === typed;
}

function isInText(visitor: Visitor, { text, attributes, inUrl, typos, isPhone }: TextPart): boolean {
  const isIn = (folded: string) =>
    folded.includes(text) ||
    (typos === true && hasTypo(folded, text)) ||
    (isPhone === true && phoneDigits(folded).some((digits) => digits.includes(text)));
  return hasText(visitor, attributes, (value) => isIn(searchedText(value))) ||
    (inUrl && isOnPage(visitor, (url) => isIn(foldText(url))));
}

function isOnPage({ is_online, last_url }: Visitor, test: (url: string) => boolean): boolean {
  return is_online && last_url !== null && test(last_url);
}

/** Whether one of the values of text and list attributes fulfils a condition. */
function hasText(
  visitor: Visitor,
  attributes: readonly AttributeName[],
  test: (value: string) => boolean,
): boolean {
  for (const name of attributes) {
    const value = visitor[name] as string | string[] | null;
    if (value !== null && (typeof value === "string" ? test(value) : value.some(test))) return true;
  }
  return false;
}
