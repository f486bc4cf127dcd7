/**
 * Converts visitors to documents of the collection, and documents to visitors.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { EncodedVisitor } from "../../visitor/encoded_visitor.ts";
import { exactNumber } from "../../visitor/exact_json.ts";
import type { Position } from "../../visitor/list_order.ts";
import { ATTRIBUTE_NAMES, ATTRIBUTES, readVisitor, toDocument, type Visitor } from "../../visitor/visitor.ts";
import { DEPENDENT_ATTRIBUTES } from "../../visitor/visitor_state.ts";
import type { PageView } from "../page_views.ts";
import { searchFieldsOf } from "./search_fields.ts";

/** A document as the driver decodes it. */
export type StoredDocument = Record<string, unknown>;

/** The fields that a query returns. */
export type Projection = Record<string, 0 | 1>;

/**
 * The field with the date at which the claim of `claimed_by` ends; absent where other software wrote `claimed_by`. It is
 * no attribute, so the API never sends it.
 */
export const CLAIM_END = "foyer_claim_end";

/**
 * The field with the last web pages while the visitor is online, the newest last. It is no attribute, so it is not sent
 * with the visitor.
 */
export const PAGES = "foyer_pages";

/** All attributes, and the `_id` that distinguishes documents. Other fields never leave the database. */
export const WHOLE: Projection = { _id: 1, ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [name, 1])) };

/** The fields that decide a document's position. */
export const SORT_KEY: Projection = { _id: 1, short_id: 1, is_online: 1, last_seen_at: 1 };

/**
 * The range of the dates that documents are ordered by: years of four digits (RFC 3339), since some servers refuse a
 * query that contains another date. A BSON date outside this range counts as missing.
 */
export const DATES = {
  $gte: new Date("0001-01-01T00:00:00.000Z"),
  $lte: new Date("9999-12-31T23:59:59.999Z"),
};

/** A document that was read with the projection {@link WHOLE}. */
export interface ReadDocument {
  /** `null`: the document is no visitor. */
  visitor: EncodedVisitor | null;
  position: Position;
}

/** Reads a document. */
export function readDocument(document: StoredDocument): ReadDocument {
  const visitor = visitorOf(document);
  const position = positionOf(document);
  position.tie = tieOf(document);
  return { visitor: visitor && new EncodedVisitor(visitor), position };
}

/** The position of a document; its `shortId` is empty where the document is no visitor. */
export function positionOf({ short_id, is_online, last_seen_at }: StoredDocument): Position {
  const isDate = last_seen_at instanceof Date && last_seen_at >= DATES.$gte && last_seen_at <= DATES.$lte;
  return {
    online: is_online === true,
    lastSeenAt: isDate ? last_seen_at.getTime() : null,
    shortId: typeof short_id === "string" ? short_id : "",
    tie: null,
  };
}

/**
 * A string unique to a document: a hash of its `_id`, or of its content where a view hides the `_id`. A hash, since
 * cursors contain the string and must not show an `_id`.
 */
function tieOf(document: StoredDocument): string {
  const { _id = document } = document;
  return createHash("sha256").update(typeof _id + JSON.stringify(_id)).digest("base64url").slice(0, 12);
}

/** The visitor of a document; `null` if the document is no visitor. */
export function visitorOf(document: StoredDocument): Visitor | null {
  // An ObjectId is no short id: it would be sent as text, and a query for that text would not find it.
  return typeof document.short_id === "string" ? readVisitor(nativeObject(document)) : null;
}

/** The string that a stored value of `last_url` is sent as; empty where it counts as missing. */
export function lastUrlOf(value: unknown): string {
  return ATTRIBUTES.last_url.read(nativeValue(value)) ?? "";
}

/** The web pages stored in a document, the newest last. */
export function pagesOf({ [PAGES]: views }: StoredDocument): PageView[] {
  if (!Array.isArray(views)) return [];
  return views.map(({ url, at }: { url: string; at: Date }) => ({ url, at: at.toISOString() }));
}

/** Converts values of BSON classes in a document to JavaScript values. */
function nativeObject(document: StoredDocument): StoredDocument {
  return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, nativeValue(value)]));
}

interface Uuid {
  toUUID(): unknown;
}

function nativeValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(nativeValue);
  // Not by `_bsontype` alone, since a stored object may have a field of that name; BSON classes have another prototype.
  if (Object.getPrototypeOf(value) === Object.prototype) return nativeObject(value as StoredDocument);
  switch ((value as { _bsontype?: unknown })._bsontype) {
    case "Long":
      return (value as { toBigInt(): bigint }).toBigInt();
    case "Decimal128":
      return exactNumber(String(value));
    case "ObjectId":
      return String(value);
    case "Binary":
      // Subtype 4 is a UUID, which has one standard spelling as text; other binary values count as missing.
      return (value as { sub_type?: unknown }).sub_type === 4 ? String((value as Uuid).toUUID()) : undefined;
    default:
      return undefined;
  }
}

/** Keys that MongoDB, its driver or JavaScript give a special meaning, or that BSON cannot hold. */
const UNSAFE_KEY = /^$|^\$|[.\0]|^_bsontype$|^__proto__$/;

interface Pair {
  k: string;
  v: unknown;
}

/** Metadata with unsafe keys is stored as pairs (the form of `$objectToArray`), so that it is read as it was written. */
function pairsOfObject(metadata: Visitor["metadata"]): Visitor["metadata"] | Pair[] {
  const entries = Object.entries(metadata);
  return entries.some(([key]) => UNSAFE_KEY.test(key)) ? entries.map(([k, v]) => ({ k, v })) : metadata;
}

/** The attributes of a visitor as fields of a document, without the missing ones. */
export function fieldsOf(visitor: Visitor): StoredDocument {
  return { ...toDocument(visitor), metadata: pairsOfObject(visitor.metadata) };
}

/** A visitor as a document, with its search fields. */
export function documentOf(visitor: Visitor): StoredDocument {
  const fields = searchFieldsOf(visitor);
  return { ...fieldsOf(visitor), ...(fields === null ? {} : { foyer: fields }) };
}

/**
 * The attributes that a document stores although they are empty in its visitor, since another attribute empties them
 * (see `visitor_state.ts`). A write must include them; otherwise the stored values would reappear once that other
 * attribute changes.
 */
export function emptiedIn(document: StoredDocument, visitor: Visitor): string[] {
  const isEmpty = (value: unknown) => value === undefined || value === null || value === false;
  return DEPENDENT_ATTRIBUTES.filter((name) => isEmpty(visitor[name]) && !isEmpty(document[name]));
}

/** An update with `$set`, `$unset` or both; neither is empty. */
export type Update = Record<string, StoredDocument>;

/** The update that copies the named fields from `document`: it sets those that `document` has and unsets the others. */
export function updateOf(document: StoredDocument, names: string[]): Update {
  const [set, unset] = [
    names.filter((name) => name in document),
    names.filter((name) => !(name in document)),
  ];
  return {
    ...(set.length === 0 ? {} : { $set: Object.fromEntries(set.map((name) => [name, document[name]])) }),
    ...(unset.length === 0 ? {} : { $unset: Object.fromEntries(unset.map((name) => [name, ""])) }),
  };
}

/**
 * The filter that matches a document only while the named fields have the values that were read.
 *
 * A field whose value contains U+FFFD is not compared: the stored string may be invalid UTF-8, which no filter can
 * express.
 */
export function unchangedFilter(document: StoredDocument, names: Iterable<string>): StoredDocument {
  const comparable = ["short_id", ...names].filter((name) =>
    !JSON.stringify(document[name] ?? "").includes("\ufffd")
  );
  // $eq, since without it a stored regular expression would be used as a pattern.
  const asRead = comparable.map((
    name,
  ) => [name, name in document ? { $eq: document[name] } : { $exists: false }]);
  return { _id: document._id, ...Object.fromEntries(asRead) };
}
