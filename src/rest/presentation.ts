/**
 * A visitor as it is sent: without hidden attributes, with the link to watch it.
 *
 * @module
 */
import type { Config } from "../config.ts";
import type { AttributeName, Visitor } from "../visitor.ts";
import { asciiJson } from "../http/representation.ts";

/** What makes a visitor's JSON. That of the same object is made once: most are the same as on the page before. */
export function presenter(config: Config): (visitor: Visitor) => string {
  const presented = new WeakMap<Visitor, string>();
  return (visitor) => {
    let json = presented.get(visitor);
    if (json === undefined) presented.set(visitor, json = asciiJson(present(visitor, config)));
    return json;
  };
}

function present(visitor: Visitor, { hiddenAttributes, watchLink }: Config): Partial<Visitor> {
  const link = visitor.watch_link ??
    (watchLink === "" ? null : watchLink.replaceAll("{short_id}", encodeURIComponent(visitor.short_id)));
  const sent: Partial<Visitor> = { ...visitor, watch_link: link };
  for (const name of hiddenAttributes as ReadonlySet<Exclude<AttributeName, "short_id">>) delete sent[name];
  return sent;
}
