/**
 * The full-text index: its terms, and how a search asks for them. It finds candidates; whether one matches is decided by
 * {@link matches} alone.
 *
 * A term is what follows in a searched value from some character on, cut to {@link LENGTH} characters: text is found
 * from any character on by a term or by the beginning of one. Exact values (tags, e-mail addresses, ids) are terms too,
 * as hashes.
 *
 * @module
 */
import { exactKey, exactKeys, searchText } from "../../search/index_keys.ts";
import { grams } from "../../search/normalise.ts";
import type { SearchPart, TextPart } from "../../search/parse.ts";
import type { Visitor } from "../../visitor/visitor.ts";
import { SEPARATOR } from "./schema.ts";

/** Characters of a term: enough that few visitors have one in common by chance, few enough to be quick to store. */
const LENGTH = 6;

/** Begins the terms of exact values; hardly any text has this character. */
const EXACT = "\u0001";

/** SQLite ends a string at a NUL. Text is looked for with the same character in its stead. */
export function withoutNul(text: string): string {
  return text.replaceAll("\0", "\uFFFD");
}

/** What text is looked for in, of all attributes of a visitor. */
export function indexedText(visitor: Visitor): string {
  return withoutNul(searchText(visitor));
}

/**
 * The terms of a visitor, as the index is given them.
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

/** 41 bits of a hash (cyrb53, public domain), as 8 characters or less. Two values with the same one cost a candidate. */
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

/** A part of a search that the index answers. */
export interface IndexedPart {
  /** The text; `null` for an exact value. */
  text: TextPart | null;
  /** The text and the words one typo away, any of which will do; or the term of the exact value. */
  alternatives: string[];
}

/** A part for the index; `null` where the index does not answer it. */
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

/** Whether a part is text shorter than a term, so that many terms begin with it. */
export function isShort({ text, alternatives }: IndexedPart): boolean {
  return text !== null && alternatives.length === 1 && isBeginning(alternatives[0]);
}

/** An FTS5 expression (https://www.sqlite.org/fts5.html#full_text_query_syntax) for visitors who may have all parts. */
export function expressionOf(parts: IndexedPart[]): string {
  return parts.map(({ text, alternatives }) =>
    `(${
      alternatives.map((alternative) =>
        text === null ? quoted(alternative) : `(${expressionOfText(alternative)})`
      ).join(" OR ")
    })`
  ).join(" AND ");
}

/** Of long text some terms that are all of it together. */
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
 * The ids of visitors with a text, one by one: FTS5 would read all terms that begin with a short text before it gives the
 * first visitor. A visitor may be there several times.
 */
export function visitorsWith(text: string): { sql: string; values: string[] } {
  return isBeginning(text)
    ? {
      sql: "SELECT doc AS id FROM posting WHERE term >= ? AND term < ?",
      values: [text, text + "\u{10ffff}".repeat(LENGTH)],
    }
    : { sql: "SELECT rowid AS id FROM term WHERE term MATCH ?", values: [expressionOfText(text)] };
}
