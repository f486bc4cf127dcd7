/**
 * An endpoint: the one handler of a route, for all its methods.
 *
 * @module
 */
import type { Answer, ApiContext } from "./answer.ts";
import { ApiError } from "./errors.ts";
import { NO_ROUTE } from "./request_log.ts";

/** The handlers of a route, by method; HEAD is answered as GET. */
export type Methods = Partial<Record<"GET" | "POST" | "PUT" | "PATCH" | "DELETE", Answer>>;

/**
 * Makes the one handler of a route. (Middleware would mean several handlers for each request, which takes Hono several
 * times as long.)
 *
 * @param route the route's pattern, for the log and metrics; {@link NO_ROUTE} for paths without a route
 * @param admit throws an {@link ApiError} if the request may not use the route
 */
export function endpoint(
  route: string,
  methods: Methods,
  admit: (context: ApiContext) => void = () => {},
): (context: ApiContext) => Promise<Response> {
  const names = Object.keys(methods);
  const allow = names.flatMap((name) => name === "GET" ? ["GET", "HEAD"] : [name]).join(", ");
  return async (context: ApiContext) => {
    context.env.route = route;
    requireHost(context);
    admit(context);
    requirePath(context);
    if (route === NO_ROUTE) throw new ApiError("not_found", "There is no such route.");
    const answer = methods[context.req.method as keyof Methods];
    if (answer === undefined) {
      const message = allow === ""
        ? "This route has no methods."
        : `This route has these methods only: ${allow}.`;
      throw new ApiError("method_not_allowed", message, { Allow: allow });
    }
    return await answer(context);
  };
}

/** Refuses a Host with a character that ends a host in a URL: the runtime joins Host and path (RFC 9112, section 3.2). */
function requireHost(context: ApiContext) {
  if (/[/?#\\]/.test(context.req.header("Host") ?? "")) {
    throw new ApiError("invalid_parameter", "The Host header is malformed.");
  }
}

/** Refuses malformed percent-encoding, which Hono would pass on undecoded. */
function requirePath(context: ApiContext) {
  const { url } = context.req;
  const [path] = url.slice(url.indexOf("/", url.indexOf("//") + 2)).split(/[?#]/, 1);
  try {
    if (path.includes("%")) decodeURIComponent(path);
  } catch {
    throw new ApiError("invalid_parameter", "The path contains malformed percent-encoding.");
  }
}
