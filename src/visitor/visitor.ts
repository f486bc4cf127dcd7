/**
 * The Visitor: every attribute once, for its type, for answers and for documents.
 *
 * To add an attribute, add a line to {@link ATTRIBUTES}: type, answers, import, export, both stores and
 * `HIDDEN_ATTRIBUTES` follow. The order here is the order in every answer.
 *
 * @module
 */

/** How an attribute is read from a document, and what is said of it. */
interface Attribute<T> {
  /** The value from a document; a missing or unusable one becomes the attribute's empty value. */
  read: (value: unknown) => T;
  /** `time` attributes are dates in a database and ISO 8601 text in answers. */
  kind: "text" | "time" | "list" | "flag" | "metadata";
  meaning: string;
}

const text = (meaning: string): Attribute<string | null> => ({ read: readText, kind: "text", meaning });
const time = (meaning: string): Attribute<string | null> => ({ read: readTime, kind: "time", meaning });
const list = (meaning: string): Attribute<string[]> => ({ read: readList, kind: "list", meaning });
const flag = (meaning: string, missing = false): Attribute<boolean> => ({
  read: (value) => typeof value === "boolean" ? value : missing,
  kind: "flag",
  meaning,
});

/** The attributes of a visitor, in the order of every answer. */
export const ATTRIBUTES = {
  short_id: {
    read: (value) => typeof value === "string" ? value.toWellFormed() : "",
    kind: "text",
    meaning: "identifies the visitor in this API",
  } as Attribute<string>,
  added_at: time("first seen"),
  api_key: text("the installation's public key"),
  browser_name: text("e.g. Mobile Safari"),
  call_name: text("call identification, for the agent's personal link"),
  device_name: text("e.g. iPhone"),
  device_type: text("desktop, console, mobile, tablet, smarttv, wearable or embedded"),
  email: text("the visitor's e-mail address"),
  identities: list("what the site says identifies the visitor: name, e-mail, company"),
  integration: text("the live chat on the page last visited"),
  integration_ids: list("`system:value`, links to other systems' records"),
  ip_address: text("last connected from"),
  is_in_session: flag("being co-browsed now"),
  is_online: flag("connected now"),
  is_supported: flag("its browser can be co-browsed", true),
  is_waiting_for_call: flag("waiting for a call"),
  js_configuration: flag("the page configured the SDK itself"),
  last_seen_at: time("last seen"),
  last_url: text("the page last visited"),
  location_city: text("city"),
  location_country: text("country code"),
  location_country_name: text("country"),
  lookup_code: text("four digits that a visitor reads out over the phone"),
  metadata: {
    read: readMetadata,
    kind: "metadata",
    meaning: "flat: strings, numbers, booleans",
  } as Attribute<Record<string, string | number | boolean>>,
  name: text("name"),
  nickname: text("nickname"),
  sdk: text("e.g. web 1.0.0"),
  tags: list("`#customer`"),
  unique_id: text("the site's own id for the person"),
  watch_link: {
    read: readLink,
    kind: "text",
    meaning: "where an agent starts watching",
  } as Attribute<string | null>,
} satisfies Record<string, Attribute<unknown>>;

/** The name of an attribute, such as `last_url`. */
export type AttributeName = keyof typeof ATTRIBUTES;

/** A visitor, with exactly the attributes of {@link ATTRIBUTES}; times are ISO 8601 in UTC with milliseconds. */
export type Visitor = { [Name in AttributeName]: ReturnType<(typeof ATTRIBUTES)[Name]["read"]> };

/** A change of a visitor: the attributes that are set, each as a whole. */
export type VisitorChange = Partial<Omit<Visitor, "short_id">>;

/** All attribute names, in the order of every answer. */
export const ATTRIBUTE_NAMES = Object.keys(ATTRIBUTES) as AttributeName[];

/**
 * Reads a visitor from a document that any software may have written: what is missing or of a wrong type
 * becomes `null`, `[]` or `false`, what is no attribute is left behind.
 *
 * @returns the visitor, or `null` where the document has no non-empty string `short_id` and so is none
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
export function readVisitor(document: Record<string, unknown>): Visitor | null {
  if (typeof document.short_id !== "string" || document.short_id === "") return null;
  const visitor: Record<string, unknown> = {};
  for (const name of ATTRIBUTE_NAMES) visitor[name] = ATTRIBUTES[name].read(document[name]);
  return visitor as Visitor;
}

/**
 * A visitor as the fields of a database document: times are dates, and what is missing is left out.
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

/** Text; a number or boolean where text belongs is sent as text, since other software stores ids as numbers. */
function readText(value: unknown): string | null {
  switch (typeof value) {
    case "string":
      // A lone surrogate has no UTF-8 form: every store would change it, each in its own way.
      return value.toWellFormed();
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    default:
      return null;
  }
}

/** A link that an agent follows: one that is not http would run in the agent's own page (`javascript:`). */
// deno-lint-ignore no-control-regex -- none of them belongs into a URL
export const LINK = /^https?:\/\/[^\x00-\x20\x7f"<>\\^`{|}]+$/iu;

function readLink(value: unknown): string | null {
  return typeof value === "string" && LINK.test(value) ? value.toWellFormed() : null;
}

function readList(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.map(readText).filter((item) => item !== null);
}

// Date.parse also takes "1", "March 7" and what a browser once wrote, in the server's own time zone.
const ISO_8601 =
  /^([+-]\d{6}|\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2})?(?:[.,](\d+))?([Zz]|[+-]\d{2}(?::?\d{2})?)?)?$/;

/** A time: a date, or ISO 8601 text (without an offset it is UTC). A number is no time: its unit is unknown. */
function readTime(value: unknown): string | null {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (typeof value !== "string") return null;
  const match = ISO_8601.exec(value);
  if (match === null) return null;
  const [, year, month, day, hourMinute = "00:00", second = ":00", fraction = "", offset = "Z"] = match;
  if (Number(day) > new Date(Date.UTC(2000 + Number(year) % 400, Number(month), 0)).getUTCDate()) return null;
  const zone = offset.length === 3 ? `${offset}:00` : offset.replace(/^(...)(\d\d)$/, "$1:$2").toUpperCase();
  const milliseconds = fraction.slice(0, 3).padEnd(3, "0");
  const date = new Date(`${year}-${month}-${day}T${hourMinute}${second}.${milliseconds}${zone}`);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

function readMetadata(value: unknown): Record<string, string | number | boolean> {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date) return {};
  const entries: [string, string | number | boolean][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (typeof item === "string") entries.push([key.toWellFormed(), item.toWellFormed()]);
    else if (typeof item === "boolean") entries.push([key.toWellFormed(), item]);
    else if (typeof item === "number" && Number.isFinite(item)) entries.push([key.toWellFormed(), item]);
    // A 64-bit integer beyond 2^53 would lose its last digits as a JSON number; as text it stays a usable id.
    else if (typeof item === "bigint") {
      entries.push([key.toWellFormed(), Number.isSafeInteger(Number(item)) ? Number(item) : String(item)]);
    }
  }
  return Object.fromEntries(entries);
}
