/**
 * Recognises phone numbers, however they are spaced.
 *
 * @module
 */

/** The fewest digits of a phone number; fewer are taken for a year, a price or a house number. */
export const MIN_PHONE_DIGITS = 7;

/** The separators within phone numbers, dashes of all lengths included; to be used in a character class. */
export const PHONE_SEPARATORS = " ()./\\-\u2012-\u2015\u2212";

const SPACED = new RegExp(`[0-9](?:[${PHONE_SEPARATORS}]*[0-9]){${MIN_PHONE_DIGITS - 1},}`, "g");

/** The ASCII digits of a text. */
export function digitsOf(text: string): string {
  return text.replace(/[^0-9]/g, "");
}

/** A phone number without `(0)`, the trunk prefix that is dialled only within the country. */
function withoutTrunkZero(number: string): string {
  return number.replace("(0)", "");
}

/**
 * A typed phone number without the parts that are optional or have several spellings: `+` or `00` before a country code,
 * and `(0)` after it.
 */
export function dialled(number: string): string {
  const [international] = /^(\+|00(?!0))/.exec(number) ?? [];
  return international === undefined ? number : withoutTrunkZero(number.slice(international.length));
}

/**
 * The digits of the possible phone numbers in a folded text. Only numbers with separators are returned: the digits of
 * others are in the text already.
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
