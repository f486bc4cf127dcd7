/**
 * An endpoint: what a route does, by method.
 *
 * @module
 */
import type { Context } from "hono";
import { CONTENT_HEADERS, NO_ROUTE, type RequestFacts } from "./request_log.ts";
import { ApiError } from "./errors.ts";

/** Which key a request came with: `previous` reads as `read` does, `write` does everything. */
export type KeyName = "read" | "previous" | "write";

/** A request. */
export type ApiContext = Context<{ Bindings: RequestFacts & { key?: KeyName } }>;

/**
 * An answer, with what every answer to this request holds. All headers are given when it is made: one that is set
 * later costs the runtime more than all else of a small answer.
 */
export function answer(
  context: ApiContext,
  status: number,
  body: string | Uint8Array<ArrayBuffer> | null,
  headers: Record<string, string>,
): Response {
  const ofContent = status === 304 ? {} : CONTENT_HEADERS;
  return new Response(body, { status, headers: { ...context.env.headers, ...ofContent, ...headers } });
}

/** An answer in JSON. */
export function answerJson(
  context: ApiContext,
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Response {
  return answer(context, status, JSON.stringify(value), { "Content-Type": "application/json", ...headers });
}

/** Answers a request. */
export type Answer = (context: ApiContext) => Response | Promise<Response>;

/** What a route answers, by method; HEAD is answered as GET. */
export type Methods = Partial<Record<"GET" | "PATCH" | "DELETE", Answer>>;

/**
 * The one handler of a route. (More handlers for one request, which is what middleware is, would cost Hono several
 * times as much.)
 *
 * @param route its pattern; {@link NO_ROUTE} for whatever has none
 * @param admit throws where the request may not come here
 */
export function endpoint(
  route: string,
  methods: Methods,
  admit: (context: ApiContext) => Promise<void> | void = () => {},
): (context: ApiContext) => Promise<Response> {
  const names = Object.keys(methods);
  const allow = names.flatMap((name) => name === "GET" ? ["GET", "HEAD"] : [name]).join(", ");
  return async (context: ApiContext) => {
    context.env.route = route;
    requireHost(context);
    const admitting = admit(context);
    if (admitting !== undefined) await admitting;
    requirePath(context);
    if (route === NO_ROUTE) throw new ApiError("not_found", "There is no such route.");
    const answer = methods[context.req.method as keyof Methods];
    if (answer === undefined) {
      const message = allow === "" ? "Nothing can be done here." : `Only these methods are there: ${allow}.`;
      throw new ApiError("method_not_allowed", message, { Allow: allow });
    }
    return await answer(context);
  };
}

/** The runtime puts Host before the path as it is: what ends a host there would make another path (RFC 9112, 3.2). */
function requireHost(context: ApiContext) {
  if (/[/?#\\]/.test(context.req.header("Host") ?? "")) {
    throw new ApiError("invalid_parameter", "The Host header is malformed.");
  }
}

/** Hono passes malformed escapes on as they are; they could only be mistaken for something else. */
function requirePath(context: ApiContext) {
  const { url } = context.req;
  const [path] = url.slice(url.indexOf("/", url.indexOf("//") + 2)).split(/[?#]/, 1);
  try {
    if (path.includes("%")) decodeURIComponent(path);
  } catch {
    throw new ApiError("invalid_parameter", "The path holds a malformed escape.");
  }
}
