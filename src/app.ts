/**
 * The whole map of URLs.
 *
 * @module
 */
import { Hono } from "hono";
import { getPath } from "hono/utils/url";
import type { Clock } from "./async/clock.ts";
import type { Config } from "./config.ts";
import type { Answer, ApiContext, KeyName } from "./http/answer.ts";
import { Assets } from "./console/assets.ts";
import { consoleHandlers } from "./console/console.ts";
import { docsPage } from "./docs/docs.ts";
import { withDeadline } from "./http/answer_in_time.ts";
import { endpoint, type Methods } from "./http/endpoint.ts";
import { ApiError, errorHandler } from "./http/errors.ts";
import { live, metricsPage, ready } from "./http/probes.ts";
import type { Health } from "./operations/health.ts";
import type { Log } from "./operations/log.ts";
import type { Metrics } from "./operations/metrics.ts";
import { type ConnectionInfo, NO_ROUTE, type RequestFacts, watchRequests } from "./http/request_log.ts";
import type { PresenceHandlers } from "./presence/presence.ts";
import { keyReader } from "./rest/authentication.ts";
import { changeHandlers } from "./rest/changes.ts";
import { claimHandlers } from "./rest/claim.ts";
import { describeApi } from "./rest/description.ts";
import { limitRate } from "./rest/limits.ts";
import { type OperationName, OPERATIONS } from "./rest/operations.ts";
import { getPages } from "./rest/pages.ts";
import { getUsage } from "./rest/usage.ts";
import { STREAM_TYPE, visitorHandlers } from "./rest/visitors.ts";
import type { SharedReads } from "./store/shared_reads.ts";
import type { Streams } from "./stream/streams.ts";
import type { VisitorStore } from "./store/visitor_store.ts";

/** Who may send requests: anyone, web pages of `ALLOWED_ORIGINS`, clients with any of the keys, or with `REST_WRITE_KEY`. */
type Access = "anyone" | "web pages" | "any key" | "write key";

/** A method, a path under the prefix, and who may send requests to it. HEAD is answered as GET. */
type Url = readonly [method: keyof Methods, path: string, access: Access];

/** The URL of an operation as `rest/operations.ts` declares it; the compiler compares it with {@link URLS}. */
type ApiUrl<Name extends OperationName> = readonly [
  method: (typeof OPERATIONS)[Name]["method"],
  path: `/api${(typeof OPERATIONS)[Name]["path"]}`,
  access: (typeof OPERATIONS)[Name]["tag"] extends "Changes" ? "write key" : "any key",
];

/** The path of the prefix itself, which redirects to the console. */
const WITHOUT_SLASH = "";

/** Every URL of the main port, by the name of its handler. */
// deno-fmt-ignore -- one URL a line
const URLS = {
  live:                  ["GET",    "/live",                     "anyone"],
  ready:                 ["GET",    "/ready",                    "anyone"],
  // Unless CONSOLE is false:
  console:               ["GET",    "/",                         "anyone"],
  consoleRedirect:       ["GET",    WITHOUT_SLASH,               "anyone"],
  // The scripts and styles of the console and the documentation:
  asset:                 ["GET",    "/console/{hash}/{folder}/{file}", "anyone"],
  // Where SITE_KEY is set:
  connect:               ["GET",    "/connect",                  "web pages"],
  sdkScript:             ["GET",    "/sdk.js",                   "anyone"],
  sdkModule:             ["GET",    "/sdk.mjs",                  "anyone"],
  sdkTypes:              ["GET",    "/sdk.d.ts",                 "anyone"],
  // Where REST_KEY is set; without REST_WRITE_KEY the methods that write do not exist:
  listLatest:            ["GET",    "/api/visitors/list/latest", "any key"],
  searchVisitors:        ["GET",    "/api/visitors/list/search", "any key"],
  streamVisitors:        ["GET",    "/api/visitors/list/stream", "any key"],
  getVisitor:            ["GET",    "/api/visitors/{short_id}",  "any key"],
  getWatchUrl:           ["POST",   "/api/visitors/{short_id}/watch_url", "any key"],
  getPages:              ["GET",    "/api/visitors/{short_id}/pages", "any key"],
  claimVisitor:          ["PUT",    "/api/visitors/{short_id}/claim", "any key"],
  releaseVisitor:        ["DELETE", "/api/visitors/{short_id}/claim", "any key"],
  updateVisitor:         ["PATCH",  "/api/visitors/{short_id}",  "write key"],
  removeVisitor:         ["DELETE", "/api/visitors/{short_id}",  "write key"],
  removeOfflineVisitors: ["DELETE", "/api/visitors",             "write key"],
  getUsage:              ["GET",    "/api/usage",                "any key"],
  describeApi:           ["GET",    "/api/openapi.json",         "any key"],
  // Open to anyone, since a browser that opens a page sends no key. Other methods of this path still need a key.
  docs:                  ["GET",    "/api/docs",                 "anyone"],
} as const satisfies Record<string, Url> & { [Name in OperationName]: ApiUrl<Name> };

/**
 * Aliases of paths, for clients of the product's cloud API. Besides these, every path of the API may end in `.json`, and
 * `/api/visitors/list` means `list/search`. Where `{short_id}` is last, its handlers implement both, since a short id
 * that looks so takes precedence.
 */
const OTHER_PATHS = { "/api/list": "/api/visitors/list/search" } as const;

/** Every URL of `ADMIN_PORT`, without the prefix. */
// deno-fmt-ignore -- one URL a line
const ADMIN_URLS = {
  live:    ["GET", "/live",    "anyone"],
  ready:   ["GET", "/ready",   "anyone"],
  metrics: ["GET", "/metrics", "anyone"],
} as const satisfies Record<string, Url>;

/** The handler of each URL; a URL whose handler is `null` does not exist. */
type Handlers<Urls> = { [Name in keyof Urls]: Answer | null };

/** The dependencies of the application. */
export interface AppParts {
  config: Config;
  store: VisitorStore;
  /** Shared reads of the store. */
  reads: SharedReads;
  streams: Streams;
  health: Health;
  metrics: Metrics;
  log: Log;
  /** For the time windows of limits; default: the machine's clock. */
  clock?: Clock;
  /** How long an operation of the API may take, in milliseconds; default: a little longer than the store's deadline. */
  deadline?: number;
  /** Absent if web pages do not connect. */
  presence?: PresenceHandlers | null;
  /** Further routes, by their paths under the prefix: the demo shop, in development only. */
  demo?: Record<string, Methods>;
}

/** Answers requests. */
export type App = (request: Request, connection?: ConnectionInfo) => Promise<Response>;

/** The application of the main port: every URL under the prefix, and again at `/` for proxies that strip the prefix. */
export function makeApp(parts: AppParts): App {
  const { config, health, presence, demo = {} } = parts;
  const app = newHono(parts);
  const admit = config.restKey === "" ? noApi : admission(parts);
  const assets = new Assets(config.baseEndpoint);
  const routes = withOtherPaths(routesOf(URLS, {
    live,
    ready: ready(health),
    ...consoleHandlers(config, assets),
    asset: assets.answer,
    docs: config.restKey === "" ? null : docsPage(config, assets),
    connect: presence?.connect ?? null,
    sdkScript: presence?.sdkScript ?? null,
    sdkModule: presence?.sdkModule ?? null,
    sdkTypes: presence?.sdkTypes ?? null,
    ...(config.restKey === "" ? NO_API : apiHandlers(parts)),
  }, config));
  const isApi = (path: string) => `${path}/`.startsWith("/api/");
  const roots = [...new Set([config.prefix, ""])];
  for (const root of roots) {
    for (const [path, methods] of [...routes, ...Object.entries(demo)]) {
      // Registered last, below: a prefix such as /live must not take precedence over the route /live at the root.
      if (path === WITHOUT_SLASH) continue;
      app.all(
        `${root}${path.replace(/\{(\w+)\}/g, ":$1")}`,
        endpoint(path, methods, isApi(path) ? admitTo(path, admit) : undefined),
      );
    }
  }
  const withoutSlash = routes.get(WITHOUT_SLASH);
  if (withoutSlash !== undefined && config.prefix !== "") {
    app.all(config.prefix, endpoint("/", withoutSlash));
  }
  // Unknown routes under /api answer 401 without a key, so that nobody learns which routes exist.
  const isUnderApi = (path: string) => roots.some((root) => `${path}/`.startsWith(`${root}/api/`));
  app.notFound(
    endpoint(NO_ROUTE, {}, (context) => isUnderApi(context.req.path) ? admit(context) : undefined),
  );
  return watched(app, parts);
}

/** The application of `ADMIN_PORT`: health and metrics for operators, without a key. */
export function makeAdminApp(parts: AppParts): App {
  const app = newHono(parts);
  const handlers = { live, ready: ready(parts.health), metrics: metricsPage(parts.metrics) };
  for (const [path, methods] of routesOf(ADMIN_URLS, handlers, parts.config)) {
    app.all(path, endpoint(path, methods));
  }
  app.notFound(endpoint(NO_ROUTE, {}));
  return watched(app, parts);
}

/** The handlers of each path, by method. Those that need the write key are left out if there is none. */
function routesOf<Urls extends Record<string, Url>>(
  urls: Urls,
  handlers: Handlers<Urls>,
  { writeKey }: Config,
): Map<string, Methods> {
  const routes = new Map<string, Methods>();
  for (const [name, [method, path, access]] of Object.entries(urls)) {
    const handler = handlers[name];
    if (handler === null) continue;
    const methods = routes.get(path) ?? {};
    routes.set(path, methods);
    if (access !== "write key") methods[method] = handler;
    else if (writeKey !== "") methods[method] = requireWriteKey(handler);
  }
  return routes;
}

/** Adds {@link OTHER_PATHS} and the paths that end in `.json` to routes; the latter come first. */
function withOtherPaths(routes: Map<string, Methods>): Map<string, Methods> {
  const others = Object.entries(OTHER_PATHS).flatMap(([path, of]): [string, Methods][] => {
    const methods = routes.get(of);
    return methods === undefined ? [] : [[path, methods]];
  });
  const all = [...others, ...routes];
  const withEnding = all.filter(([path]) =>
    path.startsWith("/api/") && !/\.json$|\{short_id\}$|\/docs$/.test(path)
  )
    .map(([path, methods]): [string, Methods] => [`${path}.json`, methods]);
  return new Map([...withEnding, ...all]);
}

function apiHandlers(
  { config, store, reads, streams, log, clock, deadline }: AppParts,
): Record<OperationName, Answer> {
  const handlers = {
    ...visitorHandlers({ reads, streams, config, log, clock }),
    getPages: getPages(reads, config),
    ...claimHandlers(store, config, reads.forget),
    ...changeHandlers(store, config, reads.forget),
    getUsage: getUsage(reads),
    describeApi: describeApi(config),
  };
  // The removal may take long: each of its batches has a deadline of its own instead.
  const { removeOfflineVisitors } = handlers;
  const all = Object.entries(handlers).map(([name, answer]) => [name, withDeadline(answer, deadline)]);
  return { ...Object.fromEntries(all), removeOfflineVisitors };
}

/** The handlers of the API without `REST_KEY`: its URLs do not exist. */
const NO_API = Object.fromEntries(Object.keys(OPERATIONS).map((name) => [name, null])) as Record<
  OperationName,
  null
>;

function requireWriteKey(answer: Answer): Answer {
  return (context) => {
    if (context.env.key !== "write") {
      throw new ApiError(
        "write_key_required",
        "This key can only read; changing and removing visitors needs REST_WRITE_KEY.",
      );
    }
    return answer(context);
  };
}

/** Returns the check of requests to a path of the API: they need a key, except with methods that are open to anyone. */
function admitTo(path: string, admit: (context: ApiContext) => void): (context: ApiContext) => void {
  const open: string[] = Object.values<Url>(URLS)
    .filter(([, ofUrl, access]) => ofUrl === path && access === "anyone").map(([method]) => method);
  if (open.length === 0) return admit;
  return (context) => {
    if (!open.includes(context.req.method)) admit(context);
  };
}

function noApi(): never {
  throw new ApiError("not_found", "The REST API is disabled.");
}

/**
 * Returns the check of requests to the API, which notes the request's key in its context.
 *
 * @returns throws {@link ApiError} `invalid_api_key` or, beyond the key's rate limit, `too_many_requests`
 */
function admission({ config, metrics, clock }: AppParts): (context: ApiContext) => void {
  const keyOf = keyReader(config);
  const limit = limitRate(config.rateLimit, clock);
  return (context) => {
    const key = keyOf((name) => context.req.header(name));
    if (key === "previous") metrics.notePreviousKey();
    context.env.key = key;
    limit(key);
  };
}

type AppHono = Hono<{ Bindings: RequestFacts & { key?: KeyName } }>;

function newHono({ log }: AppParts): AppHono {
  const app: AppHono = new Hono({ getPath: (request) => getPath(withAuthority(request)) });
  app.onError(errorHandler(log));
  return app;
}

function watched(app: AppHono, { health, log, metrics, config }: AppParts): App {
  return watchRequests(
    (request, facts) =>
      request.method === "HEAD" ? answerHead(app, request, facts) : app.fetch(request, facts),
    { health, log, metrics, trustedProxies: config.trustedProxies },
  );
}

/**
 * Answers HEAD as GET, without the body but with its length (RFC 9110, section 9.3.2), which Hono would drop. A stream has
 * no length.
 */
async function answerHead(app: AppHono, request: Request, facts: RequestFacts): Promise<Response> {
  // Not by `new Request(request)`, for which the runtime prints a warning about the signal.
  const asGet = { url: request.url, headers: request.headers, method: "GET" } as Request;
  const response = await app.fetch(asGet, facts);
  const { status, headers } = response;
  if (headers.get("Content-Type") === STREAM_TYPE) {
    await response.body?.cancel();
    return new Response(null, { status, headers });
  }
  const { byteLength } = await response.arrayBuffer();
  if (status !== 304) headers.set("Content-Length", String(byteLength));
  return new Response(null, { status, headers });
}

/** For an empty Host, Deno 2.6 makes the URL `http:///path`, whose path Hono would not find: this inserts a host. */
function withAuthority(request: Request): Request {
  const { url } = request;
  return url.startsWith("http:///") ? { url: `http://localhost${url.slice(7)}` } as Request : request;
}
