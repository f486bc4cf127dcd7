/**
 * The API's description, in OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1.html), made of what routes and checks
 * are made of.
 *
 * @module
 */
import { z } from "zod";
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from "zod-openapi";
import denoJson from "../../deno.json" with { type: "json" };
import type { Config } from "../config.ts";
import type { Answer } from "./endpoint.ts";
import { type ErrorCode, ERRORS } from "./errors.ts";
import { type Operation, OPERATIONS, visitorSchema } from "./operations.ts";
import { asciiJson, Representation, send } from "./representation.ts";

/** What every operation may answer with. */
const COMMON_ERRORS: ErrorCode[] = [
  "invalid_parameter",
  "invalid_api_key",
  "too_many_requests",
  "internal_error",
  "database_unavailable",
];

const errorSchema = z.strictObject({
  status: z.literal("error"),
  error: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]).meta({ description: "A stable code" }),
  message: z.string().meta({ description: "A sentence for a person" }),
}).meta({ id: "Error" });

/** Answers with the description of this installation's API. */
export function describeApi(config: Config): Answer {
  let description: Representation | undefined;
  return (context) => send(context, description ??= new Representation(asciiJson(documentOf(config))));
}

function documentOf({ baseEndpoint, hiddenAttributes, writeKey }: Config) {
  const visitor = visitorSchema(hiddenAttributes);
  const paths: ZodOpenApiPathsObject = {};
  for (const [name, operation] of Object.entries(OPERATIONS) as [string, Operation][]) {
    if (operation.method !== "GET" && writeKey === "") continue;
    const path = paths[operation.path] ??= {};
    path[operation.method.toLowerCase() as "get" | "patch" | "delete"] = describe(name, operation, visitor);
  }
  return createDocument({
    openapi: "3.1.1",
    info: {
      title: "Foyer",
      version: denoJson.version,
      description: "Who is on our site now, and which of them is the person I am talking to?",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: `${baseEndpoint}/api` }],
    security: [{ bearer: [] }, { header: [] }],
    paths,
    components: {
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

function describe(
  name: string,
  { summary, path, query, body, answer, isCacheable, isPaged, errors }: Operation,
  visitor: z.ZodObject,
): ZodOpenApiOperationObject {
  const headers: Record<string, { description: string; schema: { type: "string" } }> = {
    "X-Request-Id": { description: "By which the log speaks of the request", schema: { type: "string" } },
  };
  if (isCacheable) headers.ETag = { description: "For If-None-Match", schema: { type: "string" } };
  if (isPaged) {
    headers.Link = {
      description: 'The next page, <…>; rel="next", where there is one',
      schema: { type: "string" },
    };
  }
  const good = name === "describeApi"
    ? z.looseObject({})
    : z.strictObject({ status: z.literal("ok"), ...answer(visitor) });
  const responses: ZodOpenApiOperationObject["responses"] = {
    "200": { description: "As asked for", headers, content: { "application/json": { schema: good } } },
  };
  if (isCacheable) responses["304"] = { description: "Nothing changed since the ETag in If-None-Match" };
  for (const [status, codes] of Object.entries(byStatus([...COMMON_ERRORS, ...errors]))) {
    responses[status as "400"] = errorResponse(codes);
  }
  const hasShortId = path.includes("{short_id}");
  return {
    operationId: name,
    summary,
    ...(hasShortId || query
      ? {
        requestParams: {
          ...(hasShortId
            ? {
              path: z.object({
                short_id: z.string().min(1).meta({ description: "Of the visitor", example: "aB3dE5fG7h" }),
              }),
            }
            : {}),
          ...(query ? { query } : {}),
        },
      }
      : {}),
    ...(body ? { requestBody: { required: true, content: { "application/json": { schema: body } } } } : {}),
    responses,
  };
}

function byStatus(codes: ErrorCode[]): Record<string, ErrorCode[]> {
  return Object.groupBy([...new Set(codes)], (code) => String(ERRORS[code].status)) as Record<
    string,
    ErrorCode[]
  >;
}

function errorResponse(codes: ErrorCode[]) {
  const examples = Object.fromEntries(
    codes.map((
      code,
    ) => [code, { value: { status: "error", error: code, message: `${ERRORS[code].when}.` } }]),
  );
  return {
    description: codes.map((code) => ERRORS[code].when).join("; or: "),
    content: { "application/json": { schema: errorSchema, examples } },
  };
}
