/**
 * What every request gets: an id, a line in the log, a part in the metrics, and the headers of its answer.
 *
 * @module
 */
import { clientAddresses } from "./client_address.ts";
import type { Health } from "../operations/health.ts";
import type { Log } from "../operations/log.ts";
import type { Metrics } from "../operations/metrics.ts";
import type { PageSocket } from "./page_socket.ts";

/** What is known of a request beside what it says. */
export interface RequestFacts {
  /** The id by which the client's log and this one name the same request. */
  readonly id: string;
  /** The client's address. */
  readonly client: string;
  /** The headers of every answer to it. */
  readonly headers: Readonly<Record<string, string>>;
  /** The pattern of the route that answers, set by the endpoint. */
  route: string;
  /** Resolves when the request's body has been received; absent where no handler reads it. */
  received?: Promise<void>;
  /** Makes a WebSocket of the request's connection, see {@link ConnectionInfo}. */
  readonly upgrade?: ConnectionInfo["upgrade"];
}

/** The route of requests that have none. */
export const NO_ROUTE = "none";

/** What the runtime says of a connection. */
export interface ConnectionInfo {
  remoteAddr: Deno.Addr;
  /**
   * Makes a WebSocket of it, where that was asked for: it is open. Afterwards no answer is sent.
   *
   * @returns `null` where it was no handshake, or the client is gone
   */
  upgrade?: () => PageSocket | null;
}

/** Keeps visitors' data out of shared caches, and has browsers validate their copy (RFC 9111). */
const HEADERS = { "Cache-Control": "private, no-cache" };

/**
 * No answer is a web page, so no browser may run, frame or embed it (https://owasp.org/www-project-secure-headers/).
 * Not on 304, whose content was sent with them (RFC 9110, section 15.4.5): they cost the runtime a tenth of a request.
 */
export const CONTENT_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** The methods that metrics name; a client may send any word, and each would be another series. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Ids of clients that are used: nothing in them means anything to a log. */
const SANE_ID = /^[A-Za-z0-9._:+/=-]{1,128}$/;

/** What requests are reported to. */
export interface RequestWatchers {
  health: Health;
  log: Log;
  metrics: Metrics;
  trustedProxies: string[];
}

/** Wraps a handler so that its requests are logged and counted. */
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
      // Clients close a kept-alive connection, and open another one elsewhere.
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
