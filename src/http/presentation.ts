/**
 * Makes the JSON of visitors as it is sent: without hidden attributes, and with a `watch_link`.
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

/** The part of the configuration that decides how visitors are sent. */
export type Presented = Pick<Config, "hiddenAttributes" | "watchLink">;

/** Returns a function that makes the JSON of a visitor as it is sent. */
export function presenter({ hiddenAttributes, watchLink }: Presented): (visitor: EncodedVisitor) => string {
  const linkTo = watchLink === "" ? null : (shortId: string) => fillWatchLink(watchLink, shortId, NO_AGENT);
  const withLink = (visitor: EncodedVisitor) => visitor.jsonWithLink(linkTo);
  if (hiddenAttributes.size === 0) return withLink;

  // Cached by visitor, since most visitors are in the next answer too.
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

/** The representation of one visitor, given its JSON: GET answers with it, and `If-Match` is compared with its tag. */
export function representVisitor(json: string): Representation {
  return new Representation(`{"status":"ok","visitor":${json}}`);
}
