/**
 * The visitor routes: fetch, throw, return.
 *
 * @module
 */
import type { Context } from "hono";
import type { Config } from "../config.ts";
import { LATEST, parseSearch, type SearchQuery } from "../search/parse.ts";
import { withTypos } from "../search/typo.ts";
import { Deadline, REQUEST_DEADLINE } from "../store/deadline.ts";
import type { SharedReads } from "../store/shared_reads.ts";
import type { Page } from "../store/visitor_store.ts";
import type { AttributeName, Visitor } from "../visitor.ts";
import { type Cursor, decodeCursor, encodeCursor } from "./cursor.ts";
import { ApiError } from "./errors.ts";
import { asciiJson, Representation, send } from "./representation.ts";

const DEFAULT_RESULTS = 100;
const MAX_RESULTS = 1000;
const MAX_Q_LENGTH = 256;

/** Requests that lead to one page in other words, for which its representation is kept. */
const MAX_SPELLINGS = 16;

/** What a request asks a list for. */
interface ListRequest {
  route: "latest" | "search";
  /** Empty for `list/latest`, and for what means the same. */
  q: string;
  query: SearchQuery;
  limit: number;
  /** Whether `max_results` was given, which the next page's link then repeats. */
  isLimitGiven: boolean;
  cursor: Cursor | null;
}

/** The handlers of the visitor routes, over one store. */
export function visitorHandlers(store: SharedReads, config: Config) {
  /** What was made of pages that are still shared, for each request that leads to them. */
  const made = new WeakMap<Page, Map<string, Representation>>();

  /** The JSON of visitors who are the same as on the page before, which most are. */
  const presented = new WeakMap<Visitor, string>();

  function jsonOf(visitor: Visitor): string {
    let json = presented.get(visitor);
    if (json === undefined) presented.set(visitor, json = asciiJson(present(visitor, config)));
    return json;
  }

  async function sendList(context: Context, route: ListRequest["route"]) {
    const request = readListRequest(context, route, config);
    const { page, typos } = await findPage(request);
    // Only a link differs between those who asked the same in other words.
    const key = page.next === null ? "" : `${route} ${request.isLimitGiven} ${request.q}`;
    return await send(context, made.get(page)?.get(key) ?? make(key, request, page, typos));
  }

  /** Makes a page's representation, and keeps it as long as the page is shared. */
  function make(key: string, request: ListRequest, page: Page, typos: boolean): Representation {
    const representation = represent(request, page, typos);
    const ofPage = made.get(page) ?? new Map<string, Representation>();
    if (ofPage.size >= MAX_SPELLINGS) ofPage.clear();
    made.set(page, ofPage.set(key, representation));
    return representation;
  }

  /** Who matches, or else, where that is nobody, who would but for a typo; as long as one request may take. */
  async function findPage({ query, limit, cursor }: ListRequest): Promise<{ page: Page; typos: boolean }> {
    if (cursor !== null) {
      const tolerant = cursor.typos ? withTypos(query) : null;
      const page = await store.findVisitors(tolerant ?? query, limit, cursor.position);
      return { page, typos: tolerant !== null };
    }
    const deadline = new Deadline(REQUEST_DEADLINE);
    const page = await store.findVisitors(query, limit, null);
    const tolerant = page.visitors.length > 0 ? null : withTypos(query);
    if (tolerant === null) return { page, typos: false };
    return { page: await deadline.race(store.findVisitors(tolerant, limit, null)), typos: true };
  }

  function represent(request: ListRequest, { visitors, next }: Page, typos: boolean): Representation {
    const link = next === null ? "" : linkTo(request, encodeCursor({ position: next, typos }, request.q));
    return new Representation(`{"status":"ok","visitors":[${visitors.map(jsonOf).join(",")}]}`, link);
  }

  /** The `Link` header that leads to the next page (RFC 8288). */
  function linkTo({ route, q, limit, isLimitGiven }: ListRequest, cursor: string): string {
    const parameters = new URLSearchParams();
    if (q !== "") parameters.set("q", q);
    if (isLimitGiven) parameters.set("max_results", String(limit));
    parameters.set("cursor", cursor);
    return `<${config.baseEndpoint}/api/visitors/list/${route}?${parameters}>; rel="next"`;
  }

  return {
    listLatest: (context: Context) => sendList(context, "latest"),

    searchVisitors: (context: Context) => sendList(context, "search"),

    getVisitor: async (context: Context) => {
      const visitor = await store.getVisitor(context.req.param("short_id")!);
      if (visitor === null) {
        throw new ApiError("visitor_not_found", "There is no visitor with this short id.");
      }
      return await send(context, new Representation(`{"status":"ok","visitor":${jsonOf(visitor)}}`));
    },
  };
}

function readListRequest(context: Context, route: ListRequest["route"], config: Config): ListRequest {
  const given = queryOf(context);
  const q = route === "search" ? readQ(given.get("q")) : "";
  const limit = readMaxResults(given.get("max_results"));
  const parts = q === "" ? [] : parseSearch(q, config.hiddenAttributes);
  const isLatest = parts.length === 0;
  const cursor = given.get("cursor");
  return {
    route,
    q: isLatest ? "" : q,
    query: isLatest ? LATEST : parts,
    limit,
    isLimitGiven: given.has("max_results"),
    cursor: cursor === null ? null : decodeCursor(cursor, isLatest ? "" : q),
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
