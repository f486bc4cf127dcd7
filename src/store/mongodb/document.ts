/**
 * A visitor as a document of the collection, and a document as a visitor and its place.
 *
 * @module
 */
import { exactKeys, SEARCHED_ATTRIBUTES, searchText, suffixesOf, typoKeys } from "../../search/index_keys.ts";
import { ATTRIBUTE_NAMES, ATTRIBUTES, readVisitor, toDocument, type Visitor } from "../../visitor/visitor.ts";
import type { Position } from "../../visitor/list_order.ts";
import { EncodedVisitor } from "../../visitor/encoded_visitor.ts";
import type { VisitorChange } from "../visitor_store.ts";

/** A document as the driver reads it. */
export type StoredDocument = Record<string, unknown>;

/**
 * The version of the search fields; documents with another one, or none, are foreign. Of version 1 the text
 * keys were trigrams, and the typo keys made of seven letters; of version 2 there were no tags.
 */
const SEARCH_VERSION = 3;

/**
 * What finds foreign documents by an index: those without search fields, and those that a Foyer of an earlier version
 * or of the next one has given others, while both run or until they are reindexed.
 */
export const IS_FOREIGN = { "foyer.v": { $in: [null, 1, 2, SEARCH_VERSION + 1] } };

/** More keys than this would make one document a burden to the index; such a visitor is found as a foreign one. */
const MAX_KEYS = 5000;

/** Nothing but attributes leaves the database. */
export const WHOLE: Projection = { _id: 0, ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [name, 1])) };

/** The same, and what the document is called, since other software may repeat a short id. */
export const WHOLE_AND_ID: Projection = { ...WHOLE, _id: 1 };

/** A document's place. */
export const PLACE: Projection = { _id: 0, short_id: 1, is_online: 1, last_seen_at: 1 };

/** A document's place, and what it is called. */
export const PLACE_AND_ID: Projection = { ...PLACE, _id: 1 };

/** The fields that are asked for. */
export type Projection = Record<string, 0 | 1>;

/**
 * Dates by which documents are ordered: those of years with four digits (RFC 3339), since some engines refuse a
 * query that holds another. A BSON date may lie beyond, and counts as none.
 */
export const DATES = {
  $gte: new Date("0001-01-01T00:00:00.000Z"),
  $lte: new Date("9999-12-31T23:59:59.999Z"),
};

/** A document as its visitor's place in the order; an empty short id where it has none. */
export function positionOf(document: StoredDocument): Position {
  const { short_id, is_online, last_seen_at } = document;
  const isDate = last_seen_at instanceof Date && last_seen_at >= DATES.$gte && last_seen_at <= DATES.$lte;
  return {
    online: is_online === true,
    lastSeenAt: isDate ? last_seen_at.getTime() : null,
    shortId: typeof short_id === "string" ? short_id : "",
    count: 1,
  };
}

/** The visitors of documents, as long as those are kept. */
const visitors = new WeakMap<StoredDocument, EncodedVisitor | null>();

/** A document, read by {@link WHOLE}, as its visitor, the same each time; `null` where it is none. */
export function encodedVisitorOf(document: StoredDocument): EncodedVisitor | null {
  let stored = visitors.get(document);
  if (stored === undefined) {
    const visitor = readVisitor(asNative(document));
    visitors.set(document, stored = visitor && new EncodedVisitor(visitor));
  }
  return stored;
}

/** A document's visitor, as {@link encodedVisitorOf}. */
export function visitorOf(document: StoredDocument): Visitor | null {
  return encodedVisitorOf(document)?.visitor ?? null;
}

/** A value of `last_url` as its visitor has it; empty where that is none. */
export function lastUrlOf(value: unknown): string {
  return ATTRIBUTES.last_url.read(nativeValue(value)) ?? "";
}

/** BSON's own number classes as JavaScript's, in attributes and in what they hold. */
function asNative(document: StoredDocument): StoredDocument {
  return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, nativeValue(value)]));
}

function nativeValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(nativeValue);
  // A document may have a field of the name by which the driver tells its classes; those have another prototype.
  if (Object.getPrototypeOf(value) === Object.prototype) return asNative(value as StoredDocument);
  switch ((value as { _bsontype?: unknown })._bsontype) {
    case "Long":
      return (value as { toBigInt(): bigint }).toBigInt();
    case "Decimal128":
      return Number(String(value));
    default:
      return undefined;
  }
}

/**
 * Puts a visitor in place by its short id. The `_id` of a new document is the short id, so that two imports at
 * the same moment cannot both insert it, with no unique index on a collection that is not ours.
 */
export function upsertOf(visitor: Visitor) {
  const { short_id } = visitor;
  const others = ATTRIBUTE_NAMES.filter((name) => name !== "short_id");
  return {
    updateOne: {
      filter: { short_id },
      update: { ...writing(visitor, others), $setOnInsert: { _id: short_id } },
      upsert: true,
    },
  };
}

/** What changes a visitor's document, given the visitor as it is then. */
export function changeOf(visitor: Visitor, change: VisitorChange) {
  return writing(visitor, Object.keys(change));
}

/** A visitor as a document, with its search fields. */
export function documentOf(visitor: Visitor): StoredDocument {
  const fields = searchFields(visitor);
  return { ...toDocument(visitor), ...(fields === null ? {} : { foyer: fields }) };
}

/** What makes these attributes of a document, and its search fields, those of a visitor. */
function writing(visitor: Visitor, names: string[]) {
  return settingFields(documentOf(visitor), [...names, "foyer"]);
}

/** What makes these attributes of a document those of a visitor, where no search field changes with them. */
export function unsearchedChangeOf(visitor: Visitor, names: string[]) {
  return settingFields(toDocument(visitor), names);
}

function settingFields(document: StoredDocument, names: string[]): Record<string, StoredDocument> {
  const [set, unset] = [
    names.filter((name) => name in document),
    names.filter((name) => !(name in document)),
  ];
  return {
    ...(set.length === 0 ? {} : { $set: Object.fromEntries(set.map((name) => [name, document[name]])) }),
    ...(unset.length === 0 ? {} : { $unset: Object.fromEntries(unset.map((name) => [name, ""])) }),
  };
}

/** Whether a document, read by {@link PLACE}, is a visitor that is offline, and that was last seen before a time. */
export function isOfflineBefore(document: StoredDocument, time: Date | null): boolean {
  const visitor = visitorOf(document);
  if (visitor === null || visitor.is_online) return false;
  return time === null || visitor.last_seen_at !== null && Date.parse(visitor.last_seen_at) < time.getTime();
}

/** Foyer's own fields of a document: index keys, and the version of the rules by which they were made. */
export interface SearchFields {
  v: number;
  keys: string[];
  /** The keys of its tags by themselves, for an index in the order of lists; left out where there are none. */
  tags?: string[];
}

/** The search fields of a visitor's document; `null` where there would be too many keys. */
export function searchFields(visitor: Visitor): SearchFields | null {
  const keys = searchKeys(visitor);
  if (keys.length > MAX_KEYS) return null;
  const tags = keys.filter((key) => key.startsWith("tag:"));
  return { v: SEARCH_VERSION, keys, ...(tags.length === 0 ? {} : { tags }) };
}

/** The attributes that search fields are made of. */
export const INDEXED_ATTRIBUTES = SEARCHED_ATTRIBUTES.difference(new Set(["lookup_code"]));

/**
 * The keys by which an index finds a visitor. None for the lookup code, which comes and goes: `plainValues` asks
 * its own index, whatever else is asked for.
 */
export function searchKeys(visitor: Visitor): string[] {
  const text = searchText(visitor);
  const exact = exactKeys({ ...visitor, lookup_code: null });
  return [...exact, ...suffixesOf(text).map(textKey), ...typoKeys(text).map(typoKey)];
}

/** A suffix, or what it begins with, as a search key. */
export function textKey(text: string): string {
  return "text:" + text;
}

/** A word, or what is left of one without a letter, as a search key. */
export function typoKey(key: string): string {
  return "typo:" + key;
}
