/**
 * The form in which the file stores a visitor: the JSON of each attribute's value on a line of its own, in the order of
 * `ATTRIBUTE_NAMES`, and an empty line for an empty value. It takes less than half of the space of the visitor's JSON,
 * and joining the lines makes that JSON.
 *
 * @module
 */
import { asciiJson } from "../../visitor/ascii_json.ts";
import { readJson } from "../../visitor/read_json.ts";
import {
  ATTRIBUTE_NAMES,
  type AttributeName,
  ATTRIBUTES,
  readVisitor,
  type Visitor,
} from "../../visitor/visitor.ts";

/** The JSON of each attribute's empty value. */
const EMPTY = ATTRIBUTE_NAMES.map((name) => JSON.stringify(ATTRIBUTES[name].read(undefined)));

/** The text before each attribute's value in the JSON of a visitor. */
const BEFORE = ATTRIBUTE_NAMES.map((name, i) => `${i === 0 ? "{" : ","}${JSON.stringify(name)}:`);

/** The line of each attribute's value in a document. */
const LINES = new Map<string, number>(ATTRIBUTE_NAMES.map((name, i) => [name, i]));

/**
 * A visitor as a document.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readVisitor } from "../../visitor/visitor.ts";
 *
 * const zoe = readVisitor({ short_id: "aB3", name: "Zoë" })!;
 * assert.ok(documentOf(zoe).startsWith('"aB3"\n\n'));
 * assert.deepEqual(JSON.parse(jsonOf(documentOf(zoe))), zoe);
 * ```
 */
export function documentOf(visitor: Visitor): string {
  return ATTRIBUTE_NAMES.map((name, i) => {
    const value = visitor[name];
    if (value === null) return "";
    const json = asciiJson(value);
    return json === EMPTY[i] ? "" : json;
  }).join("\n");
}

/** The visitor of a document as JSON of ASCII characters, with all attributes in their order. */
export function jsonOf(document: string): string {
  const values = document.split("\n");
  let json = "";
  for (let i = 0; i < BEFORE.length; i++) json += BEFORE[i] + (values[i] || EMPTY[i]);
  return json + "}";
}

/** The visitor of a document. */
export function visitorOf(document: string): Visitor {
  return readJson(jsonOf(document)) as Visitor;
}

/** The short id of a document's visitor. */
export function shortIdOf(document: string): string {
  return JSON.parse(document.slice(0, document.indexOf("\n")));
}

/** The values of some attributes in a document, to compare them with another document's. */
export function valuesOf(document: string, names: readonly AttributeName[]): string {
  const values = document.split("\n");
  return names.map((name) => values[LINES.get(name)!]).join("\n");
}

/**
 * The visitor of a document that another version of Foyer stored.
 *
 * @param names the attributes of the document's lines, with commas between; `null`: the document is one JSON object
 */
export function visitorOfOther(document: string, names: string | null): Visitor {
  if (names === null) return readVisitor(readJson(document) as Record<string, unknown>)!;
  const values = document.split("\n");
  return readVisitor(
    Object.fromEntries(
      names.split(",").map((name, i) => [name, values[i] ? readJson(values[i]) : undefined]),
    ),
  )!;
}

/** A visitor whose attributes are decoded when they are read, since a search reads few of them. */
class LazyVisitor {
  #values: string[];

  constructor(document: string) {
    this.#values = document.split("\n");
  }

  /** Decodes the attribute on a line. */
  value(line: number): unknown {
    const json = this.#values[line] || EMPTY[line];
    if (json === "null") return null;
    // Most values are strings without escapes; slicing takes a quarter of the time of parsing.
    return json.startsWith('"') && !json.includes("\\") ? json.slice(1, -1) : readJson(json);
  }
}

for (const [name, line] of LINES) {
  Object.defineProperty(LazyVisitor.prototype, name, {
    get(this: LazyVisitor) {
      return this.value(line);
    },
  });
}

/** The visitor of a document, for reading a few attributes: each read decodes again. */
export function lazyVisitorOf(document: string): Visitor {
  return new LazyVisitor(document) as unknown as Visitor;
}
