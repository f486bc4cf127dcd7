/**
 * The search help: what may be typed, and whom it finds.
 *
 * @module
 */
import { type Operator, OPERATORS } from "./operators.ts";

/** A row of the search help. */
export interface HelpRow {
  /** What may be typed, one example or more. */
  typed: readonly string[];
  /** Whom it finds. */
  finds: string;
}

/** All that may be typed, in the order in which it is explained. */
export const SEARCH_HELP: readonly HelpRow[] = [
  {
    typed: ["muller", '"zoe müller"'],
    finds: "with that text, letter case and accents aside; quotes keep words together",
  },
  {
    typed: ["+1 (555) 123-4567", "5551234567"],
    finds: "with that phone number, however it is spaced here or there",
  },
  {
    typed: ["4711"],
    finds: "with that lookup code, or that short id; only operators may stand beside it",
  },
  {
    typed: ["summer 2026"],
    finds: "with both texts; four digits beside text are no lookup code",
  },
  { typed: ["online", "-online"], finds: "online, offline" },
  ...Object.values<Operator>(OPERATORS).map(({ example, finds }) => ({ typed: [example], finds })),
  { typed: ["url:pricing"], finds: "online, on a page with that text in its URL" },
  { typed: ["aB3xY"], finds: "with exactly that short id" },
];

const OPERATORS_TYPED = Object.values<Operator>(OPERATORS).map(({ prefix }) => prefix)
  .filter((prefix) => prefix !== null).map((prefix) => prefix + "…");

/** The parts that a search may have, within a sentence. */
export const SEARCH_PARTS = "text, a phone number however it is spaced, an e-mail address, " +
  "four digits with nothing else but operators (a lookup code), " +
  `online, -online, ${OPERATORS_TYPED.join(", ")} or url:…`;
