/**
 * What is done for every request whatever it asks: its id, its line in the log, its part in the metrics, and the
 * headers of every answer.
 *
 * @module
 */
import { clientAddresses } from "./client_address.ts";
import type { Health } from "../operations/health.ts";
import type { Log } from "../operations/log.ts";
import type { Metrics } from "../operations/metrics.ts";

/** What is known of a request beside itself. */
export interface RequestFacts {
  /** By which the client's log and this one speak of the same request. */
  readonly id: string;
  /** The client's address. */
  readonly client: string;
  /** What every answer to it holds, whatever it is. */
  readonly headers: Readonly<Record<string, string>>;
  /** The pattern of the route that answers; set by whoever knows it. */
  route: string;
}

/** The route of a request for which there is none. */
export const NO_ROUTE = "none";

/** What a server is told of a connection. */
export interface ConnectionInfo {
  remoteAddr: Deno.Addr;
}

/** Visitors' data stays out of shared caches, and a browser's copy is never shown unasked (RFC 9111). */
const HEADERS = { "Cache-Control": "private, no-cache" };

/**
 * Nothing here is a page, so no browser shall run, frame or embed it (https://owasp.org/www-project-secure-headers/).
 * For every answer but 304, which shows nothing: what it speaks of was sent with them (RFC 9110, section 15.4.5), and
 * they would cost the runtime a tenth of the whole request.
 */
export const CONTENT_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** Clients may send anything as a method, and each would be another series of metrics. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Enough for anybody's ids, and nothing that could be mistaken for something else in a log. */
const SANE_ID = /^[A-Za-z0-9._:+/=-]{1,128}$/;

/** What watches requests. */
export interface RequestWatchers {
  health: Health;
  log: Log;
  metrics: Metrics;
  trustedProxies: string[];
}

/** Makes a handler of requests one that is watched. */
export function watchRequests(
  handle: (request: Request, facts: RequestFacts) => Response | Promise<Response>,
  { health, log, metrics, trustedProxies }: RequestWatchers,
): (request: Request, connection?: ConnectionInfo) => Promise<Response> {
  const addressOf = clientAddresses(trustedProxies);
  return async (request, connection) => {
    const start = performance.now();
    const { headers } = request;
    const givenId = headers.get("X-Request-Id");
    const peer = connection?.remoteAddr as Deno.NetAddr | undefined;
    const id = givenId !== null && SANE_ID.test(givenId) ? givenId : crypto.randomUUID();
    const facts: RequestFacts = {
      id,
      client: addressOf(peer?.hostname ?? "", () => headers.get("X-Forwarded-For")),
      // Whoever keeps a connection goes elsewhere before it is closed.
      headers: { ...HEADERS, "X-Request-Id": id, ...(health.isStopping ? { Connection: "close" } : {}) },
      route: NO_ROUTE,
    };
    metrics.requestsInFlight++;
    let response: Response;
    try {
      response = await handle(request, facts);
    } finally {
      metrics.requestsInFlight--;
    }
    const { status } = response;
    const method = METHODS.has(request.method) ? request.method : "other";
    const milliseconds = performance.now() - start;
    metrics.countRequest(method, facts.route, status, milliseconds);
    log("Request", status === 503 ? "warning" : status >= 500 ? "error" : "info", {
      request: facts.id,
      method,
      route: facts.route,
      status,
      milliseconds: Math.round(milliseconds * 100) / 100,
      client: facts.client,
    });
    return response;
  };
}
