/**
 * Ordered scans: read documents in list order, as an index gives them, until enough of them match.
 *
 * Each query has an equality condition on the first field of an index, a range of the next field, and a sort. No query
 * uses `skip`, so documents that move during a scan do not shift the ones after them.
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

/** The most documents that one query of a scan asks for. */
const MAX_BATCH = 2000;

/** The documents to scan, and when to stop. */
export interface Scan {
  /** The condition on `is_online` that selects the documents to scan. */
  side: Condition;
  /** Whether the visitors that `side` selects are online. */
  online: boolean;
  /** A further condition, which all matching documents fulfil, and perhaps others too. */
  condition: Condition;
  /** Receives the documents; the scan ends when it has enough matches. */
  matches: Matches;
  /** Called after each query; the scan ends early if it returns `true`. */
  isOver?: () => boolean;
  deadline: Deadline;
}

/** Scans the documents whose `last_seen_at` is a date, newest first, and then all others, by `short_id`. */
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
  // One more, since the last document of the previous page is read again.
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

/**
 * Scans documents by `short_id`, starting at one.
 *
 * @param range {@link UNDATED}, or one value of `last_seen_at`
 * @param from the short id to start at; empty: the first one
 */
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

/** The result of one query of a scan. */
interface Batch {
  /** Whether the query returned the last documents of its range. */
  isLast: boolean;
  /** The positions of the first and the last document that belongs to the range. */
  first: Position | undefined;
  last: Position | undefined;
}

/**
 * Reads documents in order, and drops those outside the range: MongoDB also returns a document if one value in an array
 * is within the range. If the last documents are tied, all documents with that short id and time are read: their order
 * is not the database's.
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
