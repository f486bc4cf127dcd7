/**
 * A search as MongoDB's conditions. They only narrow down which documents are read; whether a visitor matches is
 * told by {@link matches}.
 *
 * @module
 */
import { exactKey, LONG_GRAM } from "../search/keys.ts";
import { grams } from "../search/normalise.ts";
import type { SearchPart, SearchQuery, TextPart } from "../search/parse.ts";
import { deletions } from "../search/typo.ts";
import { DATES, gramKey, SEARCH_VERSION, typoKey } from "./mongodb_document.ts";
import type { Position } from "./position.ts";

/** A filter of MongoDB's query language, of values alone: what was typed never becomes an operator. */
export type Condition = Record<string, unknown>;

/** A quarter of the order of all lists, within which one query can sort. */
export interface Segment {
  online: boolean;
  /** Whether `last_seen_at` is a date. */
  dated: boolean;
}

/** From where to where documents of a segment are asked for. */
export interface Stretch {
  /** The place, or the time, with which it begins. */
  from: Position | Date | null;
  /** The time after which all of it is; {@link BEGINNING} where it has no other end. */
  until: Date;
}

/** Before every date. */
export const BEGINNING = DATES.$gte;

/** MongoDB compares an array by what it holds, so one may be found again behind its place. */
const NO_ARRAY = { $not: { $type: "array" } };

const IS_VISITOR = { short_id: { $type: "string", $ne: "", ...NO_ARRAY } };
const OFFLINE = { $or: [{ is_online: { $ne: true } }, { is_online: { $type: "array" } }] };

const SEGMENTS: Segment[] = [
  { online: true, dated: true },
  { online: true, dated: false },
  { online: false, dated: true },
  { online: false, dated: false },
];

/** Whether a position lies in a segment. */
export function isInSegment({ online, lastSeenAt }: Position, segment: Segment): boolean {
  return online === segment.online && (lastSeenAt !== null) === segment.dated;
}

/** The segments from a position on in which visitors may match. */
export function segmentsOf(query: SearchQuery, after: Position | null): Segment[] {
  const start = after === null ? 0 : SEGMENTS.findIndex((segment) => isInSegment(after, segment));
  return SEGMENTS.slice(start).filter(({ online }) => mayBe(query, online));
}

/** Whether those online, or those who are not, may match. */
export function mayBe(query: SearchQuery, online: boolean): boolean {
  return query.every((part) =>
    part.kind === "online" ? part.online === online : part.kind !== "url" || online
  );
}

/**
 * The documents of a stretch of a segment of dates.
 *
 * An array is no date and no boolean, though MongoDB finds it by what it holds, and what has no short id is no
 * visitor: where there are such documents, they are left out by checks. Elsewhere an engine that uses an index only
 * for a condition that is all in it shall have such a one, for the list that is asked for most.
 */
export function inDated(online: boolean, { from, until }: Stretch, isChecked: boolean): Condition {
  // By $gt and not $gte, which SecantusDB's Python server takes for $gt where an index descends.
  const bound = { ...(until > BEGINNING ? { $gt: until } : { $gte: until }), $lte: startOf(from) };
  if (online && !isChecked && !isPosition(from)) return { is_online: true, last_seen_at: bound };
  return {
    ...(online ? { is_online: true } : {}),
    last_seen_at: bound,
    $and: [
      // In an $or of one, which to MongoDB is no $or at all; an engine of a simpler mind (SecantusDB's Rust server)
      // would otherwise leave the index that is in this order for the sake of what is checked here.
      { $or: [{ ...IS_VISITOR, last_seen_at: NO_ARRAY, ...(online ? { is_online: NO_ARRAY } : OFFLINE) }] },
      // The bound is an index's; this tells apart those seen at the same moment.
      ...(isPosition(from)
        ? [{ $or: [{ last_seen_at: { $lt: bound.$lte } }, { short_id: { $gte: from.shortId } }] }]
        : []),
    ],
  };
}

/** The documents of a segment without dates, from a place on. */
export function inUndated(online: boolean, from: Position | null): Condition {
  return {
    ...(online ? { is_online: true } : {}),
    short_id: from === null ? { $gt: "" } : { $gte: from.shortId },
    $and: [
      IS_VISITOR,
      online ? { is_online: NO_ARRAY } : OFFLINE,
      { $or: [{ last_seen_at: { $not: DATES } }, { last_seen_at: { $type: "array" } }] },
    ],
  };
}

/** Documents of those online now, and of those in a session: what an index counts. */
export const IS_ONLINE: Condition = { is_online: true, short_id: { $gt: "" } };
export const IS_IN_SESSION: Condition = { is_in_session: true, short_id: { $gt: "" } };

/** Documents of those offline, of those last seen before a time where there is one. */
export function offlineBefore(time: Date | null): Condition {
  const isOffline = { short_id: { $gt: "" }, is_online: { $ne: true } };
  if (time === null) return isOffline;
  // Compared with a date MongoDB finds dates, and with a text texts: other software's ISO 8601.
  return {
    ...isOffline,
    $or: [{ last_seen_at: { $lt: time } }, { last_seen_at: { $lt: time.toISOString() } }],
  };
}

/** Conditions that together find those last seen since a time, each of them once. */
export function seenSince(time: Date): Condition[] {
  return [time, time.toISOString()].map((value) => ({
    last_seen_at: { $gte: value },
    short_id: { $gt: "" },
  }));
}

function startOf(from: Stretch["from"]): Date {
  if (from === null) return DATES.$lte;
  return isPosition(from) ? new Date(from.lastSeenAt!) : from;
}

/** Whether a stretch begins with a place, and not at a time. */
export function isPosition(from: Stretch["from"]): from is Position {
  return from !== null && !(from instanceof Date);
}

/**
 * The order of a segment. By `_id` too: repeated short ids must come in one order, or counting those passed over
 * would mean nothing.
 */
export function orderOf({ dated }: Segment): Record<string, 1 | -1> {
  return dated ? { last_seen_at: -1, short_id: 1, _id: 1 } : { short_id: 1, _id: 1 };
}

/** What every document fulfils that matches, where the equality of an attribute tells; otherwise `null`. */
export function plainCondition(query: SearchQuery): Condition | null {
  return query.map(plainPart).find((condition) => condition !== null) ?? null;
}

function plainPart(part: SearchPart): Condition | null {
  switch (part.kind) {
    case "unique_id":
      return { unique_id: { $in: writtenForms(part.value) } };
    case "code":
      return { $or: [{ lookup_code: { $in: writtenForms(part.digits) } }, { short_id: part.digits }] };
    case "integration_id":
      return { integration_ids: { $in: writtenForms(part.value) } };
    default:
      return null;
  }
}

/** The values that are sent as this text: the text, and the number or boolean that reads so. */
export function writtenForms(value: string): unknown[] {
  const forms: unknown[] = [value];
  if (value === "true" || value === "false") forms.push(value === "true");
  if (value !== "" && String(Number(value)) === value) forms.push(Number(value));
  else if (/^-?[1-9]\d{15,18}$/.test(value)) forms.push(BigInt(value));
  return forms;
}

/** Keys that are looked up together: a further one leaves hardly anybody out. */
const MAX_KEYS = 4;

/** Where one key leaves so few, no other is looked up. */
const FEW = 200;

/** What tells how rare a key is. */
export interface Rarity {
  /** The share of visitors that have it, from 0 to 1. */
  rarity(key: string): number;
  /** The share of those whom so few have that it is not known how few. */
  unknown: number;
  /** How many visitors there are in all, about. */
  total: number;
}

/** What finds documents with search fields by an index. */
export interface KeyCondition {
  condition: Condition;
  /** The share of all visitors that the index then gives, from 0 to 1. */
  share: number;
  /** Whether they are as few as can be: nobody known has any of the keys. */
  isRare: boolean;
}

/**
 * What finds documents with search fields by an index; `null` where no index helps. Each matching visitor fulfils it,
 * unless it matches by its page or short id.
 */
export function keyCondition(query: SearchQuery, sample: Rarity): KeyCondition | null {
  const texts = query.filter((part) => part.kind === "text");
  const keys = [
    ...query.map(exactKey).filter((key) => key !== null),
    ...texts.filter(({ typos }) => !typos).flatMap(({ text }) => gramKeys(text)),
  ];
  if (keys.length > 0) return allKeys(keys, sample);
  const ways = texts.map((part) => part.typos ? anyTypo(part, sample) : beginning(part, sample));
  return ways.length === 0 ? null : ways.reduce((rarest, way) => way.share < rarest.share ? way : rarest);
}

function gramKeys(text: string): string[] {
  return grams(text, LONG_GRAM).map(gramKey);
}

function rarestFirst(keys: string[], sample: Rarity): string[] {
  return [...new Set(keys)].sort((a, b) => sample.rarity(a) - sample.rarity(b));
}

/** The rarest one first, since not every engine looks for it. */
function allKeys(keys: string[], sample: Rarity): KeyCondition {
  const [rarest, ...others] = rarestFirst(keys, sample);
  const share = sample.rarity(rarest);
  const condition = share * sample.total <= FEW
    ? rarest
    : { $all: [rarest, ...others.slice(0, MAX_KEYS - 1)] };
  return { condition: { "foyer.keys": condition }, share, isRare: share <= sample.unknown };
}

/** The word as it was typed may be a part of another word, which its grams find. */
function anyTypo({ text }: TextPart, sample: Rarity): KeyCondition {
  const keys = [rarestFirst(gramKeys(text), sample)[0], ...deletions(text).map(typoKey)];
  const shares = keys.map((key) => sample.rarity(key));
  return {
    condition: { "foyer.keys": { $in: keys } },
    share: shares.reduce((sum, share) => sum + share, 0),
    isRare: shares.every((share) => share <= sample.unknown),
  };
}

/** A text shorter than a gram is in whatever begins with it; in one key, or MongoDB could not use both bounds. */
function beginning({ text }: TextPart, sample: Rarity): KeyCondition {
  const key = gramKey(text);
  const share = sample.rarity(key);
  return {
    condition: {
      "foyer.keys": { $elemMatch: { $gte: key, $lt: key + "\u{10ffff}".repeat(LONG_GRAM) } },
    },
    share,
    isRare: share <= sample.unknown,
  };
}

/**
 * What leaves out documents that have search fields without an exact key of a query, so that a walk need not read
 * them; `null` where no exact key tells. In a form by which no engine would look up an index and leave the order.
 */
export function withExactKeys(query: SearchQuery): Condition | null {
  // Of lookup codes documents have no keys.
  const keys = query.filter(({ kind }) => kind !== "code").map(exactKey).filter((key) => key !== null);
  if (keys.length === 0) return null;
  return { $nor: keys.map((key) => ({ "foyer.v": SEARCH_VERSION, "foyer.keys": { $ne: key } })) };
}
