/**
 * An endpoint: what a route does, by method.
 *
 * @module
 */
import type { Answer, ApiContext } from "./answer.ts";
import { ApiError } from "./errors.ts";
import { NO_ROUTE } from "./request_log.ts";

/** What a route answers, by method; HEAD is answered as GET. */
export type Methods = Partial<Record<"GET" | "POST" | "PUT" | "PATCH" | "DELETE", Answer>>;

/**
 * The one handler of a route. (Middleware, which is more handlers for one request, costs Hono several times as much.)
 *
 * @param route its pattern; {@link NO_ROUTE} for paths without a route
 * @param admit throws where the request may not use the route
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

/** The runtime makes the URL of Host and path: a character that ends a host would change the path (RFC 9112, 3.2). */
function requireHost(context: ApiContext) {
  if (/[/?#\\]/.test(context.req.header("Host") ?? "")) {
    throw new ApiError("invalid_parameter", "The Host header is malformed.");
  }
}

/** Refuses malformed escapes, which Hono passes on as they are. */
function requirePath(context: ApiContext) {
  const { url } = context.req;
  const [path] = url.slice(url.indexOf("/", url.indexOf("//") + 2)).split(/[?#]/, 1);
  try {
    if (path.includes("%")) decodeURIComponent(path);
  } catch {
    throw new ApiError("invalid_parameter", "The path holds a malformed escape.");
  }
}
