/**
 * The visitor routes: fetch, throw, return.
 *
 * @module
 */
import type { Context } from "hono";
import type { Config } from "../config.ts";
import { LATEST, parseSearch } from "../search/parse.ts";
import type { SharedReads } from "../store/shared_reads.ts";
import type { Page } from "../store/visitor_store.ts";
import type { AttributeName, Visitor } from "../visitor.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { ApiError } from "./errors.ts";
import { Representation, send } from "./representation.ts";

const DEFAULT_RESULTS = 100;
const MAX_RESULTS = 1000;

/** URLs that lead to one page, for which its representation is kept. */
const MAX_SPELLINGS = 16;
const MAX_Q_LENGTH = 256;

/** The handlers of the visitor routes, over one store. */
export function visitorHandlers(store: SharedReads, config: Config) {
  /** What was made of pages that are still shared, for each URL that leads to them. */
  const made = new WeakMap<Page, Map<string, Representation>>();

  /** A page of a list; its `Link` header (RFC 8288) leads to the next one. */
  async function sendPage(context: Context, route: string, q: string) {
    const query = parseSearch(q, config.hiddenAttributes);
    const madeFor = query.length === 0 ? "" : q;
    const parameters = queryOf(context);
    const limit = readMaxResults(parameters.get("max_results"));
    const cursor = parameters.get("cursor");
    const after = cursor === null ? null : decodeCursor(cursor, madeFor);
    const page = await store.findVisitors(query.length === 0 ? LATEST : query, limit, after);

    const next = new URLSearchParams();
    if (madeFor !== "") next.set("q", q);
    if (parameters.has("max_results")) next.set("max_results", String(limit));
    const url = `${config.baseEndpoint}/api/visitors/list/${route}?${next}`;
    const ofPage = made.get(page) ?? new Map<string, Representation>();
    made.set(page, ofPage);
    // Only a link differs between those who asked the same in other words.
    const key = page.next === null ? "" : url;
    const representation = ofPage.get(key) ?? represent(page, url, madeFor);
    if (ofPage.size >= MAX_SPELLINGS) ofPage.clear();
    ofPage.set(key, representation);
    return await send(context, representation);
  }

  function represent({ visitors, next }: Page, url: string, madeFor: string): Representation {
    const separator = url.endsWith("?") ? "" : "&";
    return new Representation(
      { status: "ok", visitors: visitors.map((visitor) => present(visitor, config)) },
      next === null ? "" : `<${url}${separator}cursor=${encodeCursor(next, madeFor)}>; rel="next"`,
    );
  }

  return {
    listLatest: (context: Context) => sendPage(context, "latest", ""),

    searchVisitors: (context: Context) => sendPage(context, "search", readQ(queryOf(context).get("q"))),

    getVisitor: async (context: Context) => {
      const visitor = await store.getVisitor(context.req.param("short_id")!);
      if (visitor === null) {
        throw new ApiError("visitor_not_found", "There is no visitor with this short id.");
      }
      return await send(context, new Representation({ status: "ok", visitor: present(visitor, config) }));
    },
  };
}

/** A visitor as it is sent: without hidden attributes, with the link to watch it. */
function present(visitor: Visitor, { hiddenAttributes, watchLink }: Config): Partial<Visitor> {
  const link = visitor.watch_link ??
    (watchLink === "" ? null : watchLink.replaceAll("{short_id}", encodeURIComponent(visitor.short_id)));
  const sent: Partial<Visitor> = { ...visitor, watch_link: link };
  for (const name of hiddenAttributes as ReadonlySet<Exclude<AttributeName, "short_id">>) delete sent[name];
  return sent;
}

/** Not by `new URL`, which throws where a client sent a malformed Host. */
function queryOf(context: Context): URLSearchParams {
  const { url } = context.req;
  const start = url.indexOf("?");
  return new URLSearchParams(start === -1 ? "" : url.slice(start));
}

function readMaxResults(given: string | null): number {
  if (given === null) return DEFAULT_RESULTS;
  const results = /^[0-9]{1,4}$/.test(given) ? Number(given) : 0;
  if (results < 1 || results > MAX_RESULTS) {
    throw new ApiError("invalid_parameter", `max_results must be a whole number from 1 to ${MAX_RESULTS}.`);
  }
  return results;
}

function readQ(given: string | null): string {
  const q = given ?? "";
  if (Array.from(q).length > MAX_Q_LENGTH) {
    throw new ApiError("invalid_parameter", `q must not be longer than ${MAX_Q_LENGTH} characters.`);
  }
  return q;
}
