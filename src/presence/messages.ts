/**
 * The messages between a web page and Foyer, each declared once; `PROTOCOL.md` explains them. The schemas validate the
 * messages of web pages.
 *
 * @module
 */
import { z } from "zod";
import { isEmailAddress } from "../search/parse.ts";
import { readJson } from "../visitor/read_json.ts";
import { originOfPage } from "./page_origin.ts";

/** The longest message that is read, in bytes. */
export const MAX_MESSAGE = 16 * 1024;

/** A string without lone surrogates: these have no UTF-8 form, so no store could hold them. */
const string = (most: number) =>
  z.string().max(most).refine((given) => given.isWellFormed(), "is not Unicode");

/** A string attribute of a visitor; an empty string counts as missing. */
const text = string(256).transform((given) => given.trim() === "" ? null : given).nullable();

const list = (item: z.ZodType<string>, most: number) =>
  z.array(item).max(most).nullable().transform((given) => [...new Set(given ?? [])]);

/** A web page's URL: an agent must be able to open it. */
const url = string(2048).refine(
  (given) => {
    const parsed = URL.parse(given);
    return parsed !== null && originOfPage(parsed) !== null;
  },
  "is no http URL",
);

const metadata = z.record(
  // Copying an object drops this key.
  string(64).regex(/^(?!__proto__$)/),
  z.union([string(1000), z.number(), z.boolean()]),
).refine((given) => Object.keys(given).length <= 50, "has more than 50 keys");

/** The attributes that a web page claims for its visitor: `null` clears one, an absent one stays as it is. */
const claims = z.strictObject({
  identities: list(string(256).regex(/\S/), 20),
  unique_id: text,
  tags: list(string(64).regex(/^#[\p{L}\p{M}\p{N}-]+$/u), 50),
  /** Applied in this order: `system:value` adds an id, `system:` clears the ids of that system. `null` clears all. */
  integration_ids: z.array(string(256).regex(/^[\p{L}\p{M}\p{N}_.-]+:(?:\S(?:.*\S)?)?$/u)).max(50).nullable()
    .transform((given): (string | null)[] => given ?? [null]),
  call_name: text,
  name: text,
  email: text.refine((given) => given === null || isEmailAddress(given), "is no e-mail address"),
  metadata: metadata.nullable().transform((given) => given ?? {}),
}).partial();

/** The browser's User-Agent Client Hints (https://wicg.github.io/ua-client-hints/). */
const hints = z.object({
  brands: z.array(z.object({ brand: string(64), version: string(64) })).max(10),
  mobile: z.boolean(),
  platform: string(64),
  platformVersion: string(64),
  model: string(128),
}).partial();

const hello = z.strictObject({
  type: z.literal("hello"),
  site_key: string(256),
  /** The token of the last `welcome`; absent for a new visitor. */
  token: string(256).optional(),
  sdk: string(64).regex(/^[\w .\/-]+$/),
  url,
  is_supported: z.boolean(),
  js_configuration: z.boolean(),
  hints: hints.optional(),
});

/** The first message of a web page. */
export type Hello = z.output<typeof hello>;

const pageMessage = z.discriminatedUnion("type", [
  hello,
  z.strictObject({ type: z.literal("update"), visitor: claims }),
  z.strictObject({ type: z.literal("page"), url }),
  z.strictObject({ type: z.literal("lookup_code") }),
  /** The visitor asks for a call, or no longer does. */
  z.strictObject({ type: z.literal("call"), is_waiting: z.boolean() }),
]);

/** A message from a web page. */
export type PageMessage = z.output<typeof pageMessage>;

/** The error codes for a message or a connection. */
export type MessageErrorCode =
  | "invalid_message"
  | "message_too_long"
  | "too_many_messages"
  | "hello_expected"
  | "invalid_site_key"
  | "too_many_visitors";

/** A message to a web page. */
export type ServerMessage =
  /** The visitor's identity; sent again on the same connection if the visitor had to be created again. */
  | { type: "welcome"; short_id: string; token: string; lookup_code: string | null }
  | { type: "lookup_code"; lookup_code: string | null }
  /** Whether the visitor waits for a call, and since when (ISO 8601; `null` if unknown). */
  | { type: "call"; is_waiting: boolean; since: string | null }
  /** The server will close the connection; connect again after `after` milliseconds. */
  | { type: "reconnect"; after: number }
  | { type: "error"; error: MessageErrorCode; message: string };

/** A message that cannot be used. */
export class MessageError extends Error {
  override name = "MessageError";

  /** @param message one sentence for the web page's author; must not quote the message, which may hold personal data */
  constructor(readonly code: MessageErrorCode, message: string) {
    super(message);
  }
}

/**
 * Parses and validates a message from a web page.
 *
 * @throws {MessageError} the message cannot be used
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(readMessage('{"type":"update","visitor":{"name":"Ada","email":null}}'), {
 *   type: "update",
 *   visitor: { name: "Ada", email: null },
 * });
 * assert.throws(() => readMessage('{"type":"update","visitor":{"tags":["customer"]}}'), MessageError);
 * ```
 */
export function readMessage(data: unknown): PageMessage {
  if (typeof data !== "string") throw new MessageError("invalid_message", "A message must be text.");
  // A UTF-16 unit takes up to three bytes in UTF-8.
  const isLong = data.length > MAX_MESSAGE ||
    data.length * 3 > MAX_MESSAGE && new TextEncoder().encode(data).length > MAX_MESSAGE;
  if (isLong) {
    throw new MessageError("message_too_long", `A message must not be longer than ${MAX_MESSAGE} bytes.`);
  }
  let json: unknown;
  try {
    json = readJson(data);
  } catch {
    throw new MessageError("invalid_message", "A message must be JSON.");
  }
  const { success, data: message, error } = pageMessage.safeParse(json);
  if (success) return message;
  throw new MessageError("invalid_message", `The message cannot be used: ${whereIn(error.issues[0].path)}.`);
}

/** The path of an invalid field, by the schema's names only: other keys are a visitor's data. */
function whereIn(path: PropertyKey[]): string {
  const known = path.filter((key) => typeof key === "number" || KNOWN.has(String(key)));
  return known.length === 0 ? "unknown type or field" : `the error is in ${known.join(".")}`;
}

const KNOWN = new Set([
  "visitor",
  "is_waiting",
  ...Object.keys(claims.shape),
  ...Object.keys(hello.shape),
  ...Object.keys(hints.shape),
]);
