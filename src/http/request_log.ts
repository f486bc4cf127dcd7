/**
 * Wraps the handling of each request: gives it an id and the headers of its answer, and logs and counts it.
 *
 * @module
 */
import { clientAddresses } from "./client_address.ts";
import type { Health } from "../operations/health.ts";
import type { Log } from "../operations/log.ts";
import type { Metrics } from "../operations/metrics.ts";
import type { PageSocket } from "./page_socket.ts";

/** What Foyer knows of a request besides its content. */
export interface RequestFacts {
  /** The request's id, in `X-Request-Id` and in the log. */
  readonly id: string;
  /** The client's address. */
  readonly client: string;
  /** The headers that every answer to the request has. */
  readonly headers: Readonly<Record<string, string>>;
  /** The pattern of the route that answers the request; the endpoint sets it. */
  route: string;
  /** Resolves when the request's body has been received; absent if no handler reads the body. */
  received?: Promise<void>;
  /** Upgrades the request's connection to a WebSocket, see {@link ConnectionInfo}. */
  readonly upgrade?: ConnectionInfo["upgrade"];
}

/** The route that is logged and counted for requests that match no route. */
export const NO_ROUTE = "none";

/** A request's connection. */
export interface ConnectionInfo {
  remoteAddr: Deno.Addr;
  /**
   * Upgrades the connection to a WebSocket, which is open at once. The handler's response is then not sent.
   *
   * @returns `null` if the request is no valid handshake, or the client has disconnected
   */
  upgrade?: () => PageSocket | null;
}

/** Keeps visitors' data out of shared caches, and makes browsers revalidate their copy (RFC 9111). */
const HEADERS = { "Cache-Control": "private, no-cache" };

/**
 * Headers that forbid browsers to run, frame or embed an answer (https://owasp.org/www-project-secure-headers/). A 304
 * goes without them, since the cached content has them (RFC 9110, section 15.4.5): they take a tenth of a request's time.
 */
export const CONTENT_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** The methods that metrics distinguish. A client may send any other word, which must not become a series of its own. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** The request ids of clients that are accepted: short, and without characters that are special in a log. */
const SANE_ID = /^[A-Za-z0-9._:+/=-]{1,128}$/;

/** The recipients of what is logged and counted, and whose addresses to trust. */
export interface RequestWatchers {
  health: Health;
  log: Log;
  metrics: Metrics;
  trustedProxies: string[];
}

/** Wraps a handler so that its requests are logged and counted. Throws what the handler throws. */
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
      client: addressOf(peer?.hostname ?? "", (name) => headers.get(name)),
      // While the server stops, clients must close kept-alive connections and connect to another process.
      headers: { ...HEADERS, "X-Request-Id": id, ...(health.isStopping ? { Connection: "close" } : {}) },
      route: NO_ROUTE,
      upgrade: connection?.upgrade,
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
