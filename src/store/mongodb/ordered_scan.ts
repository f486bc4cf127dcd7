/**
 * Ordered scans: documents in list order, as an index gives them, until enough of them match.
 *
 * Each query is equality on what comes first in an index, a range of what comes next, and the sort; none has a `skip`,
 * so documents that move meanwhile shift nothing.
 *
 * @module
 */
import type { Deadline } from "../../async/deadline.ts";
import { comparePositions, isTied, type Position } from "../../visitor/list_order.ts";
import type { VisitorCollection } from "./collection.ts";
import { all, DATED, LIST_ORDER, UNDATED } from "./conditions.ts";
import { DATES, type ReadDocument } from "./document.ts";
import type { Condition } from "./driver.ts";
import type { Matches } from "./matches.ts";

/** The most documents that one query of a scan returns. */
const MAX_BATCH = 2000;

/** Which documents are scanned. */
export interface Scan {
  /** Equality on `is_online`, which all of the scanned documents fulfil. */
  side: Condition;
  /** Whether these are online. */
  online: boolean;
  /** What the documents fulfil besides; documents that do not match may, too. */
  condition: Condition;
  /** Receives the documents; the scan ends when these are enough. */
  matches: Matches;
  /** Whether the scan ends all the same, asked after each query. */
  isOver?: () => boolean;
  deadline: Deadline;
}

/** Scans documents whose `last_seen_at` is a date, and then all others, by `short_id`. */
export async function scanInOrder(collection: VisitorCollection, scan: Scan): Promise<void> {
  const { after } = scan.matches;
  const start = after !== null && after.online === scan.online ? after : null;
  if (start === null || start.lastSeenAt !== null) await scanDated(collection, scan, start);
  if (isDone(scan)) return;
  await scanByShortId(collection, scan, UNDATED, start?.lastSeenAt === null ? start.shortId : "");
}

function isDone({ matches, isOver }: Scan): boolean {
  return matches.isEnough || isOver?.() === true;
}

async function scanDated(collection: VisitorCollection, scan: Scan, start: Position | null): Promise<void> {
  let range = start === null ? DATED : until({ $lte: new Date(start.lastSeenAt!) });
  // The document at which the page before ended is read again.
  let size = scan.matches.missing + (start === null ? 0 : 1);
  while (true) {
    const { isLast, first, last } = await read(collection, scan, range, { sort: LIST_ORDER, limit: size });
    if (isLast || isDone(scan)) return;
    size = last === undefined ? size * 4 : Math.min(size * 2, MAX_BATCH);
    if (last === undefined) continue;
    range = until({ $lte: new Date(last.lastSeenAt!) });
    if (first!.lastSeenAt !== last.lastSeenAt) continue;
    const moment = new Date(last.lastSeenAt!);
    const isBehind = start?.lastSeenAt === last.lastSeenAt && comparePositions(start, last) > 0;
    await scanByShortId(collection, scan, { last_seen_at: moment }, isBehind ? start.shortId : last.shortId);
    if (isDone(scan)) return;
    range = until({ $lt: moment });
  }
}

function until(bound: Condition): Condition {
  return { last_seen_at: { $gte: DATES.$gte, ...bound } };
}

/** Scans documents by `short_id`, from one on; {@link UNDATED} ones, or those of one moment. */
async function scanByShortId(
  collection: VisitorCollection,
  scan: Scan,
  range: Condition,
  from: string,
): Promise<void> {
  let size = scan.matches.missing + 1;
  while (true) {
    const bound = from === "" ? { $gt: "" } : { $gte: from };
    const options = { sort: { short_id: 1 as const }, limit: size };
    const { isLast, first, last } = await read(collection, scan, all(range, { short_id: bound }), options);
    if (isLast || isDone(scan)) return;
    size = first?.shortId === last?.shortId ? size * 4 : Math.min(size * 2, MAX_BATCH);
    from = last?.shortId ?? from;
  }
}

/** The documents that one query of a scan read. */
interface Batch {
  /** Whether there are no more in its range. */
  isLast: boolean;
  /** The first and the last position of documents that belong to the range. */
  first: Position | undefined;
  last: Position | undefined;
}

/**
 * Reads documents in order. Others than those of the range may be among them, which MongoDB finds by one of several
 * values in an array. Of documents that repeat a short id all are read, since they are ordered here.
 */
async function read(
  collection: VisitorCollection,
  { side, online, condition, matches, deadline }: Scan,
  range: Condition,
  options: { sort: Record<string, 1 | -1>; limit: number },
): Promise<Batch> {
  const isUndated = range.last_seen_at === undefined;
  const belongs = ({ position }: ReadDocument) =>
    position.online === online && (position.lastSeenAt === null) === isUndated && position.shortId !== "";
  const documents = await collection.read(all(side, range, condition), options, deadline);
  const inRange = documents.filter(belongs);
  matches.add(inRange);
  const isLast = documents.length < options.limit;
  const [last, beforeLast] = inRange.map(({ position }) => position).slice(-2).reverse();
  if (!isLast && beforeLast !== undefined && isTied(last, beforeLast)) {
    const { shortId, lastSeenAt } = last;
    const tied = {
      short_id: shortId,
      ...(lastSeenAt === null ? {} : { last_seen_at: new Date(lastSeenAt) }),
    };
    matches.add((await collection.read(all(side, tied, condition), {}, deadline)).filter(belongs));
  }
  return { isLast, first: inRange[0]?.position, last };
}
