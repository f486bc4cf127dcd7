/**
 * A visitor's identity: a short id made by Foyer, and the token by which a browser proves that the short id is its own.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { customAlphabet } from "nanoid";

/** The characters of short ids: none that look alike, such as 0 and O, since people read short ids out. */
export const SHORT_ID_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";

/** Makes a random short id of 10 characters; there are 3 × 10¹⁷. */
export const newShortId: () => string = customAlphabet(SHORT_ID_ALPHABET, 10);

/** Makes and verifies tokens. Without its token, a short id does not let anyone connect as the visitor. */
export class Tokens {
  #keys: string[];

  /** @param keys the first one signs; tokens signed with any of them are accepted */
  constructor(keys: string[]) {
    this.#keys = keys;
  }

  /** Makes a visitor's token: the short id and its signature (HMAC-SHA-256, RFC 2104). */
  make(shortId: string): string {
    return `${shortId}.${sign(this.#keys[0], shortId)}`;
  }

  /**
   * Verifies a token. Returns its short id, or `null` if none of the keys signed it.
   *
   * ```ts
   * import assert from "node:assert/strict";
   *
   * const token = new Tokens(["old key"]).make("8DKedQxH5w");
   * assert.equal(new Tokens(["new key", "old key"]).read(token), "8DKedQxH5w");
   * assert.equal(new Tokens(["new key"]).read(token), null);
   * ```
   */
  read(token: string): string | null {
    const [shortId, signature, ...others] = token.split(".");
    if (signature === undefined || others.length > 0) return null;
    const given = Buffer.from(signature);
    const isRight = (key: string) => {
      const expected = Buffer.from(sign(key, shortId));
      return given.length === expected.length && timingSafeEqual(given, expected);
    };
    return this.#keys.some(isRight) ? shortId : null;
  }
}

/** Signs a short id. The signed text names its purpose, so that the key's other signatures are not valid as tokens. */
function sign(key: string, shortId: string): string {
  return createHmac("sha256", key).update(`visitor ${shortId}`).digest("base64url");
}
