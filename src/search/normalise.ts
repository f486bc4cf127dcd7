/**
 * Text made comparable: what a person means by "the same" when typing into a search box.
 *
 * @module
 */
import ipaddr from "ipaddr.js";

const ASCII = /^[ -~]*$/;
const MARKS = /\p{M}+/gu;
const FOLDED: Record<string, string> = {
  "ł": "l",
  "ø": "o",
  "đ": "d",
  "æ": "ae",
  "œ": "oe",
  "ß": "ss",
  "þ": "th",
  // Lower-casing Σ gives σ or ς by its place in the word; a part of a word has another place.
  "ς": "σ",
};
const FOLDABLE = new RegExp(`[${Object.keys(FOLDED).join("")}]`, "gu");

/**
 * Text with letter case, accents and width set aside (Unicode NFKD, UAX #15), each white space character a
 * plain space. No line break is left, so that stores may use it as a separator.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(foldText("Łódź"), "lodz");
 * assert.equal(foldText("Straße"), foldText("STRASSE"));
 * assert.equal(foldText("ＡＢＣ１２３"), "abc123");
 * ```
 */
export function foldText(value: string): string {
  if (ASCII.test(value)) return value.toLowerCase();
  return value.normalize("NFKD").replace(MARKS, "").toLowerCase().normalize("NFKD").replace(MARKS, "")
    .replace(FOLDABLE, (letter) => FOLDED[letter]).replace(/\s/gu, " ");
}

/**
 * Text with letter case alone set aside, for tags and e-mail addresses.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(foldCase("#Café"), foldCase("#CAFÉ"));
 * assert.notEqual(foldCase("#Café"), foldCase("#Cafe"));
 * ```
 */
export function foldCase(value: string): string {
  return ASCII.test(value) ? value.toLowerCase() : value.normalize("NFC").toLowerCase().replaceAll("ς", "σ");
}

/**
 * One spelling for each IP address (RFC 5952; an IPv4-mapped IPv6 address, RFC 4291 section 2.5.5.2, is the
 * IPv4 address). What is no address, such as a shortened one, stays as it is.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(canonicalAddress("2001:DB8:0:0::1"), "2001:db8::1");
 * assert.equal(canonicalAddress("::ffff:192.0.2.1"), "192.0.2.1");
 * assert.equal(canonicalAddress("192.0.2.x"), "192.0.2.x");
 * ```
 */
export function canonicalAddress(value: string): string {
  const address = value.trim();
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address).toString();
  if (!address.includes(":") || !ipaddr.IPv6.isValid(address)) return value;
  const parsed = ipaddr.IPv6.parse(address);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toRFC5952String();
}

/**
 * Every run of so many characters of a folded text, each once.
 *
 * @param withEnds with the shorter ones at its end, so that there is one from each character on
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(grams("banana", 3), ["ban", "ana", "nan"]);
 * assert.deepEqual(grams("banana", 3, true), ["ban", "ana", "nan", "na", "a"]);
 * assert.deepEqual(grams("li", 3), []);
 * ```
 */
export function grams(folded: string, length: number, withEnds = false): string[] {
  // Most texts have no character of two units, and are cut more quickly as they are.
  const characters = /[\ud800-\udfff]/.test(folded) ? Array.from(folded) : folded;
  const found = new Set<string>();
  const end = withEnds ? characters.length : characters.length - length + 1;
  for (let i = 0; i < end; i++) {
    const gram = characters.slice(i, i + length);
    found.add(typeof gram === "string" ? gram : gram.join(""));
  }
  return [...found];
}
