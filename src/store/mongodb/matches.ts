/**
 * The matches of one search so far.
 *
 * @module
 */
import { matches } from "../../search/match.ts";
import type { SearchQuery } from "../../search/parse.ts";
import type { EncodedVisitor } from "../../visitor/encoded_visitor.ts";
import { comparePositions, type Position } from "../../visitor/list_order.ts";
import type { ReadDocument } from "./document.ts";

/** Visitors that match, each document once, even if it moved in list order and was read again. */
export class Matches {
  #query: SearchQuery;
  #wanted: number;
  #found = new Map<string, { visitor: EncodedVisitor; position: Position }>();
  /** The number of documents given to {@link add}, whether they match or not. */
  read = 0;

  /**
   * @param after the position after which the result page starts
   * @param wanted the number of matches that are enough
   */
  constructor(query: SearchQuery, readonly after: Position | null, wanted: number) {
    this.#query = query;
    this.#wanted = wanted;
  }

  /** How many more matches are wanted; 0 or less if there are enough. */
  get missing(): number {
    return this.#wanted - this.#found.size;
  }

  /** Whether there are as many matches as are wanted. */
  get isEnough(): boolean {
    return this.missing <= 0;
  }

  /** Adds those of the documents that match and come after {@link after}. */
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
