/**
 * Writes search fields into documents that other software wrote or changed.
 *
 * @module
 */
import type { Deadline } from "../../async/deadline.ts";
import type { Reindexed } from "../visitor_store.ts";
import type { VisitorCollection } from "./collection.ts";
import { type Projection, type StoredDocument, unchangedFilter, visitorOf, WHOLE } from "./document.ts";
import type { AnyBulkWriteOperation } from "./driver.ts";
import { INDEXED_ATTRIBUTES, isCurrent, searchFieldsOf, UNINDEXED } from "./search_fields.ts";

/** The fields needed to check whether a document's search fields are current. */
const WITH_SEARCH_FIELDS: Projection = { ...WHOLE, foyer: 1 };

/** As `StoreMaintenance.reindex`. Unindexed documents come first, so that a run after a stop begins with the rest of them. */
export async function reindex(
  visitors: VisitorCollection,
  onProgress: (looked: number, total: number) => void,
  deadline: Deadline,
): Promise<Reindexed> {
  const total = await visitors.estimateCount(deadline);
  const done: Reindexed = { written: 0, missed: 0 };
  let looked = 0;
  for (const condition of [UNINDEXED, {}]) {
    done.missed = 0;
    for await (const documents of visitors.batches(condition, WITH_SEARCH_FIELDS, deadline)) {
      const updates = documents.map(searchFieldsUpdate).filter((update) => update !== null);
      const { matched } = await visitors.write(updates, deadline);
      done.written += matched;
      done.missed += updates.length - matched;
      if (condition !== UNINDEXED) onProgress(looked += documents.length, total);
    }
  }
  return done;
}

/**
 * The operation that gives a document its search fields; `null` if they are current or the document is no visitor. The
 * operation matches nothing if other software has changed a searched attribute meanwhile.
 */
export function searchFieldsUpdate(document: StoredDocument): AnyBulkWriteOperation | null {
  const visitor = visitorOf(document);
  if (visitor === null) return null;
  const fields = searchFieldsOf(visitor);
  if (isCurrent(fields, document.foyer)) return null;
  const update = fields === null ? { $unset: { foyer: "" as const } } : { $set: { foyer: fields } };
  return { updateOne: { filter: unchangedFilter(document, INDEXED_ATTRIBUTES), update } };
}
