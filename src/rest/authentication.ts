/**
 * Who may use the REST API: whoever sends its key.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { ApiError } from "./errors.ts";

/**
 * Lets requests with the key through: as `Authorization`, as `Authorization: Bearer` (RFC 6750) or as
 * `X-Api-Key`. Where `Authorization` is present it alone decides. Hashes are compared, in constant time.
 *
 * @param key not empty
 */
export function requireKey(key: string): MiddlewareHandler {
  if (key === "") throw new Error("Cannot require an empty key");
  const expected = sha256(key);
  const isKey = (given: string) => timingSafeEqual(sha256(given), expected);
  return async (context, next) => {
    const authorization = context.req.header("Authorization");
    const given = authorization ?? context.req.header("X-Api-Key") ?? "";
    // A key may itself begin with that word.
    const bearer = authorization === undefined ? given : given.replace(/^Bearer +/i, "");
    if (!isKey(given) && (bearer === given || !isKey(bearer))) {
      throw new ApiError("invalid_api_key", "The API key is missing or wrong.", {
        "WWW-Authenticate": "Bearer",
      });
    }
    await next();
  };
}

function sha256(value: string): Buffer {
  return createHash("sha256").update(value).digest();
}
