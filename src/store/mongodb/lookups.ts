/**
 * Searches for an exact value, such as an e-mail address, a lookup code or an id: those that come while one is under
 * way are put together into one query of each attribute.
 *
 * @module
 */
import { exactKey, exactKeys } from "../../search/index_keys.ts";
import { WHOLE_AND_ID } from "./document.ts";
import {
  byPosition,
  collect,
  type Found,
  isFound,
  nameOf,
  readVisitors,
  type Search,
  type SearchedCollection,
} from "./found.ts";
import type { Values } from "./conditions.ts";
import { BatchedFlight } from "../../async/single_flight.ts";

/** Of more documents that have one of the values, nobody waits for those that somebody else is looking for. */
const MAX_DOCUMENTS = 1000;

interface LookUp {
  search: Search;
  /** The exact key, see `exactKey`, of each visitor that matches. */
  key: string;
  /** What a document has of which a visitor with that key is made. */
  values: Values;
}

/** Looks exact values up in one collection. */
export class LookUps {
  #collection: SearchedCollection;
  #batch: BatchedFlight<LookUp, Found[] | null>;

  constructor(collection: SearchedCollection) {
    this.#collection = collection;
    this.#batch = new BatchedFlight((lookUps) => this.#read(lookUps));
  }

  /** Who matches, in order; `null` where too many have what is looked for now. */
  find(search: Search, key: string, values: Values): Promise<Found[] | null> {
    return search.deadline.race(this.#batch.ask({ search, key, values }));
  }

  async #read(lookUps: LookUp[]): Promise<(Found[] | null)[]> {
    const asked = new Map<string, Set<unknown>>();
    for (const [field, values] of lookUps.flatMap(({ values }) => Object.entries(values))) {
      const ofField = asked.get(field) ?? new Set();
      asked.set(field, ofField);
      for (const value of values) ofField.add(value);
    }
    const deadline = this.#collection.newDeadline();
    const options = { projection: WHOLE_AND_ID, limit: MAX_DOCUMENTS + 1 };
    const portions = await Promise.all(
      [...asked].map(([field, values]) =>
        collect(this.#collection.read({ [field]: { $in: [...values] } }, options, deadline))
      ),
    );
    if (portions.some((documents) => documents.length > MAX_DOCUMENTS)) return lookUps.map(() => null);
    const found = byKey(readVisitors(portions.flat()));
    return lookUps.map(({ search, key }) =>
      [...found.get(key)?.values() ?? []].filter((one) => isFound(one, search)).sort(byPosition)
        .slice(0, search.wanted)
    );
  }
}

/** Visitors by each of their exact keys, each once, though it may have been found by several attributes. */
function byKey(visitors: Found[]): Map<string, Map<string, Found>> {
  const found = new Map<string, Map<string, Found>>();
  for (const one of visitors) {
    const { visitor } = one.visitor;
    // Four digits may be meant as a short id, too.
    const asCode = exactKey({ kind: "code", digits: visitor.short_id, inLookupCode: true });
    for (const key of new Set([...exactKeys(visitor), asCode!])) {
      found.set(key, (found.get(key) ?? new Map<string, Found>()).set(nameOf(one.id, one.visitor.json), one));
    }
  }
  return found;
}
