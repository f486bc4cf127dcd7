/**
 * A visitor as a document of the collection, and a document as its visitor's place.
 *
 * @module
 */
import { exactKeys, gramsOf, searchText, typoKeys } from "../search/keys.ts";
import { ATTRIBUTE_NAMES, toDocument, type Visitor } from "../visitor.ts";
import type { Position } from "./position.ts";

/** The version of the search fields; documents with another one, or none, are foreign. */
const SEARCH_VERSION = 1;

/** More keys than this would make one document a burden to the index; such a visitor is found as a foreign one. */
const MAX_KEYS = 5000;

/** Nothing but attributes leaves the database, and whether a document has search fields. */
export const PROJECTION = {
  _id: 0,
  "foyer.v": 1,
  ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [name, 1])),
};

/**
 * Dates by which documents are ordered: those of years with four digits (RFC 3339), since some engines refuse a
 * query that holds another. A BSON date may lie beyond, and counts as none.
 */
export const DATES = {
  $gte: new Date("0001-01-01T00:00:00.000Z"),
  $lte: new Date("9999-12-31T23:59:59.999Z"),
};

/** A document as its visitor's place in the order; an empty short id where it has none. */
export function positionOf(document: Record<string, unknown>): Position {
  const { short_id, is_online, last_seen_at } = document;
  const isDate = last_seen_at instanceof Date && last_seen_at >= DATES.$gte && last_seen_at <= DATES.$lte;
  return {
    online: is_online === true,
    lastSeenAt: isDate ? last_seen_at.getTime() : null,
    shortId: typeof short_id === "string" ? short_id : "",
    count: 1,
  };
}

/**
 * Puts a visitor in place by its short id. The `_id` of a new document is the short id, so that two imports at
 * the same moment cannot both insert it, with no unique index on a collection that is not ours.
 */
export function upsertOf(visitor: Visitor) {
  const { short_id, ...attributes } = toDocument(visitor);
  const search = searchFields(visitor);
  const absent = ATTRIBUTE_NAMES.filter((name) => name !== "short_id" && !(name in attributes));
  const unset = [...absent, ...(search === null ? ["foyer"] : [])];
  return {
    updateOne: {
      filter: { short_id },
      update: {
        $set: { ...attributes, ...(search === null ? {} : { foyer: search }) },
        ...(unset.length === 0 ? {} : { $unset: Object.fromEntries(unset.map((name) => [name, ""])) }),
        $setOnInsert: { _id: short_id },
      },
      upsert: true,
    },
  };
}

/** Foyer's own fields of a document: index keys, and the version of the rules by which they were made. */
function searchFields(visitor: Visitor): { v: number; keys: string[] } | null {
  const text = searchText(visitor);
  const keys = [...exactKeys(visitor), ...gramsOf(text).map(gramKey), ...typoKeys(text).map(typoKey)];
  return keys.length > MAX_KEYS ? null : { v: SEARCH_VERSION, keys };
}

/** A trigram as a search key. */
export function gramKey(gram: string): string {
  return "text:" + gram;
}

/** A word that is one typo away, or what it has in common with those, as a search key. */
export function typoKey(key: string): string {
  return "typo:" + key;
}

/** Whether a document read by {@link PROJECTION} has search fields; otherwise it is foreign. */
export function hasSearchFields({ foyer }: Record<string, unknown>): boolean {
  return (foyer as { v?: unknown } | undefined)?.v === SEARCH_VERSION;
}
