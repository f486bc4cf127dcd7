/**
 * Applies a change of one visitor to a list, without reading the list from the database.
 *
 * @module
 */
import { matches } from "../search/match.ts";
import type { SearchQuery } from "../search/parse.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { comparePositions, type Position, positionOfVisitor } from "../visitor/list_order.ts";

/** A visitor that this process has just written. */
export interface OwnChange {
  shortId: string;
  /** The visitor after the write; `null` if it was removed. */
  visitor: EncodedVisitor | null;
  /** When the visitor was read, in the numbering of `SharedPage.order`. */
  order: number;
}

/**
 * Returns the list after a change. If a visitor leaves an incomplete list, only the next read of the list shows who
 * takes the last position.
 *
 * @param visitors in list order
 * @param limit the most visitors on the list
 * @param isWhole whether the list is complete: no further visitor matches
 */
export function withChange(
  visitors: EncodedVisitor[],
  { shortId, visitor }: OwnChange,
  { query, limit }: { query: SearchQuery; limit: number },
  isWhole: boolean,
): EncodedVisitor[] {
  const others = visitors.filter((other) => other.shortId !== shortId);
  if (visitor === null || !matches(query, visitor.visitor)) return others;
  const index = indexOf(others, positionOfVisitor(visitor.visitor));
  // At the end of an incomplete list, visitors who are not on it may come before this one.
  const isUnsure = index === others.length && !isWhole && others.length === visitors.length;
  return isUnsure ? visitors : others.toSpliced(index, 0, visitor).slice(0, limit);
}

/** The index at which a position belongs. Binary search, since computing the position of each visitor is slow. */
function indexOf(visitors: EncodedVisitor[], position: Position): number {
  let [low, high] = [0, visitors.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comparePositions(positionOfVisitor(visitors[middle].visitor), position) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
