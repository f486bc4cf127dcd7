/**
 * A search as MongoDB's conditions. They only narrow down which documents are read; whether a visitor matches is
 * told by {@link matches}.
 *
 * @module
 */
import { exactKey, SUFFIX } from "../../search/index_keys.ts";
import { grams } from "../../search/normalise.ts";
import type { SearchPart, SearchQuery, TextPart } from "../../search/parse.ts";
import { deletions } from "../../search/typo.ts";
import { DATES, IS_FOREIGN, textKey, typoKey } from "./document.ts";
import type { Position } from "../../visitor/list_order.ts";

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
  if (online && !isChecked) {
    if (!isPosition(from)) return { is_online: true, last_seen_at: bound };
    if (until >= endOfMoment(from)) {
      return { is_online: true, last_seen_at: bound.$lte, short_id: { $gte: from.shortId } };
    }
  }
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

/**
 * The documents of a segment without dates, from a place on.
 *
 * @param isChecked as for {@link inDated}; an array of dates is found by checks alone
 */
export function inUndated(online: boolean, from: Position | null, isChecked: boolean): Condition {
  const short_id = from === null ? { $gt: "" } : { $gte: from.shortId };
  if (online && !isChecked) return { is_online: true, last_seen_at: { $not: DATES }, short_id };
  return {
    ...(online ? { is_online: true } : {}),
    short_id,
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

/** The end of a stretch that has those seen at the same moment as a place, and nobody else. */
export function endOfMoment({ lastSeenAt }: Position): Date {
  return new Date(lastSeenAt! - 1);
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

/** Values of attributes, by their names. */
export type Values = Record<string, unknown[]>;

/**
 * The values of which every document that matches a part has one, where attributes are told apart by their value;
 * otherwise `null`.
 */
export function plainValues(part: SearchPart): Values | null {
  switch (part.kind) {
    case "unique_id":
      return { unique_id: writtenForms(part.value) };
    case "code":
      return { lookup_code: writtenForms(part.digits), short_id: [part.digits] };
    case "integration_id":
      return { integration_ids: writtenForms(part.value) };
    default:
      return null;
  }
}

/** The documents that have one of these values. */
export function withValues(values: Values): Condition {
  const conditions = Object.entries(values).map(([name, values]) => ({ [name]: { $in: values } }));
  return conditions.length === 1 ? conditions[0] : { $or: conditions };
}

/** The values that are sent as this text: the text, and the number or boolean that reads so. */
export function writtenForms(value: string): unknown[] {
  const forms: unknown[] = [value];
  if (value === "true" || value === "false") forms.push(value === "true");
  if (value !== "" && String(Number(value)) === value) forms.push(Number(value));
  else if (/^-?[1-9]\d{15,18}$/.test(value)) forms.push(BigInt(value));
  return forms;
}

/** Conditions that are asked together: a further one leaves hardly anybody out. */
const MAX_CONDITIONS = 4;

/** Where one condition leaves so few, no other is asked. */
const FEW = 200;

/** What tells how rare something is. */
export interface Rarity {
  /** The share of visitors that have an exact key or a typo key, from 0 to 1. */
  shareOfKey(key: string): number;
  /** The share of visitors in whose search text this is. */
  shareOfText(text: string): number;
  /** The share of those whom so few have that it is not known how few. */
  unknown: number;
  /** How many visitors there are in all, about. */
  total: number;
}

/** What keys are looked for with. */
export interface Known {
  sample: Rarity;
  /** Whether the engine's planner is a simple one, see `isSimplePlanner`. */
  isSimple: boolean;
}

/** What finds documents with search fields by an index. */
export interface KeyCondition {
  condition: Condition;
  /** The share of all visitors that the index then gives, from 0 to 1. */
  share: number;
  /** Whether they are as few as can be: nobody known has any of the keys. */
  isRare: boolean;
  /** The exact key that they have, where that is all. */
  key: string | null;
}

/**
 * What finds documents with search fields by an index; `null` where no index helps. Each matching visitor fulfils it,
 * unless it matches by its page or short id.
 */
export function keyCondition(query: SearchQuery, known: Known): KeyCondition | null {
  const ways = query.flatMap((part) => waysOf(part, known)).sort((a, b) => a.share - b.share);
  if (ways.length === 0) return null;
  const [rarest] = ways;
  // For several a simple planner would use no index at all.
  if (known.isSimple || rarest.isRare || rarest.share * known.sample.total <= FEW) return rarest;
  // The rarest one first, since not every engine looks for it.
  const conditions = ways.slice(0, MAX_CONDITIONS).map(({ condition }) => condition);
  return conditions.length === 1 ? rarest : { ...rarest, condition: { $and: conditions }, key: null };
}

/** Conditions each of which all who match a part by its keys fulfil. */
function waysOf(part: SearchPart, known: Known): KeyCondition[] {
  const { sample } = known;
  const key = exactKey(part);
  if (key !== null) return [{ ...wayOf(hasKey(key), sample.shareOfKey(key), sample), key }];
  if (part.kind !== "text") return [];
  if (part.typos) return [anyTypo(part, known)];
  return waysOfText(part, known);
}

function waysOfText({ text }: TextPart, { sample, isSimple }: Known): KeyCondition[] {
  const parts = grams(text, SUFFIX);
  // A text shorter than a suffix begins those of whoever has it.
  if (parts.length === 0) return [wayOf(keyRange(text, isSimple), sample.shareOfText(text), sample)];
  return parts.map((part) => wayOf(hasKey(textKey(part)), sample.shareOfText(part), sample));
}

function wayOf(condition: Condition, share: number, sample: Rarity): KeyCondition {
  return { condition, share, isRare: share <= sample.unknown, key: null };
}

function hasKey(key: string): Condition {
  return { "foyer.keys": key };
}

/**
 * The documents with a key that begins with a text.
 *
 * @param isSimple whether the engine's planner is a simple one. MongoDB could not use both bounds if they need not be
 * fulfilled by one key; others use neither if they must.
 */
export function keyRange(text: string, isSimple: boolean): Condition {
  const key = textKey(text);
  const bounds = { $gte: key, $lt: key + "\u{10ffff}".repeat(SUFFIX) };
  return { "foyer.keys": isSimple ? bounds : { $elemMatch: bounds } };
}

/** Who has a word one typo away, or has the word as a part of another one. */
function anyTypo(part: TextPart, known: Known): KeyCondition {
  const { sample } = known;
  const keys = deletions(part.text).map(typoKey);
  const [asTyped] = waysOfText(part, known).sort((a, b) => a.share - b.share);
  const shares = [asTyped.share, ...keys.map((key) => sample.shareOfKey(key))];
  return {
    condition: { $or: [asTyped.condition, { "foyer.keys": { $in: keys } }] },
    share: shares.reduce((sum, share) => sum + share, 0),
    isRare: shares.every((share) => share <= sample.unknown),
    key: null,
  };
}

/**
 * What documents fulfil that have the exact keys of a query, or no search fields, so that a walk need not read the
 * others; nothing where no exact key tells.
 */
export function withExactKeys(query: SearchQuery): Condition[] {
  // Of lookup codes documents have no keys.
  const keys = query.filter(({ kind }) => kind !== "code").map(exactKey).filter((key) => key !== null);
  return keys.map((key) => ({ $or: [{ "foyer.keys": key }, IS_FOREIGN] }));
}

/** The documents that fulfil a condition and others, which no index need serve. */
export function checked(condition: Condition, others: Condition[]): Condition {
  return others.length === 0
    ? condition
    : { ...condition, $and: [...(condition.$and as Condition[] | undefined ?? []), ...others] };
}
