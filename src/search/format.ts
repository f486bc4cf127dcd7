/**
 * The search format as people read it, for the documentation and the help beside a search field. `parse.ts` is what
 * reads it.
 *
 * @module
 */
import { TEXT_ATTRIBUTES } from "./parse.ts";

/** A kind of part of a search. */
export interface SearchFormatRow {
  /** How it is written; code is between backticks. */
  part: string;
  /** The visitors that it finds, after "finds visitors"; code is between backticks. */
  finds: string;
  /** Searches of this part alone. */
  examples: readonly string[];
}

/** The parts of a search, all of which a visitor must match. */
export const SEARCH_FORMAT: readonly SearchFormatRow[] = [
  {
    part: "`jane@example.com`",
    finds: "whose `email`, `unique_id` or one of `identities` is that address, letter case aside",
    examples: ["jane@example.com"],
  },
  { part: "`online`, `-online`", finds: "online, offline", examples: ["online", "-online"] },
  {
    part: "`1234` (four digits, beside operators alone)",
    finds: "with that `lookup_code` or `short_id`",
    examples: ["1234"],
  },
  { part: "`#client`", finds: "with that tag, letter case aside", examples: ["#client"] },
  { part: "`id:user123`", finds: "whose `unique_id` is exactly that", examples: ["id:user123"] },
  {
    part: "`integration_id:acmechat:1234`",
    finds: "with the integration id `acmechat:1234`",
    examples: ["integration_id:acmechat:1234"],
  },
  {
    part: "`ip:192.0.2.1`",
    finds: "with that IP address, in any spelling of IPv6",
    examples: ["ip:192.0.2.1", "ip:2001:db8::1"],
  },
  { part: "`url:pricing`", finds: "online, with that text in `last_url`", examples: ["url:pricing"] },
  {
    part: "anything else",
    finds: "exactly that `short_id`; or text, letter case and accents aside, within " +
      TEXT_ATTRIBUTES.map((name) => `\`${name}\``).join(", ") +
      " or, online, `last_url`, each up to its 1000th character",
    examples: ["muller", '"zoe muller"', "+49 221 555 1234"],
  },
];
