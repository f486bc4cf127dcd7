/**
 * A visitor as a store has it.
 *
 * @module
 */
import { asciiJson } from "./ascii_json.ts";
import type { Visitor } from "./visitor.ts";

/** What a visitor's JSON begins with. */
const START = '{"short_id":';

/**
 * A visitor that was read from a store, as its JSON or as an object; the other one is made when it is asked for. Most
 * are sent as they were stored, and never become an object.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readVisitor } from "./visitor.ts";
 *
 * const zoe = readVisitor({ short_id: "aB3", name: "Zoë" })!;
 * const stored = new StoredVisitor(new StoredVisitor(zoe).json);
 * assert.ok(stored.json.includes(String.raw`"name":"Zo\u00eb"`));
 * assert.equal(stored.shortId, "aB3");
 * assert.deepEqual(stored.visitor, zoe);
 * ```
 */
export class StoredVisitor {
  #json: string | null;
  #visitor: Visitor | null;

  /** @param form with all attributes in their order, as JSON of ASCII characters alone */
  constructor(form: string | Visitor) {
    [this.#json, this.#visitor] = typeof form === "string" ? [form, null] : [null, form];
  }

  /** All attributes in their order, as JSON of ASCII characters alone. */
  get json(): string {
    return this.#json ??= asciiJson(this.#visitor);
  }

  /** Not to be changed. */
  get visitor(): Visitor {
    return this.#visitor ??= JSON.parse(this.#json!) as Visitor;
  }

  get shortId(): string {
    if (this.#visitor !== null) return this.#visitor.short_id;
    // Within it a quote has a backslash before it.
    const end = this.#json!.indexOf('","', START.length + 1) + 1;
    return JSON.parse(this.#json!.slice(START.length, end));
  }
}
