/**
 * Authenticates requests to the REST API by its keys.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import type { Config } from "../config.ts";
import type { KeyName } from "../http/answer.ts";
import { ApiError } from "../http/errors.ts";

const encoder = new TextEncoder();

/** Marks the end of a key in compared bytes, so that a key differs from its prefixes. UTF-8 never contains this byte. */
const END = 0xff;

/** The most bytes of a character in UTF-8. */
const MAX_CHARACTER = 4;

/**
 * Returns a function that finds which key a request sends: as `Authorization: KEY`, as `Authorization: Bearer KEY` (RFC
 * 6750) or as `X-Api-Key`. If `Authorization` is present, `X-Api-Key` is ignored. The given key is compared with every
 * key in constant time: the number of compared bytes is always the same.
 *
 * @param config `restKey` must not be empty
 * @returns a function that throws {@link ApiError} `invalid_api_key` if the request sends none of the keys
 */
export function keyReader(
  { restKey, previousRestKey, writeKey }: Pick<Config, "restKey" | "previousRestKey" | "writeKey">,
): (header: (name: string) => string | undefined) => KeyName {
  if (restKey === "") throw new Error("Cannot require an empty key");
  const texts = Object.entries({ read: restKey, previous: previousRestKey, write: writeKey })
    .filter(([, key]) => key !== "");
  // A longer given key is cut at the end of a character; it must still be longer than each of the keys.
  const length = Math.max(...texts.map(([, key]) => encoder.encode(key).length)) + MAX_CHARACTER + 1;
  const keys = texts.map(([name, key]) => ({
    name: name as KeyName,
    expected: writeKeyTo(new Uint8Array(length), key),
  }));
  // One buffer for all requests, since allocating one costs more than the comparison.
  const ofGiven = new Uint8Array(length);

  function nameOf(given: string): KeyName | null {
    writeKeyTo(ofGiven.fill(0), given);
    let found: KeyName | null = null;
    for (const { name, expected } of keys) if (timingSafeEqual(ofGiven, expected)) found = name;
    return found;
  }

  return (header) => {
    const authorization = header("Authorization");
    const given = authorization ?? header("X-Api-Key") ?? "";
    // The header as it is comes first, since a key may itself begin with "Bearer".
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

/** Writes a key and {@link END} to bytes; a key that does not fit is cut. */
function writeKeyTo(bytes: Uint8Array<ArrayBuffer>, key: string): Uint8Array<ArrayBuffer> {
  const { written } = encoder.encodeInto(key, bytes.subarray(0, -1));
  bytes[written] = END;
  return bytes;
}
