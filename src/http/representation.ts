/**
 * What is sent for a result: its JSON, made once however many ask, and the validator by which a client that has it
 * is told so (RFC 9110, sections 8.8.3 and 13.1.2).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { answer, type ApiContext } from "./answer.ts";

/** A shorter body does not become shorter by much, in bytes. */
const MIN_COMPRESSED = 1024;

/** An answer's body, plain and compressed. */
export class Representation {
  /** A hash of the body and of the link beside it, which is a part of what a client keeps. */
  readonly tag: string;
  #gzipped: Promise<Uint8Array<ArrayBuffer>> | null = null;

  /**
   * @param body best of ASCII characters alone, see `asciiJson`
   * @param link the `Link` header's value; empty for none
   */
  constructor(readonly body: string, readonly link = "") {
    this.tag = createHash("sha256").update(body).update("\n").update(link).digest("base64url").slice(0, 22);
  }

  /**
   * The body in gzip format, compressed when first asked for.
   *
   * @param level zlib's, from 1 to 9
   */
  gzipped(level: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.#gzipped ??= promisify(gzip)(this.body, { level })
      .then((buffer) => new Uint8Array(Buffer.from(buffer)));
  }
}

/** What a representation of the REST API is. */
const API_KIND: Kind = {
  type: "application/json",
  headers: { Vary: "Accept-Encoding, Authorization, X-Api-Key" },
  // A fifth of the time of zlib's own level, 6, for a quarter more bytes: most results are sent once or a few times.
  gzipLevel: 2,
};

/** What a representation is. */
export interface Kind {
  /** Its `Content-Type`. */
  type: string;
  /** What a client that has it is told as well. */
  headers: Record<string, string>;
  /** How hard it is compressed, from 1 to 9: harder the more often the same is sent. */
  gzipLevel: number;
}

/**
 * Sends a representation, or 304 to a client that has it.
 *
 * @param kind what it is: the REST API's unless given
 */
export async function send(
  context: ApiContext,
  representation: Representation,
  kind: Kind = API_KIND,
): Promise<Response> {
  const { body, tag, link } = representation;
  const isCompressed = body.length >= MIN_COMPRESSED && acceptsGzip(context.req.header("Accept-Encoding"));
  // Another encoding is another representation, and a strong validator tells them apart.
  const headers: Record<string, string> = {
    ...kind.headers,
    ETag: isCompressed ? `"${tag}-gzip"` : `"${tag}"`,
  };
  if (link !== "") headers.Link = link;
  if (hasTag(context.req.header("If-None-Match"), tag)) return answer(context, 304, null, headers);
  headers["Content-Type"] = kind.type;
  if (!isCompressed) return answer(context, 200, body, headers);
  headers["Content-Encoding"] = "gzip";
  return answer(context, 200, await representation.gzipped(kind.gzipLevel), headers);
}

/** Whether `If-None-Match` names the tag; weakly compared, as it must be, so that a proxy may have weakened it. */
function hasTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch === `"${tag}"` || ifNoneMatch.trim() === "*" ||
    ifNoneMatch.split(",").some((given) => /^\s*(?:W\/)?"(.*?)(?:-gzip)?"\s*$/.exec(given)?.[1] === tag);
}

/** Whether a client takes gzip (RFC 9110, section 12.5.3). */
function acceptsGzip(acceptEncoding: string | undefined): boolean {
  if (acceptEncoding === undefined) return false;
  const weightOf = (name: string) => {
    for (const coding of acceptEncoding.toLowerCase().split(",")) {
      const [given, ...parameters] = coding.split(";").map((part) => part.trim());
      if (given !== name) continue;
      const weight = parameters.find((parameter) => parameter.startsWith("q="));
      return weight === undefined ? 1 : Number(weight.slice(2));
    }
    return undefined;
  };
  return (weightOf("gzip") ?? weightOf("*") ?? 0) > 0;
}
