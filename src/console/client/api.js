/**
 * Requests to the REST API, with the agent's key.
 *
 * @module
 */
import { apiUrl } from "./base.js";

/**
 * A visitor as the API sends it; attributes of `HIDDEN_ATTRIBUTES` are absent.
 *
 * @typedef {{ short_id: string } & Record<string, any>} Visitor
 */

/** A failed request. */
export class ApiFailure extends Error {
  /** @override */
  name = "ApiFailure";

  /**
   * @param {string} code the API's error code, such as `invalid_api_key`; `unreachable` without an answer
   * @param {number} status the HTTP status; 0 without an answer
   * @param {string} message a sentence for the agent
   * @param {number | null} retryAfter the seconds in `Retry-After`; `null` without that header
   */
  constructor(code, status, message, retryAfter) {
    super(message);
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** How long an answer may take, in milliseconds: a server may accept a connection and then hang. */
const DEADLINE_MS = 15_000;

/** How far this machine's clock is behind the server's, in milliseconds. */
let clockOffset = 0;

/** The current time by the server's clock, in milliseconds; an agent's clock may be wrong by minutes. */
export function serverNow() {
  return Date.now() + clockOffset;
}

/** @param {Response} response */
function noteClock(response) {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(date)) return;
  // `Date` has whole seconds, so the middle of the second is assumed.
  const offset = date + 500 - Date.now();
  clockOffset = Math.abs(offset) > 2000 ? offset : 0;
}

/** The API of this installation. */
export class Api {
  /** Whether the key may change and remove visitors; `null` until an answer tells. */
  mayWrite = /** @type {boolean | null} */ (null);

  /**
   * @param {string} key
   * @param {typeof fetch} [ask]
   */
  constructor(key, ask = (input, init) => fetch(input, init)) {
    this.key = key;
    this.ask = ask;
  }

  /**
   * Sends a request, and waits for the status and headers of the answer.
   *
   * @param {string} path such as `visitors/list/latest`
   * @param {RequestInit & { deadline?: number | null }} [init] `deadline` in milliseconds; `null` for none
   * @returns {Promise<Response>} an answer with status 2xx or 304
   * @throws {ApiFailure} there is no answer, or it has another status
   */
  async open(path, { deadline = DEADLINE_MS, ...init } = {}) {
    const signals = [init.signal, deadline === null ? null : AbortSignal.timeout(deadline)]
      .filter((signal) => signal !== null && signal !== undefined);
    let response;
    try {
      response = await this.ask(apiUrl(path), {
        ...init,
        headers: { Authorization: this.key, ...init.headers },
        signal: signals.length === 0 ? undefined : AbortSignal.any(signals),
        // Visitors' data must not be stored on this device.
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
      });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new ApiFailure("unreachable", 0, "The server does not answer.", null);
    }
    noteClock(response);
    const access = response.headers.get("Foyer-Key");
    if (access !== null) this.mayWrite = access === "write";
    if (response.ok || response.status === 304) return response;
    throw await failureOf(response);
  }

  /**
   * Sends a request, and returns the JSON of the answer.
   *
   * @param {string} path
   * @param {RequestInit & { json?: unknown }} [init] `json` is sent as the body
   * @returns {Promise<any>}
   * @throws {ApiFailure} there is no whole answer, or it is an error
   */
  async request(path, { json, ...init } = {}) {
    const body = json === undefined ? init.body : JSON.stringify(json);
    const headers = json === undefined
      ? init.headers
      : { "Content-Type": "application/json", ...init.headers };
    const response = await this.open(path, { ...init, body, headers });
    return await readJson(response);
  }
}

/**
 * Parses the body of an answer.
 *
 * @param {Response} response
 * @returns {Promise<any>}
 * @throws {ApiFailure} the body is incomplete
 */
export async function readJson(response) {
  try {
    return await response.json();
  } catch {
    throw new ApiFailure("unreachable", 0, "The answer broke off.", null);
  }
}

/** @param {Response} response */
async function failureOf(response) {
  const body = await response.json().catch(() => null);
  // A proxy's errors are not Foyer's JSON.
  const isOurs = body !== null && typeof body.error === "string";
  const retryAfter = Number(response.headers.get("Retry-After") ?? NaN);
  return new ApiFailure(
    isOurs ? body.error : "unexpected_answer",
    response.status,
    isOurs ? String(body.message) : `The server answered with HTTP status ${response.status}.`,
    Number.isFinite(retryAfter) ? Math.max(1, retryAfter) : null,
  );
}

/**
 * The path of a visitor's route.
 *
 * @param {string} shortId any text
 * @param {string} [rest] such as `/claim`
 */
export function visitorPath(shortId, rest = "") {
  // A segment of one or two dots would change the path.
  const encoded = encodeURIComponent(shortId).replace(/^\.+$/, (dots) => dots.replaceAll(".", "%2E"));
  return `visitors/${encoded}${rest}`;
}

/**
 * The path of a list.
 *
 * @param {string} q the search; empty for the visitors online
 * @param {Record<string, string | number>} parameters
 */
export function listPath(q, parameters) {
  const query = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, `${value}`]));
  if (q !== "") query.set("q", q);
  return `visitors/list/${q === "" ? "latest" : "search"}?${query}`;
}
