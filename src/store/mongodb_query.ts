/**
 * A search as MongoDB's conditions. They only narrow down which documents are read; whether a visitor matches is
 * told by {@link matches}.
 *
 * @module
 */
import { exactKey } from "../search/keys.ts";
import { trigrams } from "../search/normalise.ts";
import type { SearchPart, SearchQuery } from "../search/parse.ts";
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

/** Some of the documents, among which all or some of the matching visitors are. No two sources share any. */
export interface Source {
  condition: Condition;
  /** Only visitors who are online, or only those who are not. */
  online?: boolean;
  /** Only documents with search fields, or only foreign ones. */
  isKeyed?: boolean;
  /** Whether few documents may fulfil the condition. */
  isNarrow: boolean;
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

/** The segments from the position on in which a source has visitors that may match. */
export function segmentsOf({ online }: Source, query: SearchQuery, after: Position | null): Segment[] {
  const start = after === null ? 0 : SEGMENTS.findIndex((segment) => isInSegment(after, segment));
  return SEGMENTS.slice(start).filter((segment) =>
    (online === undefined || segment.online === online) &&
    query.every((part) =>
      part.kind === "online" ? part.online === segment.online : part.kind !== "url" || segment.online
    )
  );
}

/**
 * The documents of a segment from a position on, that position included. An array is no date and no boolean,
 * though MongoDB finds it by what it holds: such documents are asked for in the segment to which they belong.
 */
export function inSegment(
  condition: Condition,
  { online, dated }: Segment,
  from: Position | null,
): Condition {
  const either: Condition[] = [];
  const filter: Condition = { ...condition };
  if (online) filter.is_online = { $eq: true, ...NO_ARRAY };
  else either.push({ $or: [{ is_online: { $ne: true } }, { is_online: { $type: "array" } }] });
  // What is no visitor, too, would come back out of its turn. Not as a range, for which an engine may take the
  // index of short ids instead of the one in this order.
  if (dated) either.push({ short_id: { $type: "string", $ne: "", ...NO_ARRAY } });
  if (!dated) {
    filter.short_id = { ...(from === null ? { $gt: "" } : { $gte: from.shortId }), ...NO_ARRAY };
    either.push({ $or: [{ last_seen_at: { $not: DATES } }, { last_seen_at: { $type: "array" } }] });
  } else if (from === null) {
    filter.last_seen_at = { ...DATES, ...NO_ARRAY };
  } else {
    const at = new Date(from.lastSeenAt!);
    // The first condition bounds an index scan, the second one tells apart those seen at the same moment.
    filter.last_seen_at = { $gte: DATES.$gte, $lte: at, ...NO_ARRAY };
    either.push({ $or: [{ last_seen_at: { $lt: at } }, { short_id: { $gte: from.shortId } }] });
  }
  return either.length === 0
    ? filter
    : { ...filter, $and: [...(condition.$and as Condition[] ?? []), ...either] };
}

/**
 * Where the visitors are that a query may match. A part that one of the plain attributes answers finds everybody
 * by its index. Other parts are looked up by the keys of documents that have search fields, while those of
 * foreign documents are read. Visitors online now may match by `last_url`, which has no keys, so that a page view
 * does not rewrite them.
 */
export function sourcesOf(query: SearchQuery): Source[] {
  const plain = query.map(plainCondition).filter((condition) => condition !== null);
  if (plain.length > 0) return [{ condition: { $and: plain }, isNarrow: true }];
  const exact = query.map(exactKey).filter((key) => key !== null);
  const texts = query.filter((part) => part.kind === "text").filter(({ text }) =>
    trigrams(text).map(gramKey).length > 0
  );
  const byExact = exact.map((key) => ({ "foyer.keys": key }));
  const byText = texts.map(({ text, shortId, typos }) => ({
    $or: [
      { "foyer.keys": { $all: trigrams(text).map(gramKey) } },
      ...(typos ? [{ "foyer.keys": { $in: deletions(text).map(typoKey) } }] : []),
      { short_id: shortId },
    ],
  }));
  if (byExact.length + byText.length === 0) return [{ condition: {}, isNarrow: false }];
  const everything: Source = { condition: { $and: [...byExact, ...byText] }, isKeyed: true, isNarrow: true };
  const foreign: Source = { condition: { "foyer.v": null }, isKeyed: false, isNarrow: true };
  if (!texts.some(({ inUrl }) => inUrl)) return [everything, foreign];
  if (byExact.length > 0) {
    return [
      { ...everything, online: false },
      { condition: { $and: byExact }, isKeyed: true, online: true, isNarrow: true },
      foreign,
    ];
  }
  return [
    { ...everything, online: false },
    { condition: {}, online: true, isNarrow: false },
    { ...foreign, online: false },
  ];
}

/** What every document fulfils that matches a part, where equality of an attribute tells; otherwise `null`. */
function plainCondition(part: SearchPart): Condition | null {
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

/**
 * The order of a segment. By `_id` too: repeated short ids must come in one order, or counting those passed over
 * would mean nothing.
 */
export function orderOf({ dated }: Segment): Record<string, 1 | -1> {
  return dated ? { last_seen_at: -1, short_id: 1, _id: 1 } : { short_id: 1, _id: 1 };
}

/** The values that are sent as this text: the text, and the number or boolean that reads so. */
function writtenForms(value: string): unknown[] {
  const forms: unknown[] = [value];
  if (value === "true" || value === "false") forms.push(value === "true");
  if (value !== "" && String(Number(value)) === value) forms.push(Number(value));
  else if (/^-?[1-9]\d{15,18}$/.test(value)) forms.push(BigInt(value));
  return forms;
}
