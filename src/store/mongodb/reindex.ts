/**
 * Search fields for documents that other software wrote, or changed since.
 *
 * @module
 */
import {
  INDEXED_ATTRIBUTES,
  type Projection,
  type SearchFields,
  searchFields,
  type StoredDocument,
  visitorOf,
  WHOLE_AND_ID,
} from "./document.ts";

/** What is read of a document to see whether its search fields are right. */
export const WITH_SEARCH_FIELDS: Projection = { ...WHOLE_AND_ID, foyer: 1 };

/** A change of one document, for the driver's `bulkWrite`. */
export interface SearchFieldsUpdate {
  updateOne: { filter: StoredDocument; update: { $set: StoredDocument } | { $unset: StoredDocument } };
}

/**
 * What gives a document, read by {@link WITH_SEARCH_FIELDS}, the search fields that it should have; `null` where it
 * has them, or is no visitor. It changes nothing where other software has changed what is searched meanwhile.
 */
export function searchFieldsUpdate(document: StoredDocument): SearchFieldsUpdate | null {
  const visitor = visitorOf(document);
  if (visitor === null) return null;
  const fields = searchFields(visitor);
  const stored = document.foyer as SearchFields | undefined ?? null;
  if (isSame(fields, stored)) return null;
  return {
    updateOne: {
      filter: unchanged(document),
      update: fields === null ? { $unset: { foyer: "" } } : { $set: { foyer: fields } },
    },
  };
}

/** What finds a document that was read as long as these attributes are as they were: those that are searched. */
export function unchanged(
  document: StoredDocument,
  names: Iterable<string> = INDEXED_ATTRIBUTES,
): StoredDocument {
  const asRead = ["short_id", ...names].map((name) => // By $eq, since a value that is a regular expression would be one here.
  [name, name in document ? { $eq: document[name] } : { $exists: false }]);
  // In an $or of one, so that no engine looks for the document by anything but its _id.
  return { _id: document._id, $and: [{ $or: [Object.fromEntries(asRead)] }] };
}

function isSame(a: SearchFields | null, b: SearchFields | null): boolean {
  if (a === null || b === null) return a === b;
  return a.v === b.v && isSameList(a.keys, b.keys) && isSameList(a.tags ?? [], b.tags ?? []);
}

/** @param b of a document, which other software may have changed */
function isSameList(a: string[], b: unknown): boolean {
  return Array.isArray(b) && a.length === b.length && a.every((key, i) => key === b[i]);
}
