/**
 * Applies a change of one visitor to a list, without asking the database for the list.
 *
 * @module
 */
import { matches } from "../search/match.ts";
import type { SearchQuery } from "../search/parse.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { comparePositions, type Position, positionOfVisitor } from "../visitor/list_order.ts";

/** A visitor as this process has just written it. */
export interface OwnChange {
  shortId: string;
  /** `null` where it was removed. */
  visitor: EncodedVisitor | null;
  /** When it was read, as `SharedPage.order` counts. */
  order: number;
}

/**
 * The list after a change. If a visitor leaves a list that is not whole, the next one is added only by the next
 * reading.
 *
 * @param visitors in list order
 * @param limit the most visitors on the list
 * @param isWhole whether nobody else matches
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
  // A visitor who is new at the end may have others before it whom the list does not hold.
  const isUnsure = index === others.length && !isWhole && others.length === visitors.length;
  return isUnsure ? visitors : others.toSpliced(index, 0, visitor).slice(0, limit);
}

/** Where a position belongs, by binary search, since computing a visitor's own takes a while. */
function indexOf(visitors: EncodedVisitor[], position: Position): number {
  let [low, high] = [0, visitors.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comparePositions(positionOfVisitor(visitors[middle].visitor), position) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
