/**
 * Normalises text for comparisons: two spellings that a person typing into a search box takes for the same become equal.
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
  // The hyphen and the non-breaking hyphen. Dashes are other characters, and stay as they are.
  ...asEach("\u2010\u2011", "-"),
};
/**
 * Invisible characters: zero-width characters, bidirectional controls, soft hyphens, joiners, variation selectors (UAX
 * #44, Default_Ignorable_Code_Point), and annotation marks.
 */
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/u;
/** All characters that {@link plainText} replaces. Tag characters are left, since flag emoji are made of them. */
const NOT_PLAIN = new RegExp(
  `(?![0-9\\u{e0020}-\\u{e007f}])(?:${INVISIBLE.source}|${WIDE.source}|${DIGIT.source}|[${
    Object.keys(PUNCTUATION).join("")
  }])`,
  "gu",
);

/**
 * Marks that do not distinguish words: accents, and the points of Hebrew and Arabic. Vowel signs of other scripts and
 * the sound marks of kana are not included, since they do.
 */
const MARKS =
  /[[\p{M}&&[\p{Script=Inherited}\p{scx=Latin}\p{scx=Greek}\p{scx=Cyrillic}\p{scx=Hebrew}\p{scx=Arabic}]]--[\u3099\u309a]]+/gv;

/** Letters of Persian keyboards, and the Arabic letters that look the same. */
const ARABIC: Record<string, string> = { "ی": "ي", "ک": "ك" };
const ARABIC_LETTER = new RegExp(`[${Object.keys(ARABIC).join("")}]`, "g");

const FOLDED: Record<string, string> = {
  // NFKD produces some of these, for example from ŉ.
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
  // Its upper case, I, is also that of i.
  "ı": "i",
  "ħ": "h",
  "ŧ": "t",
  "ŋ": "n",
  // The tatweel, which only makes Arabic letters look longer.
  "ـ": "",
  ...ARABIC,
  // Letters that people use interchangeably (as in Lucene's ArabicNormalizer and PersianNormalizer).
  ...asEach("ىے", "ي"),
  ...asEach("ةەہۃ", "ه"),
  "ٱ": "ا",
  // The lower case of Σ is ς at the end of a word and σ elsewhere; typed text may end in the middle of a word.
  "ς": "σ",
};
const FOLDABLE = new RegExp(`[${Object.keys(FOLDED).join("")}]`, "gu");

function asEach(characters: string, replacement: string): Record<string, string> {
  return Object.fromEntries(Array.from(characters, (character) => [character, replacement]));
}

/**
 * Maps final consonants of Hangul syllables to the same initial consonants: while a word is typed, a consonant is final
 * until the next vowel makes it the initial one of the next syllable.
 */
function hangulFinals(): Record<string, string> {
  // In Unicode's order, starting at U+11A8.
  const finals =
    "ㄱ ㄲ ㄱㅅ ㄴ ㄴㅈ ㄴㅎ ㄷ ㄹ ㄹㄱ ㄹㅁ ㄹㅂ ㄹㅅ ㄹㅌ ㄹㅍ ㄹㅎ ㅁ ㅂ ㅂㅅ ㅅ ㅆ ㅇ ㅈ ㅊ ㅋ ㅌ ㅍ ㅎ"
      .split(" ");
  return Object.fromEntries(
    finals.map((final, i) => [String.fromCharCode(0x11a8 + i), final.normalize("NFKD")]),
  );
}

/**
 * Text in plain characters, as a keyboard produces them. Pasted text contains others: invisible characters are removed;
 * full-width forms, digits of other scripts, and typographic quotes, apostrophes and hyphens become ASCII characters.
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

/** The ASCII digit for a digit of any script: Unicode encodes each script's digits in a row from 0 to 9 (section 4.6). */
function digitOf(character: string): string {
  const point = character.codePointAt(0)!;
  let zero = point;
  while (DIGIT.test(String.fromCodePoint(zero - 1))) zero--;
  return String((point - zero) % 10);
}

/**
 * {@link plainText} without differences of letter case, accents and width (Unicode NFKD, UAX #15). Each white space
 * character becomes a space, so no line break remains and stores can use it as a separator.
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
 * {@link plainText} without differences of letter case alone, for tags and e-mail addresses. ı and İ become i, since I
 * is the upper case of both ı and i.
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
 * The distinct n-grams of a folded text.
 *
 * @param length the number of characters of an n-gram
 * @param withEnds whether the shorter suffixes are included too, so that an n-gram starts at each character
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
  // Slicing a string is quicker than an array of characters, but right only without surrogate pairs.
  const characters = /[\ud800-\udfff]/.test(folded) ? Array.from(folded) : folded;
  const found = new Set<string>();
  const end = withEnds ? characters.length : characters.length - length + 1;
  for (let i = 0; i < end; i++) {
    const gram = characters.slice(i, i + length);
    found.add(typeof gram === "string" ? gram : gram.join(""));
  }
  return [...found];
}
