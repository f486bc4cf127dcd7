/**
 * Search fields: what Foyer adds to a visitor's document so that an index finds it.
 *
 * @module
 */
import { exactKeys, SEARCHED_ATTRIBUTES, searchText, suffixesOf, typoKeys } from "../../search/index_keys.ts";
import type { Visitor } from "../../visitor/visitor.ts";
import type { Condition } from "./driver.ts";

/** The version of the rules by which index keys are made. */
const VERSION = 5;

/** More index keys than this would make one document a burden to the index; it stays unindexed. */
const MAX_KEYS = 5000;

/**
 * Finds, by an index, documents without search fields: those that other software wrote, and those whose search fields
 * an earlier Foyer made, or the next one while both run.
 */
export const UNINDEXED: Condition = { "foyer.v": { $in: [null, 1, 2, 3, 4, VERSION + 1] } };

/** The field `foyer` of a document. */
export interface SearchFields {
  v: number;
  /** Index keys for text, typos, e-mail addresses and IP addresses. */
  keys: string[];
  /** The exact keys of its tags; absent where there are none. They have an index of their own, in list order. */
  tags?: string[];
}

/**
 * The attributes that search fields are made of. Not of ids and lookup codes: conditions ask for these themselves.
 */
export const INDEXED_ATTRIBUTES: ReadonlySet<string> = SEARCHED_ATTRIBUTES.difference(
  new Set(["lookup_code", "integration_ids"]),
);

/** The search fields of a visitor's document; `null` where there would be too many index keys. */
export function searchFieldsOf(visitor: Visitor): SearchFields | null {
  const text = searchText(visitor);
  const exact = exactKeys(visitor);
  const tags = exact.filter((key) => key.startsWith("tag:"));
  const keys = [
    ...exact.filter((key) => /^(email|ip):/.test(key)),
    ...suffixesOf(text).map(textKey),
    ...typoKeys(text).map(typoKey),
  ];
  if (keys.length + tags.length > MAX_KEYS) return null;
  return { v: VERSION, keys, ...(tags.length === 0 ? {} : { tags }) };
}

/** Whether stored search fields are those that a document should have. */
export function isCurrent(fields: SearchFields | null, stored: unknown): boolean {
  if (fields === null || typeof stored !== "object" || stored === null) return fields === (stored ?? null);
  const { v, keys, tags } = stored as Record<string, unknown>;
  return v === fields.v && isSameList(fields.keys, keys) && isSameList(fields.tags ?? [], tags ?? []);
}

function isSameList(list: string[], stored: unknown): boolean {
  return Array.isArray(stored) && list.length === stored.length && list.every((key, i) => key === stored[i]);
}

/** The index key of a suffix, or of its first characters. */
export function textKey(text: string): string {
  return "text:" + text;
}

/** The index key of a word, or of what is left of it without a letter. */
export function typoKey(key: string): string {
  return "typo:" + key;
}
