/**
 * Reads and checks what a client sends: query, path and body.
 *
 * @module
 */
import type { z } from "zod";
import type { ApiContext } from "../http/answer.ts";
import { ApiError } from "../http/errors.ts";
import { parseJson, storedNumber } from "../visitor/exact_json.ts";
import { MAX_BODY } from "./operations.ts";

/**
 * Reads the parameters of a query.
 *
 * @throws {ApiError} `invalid_parameter`: a parameter does not fit the schema
 */
export function readQuery<Schema extends z.ZodObject>(context: ApiContext, schema: Schema): z.output<Schema> {
  // Not by `new URL`, which throws for a malformed Host.
  const { url } = context.req;
  const start = url.indexOf("?");
  // A shortcut for the most frequent requests, which have no parameters.
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
 * The short ids that a path may mean, in order: the text in the path; and, if that ends in `.json`, the text before it,
 * since clients of the product's cloud API append `.json` to every path.
 */
export function shortIdsOf(context: ApiContext): string[] {
  const shortId = context.req.param("short_id")!;
  return /.\.json$/.test(shortId) ? [shortId, shortId.slice(0, -".json".length)] : [shortId];
}

/** The first result that is not `null` for a short id that the path may mean; `null` if there is none. */
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
 * Reads a body as JSON; its `Content-Type` is ignored.
 *
 * @param schema only checks the JSON: it must not transform values
 * @throws {ApiError} `too_large`, or `invalid_parameter`: the body is no JSON or does not fit the schema
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
    // Without the parser's message, which quotes the body: it may be a visitor's data.
    throw new ApiError("invalid_parameter", "The body must be JSON.");
  }
  const { success, error } = schema.safeParse(json);
  // zod ignores this key, so an attempt to change it would be lost silently. (A loose schema may ignore any key.)
  const takesAnyName = schema.def.catchall?._zod.def.type === "unknown";
  if (success && !takesAnyName && Object.hasOwn(json as object, "__proto__")) {
    throw new ApiError("invalid_parameter", '"__proto__" cannot be changed.');
  }
  // Not zod's copy, in which `metadata` would lack a key "__proto__".
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

/** Converts whole numbers beyond 2^53 to text in the objects within a body, such as `metadata`. */
function withStoredNumbers(body: unknown): unknown {
  if (typeof body !== "object" || body === null) return body;
  for (const value of Object.values(body)) {
    if (typeof value !== "object" || value === null) continue;
    for (const [key, item] of Object.entries(value)) {
      // Not by an assignment, which for the key "__proto__" would set the prototype.
      if (typeof item === "bigint" || typeof item === "number" && Number.isFinite(item)) {
        Object.defineProperty(value, key, { value: storedNumber(item) });
      }
    }
  }
  return body;
}

/**
 * A body that is too long is still read up to this length, in bytes, since a client that cannot finish sending might not
 * read the answer.
 */
const MAX_READ = 1024 * 1024;

/**
 * Reads a body of up to {@link MAX_BODY} bytes.
 *
 * @throws {ApiError} `too_large`
 */
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
