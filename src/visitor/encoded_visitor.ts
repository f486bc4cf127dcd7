/**
 * A visitor's JSON, as it is stored and sent. What its bytes look like is known here alone.
 *
 * @module
 */
import { asciiJson } from "./ascii_json.ts";
import { readJson } from "./read_json.ts";
import type { Visitor } from "./visitor.ts";
import { LINK } from "./watch_link.ts";

/** What the JSON of a visitor begins with. */
const START = '{"short_id":';

/** The last member's name and colon. Within a string of JSON a quote has a backslash before it. */
const LINK_MEMBER = ',"watch_link":';

/**
 * A visitor as JSON or as an object; the other form is made when it is first asked for. Most visitors are sent as they
 * were stored, and never become an object.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readVisitor } from "./visitor.ts";
 *
 * const zoe = readVisitor({ short_id: "aB3", name: "Zoë" })!;
 * const stored = new EncodedVisitor(new EncodedVisitor(zoe).json);
 * assert.ok(stored.json.includes(String.raw`"name":"Zo\u00eb"`));
 * assert.equal(stored.shortId, "aB3");
 * assert.deepEqual(stored.visitor, zoe);
 * ```
 */
export class EncodedVisitor {
  #json: string | null;
  #visitor: Visitor | null;

  /** @param form with all attributes in their order; as JSON, of ASCII characters alone */
  constructor(form: string | Visitor) {
    [this.#json, this.#visitor] = typeof form === "string" ? [form, null] : [null, form];
  }

  /** All attributes in their order, as JSON of ASCII characters alone. */
  get json(): string {
    return this.#json ??= asciiJson(this.#visitor);
  }

  /** Must not be changed. */
  get visitor(): Visitor {
    return this.#visitor ??= readJson(this.#json!) as Visitor;
  }

  get shortId(): string {
    if (this.#visitor !== null) return this.#visitor.short_id;
    const end = this.#json!.indexOf('","', START.length + 1) + 1;
    return JSON.parse(this.#json!.slice(START.length, end));
  }

  /**
   * The JSON of the visitor with a `watch_link`, where it has none of its own. One that is no http or https URL, which
   * an earlier Foyer stored, counts as none.
   *
   * ```ts
   * import assert from "node:assert/strict";
   * import { readVisitor } from "./visitor.ts";
   *
   * const ada = new EncodedVisitor(readVisitor({ short_id: "aB3" })!);
   * const { watch_link } = JSON.parse(ada.jsonWithLink((shortId) => `https://acme.com/${shortId}`));
   * assert.equal(watch_link, "https://acme.com/aB3");
   * ```
   *
   * @param linkTo gives the link for a short id; `null`: there is none
   */
  jsonWithLink(linkTo: ((shortId: string) => string) | null): string {
    const { json } = this;
    const start = json.lastIndexOf(LINK_MEMBER) + LINK_MEMBER.length;
    const stored = json.slice(start, -1);
    if (stored === "null" ? linkTo === null : LINK.test(JSON.parse(stored))) return json;
    return `${json.slice(0, start)}${linkTo === null ? "null" : asciiJson(linkTo(this.shortId))}}`;
  }
}
