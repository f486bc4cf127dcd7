/**
 * The operations of the REST API, each declared once. The checks of requests and the API's description are made from
 * these declarations, and the compiler checks that the routes in `app.ts` agree with them.
 *
 * @module
 */
import { z } from "zod";
import { ATTRIBUTE_NAMES, type AttributeName, ATTRIBUTES, type Visitor } from "../visitor/visitor.ts";
import type { ErrorCode } from "../http/errors.ts";
import { SEARCH_PARTS } from "../search/format.ts";
import { LINK } from "../visitor/watch_link.ts";
import { EXAMPLE_TAG, EXAMPLE_VISITOR } from "./example.ts";

/** The version of OpenAPI (https://spec.openapis.org/oas/v3.1.1.html) in which the API describes itself. */
export const OPENAPI = "3.1.1";

/** The longest body that is accepted, in bytes. */
export const MAX_BODY = 64 * 1024;

/** `max_results` if a request does not give it. */
export const DEFAULT_RESULTS = 100;

/** The response header with the number of unindexed documents that a search left out since its time was over. */
export const UNINDEXED_HEADER = "Foyer-Unindexed";

/** The response header that says what the request's key may do: `read` or `write`. */
export const KEY_HEADER = "Foyer-Key";

const MAX_RESULTS = 1000;
const MAX_Q_LENGTH = 256;

// Parameters arrive as strings; `override` is the type that the description shows.
const listParameters = z.object({
  max_results: z.string()
    .refine(
      (given) => /^[0-9]+$/.test(given) && Number(given) >= 1,
      "max_results must be a whole number of 1 or more.",
    )
    .transform((given) => Math.min(Number(given), MAX_RESULTS))
    .optional()
    .meta({
      description:
        `How many visitors a result page has at the most; ${DEFAULT_RESULTS} unless given, and never more than ` +
        `${MAX_RESULTS}`,
      override: { type: "integer", minimum: 1, default: DEFAULT_RESULTS },
      param: { example: 10 },
    }),
  cursor: z.string().optional().meta({
    description:
      "Where the result page begins: the cursor in the previous page's Link header, for the same q; any other " +
      "text is refused",
  }),
});

const searchText = (name: string) =>
  z.string().refine(
    (text) => Array.from(text).length <= MAX_Q_LENGTH,
    `${name} must not be longer than ${MAX_Q_LENGTH} characters.`,
  ).optional();

const searchParameters = listParameters.extend({
  q: searchText("q")
    .meta({
      description:
        `The parts that visitors must all match: ${SEARCH_PARTS}; without it, all visitors online match`,
      override: { type: "string", maxLength: MAX_Q_LENGTH },
      param: { example: "muller #customer" },
    }),
  search: searchText("search").meta({
    description: "Another name of q; if both are given, they must be equal",
    override: { type: "string", maxLength: MAX_Q_LENGTH },
    param: { example: "muller #customer" },
  }),
});

const streamParameters = searchParameters.omit({ cursor: true }).extend({
  after: z.string().optional().meta({
    description:
      "Where the stream continues: the X-Stream-Id of a list with the same q and max_results, or the id of an " +
      "event; without it, or if the stream cannot continue there, it begins with the whole list. The header " +
      "Last-Event-ID, which browsers send by themselves, takes precedence",
    param: { example: "Vb4yLx0aPq2R:17" },
  }),
});

/** The header of clients that have cached an answer. For the description only: no value of it is an error. */
export const cacheParameters = z.object({
  "If-None-Match": z.string().optional().meta({
    description:
      "The ETag of the answer that the client has cached; if it is still current, the answer is 304",
    param: { example: EXAMPLE_TAG },
  }),
});

/** The header of clients that write a visitor only if it is as they have read it. */
export const matchParameters = z.object({
  "If-Match": z.string().optional().meta({
    description:
      "The ETag of the visitor as the client has read it; if the visitor has changed, the answer is 412",
  }),
});

const ALL_IS_MISSING = "all must be exactly true, since this removes every visitor that is offline.";

const removalParameters = z.object({
  // A pattern and not a literal, since a form would preselect the only value.
  all: z.string(ALL_IS_MISSING).regex(/^true$/, ALL_IS_MISSING).meta({
    description: "Must be `true`, to confirm that all visitors that are offline are meant",
  }),
});

const VALUES = {
  text: z.string("must be text or null").nullable(),
  time: z.iso.datetime({ precision: 3 }).nullable(),
  list: z.array(z.string("must be a list of texts"), "must be a list of texts"),
  flag: z.boolean("must be true or false"),
  metadata: z.record(
    z.string(),
    z.union([z.string(), z.number(), z.boolean()], "must hold strings, numbers and booleans only"),
    "must be an object of strings, numbers and booleans",
  ),
};

const link = z.string("must be a URL or null")
  .regex(LINK, "must be a URL that begins with http:// or https://")
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

/** The body of a change. Clients may write no other attributes of a visitor. */
export const visitorChange = z.strictObject({
  ...Object.fromEntries(CHANGEABLE.map((name) => [name, describe(name).optional()])) as {
    [Name in (typeof CHANGEABLE)[number]]: z.ZodOptional<z.ZodType<Visitor[Name]>>;
  },
  watch_link: link.meta({ description: ATTRIBUTES.watch_link.meaning }).optional(),
}, "must be a JSON object").meta({ id: "VisitorChange" });

const agentValue = z.union([z.string(), z.number()], "must be a string or a number").nullish();

/** The body of a request for a watch link, as the product's cloud API accepts it. Foyer uses `agent` alone. */
export const watchRequest = z.looseObject({
  agent: z.looseObject(
    { id: agentValue, name: agentValue },
    "must be an object whose id and name are strings or numbers",
  ).nullish().meta({ description: "Who watches: fills {agent_id} and {agent_name} of WATCH_LINK" }),
}, "must be a JSON object");

/** Characters that no agent's name may contain: control characters, and those that change the direction of text. */
const CONTROLS = "\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069";

/** Invisible characters (Default_Ignorable_Code_Point of UAX #44, up to U+FFFF). */
const UNSEEN =
  "\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f" +
  "\\ufeff\\uffa0\\ufff0-\\ufffb";

const MAX_AGENT = 64;

/** The pattern of an agent's name: at least one visible character, and none of {@link CONTROLS}. */
const AGENT = `^[^${CONTROLS}]*[^\\s${UNSEEN}${CONTROLS}][^${CONTROLS}]*$`;

/** An agent's name; handlers trim it. */
const agentName = z.string("must be a string").refine(
  (given) => {
    const { length } = Array.from(given.trim());
    return length <= MAX_AGENT && given.isWellFormed() && new RegExp(AGENT).test(given);
  },
  `must be 1 to ${MAX_AGENT} characters, at least one of them visible and none of them a control character`,
).meta({
  description: "The agent's name",
  override: {
    type: "string",
    minLength: 1,
    maxLength: MAX_AGENT,
    pattern: AGENT,
  },
});

/** The body of a request to claim a visitor. */
export const claimRequest = z.looseObject({
  agent: agentName,
  take_over: z.boolean("must be true or false").optional().meta({
    description: "Whether this claim replaces another agent's",
  }),
}, "must be a JSON object");

/** The body of a request to end a claim. */
export const releaseRequest = z.looseObject({ agent: agentName }, "must be a JSON object");

/** The parameters in the path of a visitor. */
export const visitorParameters = z.object({
  short_id: z.string().min(1).meta({
    description: ATTRIBUTES.short_id.meaning,
    param: { example: EXAMPLE_VISITOR.short_id },
  }),
});

/** As {@link visitorParameters}, for operations that change a visitor: without an example, so that none is sent by mistake. */
export const changedVisitorParameters = z.object({
  short_id: z.string().min(1).meta({ description: ATTRIBUTES.short_id.meaning }),
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
  waiting: z.int().min(0).meta({ description: "Visitors online who wait for a call" }),
});

/** The schema of a successful answer with these members besides `status`. */
function ok(shape: z.ZodRawShape) {
  return z.strictObject({ status: z.literal("ok"), ...shape });
}

/** The groups of operations, with their descriptions. */
export const TAGS = {
  Visitors: "Who is online, and which of them is the person that I am talking to.",
  Agents: "What agents do for a visitor; any key may ask.",
  Changes: "Changing and removing visitors, with `REST_WRITE_KEY`; these operations exist only if it is set.",
  Installation: "The installation itself.",
} as const;

/** The declaration of an operation. */
export interface Operation {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** The path under the API's root, with parameters in OpenAPI's form. */
  path: string;
  tag: keyof typeof TAGS;
  summary: string;
  /** Whether the operation writes. Then its description has no example that somebody might send by mistake. */
  isChange?: true;
  /** The query parameters. */
  query?: z.ZodObject;
  body?: z.ZodObject;
  /** An example of the body; for a change, shown in text only. */
  bodyExample?: Record<string, unknown>;
  /** Makes the schema of a successful answer, given the schema of a visitor. */
  answer: (visitor: z.ZodObject) => z.ZodObject | z.ZodString;
  /** Makes an example of a successful answer, given a visitor. */
  answerExample: (visitor: Partial<Visitor>) => Record<string, unknown> | string;
  /** Where a successful answer has a visitor's short id (JSON pointer, RFC 6901), for links to other operations. */
  shortIdAt?: string;
  /** Whether answers have an `ETag`, and are 304 if the client has cached them. */
  isCacheable?: boolean;
  /** Whether the operation honours `If-Match`. */
  isConditional?: boolean;
  /** Whether answers are result pages, with a `Link` to the next one. */
  isPaged?: boolean;
  /** Whether the answer is an endless stream of events; its example is the text of a few. */
  isStream?: boolean;
  /** Whether answers have {@link KEY_HEADER}. */
  namesKey?: boolean;
  /** The errors besides {@link COMMON_ERRORS}. */
  errors: ErrorCode[];
}

/** The errors of every operation; `invalid_parameter` is one, since any request may have a malformed Host or path. */
export const COMMON_ERRORS: ErrorCode[] = [
  "invalid_parameter",
  "invalid_api_key",
  "too_many_requests",
  "internal_error",
];

/** Operations that answer with a result page of visitors. */
const VISITOR_LIST = {
  answer: (visitor: z.ZodObject) => ok({ visitors: z.array(visitor) }),
  answerExample: (visitor: Partial<Visitor>) => ({ status: "ok", visitors: [visitor] }),
  shortIdAt: "/visitors/0/short_id",
  isCacheable: true,
  isPaged: true,
  errors: ["database_unavailable"],
} satisfies Partial<Operation>;

/** Operations that answer with one visitor. */
const ONE_VISITOR = {
  answer: (visitor: z.ZodObject) => ok({ visitor }),
  answerExample: (visitor: Partial<Visitor>) => ({ status: "ok", visitor }),
  shortIdAt: "/visitor/short_id",
} satisfies Partial<Operation>;

/** The operations, by name. */
export const OPERATIONS = {
  listLatest: {
    method: "GET",
    path: "/visitors/list/latest",
    tag: "Visitors",
    summary: "The visitors online now, the newest last_seen_at first",
    query: listParameters,
    ...VISITOR_LIST,
  },
  searchVisitors: {
    method: "GET",
    path: "/visitors/list/search",
    tag: "Visitors",
    summary: "The visitors that match, those online first",
    query: searchParameters,
    ...VISITOR_LIST,
  },
  streamVisitors: {
    method: "GET",
    path: "/visitors/list/stream",
    tag: "Visitors",
    summary: "The visitors that match, and then every change of this list, as Server-Sent Events",
    query: streamParameters,
    answer: () => z.string(),
    answerExample: ({ short_id }) =>
      `event: gone\nid: Vb4yLx0aPq2R:18\ndata: ${JSON.stringify({ short_id })}\n\n` +
      'event: count\ndata: {"online":40,"waiting":2}\n\n',
    isStream: true,
    errors: ["database_unavailable", "too_many_streams", "stopping"],
  },
  getVisitor: {
    method: "GET",
    path: "/visitors/{short_id}",
    tag: "Visitors",
    summary: "One visitor",
    ...ONE_VISITOR,
    isCacheable: true,
    errors: ["visitor_not_found", "database_unavailable"],
  },
  getWatchUrl: {
    method: "POST",
    path: "/visitors/{short_id}/watch_url",
    tag: "Agents",
    summary: "Where an agent starts watching a visitor",
    body: watchRequest,
    bodyExample: { agent: { id: "agent-7", name: "Grace" } },
    answer: () => ok({ watch_url: z.string() }),
    answerExample: () => ({ status: "ok", watch_url: "https://agents.example.com/watch/aB3dE5fG7h" }),
    errors: ["visitor_not_found", "no_watch_link", "too_large", "database_unavailable"],
  },
  getPages: {
    method: "GET",
    path: "/visitors/{short_id}/pages",
    tag: "Visitors",
    summary: "The last ten web pages of a visitor online, the newest first; none while it is offline",
    answer: () =>
      ok({ pages: z.array(z.strictObject({ url: z.string(), at: z.iso.datetime({ precision: 3 }) })) }),
    answerExample: ({ last_url }) => ({
      status: "ok",
      pages: last_url ? [{ url: last_url, at: "2026-03-04T05:04:53.117Z" }] : [],
    }),
    errors: ["visitor_not_found", "database_unavailable"],
  },
  claimVisitor: {
    method: "PUT",
    path: "/visitors/{short_id}/claim",
    tag: "Agents",
    summary: "An agent takes care of a visitor online, for five minutes unless it is sent again",
    isChange: true,
    body: claimRequest,
    bodyExample: { agent: "Grace", take_over: false },
    answer: (visitor) => ok({ visitor, claimed_until: z.iso.datetime({ precision: 3 }) }),
    answerExample: (visitor) => ({ status: "ok", visitor, claimed_until: "2026-03-04T05:11:02.418Z" }),
    shortIdAt: "/visitor/short_id",
    errors: ["visitor_not_found", "visitor_offline", "already_claimed", "too_large", "database_unavailable"],
  },
  releaseVisitor: {
    method: "DELETE",
    path: "/visitors/{short_id}/claim",
    tag: "Agents",
    summary: "An agent no longer takes care of a visitor",
    isChange: true,
    body: releaseRequest,
    bodyExample: { agent: "Grace" },
    ...ONE_VISITOR,
    errors: ["visitor_not_found", "already_claimed", "too_large", "database_unavailable"],
  },
  updateVisitor: {
    method: "PATCH",
    path: "/visitors/{short_id}",
    tag: "Changes",
    summary: "Sets attributes of a visitor, each as a whole; null clears a text",
    isChange: true,
    body: visitorChange,
    bodyExample: { name: "Ada Lovelace", tags: ["#customer"], is_waiting_for_call: true, nickname: null },
    ...ONE_VISITOR,
    isConditional: true,
    errors: [
      "write_key_required",
      "visitor_not_found",
      "precondition_failed",
      "too_large",
      "database_unavailable",
    ],
  },
  removeVisitor: {
    method: "DELETE",
    path: "/visitors/{short_id}",
    tag: "Changes",
    summary: "Removes a visitor for good",
    isChange: true,
    answer: () => ok({}),
    answerExample: () => ({ status: "ok" }),
    isConditional: true,
    errors: ["write_key_required", "visitor_not_found", "precondition_failed", "database_unavailable"],
  },
  removeOfflineVisitors: {
    method: "DELETE",
    path: "/visitors",
    tag: "Changes",
    summary: "Removes every visitor that is offline for good",
    isChange: true,
    query: removalParameters,
    answer: () => ok({ count: z.int().min(0) }),
    answerExample: () => ({ status: "ok", count: 160 }),
    errors: ["write_key_required", "database_unavailable"],
  },
  getUsage: {
    method: "GET",
    path: "/usage",
    tag: "Installation",
    summary: "How many visitors there are",
    answer: () => ok({ usage: counts }),
    answerExample: () => ({
      status: "ok",
      usage: {
        visitors: { online_now: 40, last_24_hrs: 95, last_30_days: 200 },
        session_counts: { now: 3 },
        waiting: 2,
      },
    }),
    namesKey: true,
    errors: ["database_unavailable"],
  },
  describeApi: {
    method: "GET",
    path: "/openapi.json",
    tag: "Installation",
    summary: "This description",
    answer: () => z.looseObject({ openapi: z.string(), info: z.looseObject({}), paths: z.looseObject({}) }),
    answerExample: () => ({ openapi: OPENAPI, info: { title: "Foyer", version: "1.0.0" }, paths: {} }),
    isCacheable: true,
    errors: [],
  },
} as const satisfies Record<string, Operation>;

/** The name of an operation. */
export type OperationName = keyof typeof OPERATIONS;
