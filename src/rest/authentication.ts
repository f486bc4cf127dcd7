/**
 * Who may use the REST API: whoever sends one of its keys.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { Config } from "../config.ts";
import type { KeyName } from "../http/endpoint.ts";
import { ApiError } from "../http/errors.ts";

/**
 * What tells which key a request sends: as `Authorization`, as `Authorization: Bearer` (RFC 6750) or as `X-Api-Key`.
 * Where `Authorization` is present it alone decides. Hashes are compared, each with every key, in constant time.
 *
 * @param config with a `restKey`
 * @returns what throws {@link ApiError} `invalid_api_key` where it is none of them
 */
export function keyReader(
  { restKey, previousRestKey, writeKey }: Pick<Config, "restKey" | "previousRestKey" | "writeKey">,
): (header: (name: string) => string | undefined) => KeyName {
  if (restKey === "") throw new Error("Cannot require an empty key");
  const keys = Object.entries({ read: restKey, previous: previousRestKey, write: writeKey })
    .filter(([, key]) => key !== "")
    .map(([name, key]) => ({ name: name as KeyName, expected: sha256(key) }));

  function nameOf(given: string): KeyName | null {
    const hash = sha256(given);
    let found: KeyName | null = null;
    for (const { name, expected } of keys) if (timingSafeEqual(hash, expected)) found = name;
    return found;
  }

  return (header) => {
    const authorization = header("Authorization");
    const given = authorization ?? header("X-Api-Key") ?? "";
    // A key may itself begin with that word.
    const bearer = authorization === undefined ? given : given.replace(/^Bearer +/i, "");
    const name = nameOf(given) ?? (bearer === given ? null : nameOf(bearer));
    if (name === null) {
      throw new ApiError("invalid_api_key", "The API key is missing or wrong.", {
        "WWW-Authenticate": "Bearer",
      });
    }
    return name;
  };
}

function sha256(value: string): Buffer {
  return createHash("sha256").update(value).digest();
}
