/**
 * Text made comparable: what a person means by "the same" when typing into a search box.
 *
 * @module
 */
import ipaddr from "ipaddr.js";

const ASCII = /^[ -~]*$/;
/** Full-width and small forms of ASCII characters. */
const WIDE = /[\uff01-\uff5e\ufe50-\ufe6b]/u;
const DIGIT = /\p{Nd}/u;
const PUNCTUATION: Record<string, string> = {
  ...asEach("‘’‚‛‹›´ʼʻ", "'"),
  ...asEach("“”„‟«»〝〞〟", '"'),
  // Hyphens that a line is broken at, or is not; dashes are other characters.
  ...asEach("\u2010\u2011", "-"),
};
/**
 * What nobody sees: zero-width characters, bidirectional controls, soft hyphens, joiners, variation selectors (UAX #44,
 * Default_Ignorable_Code_Point), and annotation marks.
 */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/u;
/** All of these; not the tag characters, of which flags are made. */
const NOT_PLAIN = new RegExp(
  `(?![0-9\\u{e0020}-\\u{e007f}])(?:${INVISIBLE.source}|${WIDE.source}|${DIGIT.source}|[${
    Object.keys(PUNCTUATION).join("")
  }])`,
  "gu",
);

/**
 * Marks without which a word is still the same: accents, and the points of Hebrew and Arabic. Vowel signs of other
 * scripts and the sound marks of kana make another word.
 */
const MARKS =
  /[[\p{M}&&[\p{Script=Inherited}\p{scx=Latin}\p{scx=Greek}\p{scx=Cyrillic}\p{scx=Hebrew}\p{scx=Arabic}]]--[\u3099\u309a]]+/gv;

/** Letters that look alike and are written by Persian or by Arabic keyboards. */
const ARABIC: Record<string, string> = { "ی": "ي", "ک": "ك" };
const ARABIC_LETTER = new RegExp(`[${Object.keys(ARABIC).join("")}]`, "g");

const FOLDED: Record<string, string> = {
  // NFKD makes some of these, such as of ŉ.
  ...PUNCTUATION,
  ...hangulFinals(),
  "ł": "l",
  "ø": "o",
  "đ": "d",
  "ð": "d",
  "æ": "ae",
  "œ": "oe",
  "ß": "ss",
  "þ": "th",
  // Its upper case is that of i.
  "ı": "i",
  "ħ": "h",
  "ŧ": "t",
  "ŋ": "n",
  // Arabic letters are drawn longer by it.
  "ـ": "",
  ...ARABIC,
  // What people write one for the other (Lucene's ArabicNormalizer and PersianNormalizer).
  ...asEach("ىے", "ي"),
  ...asEach("ةەہۃ", "ه"),
  "ٱ": "ا",
  // Lower-casing Σ gives σ or ς by its place in the word; a part of a word has another place.
  "ς": "σ",
};
const FOLDABLE = new RegExp(`[${Object.keys(FOLDED).join("")}]`, "gu");

function asEach(characters: string, replacement: string): Record<string, string> {
  return Object.fromEntries(Array.from(characters, (character) => [character, replacement]));
}

/**
 * Final consonants of Hangul syllables, as the same consonants at a beginning: which one a consonant is shows only when
 * the next letter is typed.
 */
function hangulFinals(): Record<string, string> {
  // In the order of Unicode from U+11A8 on.
  const finals =
    "ㄱ ㄲ ㄱㅅ ㄴ ㄴㅈ ㄴㅎ ㄷ ㄹ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ ㅁ ㅂ ㅂㅅ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ"
      .split(" ");
  return Object.fromEntries(
    finals.map((final, i) => [String.fromCharCode(0x11a8 + i), final.normalize("NFKD")]),
  );
}

/**
 * Text as a keyboard gives it: without what nobody sees, with ASCII characters for full-width ones, for other scripts'
 * digits, and for typographic quotes, apostrophes and hyphens. Pasted text has all of these.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(plainText("4\u200b711"), "4711");
 * assert.equal(plainText("＃vip ٤٧١١"), "#vip 4711");
 * assert.equal(plainText("O’Brien"), "O'Brien");
 * ```
 */
export function plainText(value: string): string {
  if (ASCII.test(value)) return value;
  return value.replace(NOT_PLAIN, (character) => {
    if (DIGIT.test(character)) return digitOf(character);
    if (WIDE.test(character)) return character.normalize("NFKC");
    return PUNCTUATION[character] ?? "";
  });
}

/** Digits come in runs from zero to nine (Unicode, section 4.6). */
function digitOf(character: string): string {
  const point = character.codePointAt(0)!;
  let zero = point;
  while (DIGIT.test(String.fromCodePoint(zero - 1))) zero--;
  return String((point - zero) % 10);
}

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
 * assert.notEqual(foldText("パン"), foldText("バン"));
 * ```
 */
export function foldText(value: string): string {
  if (ASCII.test(value)) return value.toLowerCase();
  return plainText(value).normalize("NFKD").replace(MARKS, "").toLowerCase().normalize("NFKD")
    .replace(MARKS, "").replace(FOLDABLE, (letter) => FOLDED[letter]).replace(/\s/gu, " ");
}

/**
 * {@link plainText} with letter case alone set aside, for tags and e-mail addresses. ı and İ are i, since the upper case
 * of ı is that of i.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(foldCase("#Café"), foldCase("#CAFÉ"));
 * assert.equal(foldCase("#İZMİR"), foldCase("#izmir"));
 * assert.notEqual(foldCase("#Café"), foldCase("#Cafe"));
 * ```
 */
export function foldCase(value: string): string {
  if (ASCII.test(value)) return value.toLowerCase();
  return plainText(value).normalize("NFC").toLowerCase().replaceAll("i\u0307", "i").replaceAll("ı", "i")
    .replaceAll("ς", "σ").replace(ARABIC_LETTER, (letter) => ARABIC[letter]);
}

/**
 * One spelling for each IP address (RFC 5952; an IPv4-mapped IPv6 address, RFC 4291 section 2.5.5.2, is the
 * IPv4 address; a URL has IPv6 in brackets). What is no address, such as a shortened one, stays as it is.
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
  const address = value.trim().replace(/^\[([^[\]]*:[^[\]]*)\]$/, "$1");
  if (isIPv4Address(address)) return ipaddr.IPv4.parse(address).toString();
  if (!address.includes(":") || !ipaddr.IPv6.isValid(address)) return value;
  const parsed = ipaddr.IPv6.parse(address);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toRFC5952String();
}

/** Whether a text is an IPv4 address in four decimal numbers. */
export function isIPv4Address(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text);
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
