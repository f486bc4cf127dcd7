/**
 * Who a visitor is: a short id that Foyer made, and the token by which its browser proves to have it.
 *
 * @module
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";
import { customAlphabet } from "nanoid";

/** Without characters that look alike, such as 0 and O, since people read short ids out. */
export const SHORT_ID_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";

/** A new short id, of 10 characters: one of 3 × 10¹⁷. */
export const newShortId: () => string = customAlphabet(SHORT_ID_ALPHABET, 10);

/** Makes and reads tokens. A stolen short id is worth nothing without one. */
export class Tokens {
  #keys: string[];

  /** @param keys the first one signs; tokens signed with any of them are accepted */
  constructor(keys: string[]) {
    this.#keys = keys;
  }

  /** A visitor's token: the short id, and a signature of it (HMAC-SHA-256, RFC 2104). */
  make(shortId: string): string {
    return `${shortId}.${sign(this.#keys[0], shortId).toString("base64url")}`;
  }

  /**
   * The short id for which a token was made; `null` where it was not signed with one of the keys.
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
    const given = Buffer.from(signature, "base64url");
    const isRight = (key: string) => {
      const expected = sign(key, shortId);
      return given.length === expected.length && timingSafeEqual(given, expected);
    };
    return this.#keys.some(isRight) ? shortId : null;
  }
}

/** The signed text names its purpose, so that a signature made with this key for another one is no token. */
function sign(key: string, shortId: string): Buffer {
  return createHmac("sha256", key).update(`visitor ${shortId}`).digest();
}
