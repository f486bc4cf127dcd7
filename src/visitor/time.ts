/**
 * Times as other software writes them.
 *
 * @module
 */

// Date.parse also takes "1", "March 7" and what a browser once wrote, in the server's own time zone.
const ISO_8601 =
  /^([+-]\d{6}|\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2})?(?:[.,](\d+))?(?: ?([Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?(?: UTC| GMT)?)(?:\[[\w/+-]+\])?)?)?$/;

const BASIC_ISO_8601 =
  /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d+))?)?(Z|[+-]\d{2}(?::?\d{2})?)$/;

/** RFC 9110, section 5.6.7, and RFC 5322, section 3.3, with the zones that mean one offset. */
const RFC_5322 =
  /^(?:(\w{3}), )?(\d{1,2}) (\w{3}) (\d{4}) (\d{2}:\d{2})(:\d{2})? (UTC|UT|GMT|Z|[+-]\d{4})(?: \((?:UTC|GMT)\))?$/;

/** What `Date.prototype.toString` gives. */
const DATE_STRING =
  /^(\w{3}) (\w{3}) (\d{2}) (\d{4}) (\d{2}:\d{2})(:\d{2}) (?:GMT|UTC)([+-]\d{4})(?: \([^()]*\))?$/;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** The parts of a time as text. */
interface Parts {
  year: string;
  month: string;
  day: string;
  /** `hh:mm`. */
  hourMinute?: string;
  /** `:ss`. */
  second?: string;
  fraction?: string;
  /** `Z`, a name of UTC, or an offset. */
  zone?: string;
  weekday?: string;
}

/**
 * The time that a text means, where it means one only; `null` otherwise. ISO 8601 without an offset is UTC, whatever the
 * server's own time zone.
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
  const parts = partsOf(text);
  return parts === null ? null : dateOf(parts);
}

function partsOf(text: string): Parts | null {
  let match = ISO_8601.exec(text);
  if (match !== null) {
    const [, year, month, day, hourMinute, second, fraction, zone] = match;
    return { year, month, day, hourMinute, second, fraction, zone };
  }
  match = BASIC_ISO_8601.exec(text);
  if (match !== null) {
    const [, year, month, day, hour, minute, second = "00", fraction, zone] = match;
    return { year, month, day, hourMinute: `${hour}:${minute}`, second: `:${second}`, fraction, zone };
  }
  match = RFC_5322.exec(text);
  if (match !== null) {
    const [, weekday, day, month, year, hourMinute, second, zone] = match;
    return { year, month: monthOf(month), day: day.padStart(2, "0"), hourMinute, second, zone, weekday };
  }
  match = DATE_STRING.exec(text);
  if (match === null) return null;
  const [, weekday, month, day, year, hourMinute, second, zone] = match;
  return { year, month: monthOf(month), day, hourMinute, second, zone, weekday };
}

/** A month's number; `00`, which no month has, for another name. */
function monthOf(name: string): string {
  return String(MONTHS.indexOf(name) + 1).padStart(2, "0");
}

function dateOf(
  { year, month, day, hourMinute = "00:00", second = ":00", fraction = "", zone = "Z", weekday }: Parts,
): Date | null {
  const civil = new Date(Date.UTC(2000 + Number(year) % 400, Number(month) - 1, Number(day)));
  // `new Date` would take February 30 for a day in March.
  if (civil.getUTCDate() !== Number(day) || civil.getUTCMonth() !== Number(month) - 1) return null;
  // A weekday that is another one says that one of them is wrong. (400 years are whole weeks.)
  if (weekday !== undefined && WEEKDAYS[civil.getUTCDay()] !== weekday) return null;
  const milliseconds = fraction.slice(0, 3).padEnd(3, "0");
  const date = new Date(`${year}-${month}-${day}T${hourMinute}${second}.${milliseconds}${offsetOf(zone)}`);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** A zone as `Date` takes it: `Z` or `+hh:mm`. */
function offsetOf(zone: string): string {
  const [, hours, minutes = "00"] = /^([+-]\d{2}):?(\d{2})?/.exec(zone) ?? [];
  return hours === undefined ? "Z" : `${hours}:${minutes}`;
}
