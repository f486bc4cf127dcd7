/**
 * Representations: a body that is made once for all requests that it answers, and its validator, for which a client that
 * has the body gets 304 (RFC 9110, sections 8.8.3 and 13.1.2).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { answer, type ApiContext } from "./answer.ts";

/** The shortest body that is compressed, in bytes. */
const MIN_COMPRESSED = 1024;

/** An answer's body, plain and compressed. */
export class Representation {
  /** A hash of the body and of the headers that belong to it, since a client caches both together. */
  readonly tag: string;
  #gzipped: Promise<Uint8Array<ArrayBuffer>> | null = null;

  /**
   * @param body preferably of ASCII characters alone, see `asciiJson`
   * @param headers that depend on the result, such as `Link`
   */
  constructor(readonly body: string, readonly headers: Readonly<Record<string, string>> = {}) {
    const hash = createHash("sha256").update(body);
    for (const [name, value] of Object.entries(headers)) hash.update(`\n${name}: ${value}`);
    this.tag = hash.digest("base64url").slice(0, 22);
  }

  /**
   * The body in gzip format, compressed by the first call.
   *
   * @param level zlib's compression level, from 1 to 9
   */
  gzipped(level: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#gzipped ??= promisify(gzip)(this.body, { level })
      .then((buffer) => new Uint8Array(Buffer.from(buffer)));
  }
}

/** The kind of all representations of the REST API. */
export const API_KIND: Kind = {
  type: "application/json",
  headers: { Vary: "Accept-Encoding, Authorization, X-Api-Key" },
  // A fifth of the time of zlib's default level 6, for a quarter more bytes: most results are sent only a few times.
  gzipLevel: 2,
};

/** The properties that representations of one kind share. */
export interface Kind {
  /** The `Content-Type`. */
  type: string;
  /** Further headers, which 304 has too. */
  headers: Record<string, string>;
  /** zlib's compression level, from 1 to 9: higher where the same body is sent often. */
  gzipLevel: number;
}

/**
 * Sends a representation, or 304 to a client that has it.
 *
 * @param kind default: the REST API's
 * @param more headers that do not depend on the representation, so that its tag does not cover them
 */
export async function send(
  context: ApiContext,
  representation: Representation,
  kind: Kind = API_KIND,
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const { body, tag } = representation;
  const isCompressed = body.length >= MIN_COMPRESSED &&
    acceptsCoding("gzip", context.req.header("Accept-Encoding"));
  // A strong validator must differ between encodings.
  const headers: Record<string, string> = {
    ...kind.headers,
    ...representation.headers,
    ...more,
    ETag: isCompressed ? `"${tag}-gzip"` : `"${tag}"`,
  };
  if (hasTag(context.req.header("If-None-Match"), tag)) return answer(context, 304, null, headers);
  headers["Content-Type"] = kind.type;
  if (!isCompressed) return answer(context, 200, body, headers);
  headers["Content-Encoding"] = "gzip";
  return answer(context, 200, await representation.gzipped(kind.gzipLevel), headers);
}

/**
 * A tag as proxies may change it when they compress: weakened, and with the encoding appended before the closing quote
 * (`-gzip` Apache, `--gzip` Jetty, `;gz` and `;br` LiteSpeed) or after it (Apache 2.2).
 */
const GIVEN_TAG = /^\s*(W\/)?"([\w-]{22})(?:(?:--?|;)(?:gzip|gz|br|zstd|deflate))*"(?:-gzip)?\s*$/;

/** Whether `If-None-Match` contains the tag, by weak comparison (RFC 9110, section 13.1.2). */
function hasTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch === `"${tag}"` || ifNoneMatch.trim() === "*" ||
    ifNoneMatch.split(",").some((given) => GIVEN_TAG.exec(given)?.[2] === tag);
}

/**
 * Whether `If-Match` contains the tag, by strong comparison (RFC 9110, section 13.1.1): a weakened tag never matches. The
 * tags of all encodings match, since they stand for the same state.
 */
export function matchesTag(ifMatch: string, tag: string): boolean {
  return ifMatch.trim() === "*" || ifMatch.split(",").some((given) => {
    const [, weak, strong] = GIVEN_TAG.exec(given) ?? [];
    return weak === undefined && strong === tag;
  });
}

/** Whether a client accepts a content coding (RFC 9110, section 12.5.3). */
export function acceptsCoding(coding: "br" | "gzip", acceptEncoding: string | undefined): boolean {
  if (acceptEncoding === undefined) return false;
  const weightOf = (name: string) => {
    for (const part of acceptEncoding.toLowerCase().split(",")) {
      const [given, ...parameters] = part.split(";").map((part) => part.trim());
      if (given !== name) continue;
      const weight = parameters.find((parameter) => parameter.startsWith("q="));
      return weight === undefined ? 1 : Number(weight.slice(2));
    }
    return undefined;
  };
  return (weightOf(coding) ?? weightOf("*") ?? 0) > 0;
}
