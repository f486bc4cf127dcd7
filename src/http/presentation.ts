/**
 * A visitor as it is sent: without hidden attributes, and with its `watch_link`.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { Representation } from "./representation.ts";
import { asciiJson } from "../visitor/ascii_json.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { readJson } from "../visitor/read_json.ts";
import type { AttributeName, Visitor } from "../visitor/visitor.ts";
import { fillWatchLink, NO_AGENT } from "../visitor/watch_link.ts";

/** What decides how visitors are sent. */
export type Presented = Pick<Config, "hiddenAttributes" | "watchLink">;

/** Returns the function that makes a visitor's JSON. */
export function presenter({ hiddenAttributes, watchLink }: Presented): (visitor: EncodedVisitor) => string {
  const linkTo = watchLink === "" ? null : (shortId: string) => fillWatchLink(watchLink, shortId, NO_AGENT);
  const withLink = (visitor: EncodedVisitor) => visitor.jsonWithLink(linkTo);
  if (hiddenAttributes.size === 0) return withLink;

  // Made once for each visitor, since most are on the next answer too.
  const presented = new WeakMap<EncodedVisitor, string>();
  return (visitor) => {
    let json = presented.get(visitor);
    if (json === undefined) {
      const sent = readJson(withLink(visitor)) as Partial<Visitor>;
      for (const name of hiddenAttributes as ReadonlySet<Exclude<AttributeName, "short_id">>) {
        delete sent[name];
      }
      presented.set(visitor, json = asciiJson(sent));
    }
    return json;
  };
}

/** The representation of one visitor, given its JSON: what GET answers, and what the tag in `If-Match` is of. */
export function representVisitor(json: string): Representation {
  return new Representation(`{"status":"ok","visitor":${json}}`);
}
