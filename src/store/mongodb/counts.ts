/**
 * Counts of visitors, by indexes alone: no document is fetched for them.
 *
 * @module
 */
import type { Deadline } from "../../async/deadline.ts";
import type { VisitorCounts } from "../visitor_store.ts";
import type { VisitorCollection } from "./collection.ts";
import { all, NO_VISITOR, ONLINE } from "./conditions.ts";
import type { Condition } from "./driver.ts";

const DAY = 86_400_000;

/** Text that is a time by ISO 8601, as other software stores it; what does not begin so is none. */
const ISO_TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?([Zz]|[+-]\d\d(:?\d\d)?)?)?$/;

/** Who is in a session waits for nobody. */
const WAITING: Condition = { is_waiting_for_call: true, is_online: true, is_in_session: { $ne: true } };

/** Counts the visitors online now. */
export async function countOnline(collection: VisitorCollection, deadline: Deadline): Promise<number> {
  return await (await counterOf(collection, deadline))(ONLINE);
}

/** Counts the visitors online who wait for a call. */
export async function countWaiting(collection: VisitorCollection, deadline: Deadline): Promise<number> {
  return await (await counterOf(collection, deadline))(WAITING);
}

/** Counts visitors, as of a time. */
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

/** Compared with a date MongoDB finds dates, and with a text texts. */
function seenSince(time: Date): Condition[] {
  return [
    { last_seen_at: { $gte: time } },
    { last_seen_at: { $gte: time.toISOString(), $regex: ISO_TIME } },
  ];
}

/**
 * The function that counts the visitors who fulfil a condition. Normally every document is one; where there are others,
 * these are left out, which makes the database look at `short_id` as well.
 */
async function counterOf(
  collection: VisitorCollection,
  deadline: Deadline,
): Promise<(condition: Condition) => Promise<number>> {
  const others = await collection.read(NO_VISITOR, { limit: 1 }, deadline);
  const isVisitor = others.length === 0 ? {} : { short_id: { $gt: "" } };
  return (condition) => collection.count(all(condition, isVisitor), deadline);
}
