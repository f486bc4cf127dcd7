/**
 * The terms of the full-text index, and the expressions that search it. The index finds candidates; {@link matches}
 * alone decides whether a candidate matches.
 *
 * The terms of a searched value are its suffixes, each cut to {@link LENGTH} characters, so that text is found from the
 * middle of a value too: by a term, or by the terms that begin with it. Exact values (tags, e-mail addresses, ids) are
 * terms too, as hashes.
 *
 * @module
 */
import { exactKey, exactKeys, searchText } from "../../search/index_keys.ts";
import { grams } from "../../search/normalise.ts";
import type { SearchPart, TextPart } from "../../search/parse.ts";
import type { Visitor } from "../../visitor/visitor.ts";
import { SEPARATOR } from "./schema.ts";

/** The most characters of a term. Longer terms are shared by fewer visitors, but take longer to store (see DESIGN.md). */
const LENGTH = 6;

/** The first character of the terms of exact values; hardly any text contains it. */
const EXACT = "\u0001";

/** Replaces NULs, at which SQLite would cut a string. Stored and searched text are replaced alike, so NULs still match. */
export function withoutNul(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}

/** The text of a visitor's attributes that text searches look in. */
export function indexedText(visitor: Visitor): string {
  return withoutNul(searchText(visitor));
}

/**
 * The terms of a visitor, separated by {@link SEPARATOR}, as they are written to the index.
 *
 * @param text the visitor's {@link indexedText}
 */
export function termsOf(visitor: Visitor, text: string): string {
  const terms = new Set<string>();
  for (const value of text.split("\n")) addTerms(value, terms);
  for (const key of exactKeys(visitor)) terms.add(EXACT + hashOf(key));
  return [...terms].join(SEPARATOR);
}

function addTerms(value: string, terms: Set<string>) {
  if (/[\ud800-\udfff]/.test(value)) {
    for (const term of grams(value, LENGTH, true)) terms.add(term);
    return;
  }
  for (let i = 0; i < value.length; i++) terms.add(value.slice(i, i + LENGTH));
}

/** 41 bits of a hash (cyrb53, public domain), as up to 8 characters. A collision only adds a candidate that does not match. */
function hashOf(key: string): string {
  let [a, b] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    a = Math.imul(a ^ unit, 2654435761);
    b = Math.imul(b ^ unit, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return ((b & 0x1ff) * 2 ** 32 + (a >>> 0)).toString(36);
}

/** A part of a query that the index answers. */
export interface IndexedPart {
  /** The text; `null` for an exact value. */
  text: TextPart | null;
  /** Any of these fulfils the part: the text and the words one typo away from it, or the term of the exact value. */
  alternatives: string[];
}

/** Converts a part of a query for the index; `null` if the index does not answer that kind of part. */
export function indexedPart(
  part: SearchPart,
  wordsOneTypoAway: (word: string) => string[],
): IndexedPart | null {
  if (part.kind === "text") {
    const text = withoutNul(part.text);
    return { text: part, alternatives: [text, ...(part.typos ? wordsOneTypoAway(text) : [])] };
  }
  const key = exactKey(part);
  return key === null ? null : { text: null, alternatives: [EXACT + hashOf(key)] };
}

/** Whether a part is text shorter than a term, so that all terms that begin with the text must be searched. */
export function isShort({ text, alternatives }: IndexedPart): boolean {
  return text !== null && alternatives.length === 1 && isBeginning(alternatives[0]);
}

/** The FTS5 expression (https://www.sqlite.org/fts5.html#full_text_query_syntax) that all parts' candidates fulfil. */
export function expressionOf(parts: IndexedPart[]): string {
  return parts.map(({ text, alternatives }) =>
    `(${
      alternatives.map((alternative) =>
        text === null ? quoted(alternative) : `(${expressionOfText(alternative)})`
      ).join(" OR ")
    })`
  ).join(" AND ");
}

/** Short text: the terms that begin with it. Long text: some of its terms, which cover it. */
function expressionOfText(text: string): string {
  if (isBeginning(text)) return `${quoted(text)} *`;
  return grams(text, LENGTH).filter((_, i, { length }) => i % LENGTH === 0 || i === length - 1).map(quoted)
    .join(" AND ");
}

function isBeginning(text: string): boolean {
  return grams(text, LENGTH).length === 0;
}

function quoted(term: string): string {
  return `"${term.replaceAll('"', '""')}"`;
}

/**
 * A query for the ids of visitors with a text, of which a `LIMIT` reads no more than it needs. (An FTS5 expression for a
 * short text reads all terms that begin with it before it returns the first row.) An id may be returned several times.
 */
export function visitorsWith(text: string): { sql: string; values: string[] } {
  return isBeginning(text)
    ? {
      sql: "SELECT doc AS id FROM posting WHERE term >= ? AND term < ?",
      values: [text, text + "\u{10ffff}".repeat(LENGTH)],
    }
    : { sql: "SELECT rowid AS id FROM term WHERE term MATCH ?", values: [expressionOfText(text)] };
}
