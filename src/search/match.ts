/**
 * Decides whether a visitor matches a search. This is the only definition: a store's conditions and index keys merely
 * select the candidates that it is applied to.
 *
 * @module
 */
import type { Visitor } from "../visitor/visitor.ts";
import { searchedUrl, someSearchedText } from "./index_keys.ts";
import { hasValue } from "./operators.ts";
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
    case "value":
      return hasValue(part, visitor);
    case "code":
      return visitor.short_id === part.digits || (part.inLookupCode && visitor.lookup_code === part.digits);
    case "url":
      return isOnPage(visitor, (url) => url.includes(part.text));
    case "text":
      return visitor.short_id === part.shortId || isInText(visitor, part);
  }
}

function isInText(visitor: Visitor, { text, attributes, inUrl, typos, isPhone }: TextPart): boolean {
  const isIn = (folded: string) =>
    folded.includes(text) ||
    (typos === true && hasTypo(folded, text)) ||
    (isPhone === true && phoneDigits(folded).some((digits) => digits.includes(text)));
  return attributes.some((name) => someSearchedText(visitor[name] as string | string[] | null, isIn)) ||
    (inUrl && isOnPage(visitor, isIn));
}

function isOnPage({ is_online, last_url }: Visitor, test: (url: string) => boolean): boolean {
  return is_online && last_url !== null && test(searchedUrl(last_url));
}
