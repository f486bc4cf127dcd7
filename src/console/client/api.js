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

/** A request that was not answered as it should be. */
export class ApiFailure extends Error {
  /** @override */
  name = "ApiFailure";

  /**
   * @param {string} code the API's own, such as `invalid_api_key`; `unreachable` where no answer came
   * @param {number} status 0 where no answer came
   * @param {string} message a sentence for a person
   * @param {number | null} retryAfter seconds to wait, where the server says it
   */
  constructor(code, status, message, retryAfter) {
    super(message);
    this.code = code;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** An answer to wait for; a server may accept a connection and then hang. */
const DEADLINE_MS = 15_000;

/** How far this machine's clock is behind the server's, in milliseconds. */
let clockOffset = 0;

/** Now as the server counts it, in milliseconds: an agent's clock may be wrong by minutes. */
export function serverNow() {
  return Date.now() + clockOffset;
}

/** @param {Response} response */
function noteClock(response) {
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (Number.isNaN(date)) return;
  // The header counts whole seconds.
  const offset = date + 500 - Date.now();
  clockOffset = Math.abs(offset) > 2000 ? offset : 0;
}

/** The API of this installation. */
export class Api {
  /** Whether the key changes and removes visitors; `null` until an answer said so. */
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
   * Asks, and waits for the answer's head.
   *
   * @param {string} path such as `visitors/list/latest`
   * @param {RequestInit & { deadline?: number | null }} [init] `deadline` in milliseconds; `null`: none
   * @returns {Promise<Response>} a good one, or 304
   * @throws {ApiFailure}
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
        // Nothing of a visitor is to stay on this device.
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
   * Asks for JSON.
   *
   * @param {string} path
   * @param {RequestInit & { json?: unknown }} [init] `json` is sent as the body
   * @returns {Promise<any>}
   * @throws {ApiFailure}
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
 * The body of an answer.
 *
 * @param {Response} response
 * @returns {Promise<any>}
 * @throws {ApiFailure}
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
  // An error of a proxy is not Foyer's JSON.
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
  // A path of dots alone would be another path.
  const encoded = encodeURIComponent(shortId).replace(/^\.+$/, (dots) => dots.replaceAll(".", "%2E"));
  return `visitors/${encoded}${rest}`;
}

/**
 * The path of a list.
 *
 * @param {string} q empty: those online
 * @param {Record<string, string | number>} parameters
 */
export function listPath(q, parameters) {
  const query = new URLSearchParams(Object.entries(parameters).map(([name, value]) => [name, `${value}`]));
  if (q !== "") query.set("q", q);
  return `visitors/list/${q === "" ? "latest" : "search"}?${query}`;
}
