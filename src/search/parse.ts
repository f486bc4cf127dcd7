/**
 * What is typed into a search box, as a typed query. Nothing typed is an error: what makes no sense as an
 * operator finds nobody, anything else is text.
 *
 * @module
 */
import type { AttributeName } from "../visitor/visitor.ts";
import { canonicalAddress, foldCase, foldText } from "./normalise.ts";

/** One part of a search; a visitor is found when it matches every part. */
export type SearchPart =
  | { kind: "nobody" }
  | { kind: "online"; online: boolean }
  | { kind: "ip"; address: string }
  | { kind: "unique_id"; value: string }
  | { kind: "code"; digits: string; inLookupCode: boolean }
  | { kind: "tag"; tag: string }
  | { kind: "integration_id"; value: string }
  | { kind: "url"; text: string }
  | { kind: "email"; address: string; attributes: readonly AttributeName[] }
  | TextPart;

/** Text that is contained in one of the attributes. */
export interface TextPart {
  kind: "text";
  text: string;
  /** As it was typed, which may be a short id. */
  shortId: string;
  attributes: readonly AttributeName[];
  /** Whether in `last_url` of visitors online now, too. */
  inUrl: boolean;
  /** Whether a word one typo away will do. */
  typos?: true;
}

/** The parts, all of which a visitor must match. */
export type SearchQuery = readonly SearchPart[];

/** The attributes in which an e-mail address is looked for. */
export const EMAIL_ATTRIBUTES: readonly AttributeName[] = ["email", "unique_id", "identities"];

/** The attributes in which text is looked for, beside `last_url` of visitors online now. */
export const TEXT_ATTRIBUTES: readonly AttributeName[] = [
  "identities",
  "unique_id",
  "email",
  "name",
  "nickname",
  "call_name",
  "location_city",
  "location_country_name",
  "browser_name",
  "device_name",
];

/** The query of `list/latest`: everybody online now. */
export const LATEST: SearchQuery = [{ kind: "online", online: true }];

/** The prefix that makes a part an operator, the attribute that it searches, and the part for its value. */
const OPERATORS: [prefix: string, searches: AttributeName, part: (value: string) => SearchPart][] = [
  ["ip:", "ip_address", (value) => ({ kind: "ip", address: canonicalAddress(value) })],
  ["id:", "unique_id", (value) => ({ kind: "unique_id", value })],
  ["integration_id:", "integration_ids", (value) => ({ kind: "integration_id", value })],
  ["url:", "last_url", (value) => partOfUrl(foldText(value))],
  ["#", "tags", (value) => ({ kind: "tag", tag: foldCase("#" + value) })],
];

/** Accents alone are no value. */
function partOfUrl(text: string): SearchPart {
  return text === "" ? { kind: "nobody" } : { kind: "url", text };
}

const EMAIL = /^[\p{L}\p{M}\p{N}!#$%&'*+\/=?^_`{|}~.-]+@[\p{L}\p{M}\p{N}-]+(\.[\p{L}\p{M}\p{N}-]+)+$/u;
const CODE = /^[0-9]{4}$/;

/** Whether a text as a whole is what a search takes for an e-mail address. */
export function isEmailAddress(text: string): boolean {
  return EMAIL.test(text);
}

/**
 * Parses a search.
 *
 * @param q at most 256 code points; longer ones are refused before they come here
 * @param hidden attributes that nobody may search, see `HIDDEN_ATTRIBUTES`
 * @returns the parts; none where nothing was asked, which means {@link LATEST}
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseSearch('#Client id:"a b"'), [
 *   { kind: "tag", tag: "#client" },
 *   { kind: "unique_id", value: "a b" },
 * ]);
 * assert.deepEqual(parseSearch('  "" '), []);
 * ```
 */
export function parseSearch(q: string, hidden: ReadonlySet<AttributeName> = new Set()): SearchQuery {
  return splitWords(q).map((word) => parsePart(word, hidden)).filter((part) => part !== null);
}

interface Word {
  value: string;
  /** A word that begins with a quote is text, whatever it holds. */
  quoted: boolean;
}

/** Splits at white space outside double quotes, as a shell does; an unclosed quote runs to the end. */
function splitWords(q: string): Word[] {
  return Array.from(q.matchAll(/(?:[^\s"]|"[^"]*(?:"|$))+/gu), ([raw]) => ({
    value: raw.replaceAll('"', ""),
    quoted: raw.startsWith('"'),
  }));
}

function parsePart({ value, quoted }: Word, hidden: ReadonlySet<AttributeName>): SearchPart | null {
  if (!quoted) {
    for (const [prefix, attribute, part] of OPERATORS) {
      if (!value.startsWith(prefix)) continue;
      const operand = value.slice(prefix.length);
      return operand === "" || hidden.has(attribute) ? { kind: "nobody" } : part(operand);
    }
    if (value === "online" || value === "-online") {
      return hidden.has("is_online") ? { kind: "nobody" } : { kind: "online", online: value === "online" };
    }
    if (CODE.test(value)) return { kind: "code", digits: value, inLookupCode: !hidden.has("lookup_code") };
    if (isEmailAddress(value)) {
      return { kind: "email", address: foldCase(value), attributes: visible(EMAIL_ATTRIBUTES, hidden) };
    }
  }
  const text = foldText(value);
  // Nothing is left of "" and of accents alone.
  if (text === "") return null;
  return {
    kind: "text",
    text,
    shortId: value,
    attributes: visible(TEXT_ATTRIBUTES, hidden),
    inUrl: !hidden.has("last_url"),
  };
}

function visible(attributes: readonly AttributeName[], hidden: ReadonlySet<AttributeName>) {
  return attributes.filter((attribute) => !hidden.has(attribute));
}
