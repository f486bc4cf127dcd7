/**
 * Numbers without loss of digits. A JavaScript number has about 16 of them; ids of other systems have more, and two
 * people whose ids differ in the last digit only must stay two people.
 *
 * @module
 */
import { readJson } from "./read_json.ts";

/** A number of so many digits that some may be lost; not within a string, which begins with a quote. */
const LONG_NUMBER = /(?:^|[[:,\s])-?\d[\d.]{15}/;

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** More digits than BSON's Decimal128 has (34): a longer number is a magnitude, and no id. */
const MAX_DIGITS = 40;

/**
 * Parses JSON as `JSON.parse` does, but gives whole numbers beyond 2^53 that are written with their digits as bigints.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseJson('{"id":738529527931269425,"seats":4}'), { id: 738529527931269425n, seats: 4 });
 * ```
 *
 * @throws {SyntaxError} the text is no JSON
 */
export function parseJson(text: string): unknown {
  return readJson(text, LONG_NUMBER.test(text) ? reviveNumber as typeof reviveKey : undefined);
}

/** The reviver as TypeScript's library declares it, which does not know the source text yet. */
declare function reviveKey(key: string, value: unknown): unknown;

/** https://tc39.es/proposal-json-parse-with-source/ */
function reviveNumber(_key: string, value: unknown, { source }: { source: string }): unknown {
  if (typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value)) return value;
  // One with an exponent is a magnitude, unless it has more digits than the number.
  if (/e/i.test(source) && digitsOf(source) === digitsOf(String(value))) return value;
  return wholeNumber(source) ?? value;
}

/**
 * A decimal number exactly: as a number where that holds all digits, a whole one otherwise as a bigint, another one as
 * text.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(exactNumber("1.50"), 1.5);
 * assert.equal(exactNumber("9007199254740993"), 9007199254740993n);
 * assert.equal(exactNumber("9007199254740993.25"), "9007199254740993.25");
 * ```
 */
export function exactNumber(decimal: string): number | bigint | string {
  const number = Number(decimal);
  if (Number.isSafeInteger(number) && wholeNumber(decimal) === BigInt(number)) return number;
  const whole = wholeNumber(decimal);
  if (whole !== null) return whole;
  return !DECIMAL.test(decimal) || digitsOf(decimal) === digitsOf(String(number)) ? number : decimal;
}

/**
 * A finite number as it is stored and sent: whole ones beyond 2^53 as text, since readers of JSON lose their last digits.
 * Numbers that are written with an exponent are magnitudes, and stay numbers.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(storedNumber(42n), 42);
 * assert.equal(storedNumber(738529527931269425n), "738529527931269425");
 * assert.equal(storedNumber(1e300), 1e300);
 * ```
 */
export function storedNumber(number: number | bigint): number | string {
  if (typeof number === "bigint") {
    return Number.isSafeInteger(Number(number)) ? Number(number) : String(number);
  }
  const isExact = Number.isSafeInteger(number) || !Number.isInteger(number) || Math.abs(number) >= 1e21;
  // Of two zeros JSON has one.
  return isExact ? number + 0 : String(number);
}

/** The whole number that a decimal is; `null` where it has a fraction, or is too long to be written out. */
function wholeNumber(decimal: string): bigint | null {
  const [digits, exponent] = digitsOf(decimal).split("e");
  const zeros = Number(exponent);
  if (digits === "NaN" || zeros < 0 || digits.length + zeros > MAX_DIGITS) return null;
  return BigInt(digits + "0".repeat(zeros));
}

/** One form for all spellings of a number: its digits without outer zeros, and the exponent; `NaNe0` where it is none. */
function digitsOf(decimal: string): string {
  const match = DECIMAL.exec(decimal);
  if (match === null) return "NaNe0";
  const [, sign, whole, fraction = "", exponent = "0"] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0e0";
  const power = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${sign === "-" ? "-" : ""}${significant}e${power}`;
}
