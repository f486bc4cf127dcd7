/**
 * The API's description in OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1.html), made from the same declarations as
 * routes and checks.
 *
 * @module
 */
import { z } from "zod";
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import denoJson from "../../deno.json" with { type: "json" };
import type { Config } from "../config.ts";
import type { Visitor } from "../visitor/visitor.ts";
import type { Answer } from "../http/answer.ts";
import { type ErrorCode, ERRORS } from "../http/errors.ts";
import { EXAMPLE_TAG, EXAMPLE_VISITOR } from "./example.ts";
import {
  cacheParameters,
  changedVisitorParameters,
  COMMON_ERRORS,
  KEY_HEADER,
  matchParameters,
  OPENAPI,
  type Operation,
  OPERATIONS,
  TAGS,
  UNINDEXED_HEADER,
  visitorParameters,
  visitorSchema,
} from "./operations.ts";
import { presenter } from "../http/presentation.ts";
import { asciiJson } from "../visitor/ascii_json.ts";
import { Representation, send } from "../http/representation.ts";
import { EncodedVisitor } from "../visitor/encoded_visitor.ts";

const ABOUT = `Who is on our site now, and which of them is the person I am talking to?

Every answer has a \`status\`, either \`ok\` or \`error\`, and every visitor has all of its attributes: what is missing
is null, an empty list or false. The Link header of a list leads to its next page. HEAD is answered as GET, without
the body. Other paths answer 404 \`not_found\`, other methods 405 \`method_not_allowed\`.`;

const errorSchema = z.strictObject({
  status: z.literal("error"),
  error: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]).meta({ description: "A stable code" }),
  message: z.string().meta({ description: "A sentence for a person" }),
  claimed_by: z.string().optional().meta({
    description: "With `already_claimed`: the agent who has claimed it",
  }),
}).meta({ id: "Error" });

/** An example of each error's message. */
const MESSAGES = {
  invalid_parameter: "max_results must be a whole number of 1 or more.",
  invalid_api_key: "The API key is missing or wrong.",
  write_key_required: "This key can only read; changing and removing visitors needs REST_WRITE_KEY.",
  visitor_not_found: "There is no visitor with this short id.",
  precondition_failed: "The visitor is not as If-Match says; nothing was written.",
  no_watch_link: "There is no link for watching this visitor: see WATCH_LINK.",
  visitor_offline: "This visitor is offline; only visitors online can be claimed.",
  already_claimed: 'Another agent has claimed this visitor: send "take_over": true to take the visitor over.',
  too_large: "The body must not be longer than 64 KB.",
  too_many_requests: "This key makes too many requests a second.",
  internal_error: "Something went wrong in Foyer; its log has the cause.",
  database_unavailable: "The database does not answer now, try again soon.",
  too_many_streams: "As many streams are open as MAX_STREAMS allows.",
  stopping: "The server is about to stop.",
} satisfies Partial<Record<ErrorCode, string>>;

const REQUEST_ID = header("The request's id in Foyer's log", "5f0c3a52-8d5e-4e0f-9d0c-6f1f7a1c2b3d");
const ETAG = header("For If-None-Match", EXAMPLE_TAG);
const RETRY_AFTER = {
  description: "After how many seconds to try again",
  required: true,
  schema: { type: "integer", minimum: 1 },
  example: 2,
} as const;

/** The headers that answers with an error have, by its code. */
const ERROR_HEADERS: Partial<Record<ErrorCode, Record<string, Header>>> = {
  invalid_api_key: { "WWW-Authenticate": header("How to send a key", "Bearer") },
  too_many_requests: { "Retry-After": RETRY_AFTER },
  database_unavailable: { "Retry-After": RETRY_AFTER },
  too_many_streams: { "Retry-After": RETRY_AFTER },
  stopping: { "Retry-After": RETRY_AFTER },
};

const UNINDEXED = {
  description:
    "How many documents without search fields were left out, if any; `foyer reindex` adds the fields",
  required: false,
  schema: { type: "integer", minimum: 1 },
  example: 95_000,
} as const;

const STREAM_ID = header(
  "The parameter after for a stream with the same q and max_results that continues from this list; only on a first page",
  "Vb4yLx0aPq2R:17",
  false,
);

type Header = ReturnType<typeof header> | typeof RETRY_AFTER;

function header(description: string, example: string, required = true) {
  return { description, required, schema: { type: "string" }, example } as const;
}

/** Answers with the description of this installation's API. */
export function describeApi(config: Config): Answer {
  let description: Representation | undefined;
  return (context) => send(context, description ??= new Representation(asciiJson(documentOf(config))));
}

/** The description of this installation's API. */
export function documentOf(config: Config) {
  const { baseEndpoint, hiddenAttributes, writeKey } = config;
  const visitor = visitorSchema(hiddenAttributes);
  const example = JSON.parse(presenter(config)(new EncodedVisitor(EXAMPLE_VISITOR)));
  const operations = (Object.entries(OPERATIONS) as [string, Operation][])
    .filter(([, { tag }]) => tag !== "Changes" || writeKey !== "");
  const ofVisitor = operations.filter(([, { path }]) => path.includes("{short_id}")).map(([name]) => name);
  const paths: ZodOpenApiPathsObject = {};
  const errors = new Set<ErrorCode>();
  for (const [name, operation] of operations) {
    const path = paths[operation.path] ??= {};
    path[operation.method.toLowerCase() as "get" | "post" | "put" | "patch" | "delete"] = {
      operationId: name,
      ...describe(operation, visitor, example, ofVisitor),
    };
    for (const code of errorsOf(operation)) errors.add(code);
  }
  return createDocument({
    openapi: OPENAPI,
    info: {
      title: "Foyer",
      version: denoJson.version,
      description: ABOUT,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [
      { url: "../api", description: "The server of this description" },
      { url: `${baseEndpoint}/api`, description: "The public URL of this installation" },
    ],
    tags: Object.entries(TAGS).filter(([tag]) => operations.some(([, operation]) => operation.tag === tag))
      .map(([name, description]) => ({ name, description })),
    security: [{ bearer: [] }, { header: [] }],
    paths,
    components: {
      responses: Object.fromEntries([...errors].map((code) => [code, errorResponse([code])])),
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description: "Authorization: Bearer KEY, or the key alone",
        },
        header: { type: "apiKey", in: "header", name: "X-Api-Key" },
      },
    },
  });
}

function errorsOf(operation: Operation): ErrorCode[] {
  return [...COMMON_ERRORS, ...operation.errors];
}

function describe(
  operation: Operation,
  visitor: z.ZodObject,
  example: Partial<Visitor>,
  ofVisitor: string[],
): ZodOpenApiOperationObject {
  const { summary, tag, isChange, path, query, body, bodyExample, answer, answerExample, shortIdAt } =
    operation;
  const { isCacheable, isConditional, isPaged, isStream, namesKey } = operation;
  const headers = {
    "X-Request-Id": REQUEST_ID,
    ...(namesKey
      ? { [KEY_HEADER]: header("What the key of the request may do: read or write", "read") }
      : {}),
    ...(isCacheable ? { ETag: ETAG } : {}),
    ...(isConditional && body ? { ETag: ETAG } : {}),
    ...(isPaged
      ? {
        Link: header(
          'The URL of the next page, <…>; rel="next", if there is one',
          `<https://support.example.com/api${path}?cursor=WyI0N0RFUXBqOEhCU2EiXQ>; rel="next"`,
          false,
        ),
        [UNINDEXED_HEADER]: UNINDEXED,
        "X-Stream-Id": STREAM_ID,
      }
      : {}),
  };
  const content = {
    [isStream ? "text/event-stream" : "application/json"]: {
      schema: answer(visitor),
      example: answerExample(example),
    },
  };
  const responses: ZodOpenApiOperationObject["responses"] = {
    "200": {
      description: "The request succeeded",
      headers,
      content,
      ...(shortIdAt === undefined ? {} : { links: linksTo(ofVisitor, shortIdAt) }),
    },
  };
  if (isCacheable) {
    responses["304"] = { description: "The answer is still the one whose ETag is in If-None-Match", headers };
  }
  const byStatus = Map.groupBy(errorsOf(operation), (code) => ERRORS[code].status);
  for (const [status, codes] of byStatus) {
    responses[`${status}`] = codes.length === 1
      ? { $ref: `#/components/responses/${codes[0]}` }
      : errorResponse(codes);
  }
  const requestParams = {
    ...(path.includes("{short_id}") ? { path: isChange ? changedVisitorParameters : visitorParameters } : {}),
    ...(query ? { query } : {}),
    ...(isCacheable ? { header: cacheParameters } : {}),
    ...(isConditional ? { header: matchParameters } : {}),
  };
  const isShown = !isChange || !body?.safeParse({}).success;
  const requestBody = body && {
    required: true,
    ...(isShown ? {} : { description: `Such as \`${JSON.stringify(bodyExample)}\`` }),
    content: { "application/json": { schema: body, example: isShown ? bodyExample : {} } },
  };
  return {
    tags: [tag],
    summary,
    ...(Object.keys(requestParams).length > 0 ? { requestParams } : {}),
    ...(requestBody ? { requestBody } : {}),
    responses,
  };
}

/** OpenAPI's links from an answer to the operations that take its short id. */
function linksTo(operations: string[], shortIdAt: string) {
  return Object.fromEntries(
    operations.map((operationId) => [
      operationId,
      { operationId, parameters: { short_id: `$response.body#${shortIdAt}` } },
    ]),
  );
}

/** @param codes all errors of one status */
function errorResponse(codes: ErrorCode[]) {
  const examples = codes.map((code) => ({
    status: "error",
    error: code,
    message: MESSAGES[code as keyof typeof MESSAGES],
    ...(code === "already_claimed" ? { claimed_by: EXAMPLE_VISITOR.claimed_by } : {}),
  }));
  const shown = examples.length === 1
    ? { example: examples[0] }
    : { examples: Object.fromEntries(examples.map((value) => [value.error, { value }])) };
  return {
    description: codes.map((code) => ERRORS[code].when).join(". "),
    headers: {
      "X-Request-Id": REQUEST_ID,
      ...Object.assign({}, ...codes.map((code) => ERROR_HEADERS[code])),
    },
    content: { "application/json": { schema: errorSchema, ...shown } },
  };
}
