/**
 * The visitor routes: fetch, throw, return.
 *
 * @module
 */
import type { Clock } from "../async/clock.ts";
import type { Config } from "../config.ts";
import { LATEST, parseSearch, type SearchQuery } from "../search/parse.ts";
import { withTypos } from "../search/typo.ts";
import type { Log } from "../operations/log.ts";
import type { SharedReads } from "../store/shared_reads.ts";
import type { ResultPage } from "../store/visitor_store.ts";
import { type Cursor, decodeCursor, encodeCursor } from "./cursor.ts";
import { cursorSeal } from "./cursor_seal.ts";
import { clientNetwork } from "../http/client_address.ts";
import type { ApiContext } from "../http/answer.ts";
import { visitorNotFound } from "../http/errors.ts";
import { LookupLimit } from "./limits.ts";
import { DEFAULT_RESULTS, OPERATIONS, UNINDEXED_HEADER } from "./operations.ts";
import { readQuery } from "./parameters.ts";
import { presenter, representVisitor } from "./presentation.ts";
import { Representation, send } from "../http/representation.ts";

/** The most representations that are cached of one result page, for requests that ask the same in other words. */
const MAX_SPELLINGS = 16;

/** What a request asks a list for. */
interface ListRequest {
  route: "latest" | "search";
  /** Empty for `list/latest`, and for searches that mean the same. */
  q: string;
  query: SearchQuery;
  limit: number;
  /** Whether `max_results` was given, which the next result page's link then repeats. */
  isLimitGiven: boolean;
  cursor: Cursor | null;
}

/**
 * The handlers of the visitor routes, over one store.
 *
 * @param log receives, once, that documents without search fields were left out
 */
export function visitorHandlers(reads: SharedReads, config: Config, log: Log, clock?: Clock) {
  const present = presenter(config);
  const { seal, open } = cursorSeal(config);
  const lookups = config.lookupMisses === null ? null : new LookupLimit(config.lookupMisses, clock);

  /** The representations of result pages that are still shared, by the requests that lead to them. */
  const made = new WeakMap<ResultPage, Map<string, Representation>>();

  async function sendList(context: ApiContext, request: ListRequest) {
    const { route } = request;
    const isLookup = lookups !== null &&
      request.query.some((part) => part.kind === "code" && part.inLookupCode);
    const { page, typos } =
      await (isLookup
        ? lookups.run(`${context.env.key} ${clientNetwork(context.env.client)}`, () => findPage(request))
        : findPage(request));
    // Requests that ask the same in other words differ in the link only.
    const key = page.next === null ? "" : `${route} ${request.isLimitGiven} ${request.q}`;
    return await send(context, made.get(page)?.get(key) ?? make(key, request, page, typos));
  }

  /** Makes a result page's representation, and caches it as long as the result page is shared. */
  function make(key: string, request: ListRequest, page: ResultPage, typos: boolean): Representation {
    const representation = represent(request, page, typos);
    const ofPage = made.get(page) ?? new Map<string, Representation>();
    if (ofPage.size >= MAX_SPELLINGS) ofPage.clear();
    made.set(page, ofPage.set(key, representation));
    return representation;
  }

  /** Finds the visitors who match; where nobody does, those who match with a typo. */
  async function findPage(
    { query, limit, cursor }: ListRequest,
  ): Promise<{ page: ResultPage; typos: boolean }> {
    const tolerant = withTypos(query);
    if (cursor === null) {
      const page = await reads.findVisitors(query, limit, null, tolerant);
      return { page, typos: page.isFallback };
    }
    const typos = cursor.typos && tolerant !== null;
    return { page: await reads.findVisitors(typos ? tolerant : query, limit, cursor.position), typos };
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

    searchVisitors: (context: ApiContext) =>
      sendList(context, listRequest("search", readQuery(context, OPERATIONS.searchVisitors.query))),

    getVisitor: async (context: ApiContext) => {
      const visitor = await reads.getVisitor(context.req.param("short_id")!);
      if (visitor === null) throw visitorNotFound();
      return await send(context, representVisitor(present(visitor)));
    },
  };

  function listRequest(
    route: ListRequest["route"],
    { q = "", max_results, cursor }: { q?: string; max_results?: number; cursor?: string },
  ): ListRequest {
    const parts = q === "" ? [] : parseSearch(q, config.hiddenAttributes);
    const isLatest = parts.length === 0;
    return {
      route,
      q: isLatest ? "" : q,
      query: isLatest ? LATEST : parts,
      limit: max_results ?? DEFAULT_RESULTS,
      isLimitGiven: max_results !== undefined,
      cursor: cursor === undefined ? null : decodeCursor(open(cursor), isLatest ? "" : q),
    };
  }
}
