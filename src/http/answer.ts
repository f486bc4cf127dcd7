/**
 * A request as handlers receive it, and the answers that they return.
 *
 * @module
 */
import type { Context } from "hono";
import { CONTENT_HEADERS, type RequestFacts } from "./request_log.ts";

/** Which key a request came with: `previous` reads as `read` does, `write` does everything. */
export type KeyName = "read" | "previous" | "write";

/** A request. */
export type ApiContext = Context<{ Bindings: RequestFacts & { key?: KeyName } }>;

/**
 * An answer with the headers that every answer to this request has. All headers are given at once, since setting one
 * later costs the runtime more than all the rest of a small answer.
 */
export function answer(
  context: ApiContext,
  status: number,
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null,
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
