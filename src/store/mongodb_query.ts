/**
 * A search as MongoDB's conditions. They only narrow down which documents are read; whether a visitor matches is
 * told by {@link matches}.
 *
 * @module
 */
import { exactKey } from "../search/keys.ts";
import { trigrams } from "../search/normalise.ts";
import type { SearchPart, SearchQuery, TextPart } from "../search/parse.ts";
import { deletions } from "../search/typo.ts";
import { DATES, gramKey, typoKey } from "./mongodb_document.ts";
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
  /** The place with which it begins, or the time before which. */
  from: Position | Date | null;
  /** The time with which it ends. */
  until: Date;
}

/** MongoDB compares an array by what it holds, so one may be found again behind its place. */
const NO_ARRAY = { $not: { $type: "array" } };

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
 * The documents of a stretch of a segment. An array is no date and no boolean, though MongoDB finds it by what it
 * holds: such documents are asked for in the segment to which they belong.
 */
export function inSegment({ online, dated }: Segment, { from, until }: Stretch): Condition {
  // What is no visitor, too, would come back out of its turn.
  const visitor = { short_id: { $type: "string", $ne: "", ...NO_ARRAY } };
  const offline = { $or: [{ is_online: { $ne: true } }, { is_online: { $type: "array" } }] };
  const [onlineBound, onlineCheck] = online ? [{ is_online: true }, { is_online: NO_ARRAY }] : [{}, offline];
  if (!dated) {
    const begin = isPosition(from) ? { $gte: from.shortId } : { $gt: "" };
    const undated = { $or: [{ last_seen_at: { $not: DATES } }, { last_seen_at: { $type: "array" } }] };
    return { ...onlineBound, short_id: begin, $and: [visitor, onlineCheck, undated] };
  }
  const bound = { $gte: until, ...endOf(from) };
  const check = { ...visitor, last_seen_at: NO_ARRAY, ...onlineCheck };
  return {
    ...onlineBound,
    last_seen_at: bound,
    $and: [
      // In an $or of one, which to MongoDB is no $or at all; an engine of a simpler mind (SecantusDB's Rust server)
      // would otherwise leave the index that is in this order for the sake of what is checked here.
      { $or: [check] },
      // The bound is an index's; this tells apart those seen at the same moment.
      ...(isPosition(from)
        ? [{ $or: [{ last_seen_at: { $lt: bound.$lte } }, { short_id: { $gte: from.shortId } }] }]
        : []),
    ],
  };
}

function endOf(from: Stretch["from"]): { $lte?: Date; $lt?: Date } {
  if (from === null) return { $lte: DATES.$lte };
  return isPosition(from) ? { $lte: new Date(from.lastSeenAt!) } : { $lt: from };
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

/** What every document fulfils that matches, where the equality of attributes tells; otherwise `null`. */
export function plainCondition(query: SearchQuery): Condition | null {
  const plain = query.map(plainPart).filter((condition) => condition !== null);
  return plain.length === 0 ? null : { $and: plain };
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
function writtenForms(value: string): unknown[] {
  const forms: unknown[] = [value];
  if (value === "true" || value === "false") forms.push(value === "true");
  if (value !== "" && String(Number(value)) === value) forms.push(Number(value));
  else if (/^-?[1-9]\d{15,18}$/.test(value)) forms.push(BigInt(value));
  return forms;
}

/** Keys that are looked up together: a further one leaves hardly anybody out. */
const MAX_KEYS = 4;

/** What tells how rare a key is: the share of visitors that have it, from 0 to 1. */
export type Rarity = (key: string) => number;

/**
 * What finds documents with search fields by an index, and the share of all that the index then gives; `null` where
 * no index helps. Each matching visitor fulfils one of the conditions, unless it does so by its page or short id.
 */
export function keyConditions(
  query: SearchQuery,
  rarity: Rarity,
): { conditions: Condition[]; share: number } | null {
  const texts = query.filter((part) => part.kind === "text");
  const keys = [
    ...query.map(exactKey).filter((key) => key !== null),
    ...texts.filter(({ typos }) => !typos).flatMap(({ text }) => trigrams(text).map(gramKey)),
  ];
  if (keys.length > 0) return allKeys(keys, rarity);
  const ways = texts.map((part) => part.typos ? waysOfTypo(part, rarity) : beginning(part, rarity));
  return ways.length === 0 ? null : ways.reduce((rarest, way) => way.share < rarest.share ? way : rarest);
}

/** The rarest one first, since not every engine looks for it. */
function allKeys(keys: string[], rarity: Rarity) {
  const rarest = [...new Set(keys)].sort((a, b) => rarity(a) - rarity(b)).slice(0, MAX_KEYS);
  return { conditions: [{ "foyer.keys": { $all: rarest } }], share: rarity(rarest[0]) };
}

function waysOfTypo({ text }: TextPart, rarity: Rarity) {
  const asTyped = allKeys(trigrams(text).map(gramKey), rarity);
  const typos = deletions(text).map(typoKey);
  return {
    conditions: [...asTyped.conditions, { "foyer.keys": { $in: typos } }],
    share: asTyped.share + typos.reduce((sum, key) => sum + rarity(key), 0),
  };
}

/** One or two characters are in whatever begins with them; in one key, or MongoDB could not use both bounds. */
function beginning({ text }: TextPart, rarity: Rarity) {
  const key = gramKey(text);
  return {
    conditions: [{ "foyer.keys": { $elemMatch: { $gte: key, $lt: key + "\u{10ffff}" } } }],
    share: rarity(key),
  };
}
