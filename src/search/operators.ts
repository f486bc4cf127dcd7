/**
 * The operators that compare whole values: what each is called, what it is compared with, and in which form. Parsing,
 * matching, index keys, both stores' lookups and the search format follow from {@link OPERATORS}.
 *
 * To add one, add it there and raise `INDEX_KEYS_VERSION` in index_keys.ts.
 *
 * @module
 */
import type { AttributeName, Visitor } from "../visitor/visitor.ts";
import { canonicalAddress, foldCase, plainText } from "./normalise.ts";

/** An operator whose value is compared with whole values of attributes. */
export interface Operator {
  /** What it begins with where it is typed; `null`: it is known by its form, as an e-mail address is. */
  prefix: string | null;
  /** Whether the prefix belongs to the value, as that of a tag does. */
  isPrefixInValue?: true;
  /** The attributes whose values it is compared with. */
  attributes: readonly AttributeName[];
  /** One form for all spellings of a value; `null` for a value that nobody can look for by this operator. */
  normalise: (value: string) => string | null;
  /**
   * Whether a value is compared as it is stored, with what was typed and with that in plain characters: a database finds
   * it by an index of the attribute itself, in documents without search fields as well.
   */
  isLiteral?: true;
  /** Whether many visitors have the same value, so that it is found in list order. */
  isCommon?: true;
  /** Searches by this operator alone; the first one stands in the table of the search format. */
  examples: readonly [string, ...string[]];
  /** The visitors that the first example finds, after "finds visitors"; code is between backticks. */
  finds: string;
}

/** Each operator by its name, with which its index keys begin. */
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

/** A part of a search that an operator and its value are. */
export interface ValuePart {
  kind: "value";
  operator: OperatorName;
  value: string;
  /**
   * The value as it was typed, where this is not plain text: what other software stored may be written so. Only where
   * the operator {@link Operator.isLiteral}.
   */
  typed?: string;
  /** Those of the operator's attributes that are not hidden. */
  attributes: readonly AttributeName[];
}

/** Values of one list that are compared: a list of a megabyte has as many index keys as values. */
const MAX_VALUES = 1000;

/** Characters (UTF-16 units) of a value that may be compared: nobody types a longer one. */
const MAX_LENGTH = 1000;

/** Whether one of the values of a visitor that operators look at fulfils a condition. */
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

/** Whether a visitor has the value of a part. */
export function hasValue({ operator, value, typed, attributes }: ValuePart, visitor: Visitor): boolean {
  const { normalise, isLiteral } = operatorOf(operator);
  const isSame = isLiteral
    ? (other: string) => other === value || other === typed
    : (other: string) => normalise(other) === value;
  return someValue(visitor, attributes, isSame);
}
