/**
 * A search as MongoDB's conditions. They narrow down which documents are read; `matches` decides.
 *
 * @module
 */
import { exactKey, SUFFIX } from "../../search/index_keys.ts";
import { foldText, grams } from "../../search/normalise.ts";
import type { SearchPart, SearchQuery, TextPart } from "../../search/parse.ts";
import { deletions, hasTypo } from "../../search/typo.ts";
import { DATES, lastUrlOf } from "./document.ts";
import type { Condition } from "./driver.ts";
import { textKey, typoKey } from "./search_fields.ts";

/** Documents of visitors online, and of those offline as their `is_online` is false or missing. */
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

/** Fulfils all conditions, without operators where their fields differ. */
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

/** Fulfils one of the conditions. */
export function any(...conditions: Condition[]): Condition {
  return conditions.length === 1 ? conditions[0] : { $or: conditions };
}

/** Whether visitors online, or those offline, may match. */
export function mayMatch(query: SearchQuery, online: boolean): boolean {
  return query.every((part) =>
    part.kind === "online" ? part.online === online : part.kind !== "url" || online
  );
}

/** Whether the URLs of visitors online must be known to look for a query. */
export function needsUrls(query: SearchQuery): boolean {
  return query.some((part) => part.kind === "url" || part.kind === "text" && part.inUrl) &&
    mayMatch(query, true);
}

/** What documents fulfil that match a query. */
export interface QueryConditions {
  /** By attributes. */
  attributes: Condition[];
  /** By search fields; documents without these may match all the same. */
  searchFields: Condition[];
}

/**
 * The conditions of a query.
 *
 * @param urls the values of `last_url` of visitors online, where {@link needsUrls}
 */
export function conditionsOf(query: SearchQuery, urls: unknown[]): QueryConditions {
  const conditions: QueryConditions = { attributes: [], searchFields: [] };
  const folded = urls.map((url) => ({ url, text: foldText(lastUrlOf(url)) }));
  const urlsWhere = (test: (text: string) => boolean) =>
    folded.filter(({ text }) => test(text)).map(({ url }) => url);
  for (const part of query) {
    switch (part.kind) {
      case "online":
      case "nobody":
        break;
      case "unique_id":
        conditions.attributes.push(hasValue("unique_id", part.value));
        break;
      case "integration_id":
        conditions.attributes.push(hasValue("integration_ids", part.value));
        break;
      case "code":
        conditions.attributes.push(any(hasValue("lookup_code", part.digits), { short_id: part.digits }));
        break;
      case "url":
        conditions.attributes.push(onUrls(urlsWhere((text) => text.includes(part.text))));
        break;
      case "tag":
        conditions.searchFields.push({ "foyer.tags": exactKey(part) });
        break;
      case "ip":
      case "email":
        conditions.searchFields.push(hasKey(exactKey(part)!));
        break;
      case "text": {
        const onUrl = urlsWhere((text) =>
          text.includes(part.text) || part.typos === true && hasTypo(text, part.text)
        );
        conditions.searchFields.push(any(
          ...withText(part),
          ...(onUrl.length === 0 ? [] : [onUrls(onUrl)]),
          { short_id: part.shortId },
        ));
      }
    }
  }
  return conditions;
}

/** Whether a query asks for tags alone, beside `online` and `-online`: then their index is in list order. */
export function isOfOneTag(query: SearchQuery): boolean {
  const others = query.filter(({ kind }) => kind !== "online");
  return others.length === 1 && others[0].kind === "tag";
}

/** Whether a part is an exact value that few visitors have. */
export function isExact(part: SearchPart): boolean {
  return !["online", "text", "tag", "url", "nobody"].includes(part.kind);
}

/** The values that are sent as this text: the text, and the number or boolean that reads so. */
export function writtenForms(value: string): unknown[] {
  const forms: unknown[] = [value];
  if (value === "true" || value === "false") forms.push(value === "true");
  if (value !== "" && String(Number(value)) === value) forms.push(Number(value));
  else if (/^-?[1-9]\d{15,18}$/.test(value)) forms.push(BigInt(value));
  return forms;
}

function hasValue(name: string, value: string): Condition {
  return { [name]: { $in: writtenForms(value) } };
}

function onUrls(urls: unknown[]): Condition {
  return { is_online: true, last_url: { $in: urls } };
}

function hasKey(key: string): Condition {
  return { "foyer.keys": key };
}

/** The documents that have a text, or also a word one typo away. */
function withText({ text, typos }: TextPart): Condition[] {
  const pieces = grams(text, SUFFIX);
  // A long text by pieces that are all of it together; every visitor who has it has each of them.
  const keys = pieces.filter((_, i) => i % SUFFIX === 0 || i === pieces.length - 1).map(textKey);
  const asTyped = keys.length === 0
    ? withPrefix(textKey(text))
    : keys.length === 1
    ? hasKey(keys[0])
    : { "foyer.keys": { $all: keys } };
  return typos ? [asTyped, { "foyer.keys": { $in: deletions(text).map(typoKey) } }] : [asTyped];
}

/**
 * The documents with an index key that begins so. By `$elemMatch`, since otherwise each bound may be fulfilled by
 * another key, and MongoDB would use one of them alone.
 */
function withPrefix(key: string): Condition {
  return { "foyer.keys": { $elemMatch: { $gte: key, $lt: key + "\u{10ffff}".repeat(SUFFIX) } } };
}
