/**
 * What each part of a search means: whether a visitor matches it. This is the one definition; a store's own
 * conditions and index keys only narrow down whom to ask it about.
 *
 * @module
 */
import type { AttributeName, Visitor } from "../visitor.ts";
import { canonicalAddress, foldCase, foldText } from "./normalise.ts";
import type { SearchPart, SearchQuery, TextPart } from "./parse.ts";
import { hasTypo } from "./typo.ts";

/**
 * Whether a visitor matches every part of a query.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readVisitor } from "../visitor.ts";
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
      return visitor.unique_id === part.value;
    case "code":
      return visitor.short_id === part.digits || (part.inLookupCode && visitor.lookup_code === part.digits);
    case "tag":
      return visitor.tags.some((tag) => foldCase(tag) === part.tag);
    case "integration_id":
      return visitor.integration_ids.includes(part.value);
    case "url":
      return isOnUrl(visitor, part.text);
    case "email":
      return attributeTexts(visitor, part.attributes).some((value) => foldCase(value) === part.address);
    case "text":
      return visitor.short_id === part.shortId ||
        textsOf(visitor, part).some((text) =>
          text.includes(part.text) || part.typos && hasTypo(text, part.text)
        );
  }
}

/** The folded values in which a text part is looked for. */
function textsOf(visitor: Visitor, { attributes, inUrl }: TextPart): string[] {
  const texts = attributeTexts(visitor, attributes);
  if (inUrl && visitor.is_online && visitor.last_url !== null) texts.push(visitor.last_url);
  return texts.map(foldText);
}

function isOnUrl(visitor: Visitor, text: string): boolean {
  return visitor.is_online && visitor.last_url !== null && foldText(visitor.last_url).includes(text);
}

/** The values of text and list attributes, each by itself. */
export function attributeTexts(visitor: Visitor, attributes: readonly AttributeName[]): string[] {
  return attributes.flatMap((name) => visitor[name] as string | string[] | null ?? []);
}
