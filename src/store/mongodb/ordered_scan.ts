/**
 * A walk through everybody in order: how a collection is searched where many match.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import { exactKey } from "../../search/index_keys.ts";
import type { Deadline } from "../../async/deadline.ts";
import { PLACE, positionOf, type Projection, type StoredDocument, WHOLE } from "./document.ts";
import { collect, type Found, readFound, type Search, type SearchedCollection } from "./found.ts";
import {
  BEGINNING,
  checked,
  type Condition,
  endOfMoment,
  inDated,
  inUndated,
  isInSegment,
  isPosition,
  orderOf,
  type Segment,
  segmentsOf,
  withExactKeys,
} from "./conditions.ts";
import { isSamePlace, type Position } from "../../visitor/list_order.ts";

/** Documents that a walk reads at once at the most. */
export const MAX_PORTION = 2000;

/** The first stretch of time that a walk looks at, in milliseconds, where nothing is known. */
const FIRST_STRETCH = 60_000;

/** Beyond a stretch of this length a walk looks at all the rest. */
const LAST_STRETCH = 90 * 86_400_000;

/** How many places tell how close together a segment's first ones are. */
const HEAD = 100;

/** How old what is known of them may be where a walk reads only some of the documents, in milliseconds. */
const HEAD_AGE = 1000;

/** How long it is remembered how many visitors were at the head of a list, in milliseconds. */
const HEAD_LIFETIME = 10_000;

/** Of how many lists that is remembered, and how few visitors they have: of each tag those online are one. */
const MAX_LISTS = 1000;

/** How long it is remembered how few visitors a list has, in milliseconds. */
const FEW_LIFETIME = 60_000;

/** The times between which so many visitors were at the head of a list, when it was last walked. */
interface Head {
  newest: number;
  oldest: number;
  count: number;
  takenAt: number;
}

/** What a walk has come to know of the documents that it passed. */
interface Passed {
  /** Whether some may have been among them that are found by a place which they are not in. */
  areOdd: boolean;
}

/** What of a segment is read. */
interface Walked {
  /** What the list is called of which everybody is asked for; `null` where those are only some of one. */
  list: string | null;
  /** How many the first portion need have. */
  size: number;
  /** Of how many documents of the segment they may be the ones that are asked for. */
  among: number;
  /** What those fulfil that are asked for; nothing where it is everybody. */
  only: Condition[];
  /** The key of a tag that they have, by whose index they are read. */
  tag?: string;
  projection?: Projection;
}

/** Walks through one collection. */
export class Walk {
  #collection: SearchedCollection;
  #heads = new LRUCache<string, Head>({ max: MAX_LISTS });
  /** How many all of those are whose dates are known, where they did not fill a page, and when that was seen. */
  #few = new LRUCache<string, { count: number; seenAt: number }>({ max: MAX_LISTS });

  constructor(collection: SearchedCollection) {
    this.#collection = collection;
  }

  /**
   * The visitors that match, met while walking through everybody in order, until they are enough.
   *
   * @param expected among how many documents they may be
   */
  walk(search: Search, expected = search.wanted): Promise<Found[]> {
    const { query, after } = search;
    // A simple planner would use no index with these beside it.
    const only = this.#collection.isSimple() ? [] : withExactKeys(query);
    return this.#walkSegments(segmentsOf(query, after), search, expected, { only });
  }

  /**
   * As {@link walk}, of those online, and seen at a date, who have a tag and of whom search fields are kept.
   *
   * @param tag the key of one of the query's tags
   */
  walkTag(search: Search, expected: number, tag: string): Promise<Found[]> {
    const online = segmentsOf(search.query, search.after).filter(({ online, dated }) => online && dated);
    const others = search.query.filter((part) => exactKey(part) !== tag);
    return this.#walkSegments(online, search, expected, { only: withExactKeys(others), tag });
  }

  async #walkSegments(
    segments: Segment[],
    search: Search,
    expected: number,
    { only, tag }: Pick<Walked, "only" | "tag">,
  ): Promise<Found[]> {
    const { after, wanted, deadline } = search;
    const areSome = only.length > 0 || tag !== undefined;
    const found: Found[] = [];
    // Of what is before the place from which it goes on nothing is known.
    const passed: Passed = { areOdd: after !== null };
    for (const segment of segments) {
      const among = Math.max(wanted - found.length, Math.ceil(expected));
      const size = Math.min(MAX_PORTION, areSome ? wanted - found.length : among);
      const list = only.length > 0 ? null : tag ?? listOf(segment);
      const walked = { list, size, among, only, tag };
      if (areSome && !this.#isKnown(walked)) await this.#lookAtHead(segment, deadline);
      for await (const documents of this.#walkSegment(segment, after, walked, passed, deadline)) {
        found.push(...readFound(documents, search));
        if (found.length >= wanted) return found.slice(0, wanted);
      }
    }
    return found;
  }

  /**
   * The documents of a segment in order, from a position on, in portions. Each is a query of its own, so nothing is
   * held open in the database, over a stretch of time that is not much longer than it need be: some engines read a
   * whole stretch to give its beginning.
   */
  async *#walkSegment(
    segment: Segment,
    after: Position | null,
    walked: Walked,
    passed: Passed,
    deadline: Deadline,
  ): AsyncGenerator<StoredDocument[]> {
    const { list, only, tag, projection = WHOLE } = walked;
    let { size } = walked;
    let from: Position | Date | null = after !== null && isInSegment(after, segment) ? after : null;
    let until = segment.dated ? this.#firstEnd(segment, from, walked) : BEGINNING;
    /** Documents at the very place from which this goes on that are behind it. */
    let skip = 0;
    /** The first places of all, until they are as many as were wanted. */
    let head: Position[] | null = null;
    if (from === null && segment.dated && list !== null) head = [];
    /** Whether documents were met that are in no place of this segment. */
    let isChecked = !segment.dated && passed.areOdd;
    while (true) {
      // For a place and all that is behind it a simple planner would use no index, so its own moment comes first.
      const isMoment = this.#collection.isSimple() && !isChecked && segment.online && segment.dated;
      const moment: Date | null = isMoment && isPosition(from) ? endOfMoment(from) : null;
      const place = segment.dated
        ? inDated(segment.online, { from, until: moment ?? until }, isChecked)
        : inUndated(segment.online, isPosition(from) ? from : null, isChecked);
      const documents: StoredDocument[] = await collect(this.#collection.read(
        { ...(tag === undefined ? {} : { "foyer.tags": tag }), ...checked(place, only) },
        { projection, sort: orderOf(segment), limit: size, skip },
        deadline,
      ));
      const places = documents.map(positionOf);
      if (!isChecked && places.some((place) => place.shortId === "" || !isInSegment(place, segment))) {
        isChecked = passed.areOdd = true;
        continue;
      }
      head?.push(...places);
      if (head !== null && head.length >= size) {
        this.#rememberHead(list!, head.slice(0, size));
        if (this.#few.get(list!)?.count! < head.length) this.#few.delete(list!);
        head = null;
      }
      yield documents;
      if (documents.length === size) {
        const last: Position = places[places.length - 1];
        skip = places.filter((place) => isSamePlace(place, last)).length +
          (isPosition(from) && isSamePlace(from, last) ? skip : 0);
        from = last;
        size = Math.min(2 * size, MAX_PORTION);
        continue;
      }
      if (moment !== null && moment > until) {
        [from, skip] = [moment, 0];
        continue;
      }
      if (until <= BEGINNING) {
        if (head !== null) this.#few.set(list!, { count: head.length, seenAt: performance.now() });
        return;
      }
      [from, until, skip] = [until, nextEnd(from, until, documents.length, size), 0];
    }
  }

  /** Whether the list was walked before, so that nothing need be told from the list of all. */
  #isKnown({ list }: Walked): boolean {
    return list !== null && (this.#heads.has(list) || this.#few.has(list));
  }

  /** Where the first stretch of a walk should end: about as long ago as it was last time. */
  #firstEnd(segment: Segment, from: Position | null, walked: Walked): Date {
    const [list, size] = walked.tag !== undefined && this.#isKnown(walked)
      ? [walked.list!, walked.size]
      : [listOf(segment), walked.among];
    const few = this.#few.get(list);
    const areFew = few !== undefined && few.count < size && performance.now() - few.seenAt < FEW_LIFETIME;
    if (areFew) return BEGINNING;
    const head = this.#heads.get(list);
    const start = from?.lastSeenAt ?? head?.newest ?? Date.now();
    if (head === undefined) return dateOf(start - FIRST_STRETCH);
    const length = (head.newest - head.oldest) * size / head.count;
    return dateOf(from === null && size === head.count ? head.oldest - 1 : start - 1.5 * length - 1);
  }

  /**
   * Reads the first places of a segment, where that was long ago: of a walk that reads only some documents the
   * stretches would else be made for how many there were then.
   */
  async #lookAtHead(segment: Segment, deadline: Deadline) {
    const known = this.#heads.get(listOf(segment));
    if (!segment.dated || known === undefined || performance.now() - known.takenAt < HEAD_AGE) return;
    const places = { list: listOf(segment), size: HEAD, among: HEAD, only: [], projection: PLACE };
    await this.#walkSegment(segment, null, places, { areOdd: false }, deadline).next();
  }

  #rememberHead(list: string, places: Position[]) {
    const known = this.#heads.get(list);
    const now = performance.now();
    // A shorter page says less than a longer one.
    const isLess = known !== undefined && Math.min(known.count, HEAD) > places.length;
    if (isLess && now - known.takenAt < HEAD_LIFETIME) return;
    const [newest, oldest] = [places[0].lastSeenAt!, places[places.length - 1].lastSeenAt!];
    this.#heads.set(list, { newest, oldest, count: places.length, takenAt: now });
  }
}

/** What the list of all in a segment of dates is called; that of a tag is called as the tag's key. */
function listOf({ online }: Segment): string {
  return online ? "online" : "offline";
}

/** Where a stretch should end after one that ended at `end` and gave `found` documents instead of `size`. */
function nextEnd(from: Position | Date | null, end: Date, found: number, size: number): Date {
  const start = isPosition(from) ? from.lastSeenAt! : from?.getTime() ?? Date.now();
  const length = Math.max(1000, start - end.getTime());
  const next = found === 0 ? 8 * length : Math.min(8, 1.5 * size / found) * length;
  return dateOf(next > LAST_STRETCH ? -Infinity : end.getTime() - next);
}

function dateOf(time: number): Date {
  return new Date(Math.max(time, BEGINNING.getTime()));
}
