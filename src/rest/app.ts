/**
 * The whole map of URLs.
 *
 * @module
 */
import { Hono } from "hono";
import type { Context, Handler, MiddlewareHandler } from "hono";
import { getPath } from "hono/utils/url";
import type { Config } from "../config.ts";
import { live, ready } from "../operations/health.ts";
import { shareReads } from "../store/shared_reads.ts";
import type { VisitorStore } from "../store/visitor_store.ts";
import { requireKey } from "./authentication.ts";
import { ApiError, errorHandler } from "./errors.ts";
import { visitorHandlers } from "./visitors.ts";

/** What the application works with. */
export interface AppParts {
  config: Config;
  store: VisitorStore;
  log: (sentence: string) => void;
}

/** The application: everything under the prefix, and once more at `/` for proxies that strip the prefix. */
export function makeApp({ config, store, log }: AppParts): Hono {
  const routes = new Hono();
  get(routes, "/live", live);
  get(routes, "/ready", ready(store));
  routes.route("/api", config.restKey === "" ? disabledApi() : restApi(store, config));

  const app = new Hono({ getPath: (request) => getPath(withAuthority(request)) });
  app.use(privateAnswers, lengthOfHead, wellFormedHost);
  if (config.prefix !== "") app.route(config.prefix, routes);
  app.route("/", routes);
  app.use(wellFormedPath);
  app.notFound(noSuchRoute);
  app.onError(errorHandler(log));
  return app;
}

function restApi(store: VisitorStore, config: Config): Hono {
  const { listLatest, searchVisitors, getVisitor } = visitorHandlers(
    shareReads(store, config.maxStale),
    config,
  );
  const api = new Hono();
  api.use(requireKey(config.restKey));
  api.use(wellFormedPath);
  get(api, "/visitors/list/latest", listLatest);
  get(api, "/visitors/list/search", searchVisitors);
  get(api, "/visitors/:short_id", getVisitor);
  api.all("*", noSuchRoute);
  return api;
}

function disabledApi(): Hono {
  return new Hono().all("*", noSuchRoute);
}

/** A route that is only read; Hono answers HEAD as it answers GET. */
function get(app: Hono, path: string, handler: Handler) {
  app.get(path, handler);
  app.all(path, () => {
    throw new ApiError("method_not_allowed", "This route is only read, by GET or HEAD.", {
      Allow: "GET, HEAD",
    });
  });
}

function noSuchRoute(_: Context): Response {
  throw new ApiError("not_found", "There is no such route.");
}

/** Deno 2.6 makes `http:///path` of an empty Host, in which Hono would miss the path's beginning. */
function withAuthority(request: Request): Request {
  const { url } = request;
  return url.startsWith("http:///") ? { url: `http://localhost${url.slice(7)}` } as Request : request;
}

/** The runtime puts Host before the path as it is: what ends a host there would make another path (RFC 9112, 3.2). */
const wellFormedHost: MiddlewareHandler = async (context, next) => {
  if (/[/?#\\]/.test(context.req.header("Host") ?? "")) {
    throw new ApiError("invalid_parameter", "The Host header is malformed.");
  }
  await next();
};

/** Hono passes malformed escapes on as they are; they could only be mistaken for something else. */
const wellFormedPath: MiddlewareHandler = async (context, next) => {
  const { url } = context.req;
  const [path] = url.slice(url.indexOf("/", url.indexOf("//") + 2)).split(/[?#]/, 1);
  try {
    if (path.includes("%")) decodeURIComponent(path);
  } catch {
    throw new ApiError("invalid_parameter", "The path holds a malformed escape.");
  }
  await next();
};

/**
 * Visitors' data stays out of shared caches, and a browser's copy is never shown unasked (RFC 9111). Set before the
 * answer is made: Hono would make a finished one anew, and its body a stream.
 */
const privateAnswers: MiddlewareHandler = async (context, next) => {
  context.header("Cache-Control", "private, no-cache");
  context.header("X-Content-Type-Options", "nosniff");
  await next();
};

/** HEAD tells how long GET's body would be (RFC 9110, section 9.3.2); Hono leaves the body away and with it that. */
const lengthOfHead: MiddlewareHandler = async (context, next) => {
  await next();
  if (context.req.method !== "HEAD") return;
  context.header("Content-Length", String((await context.res.arrayBuffer()).byteLength));
};
