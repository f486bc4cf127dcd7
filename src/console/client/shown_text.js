/**
 * Makes hidden characters in text visible: control characters, and characters that change the direction of the text
 * around them, so that one text can look like another.
 *
 * @module
 */

/**
 * A piece of text: either plain text or the name of a hidden character.
 *
 * @typedef {{ text: string, isHidden: boolean }} Piece
 */

/** Controls, formatting characters, line separators, fillers and specials. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u115f\u1160\u3164\uffa0\u034f\ufff9-\ufffd]/u;

/** A zero-width joiner between two emoji, where the joiner is not a hidden character but a part of the emoji. */
const EMOJI = /(\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)\u200d(?=\p{Extended_Pictographic})/gu;

/** @type {Record<string, string>} */
const NAMES = {
  "\u0000": "NUL",
  "\u0009": "TAB",
  "\u000a": "LF",
  "\u000d": "CR",
  "\u001b": "ESC",
  "\u007f": "DEL",
  "\u00ad": "SHY",
  "\u061c": "ALM",
  "\u200b": "ZWSP",
  "\u200c": "ZWNJ",
  "\u200d": "ZWJ",
  "\u200e": "LRM",
  "\u200f": "RLM",
  "\u2028": "LS",
  "\u2029": "PS",
  "\u202a": "LRE",
  "\u202b": "RLE",
  "\u202c": "PDF",
  "\u202d": "LRO",
  "\u202e": "RLO",
  "\u2060": "WJ",
  "\u2066": "LRI",
  "\u2067": "RLI",
  "\u2068": "FSI",
  "\u2069": "PDI",
  "\ufeff": "BOM",
};

/**
 * Splits text into pieces, with the names of hidden characters.
 *
 * @param {string} text
 * @returns {Piece[]}
 */
export function piecesOf(text) {
  /** @type {Piece[]} */
  const pieces = [];
  const joined = new Set(Array.from(text.matchAll(EMOJI), ({ 0: match, index }) => index + match.length - 1));
  let plain = "";
  let index = 0;
  for (const character of text) {
    if (HIDDEN.test(character) && !joined.has(index)) {
      if (plain !== "") pieces.push({ text: plain, isHidden: false });
      plain = "";
      pieces.push({ text: nameOf(character), isHidden: true });
    } else plain += character;
    index += character.length;
  }
  if (plain !== "") pieces.push({ text: plain, isHidden: false });
  return pieces;
}

/** @param {string} character */
function nameOf(character) {
  const code = /** @type {number} */ (character.codePointAt(0));
  return NAMES[character] ?? `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

/**
 * Text on one line for a row, without hidden characters, which could change how the rest of the row looks.
 *
 * @param {string} text
 */
export function plainText(text) {
  return piecesOf(text.replace(/[\t\n\r\u2028\u2029]+/g, " ")).filter(({ isHidden }) => !isHidden)
    .map(({ text }) => text).join("");
}
