/**
 * The search format described for people: for the documentation, and for the help beside a search field. `parse.ts`
 * implements it.
 *
 * @module
 */
import { type Operator, OPERATORS } from "./operators.ts";
import { TEXT_ATTRIBUTES } from "./parse.ts";

/** One kind of search part: a row of the table. */
export interface SearchFormatRow {
  /** How the part is written; code is between backticks. */
  part: string;
  /** Which visitors the part finds, to follow the words "finds visitors"; code is between backticks. */
  finds: string;
  /** Searches that consist of this part alone. */
  examples: readonly string[];
}

const { email, ...PREFIXED }: Record<string, Operator> = OPERATORS;

function rowOf({ examples, finds }: Operator): SearchFormatRow {
  return { part: `\`${examples[0]}\``, finds, examples };
}

/** The parts of a search, all of which a visitor must match. */
export const SEARCH_FORMAT: readonly SearchFormatRow[] = [
  rowOf(email),
  { part: "`online`, `-online`", finds: "online, offline", examples: ["online", "-online"] },
  {
    part: "`1234` (four digits, beside operators alone)",
    finds: "with that `lookup_code` or `short_id`",
    examples: ["1234"],
  },
  ...Object.values(PREFIXED).map(rowOf),
  { part: "`url:pricing`", finds: "online, with that text in `last_url`", examples: ["url:pricing"] },
  {
    part: "anything else",
    finds: "exactly that `short_id`; or text, letter case and accents aside, within " +
      TEXT_ATTRIBUTES.map((name) => `\`${name}\``).join(", ") +
      " or, online, `last_url`, each up to its 1000th character (`last_url`: 2048th)",
    examples: ["muller", '"zoe muller"', "+49 221 555 1234"],
  },
];

/** The kinds of search parts as a list to be used within a sentence. */
export const SEARCH_PARTS = "text, a phone number however it is spaced, an e-mail address, " +
  "four digits with nothing else but operators (a lookup code), " +
  `online, -online, ${Object.values(PREFIXED).map(({ prefix }) => prefix + "…").join(", ")} or url:…`;
