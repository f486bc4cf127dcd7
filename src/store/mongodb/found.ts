/**
 * A search of the collection, and what it finds there.
 *
 * @module
 */
import { matches } from "../../search/match.ts";
import type { SearchQuery } from "../../search/parse.ts";
import type { Deadline } from "../../async/deadline.ts";
import { encodedVisitorOf, positionOf, type Projection, type StoredDocument } from "./document.ts";
import type { Condition } from "./conditions.ts";
import { comparePositions, type Position } from "../../visitor/list_order.ts";
import type { EncodedVisitor } from "../../visitor/encoded_visitor.ts";

/** The collection, as a search asks it. */
export interface SearchedCollection {
  /** The documents that fulfil a condition, in portions. */
  read(condition: Condition, options: ReadOptions, deadline: Deadline): AsyncIterable<StoredDocument[]>;
  /** The values of `last_url` of those online, each once. */
  pagesOfOnline(deadline: Deadline): Promise<unknown[]>;
  /** How many documents there are, about. */
  countAll(deadline: Deadline): Promise<number>;
  /** A deadline for work that no single request waits for. */
  newDeadline(): Deadline;
  /** Whether the engine's planner is a simple one, see `isSimplePlanner`; `false` until that is known. */
  isSimple(): boolean;
}

/** What of the documents is read. */
export interface ReadOptions {
  projection: Projection;
  sort?: Record<string, 1 | -1>;
  limit?: number;
  skip?: number;
  /** Documents that come at once, where they may be fewer than all. */
  batchSize?: number;
}

/** What is asked. */
export interface Search {
  query: SearchQuery;
  after: Position | null;
  /** How many visitors are enough. */
  wanted: number;
  deadline: Deadline;
}

/** A visitor who matches. */
export interface Found {
  visitor: EncodedVisitor;
  position: Position;
  /** The document's `_id`, where it was read. */
  id: unknown;
}

/** All documents of the portions. */
export async function collect(portions: AsyncIterable<StoredDocument[]>): Promise<StoredDocument[]> {
  const documents: StoredDocument[] = [];
  for await (const portion of portions) documents.push(...portion);
  return documents;
}

/** The visitors of documents, and where they stand. */
export function readVisitors(documents: StoredDocument[]): Found[] {
  return documents.flatMap((document) => {
    const visitor = encodedVisitorOf(document);
    return visitor === null ? [] : [{ visitor, position: positionOf(document), id: document._id }];
  });
}

/** Whether a visitor matches, and stands where it was asked for. */
export function isFound({ visitor, position }: Found, { query, after }: Search): boolean {
  return (after === null || comparePositions(position, after) >= 0) && matches(query, visitor.visitor);
}

/** The visitors of documents that match, from a position on. */
export function readFound(documents: StoredDocument[], search: Search): Found[] {
  return readVisitors(documents).filter((found) => isFound(found, search));
}

/** Those found without the ones who are behind enough others, once they are many. */
export function withoutRest(found: Found[], { wanted }: Search): Found[] {
  return found.length <= 2 * wanted ? found : found.sort(byPosition).slice(0, wanted);
}

/**
 * A name that no other document has.
 *
 * @param whole what was read of it, by which one of a view is known that shows no `_id`
 */
export function nameOf(id: unknown, whole: unknown): string {
  return typeof id + JSON.stringify(id ?? whole);
}

/** The order of all lists. */
export function byPosition(a: { position: Position }, b: { position: Position }): number {
  return comparePositions(a.position, b.position);
}
