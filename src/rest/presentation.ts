/**
 * A visitor as it is sent: without hidden attributes, with the link to watch it.
 *
 * @module
 */
import { asciiJson } from "../visitor/ascii_json.ts";
import type { Config } from "../config.ts";
import type { StoredVisitor } from "../visitor/encoded_visitor.ts";
import type { AttributeName, Visitor } from "../visitor/visitor.ts";

/** What the JSON of a visitor without a link ends with. */
const NO_LINK = '"watch_link":null}';

/** What makes a visitor's JSON. */
export function presenter({ hiddenAttributes, watchLink }: Config): (visitor: StoredVisitor) => string {
  const linkTo = (shortId: string) => watchLink.replaceAll("{short_id}", encodeURIComponent(shortId));

  function withLink(visitor: StoredVisitor): string {
    const { json } = visitor;
    if (watchLink === "" || !json.endsWith(NO_LINK)) return json;
    return `${json.slice(0, -"null}".length)}${asciiJson(linkTo(visitor.shortId))}}`;
  }
  if (hiddenAttributes.size === 0) return withLink;

  // That of the same visitor is made once: most are the same as on the page before.
  const presented = new WeakMap<StoredVisitor, string>();
  return (visitor) => {
    let json = presented.get(visitor);
    if (json === undefined) {
      const sent: Partial<Visitor> = JSON.parse(withLink(visitor));
      for (const name of hiddenAttributes as ReadonlySet<Exclude<AttributeName, "short_id">>) {
        delete sent[name];
      }
      presented.set(visitor, json = asciiJson(sent));
    }
    return json;
  };
}
