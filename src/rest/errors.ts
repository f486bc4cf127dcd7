/**
 * Every error of the REST API, and the one place where what was thrown becomes an answer.
 *
 * @module
 */
import type { Context } from "hono";
import { StoreUnavailable } from "../store/visitor_store.ts";

const ERRORS = {
  invalid_parameter: 400,
  invalid_api_key: 401,
  visitor_not_found: 404,
  not_found: 404,
  method_not_allowed: 405,
  internal_error: 500,
  database_unavailable: 503,
} as const;

/** A stable code that a client may act on. */
export type ErrorCode = keyof typeof ERRORS;

/** An error that the client is told about. */
export class ApiError extends Error {
  override name = "ApiError";

  /**
   * @param message one sentence for a person
   * @param headers what the status asks for, such as `Allow`
   */
  constructor(readonly code: ErrorCode, message: string, readonly headers: Record<string, string> = {}) {
    super(message);
  }

  /** The HTTP status. */
  get status(): number {
    return ERRORS[this.code];
  }
}

/** Clients come back soon (RFC 9110, section 10.2.3). */
const DATABASE_UNAVAILABLE = new ApiError(
  "database_unavailable",
  "The database does not answer now, try again soon.",
  { "Retry-After": "2" },
);

function sendError(context: Context, error: ApiError): Response {
  const { code, message, status, headers } = error;
  return context.json({ status: "error", error: code, message }, status as 400, headers);
}

/**
 * The application's error handler.
 *
 * @param log told of what nobody foresaw, with the request's id that the client gets too
 */
export function errorHandler(log: (sentence: string) => void): (error: Error, context: Context) => Response {
  return (error, context) => {
    if (error instanceof ApiError) return sendError(context, error);
    if (error instanceof StoreUnavailable) return sendError(context, DATABASE_UNAVAILABLE);
    const requestId = crypto.randomUUID();
    // Not the error's sentence, which may hold a visitor's data; the frames say where it came from.
    const { stack = "", message } = error;
    const afterMessage = stack.slice(stack.indexOf(message) + message.length);
    const frames = afterMessage.split("\n").filter((line) => /^\s+at /.test(line)).join("\n");
    const code = "code" in error ? `, code ${error.code}` : "";
    log(`Request ${requestId} failed: ${error.name}${code}\n${frames}`);
    return sendError(
      context,
      new ApiError("internal_error", "Something went wrong here, the log has the cause.", {
        "X-Request-Id": requestId,
      }),
    );
  };
}
