/**
 * Search fields: what Foyer adds to a visitor's document so that an index finds it.
 *
 * @module
 */
import {
  exactKeys,
  INDEX_KEYS_VERSION,
  searchedAttributes,
  searchText,
  suffixesOf,
  typoKeys,
} from "../../search/index_keys.ts";
import { OPERATOR_NAMES, operatorOf } from "../../search/operators.ts";
import type { Visitor } from "../../visitor/visitor.ts";
import type { Condition } from "./driver.ts";

/** Conditions ask for literal values by the attributes themselves. */
const INDEXED_OPERATORS = OPERATOR_NAMES.filter((name) => !operatorOf(name).isLiteral);
const COMMON = INDEXED_OPERATORS.filter((name) => operatorOf(name).isCommon);
const OTHERS = INDEXED_OPERATORS.filter((name) => !operatorOf(name).isCommon);

/** More index keys than this would make one document a burden to the index; it stays unindexed. */
const MAX_KEYS = 5000;

/**
 * Finds, by an index, documents without search fields: those that other software wrote, and those whose search fields
 * an earlier Foyer made, or the next one while both run.
 */
export const UNINDEXED: Condition = {
  "foyer.v": {
    $in: [null, ...Array.from({ length: INDEX_KEYS_VERSION - 1 }, (_, i) => i + 1), INDEX_KEYS_VERSION + 1],
  },
};

/** The field `foyer` of a document. */
export interface SearchFields {
  v: number;
  /** Index keys for text, typos, and values that few visitors have. */
  keys: string[];
  /** The exact keys of values that many visitors have; absent where there are none. Their index is in list order. */
  common?: string[];
}

/** The attributes that search fields are made of. */
export const INDEXED_ATTRIBUTES = searchedAttributes(INDEXED_OPERATORS);

/** The search fields of a visitor's document; `null` where there would be too many index keys. */
export function searchFieldsOf(visitor: Visitor): SearchFields | null {
  const text = searchText(visitor);
  const common = exactKeys(visitor, COMMON);
  const keys = [
    ...exactKeys(visitor, OTHERS),
    ...suffixesOf(text).map(textKey),
    ...typoKeys(text).map(typoKey),
  ];
  if (keys.length + common.length > MAX_KEYS) return null;
  return { v: INDEX_KEYS_VERSION, keys, ...(common.length === 0 ? {} : { common }) };
}

/** Whether stored search fields are those that a document should have. */
export function isCurrent(fields: SearchFields | null, stored: unknown): boolean {
  if (fields === null || typeof stored !== "object" || stored === null) return fields === (stored ?? null);
  const { v, keys, common } = stored as Record<string, unknown>;
  return v === fields.v && isSameList(fields.keys, keys) && isSameList(fields.common ?? [], common ?? []);
}

function isSameList(list: string[], stored: unknown): boolean {
  return Array.isArray(stored) && list.length === stored.length && list.every((key, i) => key === stored[i]);
}

/** The index key of a suffix, or of its first characters. */
export function textKey(text: string): string {
  return "text:" + text;
}

/** The index key of a word, or of the word without one of its letters. */
export function typoKey(key: string): string {
  return "typo:" + key;
}
