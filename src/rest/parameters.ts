/**
 * Checks of what a client sends.
 *
 * @module
 */
import type { z } from "zod";
import type { ApiContext } from "../http/answer.ts";
import { ApiError } from "../http/errors.ts";
import { parseJson, storedNumber } from "../visitor/exact_json.ts";
import { MAX_BODY } from "./operations.ts";

/**
 * The parameters of a query.
 *
 * @throws {ApiError} `invalid_parameter`
 */
export function readQuery<Schema extends z.ZodObject>(context: ApiContext, schema: Schema): z.output<Schema> {
  // Not by `new URL`, which throws where a client sent a malformed Host.
  const { url } = context.req;
  const start = url.indexOf("?");
  // The most frequent requests have no parameters.
  const parameters = start === -1 ? {} : parametersOf(new URLSearchParams(url.slice(start)), schema);
  const { success, data, error } = schema.safeParse(parameters);
  if (!success) throw new ApiError("invalid_parameter", error.issues[0].message);
  return data;
}

function parametersOf(given: URLSearchParams, schema: z.ZodObject): Record<string, string | null> {
  return Object.fromEntries(
    Object.keys(schema.shape).filter((name) => given.has(name)).map((name) => [name, given.get(name)]),
  );
}

/**
 * The short ids that a path may mean: the one that is there, and, since clients of the product's cloud API write `.json`
 * behind every path, the one before that.
 */
export function shortIdsOf(context: ApiContext): string[] {
  const shortId = context.req.param("short_id")!;
  return /.\.json$/.test(shortId) ? [shortId, shortId.slice(0, -".json".length)] : [shortId];
}

/** The result for the first visitor whom the path may mean; `null` where there is none. */
export async function firstOf<T>(
  context: ApiContext,
  ask: (shortId: string) => Promise<T | null>,
): Promise<T | null> {
  for (const shortId of shortIdsOf(context)) {
    const result = await ask(shortId);
    if (result !== null) return result;
  }
  return null;
}

/**
 * The JSON of a body, whatever its `Content-Type`.
 *
 * @param schema checks, and changes nothing
 * @throws {ApiError} `too_large`, or `invalid_parameter`
 */
export async function readBody<Schema extends z.ZodObject>(
  context: ApiContext,
  schema: Schema,
): Promise<z.output<Schema>> {
  let json: unknown;
  const body = readBytes(context.req.raw);
  context.env.received = body.then(() => {}, () => {});
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await body);
    json = withStoredNumbers(parseJson(text));
  } catch (error) {
    if (error instanceof ApiError) throw error;
    // The parser's sentence quotes the text, which is somebody's data.
    throw new ApiError("invalid_parameter", "The body must be JSON.");
  }
  const { success, error } = schema.safeParse(json);
  // The schema ignores that name, so that a change of it would be lost silently; one that takes any name ignores more.
  const takesAnyName = schema.def.catchall?._zod.def.type === "unknown";
  if (success && !takesAnyName && Object.hasOwn(json as object, "__proto__")) {
    throw new ApiError("invalid_parameter", '"__proto__" cannot be changed.');
  }
  // Not the schema's copy, which lacks a key of that name in `metadata`.
  if (success) return json as z.output<Schema>;
  const [issue] = error.issues;
  if (issue.code === "unrecognized_keys") {
    throw new ApiError(
      "invalid_parameter",
      `${JSON.stringify(issue.keys[0])} cannot be changed.`,
    );
  }
  throw new ApiError("invalid_parameter", `${String(issue.path[0] ?? "The body")} ${issue.message}.`);
}

/** Values within a body's objects, such as those of `metadata`, with whole numbers beyond 2^53 as text. */
function withStoredNumbers(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  for (const value of Object.values(body)) {
    if (typeof value !== "object" || value === null) continue;
    for (const [key, item] of Object.entries(value)) {
      // Not by an assignment, which would set the prototype by a key `__proto__`.
      if (typeof item === "bigint" || typeof item === "number" && Number.isFinite(item)) {
        Object.defineProperty(value, key, { value: storedNumber(item) });
      }
    }
  }
  return body;
}

/** A body that is too long is still read up to this length, in bytes: a client that is sending might miss the answer. */
const MAX_READ = 1024 * 1024;

/** Reads a body of up to {@link MAX_BODY} bytes, whatever length was announced. */
async function readBytes(request: Request): Promise<Uint8Array> {
  const tooLarge = () => new ApiError("too_large", `The body must not be longer than ${MAX_BODY / 1024} KB.`);
  const announced = Number(request.headers.get("Content-Length") ?? 0);
  if (announced > MAX_READ) throw tooLarge();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > MAX_READ) throw tooLarge();
    if (length <= MAX_BODY) parts.push(part);
  }
  if (Math.max(length, announced) > MAX_BODY) throw tooLarge();
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}
