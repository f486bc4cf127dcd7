/**
 * Phone numbers, which people and web pages space as they like.
 *
 * @module
 */

/** Fewer digits are no phone number, but a year, a price or a house number. */
export const MIN_PHONE_DIGITS = 7;

/** What stands between a phone number's digits, within a character class; dashes of all lengths. */
export const PHONE_SEPARATORS = " ()./\\-\u2012-\u2015\u2212";

const SPACED = new RegExp(`[0-9](?:[${PHONE_SEPARATORS}]*[0-9]){${MIN_PHONE_DIGITS - 1},}`, "g");

/** The digits of a text in ASCII. */
export function digitsOf(text: string): string {
  return text.replace(/[^0-9]/g, "");
}

/** A phone number without the zero that is written for those who call from inland. */
function withoutTrunkZero(number: string): string {
  return number.replace("(0)", "");
}

/**
 * A phone number as it is typed, without what callers write in several ways: `+` or `00` before a country code, and
 * behind that perhaps a zero in parentheses.
 */
export function dialled(number: string): string {
  const [international] = /^(\+|00(?!0))/.exec(number) ?? [];
  return international === undefined ? number : withoutTrunkZero(number.slice(international.length));
}

/**
 * The digits of what may be phone numbers in a folded text, of those alone that have something between their digits.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(phoneDigits("ada +1 (555) 123-4567"), ["15551234567"]);
 * assert.deepEqual(phoneDigits("order 15551234567 of 2026-11"), []);
 * ```
 */
export function phoneDigits(folded: string): string[] {
  const found = (folded.match(SPACED) ?? []).flatMap((
    run,
  ) => [digitsOf(run), digitsOf(withoutTrunkZero(run))]);
  return [...new Set(found)].filter((digits) => !folded.includes(digits));
}
