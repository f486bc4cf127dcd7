/**
 * The Visitor: each attribute is declared once, in {@link ATTRIBUTES}.
 *
 * To add an attribute, add a line there: the type, answers, import, export, both stores, the API's description and
 * `HIDDEN_ATTRIBUTES` are derived from it. The order there is the order in every answer.
 *
 * @module
 */
import { storedNumber } from "./exact_json.ts";
import { parseTime } from "./time.ts";
import { makeConsistent } from "./visitor_state.ts";
import { LINK } from "./watch_link.ts";

/** Receives the reason why a value cannot be used: a phrase to follow a colon, without any of the value's content. */
type Refuse = (reason: string) => void;

/** The declaration of an attribute. */
interface Attribute<T> {
  /**
   * Reads the attribute's value from a document's; a missing or unusable one becomes the attribute's empty value.
   *
   * @param refuse called with the reason if the value, or a part of it, is not used
   */
  read: (value: unknown, refuse?: Refuse) => T;
  /** `time` attributes are dates in a database and ISO 8601 text in answers. */
  kind: "text" | "time" | "list" | "flag" | "metadata";
  meaning: string;
  /** The value of a made-up visitor, for the API's description. */
  example: T;
}

type Text = Attribute<string | null>;

const text = (meaning: string, example: string | null): Text => ({
  read: readText,
  kind: "text",
  meaning,
  example,
});
const time = (meaning: string, example: string | null): Text => ({
  read: readTime,
  kind: "time",
  meaning,
  example,
});
const list = (meaning: string, example: string[]): Attribute<string[]> => ({
  read: readList,
  kind: "list",
  meaning,
  example,
});
const flag = (meaning: string, example: boolean, missing = false): Attribute<boolean> => ({
  read: (value, refuse) => {
    if (typeof value === "boolean") return value;
    refuseValue(value, refuse, "a boolean");
    return missing;
  },
  kind: "flag",
  meaning,
  example,
});

/**
 * The attributes of a visitor, in the order of every answer. The addresses of the example come from the ranges that RFC
 * 2606 and RFC 5737 reserve for examples, so that they reach nobody.
 */
export const ATTRIBUTES = {
  short_id: {
    read: (value, refuse) => typeof value === "string" ? wellFormed(value, refuse) : "",
    kind: "text",
    meaning: "identifies the visitor in this API",
    example: "aB3dE5fG7h",
  } as Attribute<string>,
  added_at: time("first seen", "2026-01-02T03:04:05.678Z"),
  api_key: text("the installation's public key", "public-example-key"),
  browser_name: text("e.g. Mobile Safari", "Mobile Safari"),
  call_name: text("call identification, for the agent's personal link", "Zoë Müller (DE)"),
  claimed_by: text("the agent who is taking care of it", "Grace"),
  device_name: text("e.g. iPhone", "iPhone"),
  device_type: text("desktop, console, mobile, tablet, smarttv, wearable or embedded", "mobile"),
  email: text("the visitor's e-mail address", "zoe.mueller@example.com"),
  identities: list("what the site says identifies the visitor: name, e-mail, company", [
    "Zoë Müller",
    "zoe.mueller@example.com",
    "Bäckerei Sonne",
  ]),
  integration: text("the live chat on the page last visited", "acmechat"),
  integration_ids: list("`system:value`, links to other systems' records", ["acmechat:1234"]),
  ip_address: text("last connected from", "192.0.2.17"),
  is_in_session: flag("being co-browsed now", false),
  is_online: flag("connected now", true),
  is_supported: flag("its browser can be co-browsed", true, true),
  is_waiting_for_call: flag("waiting for a call", true),
  js_configuration: flag("the page configured the SDK itself", false),
  last_seen_at: time("last seen", "2026-03-04T05:06:07.089Z"),
  last_url: text("the page last visited", "https://shop.example.com/pricing"),
  location_city: text("city", "Köln"),
  location_country: text("country code", "DE"),
  location_country_name: text("country", "Germany"),
  lookup_code: text("four digits that a visitor reads out over the phone", "4711"),
  metadata: {
    read: readMetadata,
    kind: "metadata",
    meaning: "flat: strings, numbers, booleans",
    example: { plan: "team", orders: 3, newsletter: true },
  } as Attribute<Record<string, string | number | boolean>>,
  name: text("name", "Zoë Müller"),
  nickname: text("nickname", "Zoë"),
  sdk: text("e.g. web 1.0.0", "web 1.0.0"),
  tags: list("`#customer`", ["#customer"]),
  unique_id: text("the site's own id for the person", "user-1042"),
  waiting_since: time("when it began to wait for a call", "2026-03-04T05:05:41.003Z"),
  watch_link: {
    read: readLink,
    kind: "text",
    meaning: "where an agent starts watching",
    example: "https://agents.example.com/watch/aB3dE5fG7h",
  } as Text,
} satisfies Record<string, Attribute<unknown>>;

/** The name of an attribute, such as `last_url`. */
export type AttributeName = keyof typeof ATTRIBUTES;

/**
 * A visitor, with exactly the attributes of {@link ATTRIBUTES}; times are ISO 8601 in UTC with milliseconds. Attributes
 * that depend on each other are consistent, see `visitor_state.ts`.
 */
export type Visitor = { [Name in AttributeName]: ReturnType<(typeof ATTRIBUTES)[Name]["read"]> };

/** A change of a visitor: the attributes that are set, each as a whole. */
export type VisitorChange = Partial<Omit<Visitor, "short_id">>;

/** All attribute names, in the order of every answer. */
export const ATTRIBUTE_NAMES = Object.keys(ATTRIBUTES) as AttributeName[];

/**
 * Reads a visitor from a document that any software may have written. A value that is missing or of a wrong type becomes
 * `null`, `[]` or `false`; fields that are no attributes are dropped. A value is accepted if it can only mean one thing:
 *
 * | attribute | accepted values |
 * | --- | --- |
 * | text | text; a number, boolean, BSON ObjectId or UUID as text |
 * | time | a date, ISO 8601 text, or text such as `Sat, 28 Nov 2026 10:00:00 GMT`; not a number, whose unit is unknown |
 * | list | an array; its items are read as text, and dropped if that fails |
 * | boolean | `true` and `false` alone: not `1`, `"true"` or `"yes"` |
 * | metadata | an object of texts, finite numbers and booleans, or its pairs `{k, v}`; other values in it are dropped |
 * | `watch_link` | an http or https URL |
 * | `is_waiting_for_call` | `true` only where `is_in_session` is not: a session ends the wait |
 * | `waiting_since` | a time, where `is_waiting_for_call` is `true` |
 * | `claimed_by` | text, where `is_online` is `true` |
 *
 * @param onUnusable called at least once for each attribute whose value is not accepted as a whole, with the reason
 * @returns the visitor; `null` if the document is none, since it has no non-empty string `short_id`
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const visitor = readVisitor({ short_id: "aB3", unique_id: 42, tags: "#vip", shoe_size: 38 });
 * assert.equal(visitor?.unique_id, "42");
 * assert.deepEqual(visitor?.tags, []);
 * assert.equal(readVisitor({ name: "Ada" }), null);
 * ```
 */
export function readVisitor(
  document: Record<string, unknown>,
  onUnusable?: (name: AttributeName, reason: string) => void,
): Visitor | null {
  if (typeof document.short_id !== "string" || document.short_id === "") return null;
  const visitor: Record<string, unknown> = {};
  for (const name of ATTRIBUTE_NAMES) {
    const value = document[name];
    const refuse = onUnusable && value !== undefined && value !== null
      ? (reason: string) => onUnusable(name, reason)
      : undefined;
    visitor[name] = ATTRIBUTES[name].read(value, refuse);
  }
  return makeConsistent(visitor as Visitor, onUnusable);
}

/**
 * A visitor as the fields of a database document: times are dates, and attributes that are `null` are left out.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const visitor = readVisitor({ short_id: "aB3", added_at: "2026-01-02T03:04:05.678Z" })!;
 * assert.deepEqual(toDocument(visitor).added_at, new Date("2026-01-02T03:04:05.678Z"));
 * assert.equal("name" in toDocument(visitor), false);
 * ```
 */
export function toDocument(visitor: Visitor): Record<string, unknown> {
  const document: Record<string, unknown> = {};
  for (const name of ATTRIBUTE_NAMES) {
    const value = visitor[name];
    if (value === null) continue;
    document[name] = ATTRIBUTES[name].kind === "time" ? new Date(value as string) : value;
  }
  return document;
}

/** Reports that a value is present and of a wrong type. */
function refuseValue(value: unknown, refuse: Refuse | undefined, expected: string) {
  if (refuse !== undefined && value !== undefined && value !== null) {
    refuse(`${typeName(value)} where ${expected} belongs`);
  }
}

/** The type of a value, in words. */
function typeName(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a time";
  switch (typeof value) {
    case "string":
      return "text";
    case "bigint":
      return "a number";
    case "number":
    case "boolean":
      return `a ${typeof value}`;
    default:
      return "an object";
  }
}

/** Text without lone surrogates, which have no UTF-8 form: every store would change them, each in its own way. */
function wellFormed(text: string, refuse?: Refuse): string {
  if (refuse !== undefined && !text.isWellFormed()) refuse("text with a lone surrogate, which became U+FFFD");
  return text.toWellFormed();
}

/** Reads text. A number or boolean becomes text, since other software stores ids as numbers. */
function readText(value: unknown, refuse?: Refuse): string | null {
  switch (typeof value) {
    case "string":
      return wellFormed(value, refuse);
    case "number":
      if (!Number.isFinite(value)) break;
      return String(value);
    case "bigint":
    case "boolean":
      return String(value);
  }
  if (typeof value === "number") refuse?.("a number that is not finite");
  else refuseValue(value, refuse, "text");
  return null;
}

function readList(value: unknown, refuse?: Refuse): string[] {
  if (!Array.isArray(value)) {
    refuseValue(value, refuse, "a list");
    return [];
  }
  return value.map((item) => readText(item, refuse && ((reason) => refuse(`an item is ${reason}`))))
    .filter((item) => item !== null);
}

function readLink(value: unknown, refuse?: Refuse): string | null {
  const text = readText(value, refuse);
  if (text === null || LINK.test(text)) return text;
  refuse?.("text that is no http or https URL");
  return null;
}

/** Reads a time: a date, or unambiguous text. A number is not accepted, since its unit is unknown. */
function readTime(value: unknown, refuse?: Refuse): string | null {
  const date = value instanceof Date ? value : typeof value === "string" ? parseTime(value) : null;
  if (date !== null && !Number.isNaN(date.getTime())) return date.toISOString();
  if (refuse === undefined) return null;
  if (typeof value === "number" || typeof value === "bigint") refuse("a number, its unit is unknown");
  else if (typeof value === "string" && /^-?\d{9,}(\.\d+)?$/.test(value)) {
    refuse("a number as text, its unit is unknown");
  } else if (typeof value === "string") refuse("text that is no time, or an ambiguous one");
  else if (value instanceof Date) refuse("an invalid date");
  else refuseValue(value, refuse, "a time");
  return null;
}

/**
 * The keys and values of an object, or of an array of pairs `{k, v}`: the form of MongoDB's `$objectToArray`, in which
 * metadata is stored if MongoDB does not accept its keys. `null` for other values.
 */
function pairsOf(value: unknown): [string, unknown][] | null {
  if (typeof value !== "object" || value === null || value instanceof Date) return null;
  if (!Array.isArray(value)) return Object.entries(value);
  const isPair = (pair: unknown): pair is { k: string; v: unknown } =>
    typeof pair === "object" && pair !== null && typeof (pair as { k?: unknown }).k === "string" &&
    "v" in pair;
  return value.every(isPair) ? value.map(({ k, v }) => [k, v]) : null;
}

function readMetadata(value: unknown, refuse?: Refuse): Record<string, string | number | boolean> {
  const pairs = pairsOf(value);
  if (pairs === null) {
    refuseValue(value, refuse, "an object");
    return {};
  }
  const entries: [string, string | number | boolean][] = [];
  for (const [key, item] of pairs) {
    const name = wellFormed(key, refuse);
    if (typeof item === "string") entries.push([name, wellFormed(item, refuse)]);
    else if (typeof item === "boolean") entries.push([name, item]);
    else if (typeof item === "bigint" || typeof item === "number" && Number.isFinite(item)) {
      entries.push([name, storedNumber(item)]);
    } else if (typeof item === "number") refuse?.("a value in it is a number that is not finite");
    else if (item !== null && item !== undefined) refuse?.(`a value in it is ${typeName(item)}`);
  }
  return Object.fromEntries(entries);
}
