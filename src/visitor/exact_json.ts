/**
 * Numbers without loss of digits. A JavaScript number has about 16 digits, but ids of other systems have more, and two
 * people whose ids differ only in the last digit must not become one.
 *
 * @module
 */
import { readJson } from "./read_json.ts";

/** A number of 16 digits or more, of which `JSON.parse` may lose some. (It may also match within a string.) */
const LONG_NUMBER = /(?:^|[[:,\s])-?\d[\d.]{15}/;

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/** The most digits of a number that is kept exactly. BSON's Decimal128 has 34; a longer number is no id. */
const MAX_DIGITS = 40;

/**
 * Parses JSON as `JSON.parse` does, but returns whole numbers beyond 2^53 as bigints if all their digits are written out.
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

/** The type of a reviver in TypeScript's library, which lacks the third parameter. */
declare function reviveKey(key: string, value: unknown): unknown;

/** https://tc39.es/proposal-json-parse-with-source/ */
function reviveNumber(_key: string, value: unknown, { source }: { source: string }): unknown {
  if (typeof value !== "number" || !Number.isInteger(value) || Number.isSafeInteger(value)) return value;
  // A number with an exponent is taken for a magnitude, unless the number type would lose digits of it.
  if (/e/i.test(source) && digitsOf(source) === digitsOf(String(value))) return value;
  return wholeNumber(source) ?? value;
}

/**
 * A decimal number without loss: a number if that type holds all digits; otherwise a bigint if it is whole, else text.
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
 * The form in which a finite number is stored and sent: a whole number beyond 2^53 becomes text, since JSON parsers would
 * lose its last digits. Numbers of 1e21 or more are taken for magnitudes and stay numbers.
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
  // Adding 0 turns -0 into 0, since JSON has only one zero.
  return isExact ? number + 0 : String(number);
}

/** A decimal as a bigint; `null` if it has a fraction or more than {@link MAX_DIGITS} digits. */
function wholeNumber(decimal: string): bigint | null {
  const [digits, exponent] = digitsOf(decimal).split("e");
  const zeros = Number(exponent);
  if (digits === "NaN" || zeros < 0 || digits.length + zeros > MAX_DIGITS) return null;
  return BigInt(digits + "0".repeat(zeros));
}

/** The normal form of a decimal: digits without leading and trailing zeros, and an exponent; `NaNe0` if it is no number. */
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
