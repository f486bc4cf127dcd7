/**
 * A request as handlers receive it, and the answers that they return.
 *
 * @module
 */
import type { Context } from "hono";
import { CONTENT_HEADERS, type RequestFacts } from "./request_log.ts";

/** The kind of key that a request was sent with: `read` and `previous` only read, `write` may also write. */
export type KeyName = "read" | "previous" | "write";

/** Hono's context of a request, with what Foyer knows of the request. */
export type ApiContext = Context<{ Bindings: RequestFacts & { key?: KeyName } }>;

/**
 * Makes a response with the headers that every answer to this request has. All headers are passed at once, since setting
 * one later costs the runtime more than the rest of a small answer.
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

/** Makes a response in JSON. */
export function answerJson(
  context: ApiContext,
  value: unknown,
  status = 200,
  headers: Record<string, string> = {},
): Response {
  return answer(context, status, JSON.stringify(value), { "Content-Type": "application/json", ...headers });
}

/** A handler: answers a request. */
export type Answer = (context: ApiContext) => Response | Promise<Response>;
