/**
 * Every error that a client may receive, and the only place where thrown errors become answers.
 *
 * @module
 */
import { describeFailure, type Log } from "../operations/log.ts";
import { answerJson, type ApiContext } from "./answer.ts";
import { DeadlineExceeded } from "../async/deadline.ts";
import { StoreRebuilding, StoreUnavailable } from "../store/visitor_store.ts";

/** An error that a client may receive. */
interface KnownError {
  /** The HTTP status. */
  status: number;
  /** When the error is answered: a sentence for the API's description. */
  when: string;
  /** What the recipient can do about the error; code is between backticks. */
  cure: string;
}

/** Every error that a client may receive. */
export const ERRORS = {
  invalid_parameter: {
    status: 400,
    when: "A parameter, the body or the path cannot be used; the message names it",
    cure: "correct what `message` names: `max_results`, `cursor`, `q`, `all`, the body or the path",
  },
  invalid_api_key: {
    status: 401,
    when: "No key, or a wrong one",
    cure: "send the key exactly as it is set",
  },
  write_key_required: { status: 403, when: "The key only reads", cure: "send `REST_WRITE_KEY`" },
  origin_not_allowed: {
    status: 403,
    when: "A web page of this origin may not connect",
    cure: "name the web page's origin in `ALLOWED_ORIGINS`",
  },
  visitor_not_found: {
    status: 404,
    when: "There is no visitor with this short id",
    cure: "check the short id (letter case counts); the visitor may have been removed",
  },
  not_found: {
    status: 404,
    when: "There is no such route",
    cure: "check the path (a trailing slash is another route); set `REST_KEY`",
  },
  no_watch_link: {
    status: 409,
    when: "There is no link for watching this visitor",
    cure: "set `WATCH_LINK`",
  },
  visitor_offline: {
    status: 409,
    when: "The visitor is offline, so that no agent can claim it",
    cure: "claim visitors who are online",
  },
  already_claimed: {
    status: 409,
    when: "Another agent has claimed the visitor; `claimed_by` names it",
    cure: 'leave it to that agent, or send `"take_over": true`',
  },
  method_not_allowed: {
    status: 405,
    when: "The route has no such method",
    cure: "use a method that `Allow` names; to write, set `REST_WRITE_KEY`",
  },
  precondition_failed: {
    status: 412,
    when: "If-Match names another state of the visitor; nothing was written",
    cure: "read the visitor again; it is not as `If-Match` says",
  },
  too_large: { status: 413, when: "The body is longer than 64 KB", cure: "send a body of up to 64 KB" },
  upgrade_required: {
    status: 426,
    when: "This URL accepts WebSocket connections only",
    cure: "connect by a WebSocket; have the proxy forward them",
  },
  too_many_requests: {
    status: 429,
    when: "Try again after the seconds in Retry-After",
    cure: "wait for `Retry-After` seconds",
  },
  internal_error: {
    status: 500,
    when: "An unexpected error; Foyer's log has the cause, with the id in X-Request-Id",
    cure: "look for the id in the log, and report its cause",
  },
  database_unavailable: {
    status: 503,
    when: "The database does not answer; try again after Retry-After",
    cure: "wait for `Retry-After` seconds; the log says why",
  },
  too_many_connections: {
    status: 503,
    when: "MAX_CONNECTIONS web pages are connected, or no more files may be opened",
    cure: "raise `MAX_CONNECTIONS` or the limit of open files, or run another process",
  },
  too_many_streams: {
    status: 503,
    when: "MAX_STREAMS streams are open; try again after Retry-After",
    cure: "end streams that nobody reads, raise `MAX_STREAMS`, or run another process",
  },
  stopping: {
    status: 503,
    when: "The server is about to stop",
    cure: "`/ready` and streams only: send requests to another process",
  },
} as const satisfies Record<string, KnownError>;

/** A stable code that a client may act on. */
export type ErrorCode = keyof typeof ERRORS;

/** An error that the client receives. */
export class ApiError extends Error {
  override name = "ApiError";

  /**
   * @param message one sentence for a person
   * @param headers that belong to the status, such as `Allow`
   * @param more further members of the body
   */
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly headers: Record<string, string> = {},
    readonly more: Record<string, unknown> = {},
  ) {
    super(message);
  }

  /** The HTTP status. */
  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** The error for a short id that no visitor has. */
export function visitorNotFound(): ApiError {
  return new ApiError("visitor_not_found", "There is no visitor with this short id.");
}

/** The error that tells clients to try again in two seconds (RFC 9110, section 10.2.3). */
function databaseUnavailable(error: Error): ApiError {
  const message = error instanceof StoreRebuilding
    ? "The database is being rebuilt for this version of Foyer, try again soon."
    : "The database does not answer now, try again soon.";
  return new ApiError("database_unavailable", message, { "Retry-After": "2" });
}

function sendError(context: ApiContext, error: ApiError): Response {
  const { code, message, status, headers, more } = error;
  return answerJson(context, { status: "error", error: code, message, ...more }, status, headers);
}

/**
 * Makes the application's error handler, which answers with what was thrown.
 *
 * @param log receives unexpected errors
 */
export function errorHandler(
  log: Log,
): (error: Error, context: ApiContext) => Response {
  return (error, context) => {
    if (error instanceof ApiError) return sendError(context, error);
    if (error instanceof StoreUnavailable || error instanceof DeadlineExceeded) {
      return sendError(context, databaseUnavailable(error));
    }
    log("A request failed", "error", { request: context.env.id, ...describeFailure(error) });
    return sendError(
      context,
      new ApiError("internal_error", "Something went wrong in Foyer; its log has the cause."),
    );
  };
}
