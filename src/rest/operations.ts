/**
 * The operations of the REST API, each once: the routes, the checks of what is sent, and the API's description are
 * made of this.
 *
 * @module
 */
import { z } from "zod";
import { ATTRIBUTE_NAMES, type AttributeName, ATTRIBUTES, type Visitor } from "../visitor.ts";
import type { ErrorCode } from "./errors.ts";

/** The longest body that is read, in bytes. */
export const MAX_BODY = 64 * 1024;

/** How many visitors a page has at the most where no `max_results` is given. */
export const DEFAULT_RESULTS = 100;

const MAX_RESULTS = 1000;
const MAX_Q_LENGTH = 256;

// What a client sends is text; `override` is what it means to whoever reads the description.
const listParameters = z.object({
  max_results: z.string()
    .refine(
      (given) => /^[0-9]{1,4}$/.test(given) && Number(given) >= 1 && Number(given) <= MAX_RESULTS,
      `max_results must be a whole number from 1 to ${MAX_RESULTS}.`,
    )
    .transform(Number)
    .optional()
    .meta({
      description: `How many visitors a page has at the most; ${DEFAULT_RESULTS} unless given`,
      override: { type: "integer", minimum: 1, maximum: MAX_RESULTS },
      example: 10,
    }),
  cursor: z.string().optional().meta({
    description: "Where a page begins, as the Link header of the page before gave it; made for one q",
  }),
});

const searchParameters = listParameters.extend({
  q: z.string()
    .refine(
      (q) => Array.from(q).length <= MAX_Q_LENGTH,
      `q must not be longer than ${MAX_Q_LENGTH} characters.`,
    )
    .optional()
    .meta({
      description:
        "What visitors must match, each part of it: text, an e-mail address, four digits (a lookup code), online, " +
        "-online, #tag, ip:…, id:…, integration_id:… or url:…; without it, those online now",
      override: { type: "string", maxLength: MAX_Q_LENGTH },
      example: "muller #customer",
    }),
});

const removalParameters = z.object({
  all: z.literal("true", "all must be exactly true, since this removes every visitor that is offline.").meta({
    description: "That really all of them are meant",
  }),
});

const VALUES = {
  text: z.string("must be text or null").nullable(),
  time: z.iso.datetime({ precision: 3 }).nullable(),
  list: z.array(z.string("must be a list of texts"), "must be a list of texts"),
  flag: z.boolean("must be true or false"),
  metadata: z.record(
    z.string().regex(/^[^\0]*$/, "must not have keys with NUL"),
    z.union([z.string(), z.number(), z.boolean()], "must hold texts, numbers and flags alone"),
    "must be an object of texts, numbers and flags",
  ),
};

/** A link that an agent follows, and that must not run anything. */
const link = z.string("must be a URL or null")
  // deno-lint-ignore no-control-regex -- none of them belongs into a URL
  .regex(/^https?:\/\/[^\x00-\x20\x7f"<>\\^`{|}]+$/u, "must be a URL that begins with http:// or https://")
  .nullable();

/** The attributes that a change may set, each as a whole. */
const CHANGEABLE = [
  "call_name",
  "email",
  "identities",
  "integration",
  "integration_ids",
  "is_in_session",
  "is_waiting_for_call",
  "metadata",
  "name",
  "nickname",
  "tags",
  "unique_id",
] as const satisfies AttributeName[];

/** What a change may hold. Whatever else of a visitor is not for clients to write. */
export const visitorChange = z.strictObject({
  ...Object.fromEntries(CHANGEABLE.map((name) => [name, describe(name).optional()])) as {
    [Name in (typeof CHANGEABLE)[number]]: z.ZodOptional<z.ZodType<Visitor[Name]>>;
  },
  watch_link: link.meta({ description: ATTRIBUTES.watch_link.meaning }).optional(),
}, "must be a JSON object").meta({
  id: "VisitorChange",
  example: { name: "Ada Lovelace", tags: ["#customer"], is_waiting_for_call: true },
});

/** A visitor as it is sent. */
export function visitorSchema(hidden: ReadonlySet<AttributeName>) {
  const shown = ATTRIBUTE_NAMES.filter((name) => !hidden.has(name));
  return z.strictObject(Object.fromEntries(shown.map((name) => [name, describe(name)]))).meta({
    id: "Visitor",
  });
}

function describe(name: AttributeName) {
  const { kind, meaning } = ATTRIBUTES[name];
  const schema: z.ZodType = name === "short_id" ? z.string() : VALUES[kind];
  return schema.meta({ description: meaning });
}

const counts = z.strictObject({
  visitors: z.strictObject({
    online_now: z.int().min(0),
    last_24_hrs: z.int().min(0),
    last_30_days: z.int().min(0),
  }),
  session_counts: z.strictObject({ now: z.int().min(0) }),
});

/** What an operation is. */
export interface Operation {
  method: "GET" | "PATCH" | "DELETE";
  /** Its route's pattern under the API's root, as OpenAPI writes it. */
  path: string;
  summary: string;
  /** The parameters in its query. */
  query?: z.ZodObject;
  body?: z.ZodObject;
  /** What stands in a good answer beside `status`, given the schema of a visitor. */
  answer: (visitor: z.ZodObject) => z.ZodRawShape;
  /** Whether it sends validators, and 304 where the client has the answer already. */
  isCacheable?: boolean;
  /** Whether its answer may lead to a next page. */
  isPaged?: boolean;
  errors: ErrorCode[];
}

/** The operations, by what they are called. */
export const OPERATIONS = {
  listLatest: {
    method: "GET",
    path: "/visitors/list/latest",
    summary: "The visitors online now, the newest last_seen_at first",
    query: listParameters,
    answer: (visitor) => ({ visitors: z.array(visitor) }),
    isCacheable: true,
    isPaged: true,
    errors: ["invalid_parameter"],
  },
  searchVisitors: {
    method: "GET",
    path: "/visitors/list/search",
    summary: "The visitors that match, those online first",
    query: searchParameters,
    answer: (visitor) => ({ visitors: z.array(visitor) }),
    isCacheable: true,
    isPaged: true,
    errors: ["invalid_parameter"],
  },
  getVisitor: {
    method: "GET",
    path: "/visitors/{short_id}",
    summary: "One visitor",
    answer: (visitor) => ({ visitor }),
    isCacheable: true,
    errors: ["invalid_parameter", "visitor_not_found"],
  },
  updateVisitor: {
    method: "PATCH",
    path: "/visitors/{short_id}",
    summary: "Sets attributes of a visitor, each as a whole; null clears a text",
    body: visitorChange,
    answer: (visitor) => ({ visitor }),
    errors: ["invalid_parameter", "write_key_required", "visitor_not_found", "too_large"],
  },
  removeVisitor: {
    method: "DELETE",
    path: "/visitors/{short_id}",
    summary: "Removes a visitor for good",
    answer: () => ({}),
    errors: ["invalid_parameter", "write_key_required", "visitor_not_found"],
  },
  removeOfflineVisitors: {
    method: "DELETE",
    path: "/visitors",
    summary: "Removes every visitor that is offline for good",
    query: removalParameters,
    answer: () => ({ count: z.int().min(0) }),
    errors: ["invalid_parameter", "write_key_required"],
  },
  getUsage: {
    method: "GET",
    path: "/usage",
    summary: "How many visitors there are",
    answer: () => ({ usage: counts }),
    errors: [],
  },
  describeApi: {
    method: "GET",
    path: "/openapi.json",
    summary: "This description",
    answer: () => ({}),
    isCacheable: true,
    errors: [],
  },
} as const satisfies Record<string, Operation>;

/** The name of an operation. */
export type OperationName = keyof typeof OPERATIONS;
