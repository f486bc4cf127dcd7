/**
 * How an engine plans queries. MongoDB combines indexes and reads the ranges in them; a compatible engine may use one
 * only where a condition is nothing but a field's values, and read the whole collection for anything else.
 *
 * @module
 */
import { type StoredDocument, WHOLE, WHOLE_AND_ID } from "./document.ts";
import { type Collection, isUnavailable } from "./driver.ts";
import { nameOf, type ReadOptions } from "./found.ts";
import { type Condition, keyRange } from "./conditions.ts";

/**
 * Whether an engine's planner is such a simple one: told by its plan for a text search, since engines do not say what
 * they can do. MongoDB's is not, and none is taken for one that tells no plan.
 *
 * @param collection with its indexes
 * @throws what the driver throws where the engine does not answer
 */
export async function isSimplePlanner(collection: Collection): Promise<boolean> {
  try {
    const plan = await collection.find(keyRange("", false)).explain("queryPlanner");
    return JSON.stringify(plan).includes('"COLLSCAN"');
  } catch (error) {
    if (isUnavailable(error)) throw error;
    return false;
  }
}

/** What reads the documents that fulfil a condition, in portions. */
export type Read = (condition: Condition, options: ReadOptions) => AsyncIterable<StoredDocument[]>;

/**
 * Reads as a simple planner should be asked: where one of several conditions is enough one after the other, each
 * document once.
 *
 * @param options without an order, which those found by several conditions would not be in
 */
export async function* readSimply(
  read: Read,
  condition: Condition,
  options: ReadOptions,
): AsyncGenerator<StoredDocument[]> {
  const { $or: alternatives, ...others } = condition;
  if (alternatives === undefined || Object.keys(others).length > 0 || options.sort !== undefined) {
    yield* read(condition, options);
    return;
  }
  const { projection } = options;
  const withId = {
    ...options,
    projection: projection === WHOLE ? WHOLE_AND_ID : { ...projection, _id: 1 as const },
  };
  const seen = new Set<string>();
  for (const alternative of alternatives as Condition[]) {
    for await (const documents of read(alternative, withId)) {
      yield documents.filter((document) => seen.size < seen.add(nameOf(document._id, document)).size);
    }
  }
}
