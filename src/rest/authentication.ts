/**
 * Who may use the REST API: clients that send one of its keys.
 *
 * @module
 */
import { timingSafeEqual } from "node:crypto";
import type { Config } from "../config.ts";
import type { KeyName } from "../http/answer.ts";
import { ApiError } from "../http/errors.ts";

const encoder = new TextEncoder();

/** Marks the end of a key in comparisons, so that no key is a prefix of another one. UTF-8 never has this byte. */
const END = 0xff;

/** The longest character in UTF-8, in bytes. */
const MAX_CHARACTER = 4;

/**
 * Returns a function that finds which key a request sends: as `Authorization`, as `Authorization: Bearer` (RFC 6750) or
 * as `X-Api-Key`. Where `Authorization` is present it alone decides. What is sent is compared with every key in
 * constant time: the number of compared bytes is always the same.
 *
 * @param config with a `restKey`
 * @returns throws {@link ApiError} `invalid_api_key` where it is none of the keys
 */
export function keyReader(
  { restKey, previousRestKey, writeKey }: Pick<Config, "restKey" | "previousRestKey" | "writeKey">,
): (header: (name: string) => string | undefined) => KeyName {
  if (restKey === "") throw new Error("Cannot require an empty key");
  const texts = Object.entries({ read: restKey, previous: previousRestKey, write: writeKey })
    .filter(([, key]) => key !== "");
  // A longer key, cut off at the end of a character, still ends after the end of each of these.
  const length = Math.max(...texts.map(([, key]) => encoder.encode(key).length)) + MAX_CHARACTER + 1;
  const keys = texts.map(([name, key]) => ({
    name: name as KeyName,
    expected: writeKeyTo(new Uint8Array(length), key),
  }));
  // One buffer for all requests, since making one costs more than all the rest.
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

/** Writes a key, cut off where the bytes end, and the mark of its end. */
function writeKeyTo(bytes: Uint8Array<ArrayBuffer>, key: string): Uint8Array<ArrayBuffer> {
  const { written } = encoder.encodeInto(key, bytes.subarray(0, -1));
  bytes[written] = END;
  return bytes;
}
