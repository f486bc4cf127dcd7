/**
 * The whole map of URLs.
 *
 * @module
 */
import { Hono } from "hono";
import { getPath } from "hono/utils/url";
import type { Config } from "./config.ts";
import type { Answer, ApiContext, KeyName } from "./http/answer.ts";
import { endpoint, type Methods } from "./http/endpoint.ts";
import { ApiError, errorHandler } from "./http/errors.ts";
import { live, metricsPage, ready } from "./http/probes.ts";
import type { Health } from "./operations/health.ts";
import type { Log } from "./operations/log.ts";
import type { Metrics } from "./operations/metrics.ts";
import { type ConnectionInfo, NO_ROUTE, type RequestFacts, watchRequests } from "./http/request_log.ts";
import { keyReader } from "./rest/authentication.ts";
import { changeHandlers } from "./rest/changes.ts";
import { describeApi } from "./rest/description.ts";
import { limitRate } from "./rest/limits.ts";
import { type Operation, type OperationName, OPERATIONS } from "./rest/operations.ts";
import { getUsage } from "./rest/usage.ts";
import { visitorHandlers } from "./rest/visitors.ts";
import type { SharedReads } from "./store/shared_reads.ts";
import type { VisitorStore } from "./store/visitor_store.ts";

/** What the application works with. */
export interface AppParts {
  config: Config;
  store: VisitorStore;
  /** Reads of the store. */
  reads: SharedReads;
  health: Health;
  metrics: Metrics;
  log: Log;
  /** Further routes, by their paths under the prefix: what is there for pages, and not for the API's clients. */
  pageRoutes?: Record<string, Methods>;
}

/** What answers requests. */
export type App = (request: Request, connection?: ConnectionInfo) => Promise<Response>;

/** The application: everything under the prefix, and once more at `/` for proxies that strip the prefix. */
export function makeApp(parts: AppParts): App {
  const { config, health, pageRoutes = {} } = parts;
  const app = newHono(parts);
  const routes = config.restKey === "" ? {} : apiRoutes(parts);
  const admit = config.restKey === "" ? noApi : admission(parts);
  const roots = [...new Set([config.prefix, ""])];
  for (const root of roots) {
    app.all(`${root}/live`, endpoint("/live", { GET: live }));
    app.all(`${root}/ready`, endpoint("/ready", { GET: ready(health) }));
    for (const [path, methods] of Object.entries(pageRoutes)) {
      app.all(`${root}${path}`, endpoint(path, methods));
    }
    for (const [path, methods] of Object.entries(routes)) {
      const route = `/api${path}`;
      app.all(`${root}${route.replace(/\{(\w+)\}/g, ":$1")}`, endpoint(route, methods, admit));
    }
  }
  // Under the API nobody without a key learns which routes there are.
  const isApi = (path: string) => roots.some((root) => `${path}/`.startsWith(`${root}/api/`));
  app.notFound(
    endpoint(NO_ROUTE, {}, (context) => isApi(context.req.path) ? admit(context) : undefined),
  );
  return watched(app, parts);
}

/** What operators see, beside it: health and metrics, without a key. */
export function makeAdminApp(parts: AppParts): App {
  const app = newHono(parts);
  app.all("/live", endpoint("/live", { GET: live }));
  app.all("/ready", endpoint("/ready", { GET: ready(parts.health) }));
  app.all("/metrics", endpoint("/metrics", { GET: metricsPage(parts.metrics) }));
  app.notFound(endpoint(NO_ROUTE, {}));
  return watched(app, parts);
}

/** What the API's routes answer. */
function apiRoutes(parts: AppParts): Record<string, Methods> {
  const { config, store, reads } = parts;
  const answers: Record<OperationName, Answer> = {
    ...visitorHandlers(reads, config),
    ...changeHandlers(store, config, reads.forget),
    getUsage: getUsage(reads),
    describeApi: describeApi(config),
  };
  const routes: Record<string, Methods> = {};
  for (const [name, { method, path }] of Object.entries(OPERATIONS) as [OperationName, Operation][]) {
    const methods = routes[path] ??= {};
    if (method === "GET") methods[method] = answers[name];
    else if (config.writeKey !== "") methods[method] = writing(answers[name]);
  }
  return routes;
}

function writing(answer: Answer): Answer {
  return (context) => {
    if (context.env.key !== "write") {
      throw new ApiError(
        "write_key_required",
        "This key only reads; REST_WRITE_KEY changes and removes visitors.",
      );
    }
    return answer(context);
  };
}

function noApi(): never {
  throw new ApiError("not_found", "The REST API is disabled.");
}

/** What lets those into the API who send a key, as often as they may. */
function admission({ config, metrics }: AppParts): (context: ApiContext) => Promise<void> | void {
  const keyOf = keyReader(config);
  const limit = limitRate(config.rateLimit);
  return (context) => {
    const key = keyOf((name) => context.req.header(name));
    if (key === "previous") metrics.notePreviousKey();
    context.env.key = key;
    return limit(key);
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

/** HEAD tells how long GET's body would be (RFC 9110, section 9.3.2); Hono would leave it away, and with it that. */
async function answerHead(app: AppHono, request: Request, facts: RequestFacts): Promise<Response> {
  // Not a Request made of this one, which costs the runtime's warning about its signal.
  const asGet = { url: request.url, headers: request.headers, method: "GET" } as Request;
  const response = await app.fetch(asGet, facts);
  const { status, headers } = response;
  const { byteLength } = await response.arrayBuffer();
  if (status !== 304) headers.set("Content-Length", String(byteLength));
  return new Response(null, { status, headers });
}

/** Deno 2.6 makes `http:///path` of an empty Host, in which Hono would miss the path's beginning. */
function withAuthority(request: Request): Request {
  const { url } = request;
  return url.startsWith("http:///") ? { url: `http://localhost${url.slice(7)}` } as Request : request;
}
