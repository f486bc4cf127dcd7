/**
 * What probes ask: whether the process serves, whether its database answers.
 *
 * @module
 */
import type { Context } from "hono";
import { StoreUnavailable, type VisitorStore } from "../store/visitor_store.ts";

/** `/live`: this answer is the answer. */
export function live(context: Context): Response {
  return context.json({ status: "ok" });
}

/** `/ready`: as last heard from the database, since whoever sends no key must not cause it any work. */
export function ready(store: VisitorStore): (context: Context) => Response {
  return (context) => {
    if (!store.isReady()) throw new StoreUnavailable("The database did not answer when last asked");
    return context.json({ status: "ok" });
  };
}
