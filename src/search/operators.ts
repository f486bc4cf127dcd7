/**
 * The operators that compare whole values: each one's prefix, attributes and normal form. Parsing, matching, index keys,
 * both stores' lookups and the search format are derived from {@link OPERATORS}.
 *
 * To add one, add it there and raise `INDEX_KEYS_VERSION` in index_keys.ts.
 *
 * @module
 */
import type { AttributeName, Visitor } from "../visitor/visitor.ts";
import { canonicalAddress, foldCase, plainText } from "./normalise.ts";

/** An operator whose value is compared with whole values of attributes. */
export interface Operator {
  /**
   * The prefix of search parts that use the operator; `null`: a part is recognised by its form, such as that of an e-mail
   * address.
   */
  prefix: string | null;
  /** Whether the prefix belongs to the value, as `#` does to a tag. */
  isPrefixInValue?: true;
  /** The attributes whose values are compared. */
  attributes: readonly AttributeName[];
  /** Brings all spellings of a value into one form; `null` if this operator cannot search for the value. */
  normalise: (value: string) => string | null;
  /**
   * Whether the stored value is compared without normalising it: with the text as typed, and with that text in plain
   * characters. Databases then use an index on the attribute, which covers unindexed documents too.
   */
  isLiteral?: true;
  /** Whether many visitors share a value, so that matches are read in list order and not sorted. */
  isCommon?: true;
  /** Searches by this operator alone; the first one is shown in the table of the search format. */
  examples: readonly [string, ...string[]];
  /** Which visitors the first example finds, to follow the words "finds visitors"; code is between backticks. */
  finds: string;
}

/** The operators by name; the names are prefixes of index keys. */
export const OPERATORS = {
  email: {
    prefix: null,
    attributes: ["email", "unique_id", "identities"],
    normalise: (value) => value.includes("@") ? foldCase(value) : null,
    examples: ["jane@example.com"],
    finds: "whose `email`, `unique_id` or one of `identities` is that address, letter case aside",
  },
  tag: {
    prefix: "#",
    isPrefixInValue: true,
    attributes: ["tags"],
    normalise: foldCase,
    isCommon: true,
    examples: ["#client"],
    finds: "with that tag, letter case aside",
  },
  unique_id: {
    prefix: "id:",
    attributes: ["unique_id"],
    normalise: plainText,
    isLiteral: true,
    examples: ["id:user123"],
    finds: "whose `unique_id` is exactly that",
  },
  integration_id: {
    prefix: "integration_id:",
    attributes: ["integration_ids"],
    normalise: plainText,
    isLiteral: true,
    examples: ["integration_id:acmechat:1234"],
    finds: "with the integration id `acmechat:1234`",
  },
  ip: {
    prefix: "ip:",
    attributes: ["ip_address"],
    normalise: canonicalAddress,
    examples: ["ip:192.0.2.1", "ip:2001:db8::1"],
    finds: "with that IP address, in any spelling of IPv6",
  },
} as const satisfies Record<string, Operator>;

/** The name of an operator. */
export type OperatorName = keyof typeof OPERATORS;

/** All names of operators. */
export const OPERATOR_NAMES = Object.keys(OPERATORS) as OperatorName[];

/** An operator by its name. */
export function operatorOf(name: OperatorName): Operator {
  return OPERATORS[name];
}

/** A part of a search that consists of an operator and a value. */
export interface ValuePart {
  kind: "value";
  operator: OperatorName;
  value: string;
  /**
   * The value as typed, if that differs from its plain form, since other software may have stored that spelling. Only for
   * operators that are {@link Operator.isLiteral}.
   */
  typed?: string;
  /** Those of the operator's attributes that are not hidden. */
  attributes: readonly AttributeName[];
}

/** The most values of one list that are compared, since each costs an index key. */
const MAX_VALUES = 1000;

/** The most characters (UTF-16 units) of a value that is compared; longer ones are ignored, since nobody types them. */
const MAX_LENGTH = 1000;

/**
 * Whether a test succeeds for any value of these attributes of a visitor, within {@link MAX_VALUES} and
 * {@link MAX_LENGTH}.
 */
export function someValue(
  visitor: Visitor,
  attributes: readonly AttributeName[],
  test: (value: string) => boolean,
): boolean {
  for (const name of attributes) {
    const value = visitor[name] as string | string[] | null;
    if (value === null) continue;
    if (typeof value === "string") {
      if (value.length <= MAX_LENGTH && test(value)) return true;
      continue;
    }
    for (let i = 0; i < value.length && i < MAX_VALUES; i++) {
      if (value[i].length <= MAX_LENGTH && test(value[i])) return true;
    }
  }
  return false;
}

/** Whether a visitor has the value that a part asks for. */
export function hasValue({ operator, value, typed, attributes }: ValuePart, visitor: Visitor): boolean {
  const { normalise, isLiteral } = operatorOf(operator);
  const isSame = isLiteral
    ? (other: string) => other === value || other === typed
    : (other: string) => normalise(other) === value;
  return someValue(visitor, attributes, isSame);
}
