/**
 * Encrypts cursors, since a position contains `last_seen_at` and `is_online` of a visitor, which `HIDDEN_ATTRIBUTES` may
 * hide.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import type { Config } from "../config.ts";
import { ApiError } from "../http/errors.ts";

/** Sizes of AES-GCM, in bytes (NIST SP 800-38D). */
const NONCE = 12;
const TAG = 16;

/** A text of base64url without padding (RFC 4648, section 5). Of others, Buffer ignores a part, or throws (Deno 2.6). */
const BASE64URL = /^(?:[\w-]{4})*(?:[\w-]{2,3})?$/;

/** Encrypts and decrypts cursors. */
export interface CursorSeal {
  seal(cursor: string): string;
  /** @throws {ApiError} `invalid_parameter`: the text was not made by `seal` under one of the keys */
  open(sealed: string): string;
}

/**
 * The seal of this installation's cursors: AES-256-GCM under a key that every process derives from `REST_KEY`. If no
 * attribute is hidden, cursors are not encrypted.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const config = { restKey: "key", previousRestKey: "", hiddenAttributes: new Set(["last_seen_at"] as const) };
 * const { seal, open } = cursorSeal(config);
 * assert.equal(open(seal("WzFd")), "WzFd");
 * assert.equal(seal("WzFd"), seal("WzFd"));
 * ```
 */
export function cursorSeal(
  { restKey, previousRestKey, hiddenAttributes }: Pick<
    Config,
    "restKey" | "previousRestKey" | "hiddenAttributes"
  >,
): CursorSeal {
  if (hiddenAttributes.size === 0) return { seal: (cursor) => cursor, open: (cursor) => cursor };
  // Cursors under the previous key can still be opened, since that key is still accepted.
  const keys = [restKey, previousRestKey].filter((key) => key !== "").map(derive);
  return {
    seal(cursor) {
      const [{ encryption, nonces }] = keys;
      // Derived from the cursor, so that the same result has the same Link, and therefore the same ETag.
      const nonce = createHmac("sha256", nonces).update(cursor).digest().subarray(0, NONCE);
      const cipher = createCipheriv("aes-256-gcm", encryption, nonce);
      const sealed = Buffer.concat([cipher.update(cursor, "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64url");
    },
    open(sealed) {
      const bytes = BASE64URL.test(sealed) ? Buffer.from(sealed, "base64url") : Buffer.alloc(0);
      if (bytes.length > NONCE + TAG) {
        for (const { encryption } of keys) {
          try {
            const decipher = createDecipheriv("aes-256-gcm", encryption, bytes.subarray(0, NONCE), {
              authTagLength: TAG,
            });
            decipher.setAuthTag(bytes.subarray(NONCE, NONCE + TAG));
            const opened = decipher.update(bytes.subarray(NONCE + TAG));
            return Buffer.concat([opened, decipher.final()]).toString();
          } catch {
            // Sealed under another key, or forged.
          }
        }
      }
      throw new ApiError("invalid_parameter", "The cursor is not one that a Link header gave.");
    },
  };
}

function derive(key: string) {
  const of = (purpose: string) => Buffer.from(hkdfSync("sha256", key, "", `foyer cursor ${purpose}`, 32));
  return { encryption: of("encryption"), nonces: of("nonces") };
}
