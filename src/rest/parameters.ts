/**
 * What a client sends, checked.
 *
 * @module
 */
import type { z } from "zod";
import type { ApiContext } from "../http/answer.ts";
import { ApiError } from "../http/errors.ts";
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
  // What is asked for most often has no parameters.
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
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await readBytes(context.req.raw));
    json = JSON.parse(text);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    // The parser's sentence quotes the text, which is somebody's data.
    throw new ApiError("invalid_parameter", "The body must be JSON.");
  }
  const { success, error } = schema.safeParse(json);
  // The schema passes over that name, of which a change would be lost silently.
  if (success && Object.hasOwn(json as object, "__proto__")) {
    throw new ApiError("invalid_parameter", '"__proto__" is nothing that can be changed.');
  }
  // Not the copy that was made meanwhile: it lacks what is called so in metadata.
  if (success) return json as z.output<Schema>;
  const [issue] = error.issues;
  if (issue.code === "unrecognized_keys") {
    throw new ApiError(
      "invalid_parameter",
      `${JSON.stringify(issue.keys[0])} is nothing that can be changed.`,
    );
  }
  throw new ApiError("invalid_parameter", `${String(issue.path[0] ?? "The body")} ${issue.message}.`);
}

/** What is too long is read so far, in bytes: a client that still sends might miss the answer. */
const MAX_READ = 1024 * 1024;

/** No more than {@link MAX_BODY} of it, whatever length was announced. */
async function readBytes(request: Request): Promise<Uint8Array> {
  const tooLarge = () => new ApiError("too_large", `The body must not be longer than ${MAX_BODY / 1024} KB.`);
  const announced = Number(request.headers.get("Content-Length") ?? 0);
  if (announced > MAX_READ) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > MAX_READ) throw tooLarge();
    if (length <= MAX_BODY) chunks.push(chunk);
  }
  if (Math.max(length, announced) > MAX_BODY) throw tooLarge();
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}
