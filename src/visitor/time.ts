/**
 * Times as other software writes them.
 *
 * @module
 */

const TIME = String.raw`(?<hourMinute>\d{2}:\d{2})(?<second>:\d{2})?`;
const FRACTION = String.raw`(?:[.,](?<fraction>\d+))?`;
const OFFSET = String.raw`[+-]\d{2}(?::?\d{2})?`;
const MONTH = "(?<month>[a-z]{3,9})";
const WEEKDAY = "(?<weekday>[a-z]{3,9})";
/** A comment in parentheses after an offset, such as a zone's name. */
const COMMENT = String.raw`(?: \([^()]*\))?`;

/**
 * The unambiguous formats of times. (`Date.parse` also accepts "1", "March 7" and old browsers' formats, in the server's
 * time zone.) Of the names of zones only those of UTC are accepted, since the others are ambiguous.
 */
const FORMS = [
  // ISO 8601 and RFC 3339, as databases and languages write them. Go appends its monotonic clock, Java the zone's name.
  String.raw`(?<year>[+-]\d{6}|\d{4})-(?<month>\d{2})-(?<day>\d{2})(?:[T ]${TIME}${FRACTION}` +
  String.raw`(?: ?(?<zone>Z|UTC|GMT|${OFFSET}(?: UTC| GMT)?)(?:\[[\w/+-]+\]| m=[+-][\d.]+)?)?)?`,
  // With slashes: where the year comes first, the month is always second.
  String
    .raw`(?<year>\d{4})/(?<month>\d{2})/(?<day>\d{2})(?: ${TIME}${FRACTION}(?: ?(?<zone>Z|UTC|GMT|${OFFSET}))?)?`,
  // ISO 8601's basic format.
  String.raw`(?<year>\d{4})(?<month>\d{2})(?<day>\d{2})T(?<hour>\d{2})(?<minute>\d{2})` +
  String.raw`(?:(?<bareSecond>\d{2})${FRACTION})?(?<zone>Z|${OFFSET})`,
  // RFC 9110, section 5.6.7, and RFC 5322, section 3.3.
  String
    .raw`(?:${WEEKDAY}, )?(?<day>\d{1,2}) ${MONTH} (?<year>\d{4}) ${TIME} (?<zone>UTC|UT|GMT|Z|[+-]\d{4})${COMMENT}`,
  // The format of Date.prototype.toString.
  String
    .raw`${WEEKDAY} ${MONTH} (?<day>\d{2}) (?<year>\d{4}) ${TIME} (?:GMT|UTC)(?<zone>[+-]\d{4})${COMMENT}`,
  // The format of date(1), Ruby and Java, if the zone is UTC or an offset.
  String.raw`${WEEKDAY} ${MONTH} +(?<day>\d{1,2}) ${TIME} (?<zone>UTC|GMT|[+-]\d{4}) (?<year>\d{4})`,
  // The logs of web servers.
  String.raw`(?<day>\d{2})/${MONTH}/(?<year>\d{4}):${TIME} (?<zone>[+-]\d{4})`,
].map((form) => new RegExp(`^${form}$`, "i"));

const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/** The captured parts of a time. */
interface Parts {
  year: string;
  /** Two digits, or a name. */
  month: string;
  day: string;
  /** `hh:mm`. */
  hourMinute?: string;
  hour?: string;
  minute?: string;
  /** `:ss`. */
  second?: string;
  /** `ss`. */
  bareSecond?: string;
  fraction?: string;
  /** `Z`, a name of UTC, or an offset. */
  zone?: string;
  weekday?: string;
}

/**
 * Parses a time; returns `null` if the text is no time or is ambiguous. ISO 8601 without an offset is read as UTC, in
 * every time zone of the server.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const time = new Date("2026-11-28T10:00:00.000Z");
 * assert.deepEqual(parseTime("2026-11-28 10:00:00 UTC"), time);
 * assert.deepEqual(parseTime("Sat, 28 Nov 2026 11:00:00 +0100"), time);
 * assert.equal(parseTime("11/28/2026"), null);
 * ```
 */
export function parseTime(text: string): Date | null {
  for (const form of FORMS) {
    const match = form.exec(text);
    if (match !== null) return dateOf(match.groups as unknown as Parts);
  }
  return null;
}

function dateOf(parts: Parts): Date | null {
  const { year, hour = "00", minute = "00", hourMinute = `${hour}:${minute}`, fraction = "", zone = "Z" } =
    parts;
  const { bareSecond = "00", second = `:${bareSecond}`, weekday } = parts;
  const month = /^\d/.test(parts.month) ? Number(parts.month) - 1 : indexOfName(parts.month, MONTHS);
  const day = parts.day.padStart(2, "0");
  const civil = new Date(Date.UTC(2000 + Number(year) % 400, month, Number(day)));
  // `new Date` would take February 30 for a day in March.
  if (civil.getUTCDate() !== Number(day) || civil.getUTCMonth() !== month) return null;
  // A weekday that does not fit the date makes the text unusable. (Years modulo 400, which are whole weeks.)
  if (weekday !== undefined && indexOfName(weekday, WEEKDAYS) !== civil.getUTCDay()) return null;
  const milliseconds = fraction.slice(0, 3).padEnd(3, "0");
  const date = new Date(
    `${year}-${String(month + 1).padStart(2, "0")}-${day}T${hourMinute}${second}.${milliseconds}${
      offsetOf(zone)
    }`,
  );
  return Number.isNaN(date.getTime()) ? null : date;
}

/** The index of the name that a text is, in full or as its first three letters; -1 if it is none. */
function indexOfName(text: string, names: string[]): number {
  const name = text.toLowerCase();
  return names.findIndex((other) => other === name || other.slice(0, 3) === name);
}

/** A zone in the form that `Date` accepts: `Z` or `+hh:mm`. */
function offsetOf(zone: string): string {
  const [, hours, minutes = "00"] = /^([+-]\d{2}):?(\d{2})?/.exec(zone) ?? [];
  return hours === undefined ? "Z" : `${hours}:${minutes}`;
}
