/**
 * A visitor's JSON, as it is stored and sent. Only this module relies on the JSON's exact form.
 *
 * @module
 */
import { asciiJson } from "./ascii_json.ts";
import { readJson } from "./read_json.ts";
import type { Visitor } from "./visitor.ts";
import { LINK } from "./watch_link.ts";

/** The beginning of every visitor's JSON. */
const START = '{"short_id":';

/** The start of the JSON's last member. It is in no string, since quotes within JSON strings are escaped. */
const LINK_MEMBER = ',"watch_link":';

/**
 * A visitor as JSON and as an object. One form is given; the other is made when it is first read. Most visitors are sent
 * as they were stored, and so are never parsed.
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

  /** @param form an object or JSON, with all attributes in their order; JSON must be of ASCII characters alone */
  constructor(form: string | Visitor) {
    [this.#json, this.#visitor] = typeof form === "string" ? [form, null] : [null, form];
  }

  /** All attributes in their order, as JSON of ASCII characters alone. */
  get json(): string {
    return this.#json ??= asciiJson(this.#visitor);
  }

  /** The visitor as an object, which must not be changed. */
  get visitor(): Visitor {
    return this.#visitor ??= readJson(this.#json!) as Visitor;
  }

  get shortId(): string {
    if (this.#visitor !== null) return this.#visitor.short_id;
    const end = this.#json!.indexOf('","', START.length + 1) + 1;
    return JSON.parse(this.#json!.slice(START.length, end));
  }

  /**
   * The JSON of the visitor, with a made `watch_link` if none is stored. A stored one that is no http or https URL, as an
   * earlier Foyer may have stored, counts as missing.
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
   * @param linkTo makes the link for a short id; `null`: no link can be made
   */
  jsonWithLink(linkTo: ((shortId: string) => string) | null): string {
    const { json } = this;
    const start = json.lastIndexOf(LINK_MEMBER) + LINK_MEMBER.length;
    const stored = json.slice(start, -1);
    if (stored === "null" ? linkTo === null : LINK.test(JSON.parse(stored))) return json;
    return `${json.slice(0, start)}${linkTo === null ? "null" : asciiJson(linkTo(this.shortId))}}`;
  }
}
