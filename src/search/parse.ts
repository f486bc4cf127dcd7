/**
 * Parses the text of a search box into a query. No text is an error: an operator without a usable value finds nobody, and
 * everything that is not an operator is searched as text.
 *
 * @module
 */
import type { AttributeName } from "../visitor/visitor.ts";
import { foldText, isIPv4Address, plainText } from "./normalise.ts";
import { OPERATOR_NAMES, type OperatorName, operatorOf, OPERATORS, type ValuePart } from "./operators.ts";
import { dialled, digitsOf, MIN_PHONE_DIGITS, PHONE_SEPARATORS } from "./phone.ts";

/** One part of a search; a search finds the visitors that match all its parts. */
export type SearchPart =
  | { kind: "nobody" }
  | { kind: "online"; online: boolean }
  | { kind: "code"; digits: string; inLookupCode: boolean }
  | { kind: "url"; text: string }
  | ValuePart
  | TextPart;

/** A text, which matches visitors that contain it in one of the attributes. */
export interface TextPart {
  kind: "text";
  text: string;
  /** The text as typed, in plain characters: it also matches the visitor with this short id. */
  shortId: string;
  /** Whether `text` is the digits of a phone number or of a group of one, which match numbers however they are spaced. */
  isPhone?: true;
  attributes: readonly AttributeName[];
  /** Whether `last_url` of visitors online is searched too. */
  inUrl: boolean;
  /** Whether words one typo away from the text match too. */
  typos?: true;
}

/** The parts of a search, all of which a visitor must match. */
export type SearchQuery = readonly SearchPart[];

/** The attributes that are searched for text, besides `last_url` of visitors online. */
export const TEXT_ATTRIBUTES: readonly AttributeName[] = [
  "identities",
  "unique_id",
  "email",
  "name",
  "nickname",
  "call_name",
  "location_city",
  "location_country_name",
  "browser_name",
  "device_name",
];

/** The query of `list/latest`: all visitors online. */
export const LATEST: SearchQuery = [{ kind: "online", online: true }];

/** The prefix of text that is searched in `last_url` alone. */
const URL_PREFIX = "url:";

/** The operators that have a prefix. */
const PREFIXED = OPERATOR_NAMES.map((name) => [operatorOf(name).prefix, name] as const)
  .filter((one): one is [string, OperatorName] => one[0] !== null);

const EMAIL = /^[\p{L}\p{M}\p{N}!#$%&'*+\/=?^_`{|}~.-]+@[\p{L}\p{M}\p{N}-]+(\.[\p{L}\p{M}\p{N}-]+)+$/u;
const CODE = /^[0-9]{4}$/;
const ISO_DATE = /^\d{4}-\d\d-\d\d$/;
const PHONE_WORD = new RegExp(`^\\+?[0-9${PHONE_SEPARATORS}]+$`);
/** The most digits of a phone number with its country code, without an international prefix such as 00 (ITU-T E.164). */
const MAX_PHONE_DIGITS = 15;
/** Groups with this many digits or more together are one phone number, even without a country, trunk or area code. */
const SURELY_PHONE_DIGITS = 10;

/** Whether a search takes the whole text for an e-mail address. */
export function isEmailAddress(text: string): boolean {
  return EMAIL.test(text);
}

/**
 * Parses a search.
 *
 * @param q at most 256 code points; callers refuse longer text
 * @param hidden attributes that nobody may search, see `HIDDEN_ATTRIBUTES`
 * @returns the parts; none if the text is empty, which means {@link LATEST}
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseSearch('#Client id:"a b"'), [
 *   { kind: "value", operator: "tag", value: "#client", attributes: ["tags"] },
 *   { kind: "value", operator: "unique_id", value: "a b", attributes: ["unique_id"] },
 * ]);
 * assert.deepEqual(parseSearch('  "" '), []);
 * ```
 */
export function parseSearch(q: string, hidden: ReadonlySet<AttributeName> = new Set()): SearchQuery {
  const words = splitWords(q);
  // Beside other text, four digits are a year, a house number or a group of a phone number, and no lookup code.
  const isCode = words.filter((word) => !isOperator(word)).length === 1;
  return joinPhones(words).map((word) => parsePart(word, isCode, hidden)).filter((part) => part !== null);
}

/** A word of a search: `value` in {@link plainText}, `typed` as typed. */
interface Word {
  value: string;
  typed: string;
  /** Whether the word begins with a quote, so that it is text even if it looks like an operator. */
  quoted: boolean;
  /** Whether `value` is the digits of a phone number, or of a group of one. */
  isPhone?: true;
}

/** Splits at white space outside double quotes, as a shell does; an unclosed quote runs to the end. */
function splitWords(q: string): Word[] {
  const words: Word[] = [];
  let [plain, typed] = ["", ""];
  let isQuoted = false;
  const end = () => {
    const value = plain.replaceAll('"', "");
    // A word of quotes or accents alone is empty after folding.
    if (foldText(value) !== "") words.push({ value, typed, quoted: plain.startsWith('"') });
    [plain, typed] = ["", ""];
  };
  for (const character of q) {
    const one = plainText(character);
    if (one === '"') isQuoted = !isQuoted;
    else if (!isQuoted && /^\s$/u.test(one)) {
      end();
      continue;
    } else typed += character;
    plain += one;
  }
  end();
  return words;
}

function isOperator({ value, quoted }: Word): boolean {
  return !quoted &&
    (value === "online" || value === "-online" || value.startsWith(URL_PREFIX) ||
      operatorNameOf(value) !== null);
}

/** Joins adjacent words that are groups of one phone number. */
function joinPhones(words: Word[]): Word[] {
  const joined: Word[] = [];
  for (let i = 0; i < words.length;) {
    let end = i + 1;
    if (isInPhone(words[i])) { while (end < words.length && goesOn(words[end - 1], words[end])) end++; }
    const groups = words.slice(i, end);
    // If the words together are no phone number, each may be one by itself.
    joined.push(...phoneOf(groups) ?? groups.flatMap((word) => phoneOf([word]) ?? [word]));
    i = end;
  }
  return joined;
}

function isInPhone({ value, quoted }: Word): boolean {
  return !quoted && isPhoneLike(bareNumber(value));
}

/** Whether the next word may belong to the same phone number. */
function goesOn(word: Word, next: Word): boolean {
  return isInPhone(next) && !/^(\+|tel:)/i.test(next.value) && !/[,;:!?]$/.test(word.value) && !isWhole(word);
}

/** Whether a word has the digits of a whole phone number. */
function isWhole({ value }: Word): boolean {
  return digitsOf(value).length >= SURELY_PHONE_DIGITS;
}

/** A phone number without `tel:` and punctuation that may be copied with it. */
function bareNumber(text: string): string {
  return text.replace(/^tel:/i, "").replace(/[,;:!?]+$/, "");
}

function isPhoneLike(text: string): boolean {
  return PHONE_WORD.test(text) && !ISO_DATE.test(text) && !isIPv4Address(text);
}

/**
 * Converts words to a phone number: to one word, or to one for each group if they may be several numbers; `null` if they
 * are no phone number.
 */
function phoneOf(words: Word[]): Word[] | null {
  const text = bareNumber(words.map(({ value }) => value).join(" "));
  const digits = digitsOf(dialled(text));
  if (!isPhoneLike(text) || digits.length < MIN_PHONE_DIGITS || digits.length > MAX_PHONE_DIGITS) return null;
  const asPhone = (value: string, word: Word): Word => ({ ...word, value, isPhone: true });
  const isSurelyOne = /^[+(0]/.test(text) || digits.length >= SURELY_PHONE_DIGITS && !words.some(isWhole);
  if (words.length === 1 || isSurelyOne) {
    return [asPhone(digits, { ...words[0], typed: text })];
  }
  return words.map((word) => asPhone(digitsOf(word.value), word)).filter(({ value }) => value !== "");
}

/** The e-mail address in a word, without `mailto:`, brackets and punctuation copied with it; `null` if there is none. */
function emailAddressIn(word: string): string | null {
  // A domain ends in a letter or a digit; an apostrophe before an address is taken for a quote.
  const bare = word.replace(/[^\p{L}\p{M}\p{N}]+$/u, "").replace(/^[<([{']+/, "");
  const [, link] = /^mailto:(?:\/\/)?([^?]*)/i.exec(bare) ?? [];
  const address = link ?? bare;
  return isEmailAddress(address) ? address : null;
}

function parsePart(word: Word, isCode: boolean, hidden: ReadonlySet<AttributeName>): SearchPart | null {
  const { value, quoted, isPhone } = word;
  if (!quoted && !isPhone) {
    const operator = operatorNameOf(value);
    if (operator !== null) return valueOf(operator, word, hidden);
    if (value.startsWith(URL_PREFIX)) {
      const text = foldText(value.slice(URL_PREFIX.length));
      // Accents alone are empty after folding.
      return text === "" || hidden.has("last_url") ? { kind: "nobody" } : { kind: "url", text };
    }
    if (value === "online" || value === "-online") {
      return hidden.has("is_online") ? { kind: "nobody" } : { kind: "online", online: value === "online" };
    }
    if (isCode && CODE.test(value)) {
      return { kind: "code", digits: value, inLookupCode: !hidden.has("lookup_code") };
    }
    const address = emailAddressIn(value);
    if (address !== null) return partOfValue("email", OPERATORS.email.normalise(address), hidden);
  }
  return {
    kind: "text",
    text: foldText(value),
    shortId: isPhone ? plainText(word.typed) : value,
    ...(isPhone ? { isPhone } : {}),
    attributes: visible(TEXT_ATTRIBUTES, hidden),
    inUrl: !hidden.has("last_url"),
  };
}

/** The operator whose prefix a word begins with; `null` if there is none. */
function operatorNameOf(value: string): OperatorName | null {
  return PREFIXED.find(([prefix]) => value.startsWith(prefix))?.[1] ?? null;
}

/** The part of a word that begins with an operator. */
function valueOf(name: OperatorName, { value, typed }: Word, hidden: ReadonlySet<AttributeName>): SearchPart {
  const { prefix, isPrefixInValue, normalise, isLiteral } = operatorOf(name);
  const operand = value.slice(prefix!.length);
  if (operand === "") return { kind: "nobody" };
  const part = partOfValue(name, normalise(isPrefixInValue ? value : operand), hidden);
  if (!isLiteral || part.kind !== "value" || plainText(typed) === typed) return part;
  const asTyped = operandTyped(typed, prefix!);
  return asTyped === part.value ? part : { ...part, typed: asTyped };
}

function partOfValue(
  operator: OperatorName,
  value: string | null,
  hidden: ReadonlySet<AttributeName>,
): SearchPart {
  const attributes = visible(operatorOf(operator).attributes, hidden);
  if (value === null || attributes.length === 0) return { kind: "nobody" };
  return { kind: "value", operator, value, attributes };
}

/** The text as typed after an operator's prefix, which may be typed in other than plain characters too. */
function operandTyped(typed: string, prefix: string): string {
  const characters = Array.from(typed);
  let length = 0;
  for (let plain = ""; plain.length < prefix.length; length++) plain += plainText(characters[length]);
  return characters.slice(length).join("");
}

function visible(attributes: readonly AttributeName[], hidden: ReadonlySet<AttributeName>) {
  return attributes.filter((attribute) => !hidden.has(attribute));
}

/** Whether a part asks for a value that few visitors have. */
export function isSelective(part: SearchPart): boolean {
  return part.kind === "code" || part.kind === "value" && !operatorOf(part.operator).isCommon;
}
