/**
 * A visitor as a document of the collection, and a document as a visitor.
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

/** When the claim of `claimed_by` ends, as a date; absent where other software claimed. No attribute, so it is never sent. */
export const CLAIM_END = "foyer_claim_end";

/** The last web pages while the visitor is online, the newest last; no attribute, so it is never sent with one. */
export const PAGES = "foyer_pages";

/** Nothing but attributes leaves the database, and the `_id` that distinguishes documents. */
export const WHOLE: Projection = { _id: 1, ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [name, 1])) };

/** The fields that decide a document's position. */
export const SORT_KEY: Projection = { _id: 1, short_id: 1, is_online: 1, last_seen_at: 1 };

/**
 * Dates by which documents are ordered: those of years with four digits (RFC 3339), since some servers refuse a query
 * that holds another. A BSON date may lie beyond, and counts as none.
 */
export const DATES = {
  $gte: new Date("0001-01-01T00:00:00.000Z"),
  $lte: new Date("9999-12-31T23:59:59.999Z"),
};

/** A document that was read by {@link WHOLE}. */
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
 * A string that differs between documents: a hash, since it is a part of cursors, of the `_id`, or of the content where
 * a view hides the `_id`.
 */
function tieOf(document: StoredDocument): string {
  const { _id = document } = document;
  return createHash("sha256").update(typeof _id + JSON.stringify(_id)).digest("base64url").slice(0, 12);
}

/** The visitor of a document; `null` where it is none. */
export function visitorOf(document: StoredDocument): Visitor | null {
  // An ObjectId would become text, by which no query finds it.
  return typeof document.short_id === "string" ? readVisitor(nativeObject(document)) : null;
}

/** A value of `last_url` as its visitor has it; empty where there is none. */
export function lastUrlOf(value: unknown): string {
  return ATTRIBUTES.last_url.read(nativeValue(value)) ?? "";
}

/** The web pages that a document has, the newest last. */
export function pagesOf({ [PAGES]: views }: StoredDocument): PageView[] {
  if (!Array.isArray(views)) return [];
  return views.map(({ url, at }: { url: string; at: Date }) => ({ url, at: at.toISOString() }));
}

/** BSON's own classes as JavaScript's values. */
function nativeObject(document: StoredDocument): StoredDocument {
  return Object.fromEntries(Object.entries(document).map(([key, value]) => [key, nativeValue(value)]));
}

interface Uuid {
  toUUID(): unknown;
}

function nativeValue(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(nativeValue);
  // A document may have a field of the name by which the driver marks its classes; those have another prototype.
  if (Object.getPrototypeOf(value) === Object.prototype) return nativeObject(value as StoredDocument);
  switch ((value as { _bsontype?: unknown })._bsontype) {
    case "Long":
      return (value as { toBigInt(): bigint }).toBigInt();
    case "Decimal128":
      return exactNumber(String(value));
    case "ObjectId":
      return String(value);
    case "Binary":
      // Subtype 4 is a UUID, which is written in one way; other bytes are no text.
      return (value as { sub_type?: unknown }).sub_type === 4 ? String((value as Uuid).toUUID()) : undefined;
    default:
      return undefined;
  }
}

/** Keys that MongoDB or its driver take for something else, or that BSON cannot hold. */
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

/** The attributes of a visitor as fields of a document: without those that are missing. */
export function fieldsOf(visitor: Visitor): StoredDocument {
  return { ...toDocument(visitor), metadata: pairsOfObject(visitor.metadata) };
}

/** A visitor as a document, with its search fields. */
export function documentOf(visitor: Visitor): StoredDocument {
  const fields = searchFieldsOf(visitor);
  return { ...fieldsOf(visitor), ...(fields === null ? {} : { foyer: fields }) };
}

/**
 * The attributes that a document has otherwise than its visitor, since other ones empty them. Whoever writes the
 * document writes these too, or they would come back with the next change of the others.
 */
export function emptiedIn(document: StoredDocument, visitor: Visitor): string[] {
  const isEmpty = (value: unknown) => value === undefined || value === null || value === false;
  return DEPENDENT_ATTRIBUTES.filter((name) => isEmpty(visitor[name]) && !isEmpty(document[name]));
}

/** A `$set` and an `$unset`, without empty ones. */
export type Update = Record<string, StoredDocument>;

/** The update that gives a document these fields of another one, and takes them away where that has none. */
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
 * The filter that finds a document as long as these attributes are as they were read.
 *
 * A value with U+FFFD may be broken UTF-8, which no filter can hold; such an attribute is not compared.
 */
export function unchangedFilter(document: StoredDocument, names: Iterable<string>): StoredDocument {
  const comparable = ["short_id", ...names].filter((name) =>
    !JSON.stringify(document[name] ?? "").includes("\ufffd")
  );
  // By $eq, since a value that is a regular expression would otherwise be matched as one.
  const asRead = comparable.map((
    name,
  ) => [name, name in document ? { $eq: document[name] } : { $exists: false }]);
  return { _id: document._id, ...Object.fromEntries(asRead) };
}
