/**
 * Counts of visitors, by indexes alone: no document is fetched.
 *
 * @module
 */
import type { Deadline } from "../../async/deadline.ts";
import type { VisitorCounts } from "../visitor_store.ts";
import type { VisitorCollection } from "./collection.ts";
import { all, NO_VISITOR, ONLINE } from "./conditions.ts";
import type { Condition } from "./driver.ts";

const DAY = 86_400_000;

/** A time in ISO 8601 stored as a string, as some other software does. */
const ISO_TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d(:?\d\d)?)?)?$/;

/** A visitor in a session does not count as waiting. */
const WAITING: Condition = { is_waiting_for_call: true, is_online: true, is_in_session: { $ne: true } };

/** Counts the visitors online now. */
export async function countOnline(collection: VisitorCollection, deadline: Deadline): Promise<number> {
  return await (await counterOf(collection, deadline))(ONLINE);
}

/** Counts the visitors online who wait for a call. */
export async function countWaiting(collection: VisitorCollection, deadline: Deadline): Promise<number> {
  return await (await counterOf(collection, deadline))(WAITING);
}

/** As `VisitorReads.countVisitors`. */
export async function countVisitors(
  collection: VisitorCollection,
  now: Date,
  deadline: Deadline,
): Promise<VisitorCounts> {
  const count = await counterOf(collection, deadline);
  const seenWithin = async (days: number) => {
    const [dates, texts] = await Promise.all(seenSince(new Date(now.getTime() - days * DAY)).map(count));
    return dates + texts;
  };
  const [online, lastDay, last30Days, inSession, waiting] = await Promise.all([
    count(ONLINE),
    seenWithin(1),
    seenWithin(30),
    count({ is_in_session: true }),
    count(WAITING),
  ]);
  return { online, lastDay, last30Days, inSession, waiting };
}

/** Two conditions, since MongoDB compares dates with dates and strings with strings only. */
function seenSince(time: Date): Condition[] {
  return [
    { last_seen_at: { $gte: time } },
    { last_seen_at: { $gte: time.toISOString(), $regex: ISO_TIME } },
  ];
}

/**
 * Returns a function that counts the visitors that fulfil a condition. Where the collection has documents that are no
 * visitors, it adds a condition on `short_id` to leave them out; normally there are none, and the counts are cheaper.
 */
async function counterOf(
  collection: VisitorCollection,
  deadline: Deadline,
): Promise<(condition: Condition) => Promise<number>> {
  const others = await collection.read(NO_VISITOR, { limit: 1 }, deadline);
  const isVisitor = others.length === 0 ? {} : { short_id: { $gt: "" } };
  return (condition) => collection.count(all(condition, isVisitor), deadline);
}
