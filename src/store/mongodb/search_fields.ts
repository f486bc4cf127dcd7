/**
 * Search fields: Foyer adds them to a visitor's document so that an index finds the visitor.
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

/** Operators that need index keys; for the others, conditions compare the attributes themselves. */
const INDEXED_OPERATORS = OPERATOR_NAMES.filter((name) => !operatorOf(name).isLiteral);
const COMMON = INDEXED_OPERATORS.filter((name) => operatorOf(name).isCommon);
const OTHERS = INDEXED_OPERATORS.filter((name) => !operatorOf(name).isCommon);

/** A document that would have more index keys stays unindexed, since each key costs a write and space in the index. */
const MAX_KEYS = 5000;

/**
 * The condition of unindexed documents, which an index answers: those that other software wrote, and those whose search
 * fields have another version, of an earlier Foyer or of the next one while an upgrade runs.
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
  /** The exact keys of values that many visitors have, such as tags; absent if none. Their index is in list order. */
  common?: string[];
}

/** The attributes that search fields are computed from. */
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

/** Whether the stored search fields equal those that the document should have. */
export function isCurrent(fields: SearchFields | null, stored: unknown): boolean {
  if (fields === null || typeof stored !== "object" || stored === null) return fields === (stored ?? null);
  const { v, keys, common } = stored as Record<string, unknown>;
  return v === fields.v && isSameList(fields.keys, keys) && isSameList(fields.common ?? [], common ?? []);
}

function isSameList(list: string[], stored: unknown): boolean {
  return Array.isArray(stored) && list.length === stored.length && list.every((key, i) => key === stored[i]);
}

/** The index key of a suffix of a value; a suffix longer than `SUFFIX` is cut before. */
export function textKey(text: string): string {
  return "text:" + text;
}

/** The index key of a word, or of a word without one of its letters, for typos. */
export function typoKey(key: string): string {
  return "typo:" + key;
}
