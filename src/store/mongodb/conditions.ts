/**
 * Translates a search query into MongoDB's conditions. They narrow down which documents are read; `matches` decides.
 *
 * @module
 */
import { exactKey, searchTextOfUrl, SUFFIX } from "../../search/index_keys.ts";
import { grams } from "../../search/normalise.ts";
import { operatorOf, type ValuePart } from "../../search/operators.ts";
import type { SearchQuery, TextPart } from "../../search/parse.ts";
import { deletions, hasTypo } from "../../search/typo.ts";
import { DATES, lastUrlOf } from "./document.ts";
import { binaryForms, type Condition } from "./driver.ts";
import { textKey, typoKey } from "./search_fields.ts";

/** Documents of visitors online, and of visitors offline whose `is_online` is false, null or missing. */
export const ONLINE: Condition = { is_online: true };
export const OFFLINE: Condition = { is_online: { $in: [false, null] } };

/**
 * Documents whose `is_online` is neither a boolean nor missing, which count as offline. An array is found by its first
 * item, by a sparse index, since `$type: "array"` would read every document.
 */
export const ODD: Condition = {
  $or: [{ is_online: { $nin: [true, false, null] } }, { "is_online.0": { $exists: true } }],
};

/** Documents without a non-empty string `short_id`, which are no visitors. */
export const NO_VISITOR: Condition = { short_id: { $not: { $gt: "" } } };

/** Documents whose `last_seen_at` is a date, and those where it is none; an array of dates is none. */
export const DATED: Condition = { last_seen_at: DATES };
export const UNDATED: Condition = {
  $or: [{ last_seen_at: { $not: DATES } }, { last_seen_at: { $type: "array" } }],
};

/** The list order of {@link DATED} documents that are online, or that are offline. */
export const LIST_ORDER: Record<string, 1 | -1> = { last_seen_at: -1, short_id: 1 };

/** The conjunction of conditions: merged into one object where their fields differ, `$and` otherwise. */
export function all(...conditions: Condition[]): Condition {
  const merged: Condition = {};
  const others: Condition[] = [];
  for (const condition of conditions) {
    if (Object.keys(condition).some((key) => key in merged)) others.push(condition);
    else Object.assign(merged, condition);
  }
  if (others.length === 0) return merged;
  return { ...merged, $and: [...(merged.$and as Condition[] | undefined ?? []), ...others] };
}

/** The disjunction of conditions. */
export function any(...conditions: Condition[]): Condition {
  return conditions.length === 1 ? conditions[0] : { $or: conditions };
}

/** Whether visitors that are online (or offline, with `online` false) may match a query. */
export function mayMatch(query: SearchQuery, online: boolean): boolean {
  return query.every((part) =>
    part.kind === "online" ? part.online === online : part.kind !== "url" || online
  );
}

/** Whether a query's conditions need the URLs of the visitors online. */
export function needsUrls(query: SearchQuery): boolean {
  return query.some((part) => part.kind === "url" || part.kind === "text" && part.inUrl) &&
    mayMatch(query, true);
}

/** The conditions of one part of a query: a document that matches the part fulfils `lookup` or one of `others`. */
export interface PartCondition {
  /** The condition that one index lookup answers. */
  lookup: Condition;
  /** Conditions for other indexes, of text alone: it is the short id, or it is contained in the URL of a visitor online. */
  others: Condition[];
  /** Whether `lookup` uses search fields, so that unindexed documents may match without fulfilling it. */
  needsSearchFields: boolean;
  /** An estimate of the selectivity: the larger, the fewer documents probably fulfil it. */
  rarity: number;
}

/** The condition of a part: `lookup` or any of `others`. */
export function anyOf({ lookup, others }: PartCondition): Condition {
  return any(lookup, ...others);
}

/**
 * The conditions of the parts of a query but `online` and `-online`.
 *
 * @param urls the distinct values of `last_url` of visitors online if {@link needsUrls}, otherwise empty
 */
export function conditionsOf(query: SearchQuery, urls: unknown[]): PartCondition[] {
  const folded = urls.map((url) => ({ url, text: searchTextOfUrl(lastUrlOf(url)) }));
  const onUrlsWhere = (test: (text: string) => boolean): Condition => ({
    is_online: true,
    last_url: { $in: folded.filter(({ text }) => test(text)).map(({ url }) => url) },
  });
  return query.flatMap((part): PartCondition[] => {
    const exact = { others: [], needsSearchFields: false, rarity: Infinity };
    switch (part.kind) {
      case "online":
      case "nobody":
        return [];
      case "value":
        return [{ ...exact, ...conditionOfValue(part) }];
      case "code":
        return [{ ...exact, lookup: any(isWritten("lookup_code", part.digits), { short_id: part.digits }) }];
      case "url":
        return [{ ...exact, lookup: onUrlsWhere((text) => text.includes(part.text)) }];
      case "text": {
        const { text, typos, shortId } = part;
        const onUrls = onUrlsWhere((url) => url.includes(text) || typos === true && hasTypo(url, text));
        const others = [{ short_id: shortId }, ...(isNone(onUrls) ? [] : [onUrls])];
        return [{ lookup: withText(part), others, needsSearchFields: true, rarity: text.length }];
      }
    }
  });
}

function isNone({ last_url }: Condition): boolean {
  return (last_url as { $in: unknown[] }).$in.length === 0;
}

function conditionOfValue(part: ValuePart): Partial<PartCondition> & Pick<PartCondition, "lookup"> {
  const { isLiteral, isCommon } = operatorOf(part.operator);
  if (isLiteral) {
    return { lookup: any(...part.attributes.map((name) => isWritten(name, part.value, part.typed))) };
  }
  const needsSearchFields = true;
  if (!isCommon) return { lookup: { "foyer.keys": exactKey(part) }, needsSearchFields };
  // As many visitors may have such a value as have a text of two or three characters.
  return { lookup: { "foyer.common": exactKey(part) }, needsSearchFields, rarity: 2.5 };
}

/** Whether a query is one common value, such as a tag, perhaps with `online` or `-online`: its index is in list order. */
export function isOfOneCommonValue(query: SearchQuery): boolean {
  const others = query.filter(({ kind }) => kind !== "online");
  return others.length === 1 && others[0].kind === "value" &&
    operatorOf(others[0].operator).isCommon === true;
}

/** The stored values that the API sends as this text: the text, and a number, boolean, ObjectId or UUID written so. */
export function writtenForms(value: string): unknown[] {
  const forms: unknown[] = [value];
  if (value === "true" || value === "false") forms.push(value === "true");
  if (value !== "" && String(Number(value)) === value) forms.push(Number(value));
  else if (/^-?[1-9]\d{15,18}$/.test(value)) forms.push(BigInt(value));
  return [...forms, ...binaryForms(value)];
}

/** The documents in which an attribute, or an item of it, is sent as one of these texts. */
function isWritten(name: string, ...values: (string | undefined)[]): Condition {
  return { [name]: { $in: values.flatMap((value) => value === undefined ? [] : writtenForms(value)) } };
}

/** The documents whose index keys have a text (or, with `typos`, a word one typo away from it). */
function withText({ text, typos }: TextPart): Condition {
  const key = textKey(text);
  const pieces = grams(text, SUFFIX).map(textKey);
  const words = typos ? deletions(text).map(typoKey) : [];
  if (pieces.length === 0) {
    // $elemMatch: without it two different keys might fulfil one bound each, so MongoDB would use one bound alone.
    const bounds = { $gte: key, $lt: key + "\u{10ffff}".repeat(SUFFIX) };
    const asTyped = { "foyer.keys": { $elemMatch: bounds } };
    return typos ? any(asTyped, { "foyer.keys": { $in: words } }) : asTyped;
  }
  if (typos) return { "foyer.keys": { $in: [pieces[0], ...words] } };
  // A long text: every visitor that has it has the index keys of all its pieces. These pieces cover the text.
  const keys = pieces.filter((_, i) => i % SUFFIX === 0 || i === pieces.length - 1);
  return { "foyer.keys": keys.length === 1 ? keys[0] : { $all: keys } };
}
