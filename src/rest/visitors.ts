/**
 * The handlers that read visitors.
 *
 * @module
 */
import type { Clock } from "../async/clock.ts";
import type { Config } from "../config.ts";
import { LATEST, parseSearch, type SearchQuery } from "../search/parse.ts";
import { withTypos } from "../search/typo.ts";
import type { Log } from "../operations/log.ts";
import type { SharedPage, SharedReads } from "../store/shared_reads.ts";
import type { ResultPage } from "../store/visitor_store.ts";
import { type Cursor, decodeCursor, encodeCursor } from "./cursor.ts";
import { cursorSeal } from "./cursor_seal.ts";
import type { z } from "zod";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { fillWatchLink, LINK } from "../visitor/watch_link.ts";
import { clientNetwork } from "../http/client_address.ts";
import { answer, answerJson, type ApiContext } from "../http/answer.ts";
import { ApiError, visitorNotFound } from "../http/errors.ts";
import { LookupLimit } from "./limits.ts";
import { DEFAULT_RESULTS, OPERATIONS, UNINDEXED_HEADER, watchRequest } from "./operations.ts";
import { readBody, readQuery, shortIdsOf } from "./parameters.ts";
import { presenter, representVisitor } from "../http/presentation.ts";
import { API_KIND, Representation, send } from "../http/representation.ts";

/** The most representations of one result page that are cached, for requests that mean the same with different URLs. */
const MAX_SPELLINGS = 16;

/** The media type of streams. */
export const STREAM_TYPE = "text/event-stream";

/** The headers of streams: no proxy may cache, compress or buffer them. */
const STREAM_HEADERS = {
  "Content-Type": STREAM_TYPE,
  "Cache-Control": "no-store, no-transform",
  "X-Accel-Buffering": "no",
};

/** The longest life of a stream for a lookup code, in milliseconds; the client's next stream counts as another search. */
const LOOKUP_LIFETIME = 60_000;

/** The search whose result a list is. */
interface ListSearch {
  query: SearchQuery;
  limit: number;
  /** A query that is tried if nobody matches `query`; `null`: none. */
  fallback: SearchQuery | null;
}

/** Streams of lists, as the handlers need them. */
export interface ListStreams {
  /** The id with which a client that has this list can open a stream that continues from it. */
  idOf(search: ListSearch, page: SharedPage): string;
  /** Reads a list for a stream, or returns it if it has just been read for another one. */
  find(search: ListSearch): Promise<{ page: SharedPage }>;
  /**
   * Opens a stream of a list that {@link find} returned.
   *
   * @param lastId the id of the list, or of the last event, that the client has; `null`: it has none
   * @param maxLifetime the time after which the stream ends, in milliseconds
   */
  open(
    search: ListSearch,
    page: SharedPage,
    lastId: string | null,
    maxLifetime?: number,
  ): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** The dependencies of the handlers. */
export interface VisitorParts {
  reads: SharedReads;
  streams: ListStreams;
  config: Config;
  /** Receives one warning, the first time that a search leaves out unindexed documents. */
  log: Log;
  clock?: Clock;
}

/** A request for a list. */
interface ListRequest extends ListSearch {
  route: "latest" | "search" | "stream";
  /** The search; empty for `list/latest`, and for searches that mean the same. */
  q: string;
  /** Whether the request has `max_results`; then the link to the next result page has it too. */
  isLimitGiven: boolean;
  cursor: Cursor | null;
}

/** The handlers that read visitors, over one store. */
export function visitorHandlers({ reads, streams, config, log, clock }: VisitorParts) {
  const present = presenter(config);
  const { seal, open } = cursorSeal(config);
  const lookups = config.lookupMisses === null ? null : new LookupLimit(config.lookupMisses, clock);

  /** The representations of result pages, by what distinguishes the URLs of their requests. */
  const made = new WeakMap<ResultPage, Map<string, Representation>>();

  async function sendList(context: ApiContext, request: ListRequest) {
    const { route, cursor } = request;
    const { page, typos } = await countMisses(context, request, () => findPage(request));
    // Requests that mean the same with different URLs differ in the link only.
    const key = page.next === null ? "" : `${route} ${request.isLimitGiven} ${request.q}`;
    const representation = made.get(page)?.get(key) ?? make(key, request, page, typos);
    // Only a first page has an id, since streams are of first pages.
    const more: Record<string, string> = cursor === null
      ? { "X-Stream-Id": streams.idOf(request, page) }
      : {};
    return await send(context, representation, API_KIND, more);
  }

  async function streamList(context: ApiContext, request: ListRequest, after: string | null) {
    const { page } = await countMisses(context, request, () => streams.find(request));
    // A browser that reconnects sends Last-Event-ID, which is newer than `after` in the URL.
    const lastId = context.req.header("Last-Event-ID") || after;
    const lifetime = lookups !== null && isLookup(request) ? LOOKUP_LIFETIME : undefined;
    return answer(context, 200, streams.open(request, page, lastId, lifetime), STREAM_HEADERS);
  }

  /** Runs a search; a search by a lookup code is subject to {@link LookupLimit}. */
  async function countMisses<T extends { page: ResultPage }>(
    context: ApiContext,
    request: ListRequest,
    search: () => Promise<T>,
  ): Promise<T> {
    if (lookups === null || !isLookup(request)) return await search();
    return await lookups.run(`${context.env.key} ${clientNetwork(context.env.client)}`, search);
  }

  /** Makes the representation of a result page, and caches it as long as the result page itself is in memory. */
  function make(key: string, request: ListRequest, page: ResultPage, typos: boolean): Representation {
    const representation = represent(request, page, typos);
    const ofPage = made.get(page) ?? new Map<string, Representation>();
    if (ofPage.size >= MAX_SPELLINGS) ofPage.clear();
    made.set(page, ofPage.set(key, representation));
    return representation;
  }

  /** Finds the visitors that match; if nobody does, those that match the fallback. */
  async function findPage(
    { query, limit, fallback, cursor }: ListRequest,
  ): Promise<{ page: SharedPage; typos: boolean }> {
    if (cursor === null) {
      const page = await reads.findVisitors(query, limit, null, fallback);
      return { page, typos: page.isFallback };
    }
    const typos = cursor.typos && fallback !== null;
    return { page: await reads.findVisitors(typos ? fallback : query, limit, cursor.position), typos };
  }

  function represent(
    request: ListRequest,
    { visitors, next, unindexed }: ResultPage,
    typos: boolean,
  ): Representation {
    const headers: Record<string, string> = {};
    if (next !== null) {
      headers.Link = linkTo(request, seal(encodeCursor({ position: next, typos }, request.q)));
    }
    if (unindexed > 0) {
      headers[UNINDEXED_HEADER] = String(unindexed);
      logUnindexed(unindexed);
    }
    return new Representation(`{"status":"ok","visitors":[${visitors.map(present).join(",")}]}`, headers);
  }

  let hasLoggedUnindexed = false;

  function logUnindexed(unindexed: number) {
    if (hasLoggedUnindexed) return;
    hasLoggedUnindexed = true;
    log(
      `A search left out ${unindexed} documents without search fields: \`foyer reindex\` makes them searchable`,
      "warning",
    );
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
    listLatest: (context: ApiContext) =>
      sendList(context, listRequest("latest", readQuery(context, OPERATIONS.listLatest.query))),

    searchVisitors,

    streamVisitors: (context: ApiContext) => {
      const { after, ...parameters } = readQuery(context, OPERATIONS.streamVisitors.query);
      return streamList(context, listRequest("stream", parameters), after || null);
    },

    getVisitor: async (context: ApiContext) => {
      const visitor = await findVisitor(context);
      if (visitor !== null) {
        return await send(context, representVisitor(present(visitor)));
      }
      // `/visitors/list` of the product's cloud API, unless a visitor has "list" as its short id.
      if (/^list(\.json)?$/.test(context.req.param("short_id")!)) return await searchVisitors(context);
      throw visitorNotFound();
    },

    getWatchUrl: async (context: ApiContext) => {
      const { agent } = await readBody(context, watchRequest);
      const visitor = await findVisitor(context);
      if (visitor === null) throw visitorNotFound();
      const { short_id, watch_link } = visitor.visitor;
      return answerJson(context, { status: "ok", watch_url: watchUrl(short_id, watch_link, agent) });
    },
  };

  function searchVisitors(context: ApiContext): Promise<Response> {
    return sendList(context, listRequest("search", readQuery(context, OPERATIONS.searchVisitors.query)));
  }

  async function findVisitor(context: ApiContext): Promise<EncodedVisitor | null> {
    for (const shortId of shortIdsOf(context)) {
      const visitor = await reads.getVisitor(shortId);
      if (visitor !== null) return visitor;
    }
    return null;
  }

  /**
   * The visitor's stored link, or one made for this agent.
   *
   * @throws {ApiError} `no_watch_link`
   */
  function watchUrl(shortId: string, stored: string | null, agent: z.output<typeof watchRequest>["agent"]) {
    // A hidden attribute must not be readable by another route.
    if (config.hiddenAttributes.has("watch_link")) {
      throw new ApiError("no_watch_link", "The link of this visitor is hidden: see HIDDEN_ATTRIBUTES.");
    }
    if (stored !== null && LINK.test(stored)) return stored;
    if (config.watchLink === "") {
      throw new ApiError(
        "no_watch_link",
        "There is no link for watching this visitor: see WATCH_LINK.",
      );
    }
    const [id, name] = [agent?.id, agent?.name].map((value) => String(value ?? ""));
    return fillWatchLink(config.watchLink, shortId, { id, name });
  }

  function listRequest(
    route: ListRequest["route"],
    { q: given, search, max_results, cursor }: {
      q?: string;
      search?: string;
      max_results?: number;
      cursor?: string;
    },
  ): ListRequest {
    if (given !== undefined && search !== undefined && given !== search) {
      throw new ApiError(
        "invalid_parameter",
        "q and search are two names of one parameter, and must not differ.",
      );
    }
    const q = given ?? search ?? "";
    const parts = q === "" ? [] : parseSearch(q, config.hiddenAttributes);
    const isLatest = parts.length === 0;
    const query = isLatest ? LATEST : parts;
    return {
      route,
      q: isLatest ? "" : q,
      query,
      fallback: withTypos(query),
      limit: max_results ?? DEFAULT_RESULTS,
      isLimitGiven: max_results !== undefined,
      cursor: cursor === undefined ? null : decodeCursor(open(cursor), isLatest ? "" : q),
    };
  }
}

function isLookup({ query }: ListRequest): boolean {
  return query.some((part) => part.kind === "code" && part.inLookupCode);
}
