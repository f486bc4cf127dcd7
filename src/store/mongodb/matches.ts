/**
 * The visitors found so far in one search.
 *
 * @module
 */
import { matches } from "../../search/match.ts";
import type { SearchQuery } from "../../search/parse.ts";
import type { EncodedVisitor } from "../../visitor/encoded_visitor.ts";
import { comparePositions, type Position } from "../../visitor/list_order.ts";
import type { ReadDocument } from "./document.ts";

/** Visitors that match, each document once, wherever it was when it was read. */
export class Matches {
  #query: SearchQuery;
  #wanted: number;
  #found = new Map<string, { visitor: EncodedVisitor; position: Position }>();
  /** How many documents were added, whether they match or not. */
  read = 0;

  /**
   * @param after the position after which the result page starts
   * @param wanted how many are enough
   */
  constructor(query: SearchQuery, readonly after: Position | null, wanted: number) {
    this.#query = query;
    this.#wanted = wanted;
  }

  /** How many more are wanted; 0 or less where there are enough. */
  get missing(): number {
    return this.#wanted - this.#found.size;
  }

  /** Whether as many were found as are wanted. */
  get isEnough(): boolean {
    return this.missing <= 0;
  }

  /** Adds the documents that match. */
  add(documents: ReadDocument[]) {
    this.read += documents.length;
    for (const { visitor, position } of documents) {
      if (visitor === null || this.#found.has(position.tie!)) continue;
      if (this.after !== null && comparePositions(position, this.after) <= 0) continue;
      if (matches(this.#query, visitor.visitor)) this.#found.set(position.tie!, { visitor, position });
    }
  }

  /** The visitors in list order, and their positions. */
  inOrder(): { visitor: EncodedVisitor; position: Position }[] {
    return [...this.#found.values()].sort((a, b) => comparePositions(a.position, b.position));
  }
}
