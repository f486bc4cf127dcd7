/**
 * Who may use the REST API: whoever sends one of its keys.
 *
 * @module
 */
import { hash, timingSafeEqual } from "node:crypto";
import type { Config } from "../config.ts";
import type { KeyName } from "../http/endpoint.ts";
import { ApiError } from "../http/errors.ts";

const encoder = new TextEncoder();

/** The characters of a SHA-256 in hexadecimal. */
const HASH_LENGTH = 64;

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
    .map(([name, key]) => ({ name: name as KeyName, expected: encoder.encode(sha256(key)) }));
  // One for all: to make a buffer costs the runtime more than all else that is done here.
  const ofGiven = new Uint8Array(HASH_LENGTH);

  function nameOf(given: string): KeyName | null {
    encoder.encodeInto(sha256(given), ofGiven);
    let found: KeyName | null = null;
    for (const { name, expected } of keys) if (timingSafeEqual(ofGiven, expected)) found = name;
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

function sha256(value: string): string {
  return hash("sha256", value);
}
