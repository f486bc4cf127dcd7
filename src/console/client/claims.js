/**
 * The claims of this tab's agent. Each claim is renewed while the tab is open, and ended when it is closed.
 *
 * @module
 */
import { visitorPath } from "./api.js";

/** The renewal interval, in milliseconds. A claim lasts five minutes; browsers may delay a background tab by one. */
const RENEW_MS = 2 * 60_000;

/** The time after which every list shows a new claim, in milliseconds. */
const SETTLED_MS = 5000;

/** The claims made in this tab. */
export class Claims {
  agent = "";
  /** @type {import("./api.js").Api | null} */
  #api = null;
  /** The renewal timers by short id. @type {Map<string, ReturnType<typeof setInterval>>} */
  #timers = new Map();
  /** The times of the claims by short id, in milliseconds. @type {Map<string, number>} */
  #madeAt = new Map();

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
  }

  /**
   * @param {import("./api.js").Api} api
   * @param {string} agent
   */
  begin(api, agent) {
    this.#api = api;
    this.agent = agent;
  }

  /**
   * Whether this tab holds a claim on a visitor.
   *
   * @param {string} shortId
   */
  has(shortId) {
    return this.#timers.has(shortId);
  }

  /**
   * Claims a visitor.
   *
   * @param {string} shortId
   * @param {boolean} takesOver whether to replace a colleague's claim
   * @returns {Promise<import("./api.js").Visitor>} the visitor with the claim
   * @throws {import("./api.js").ApiFailure} for example `already_claimed`
   */
  async claim(shortId, takesOver = false) {
    const { visitor } = await this.#put(shortId, takesOver);
    this.#forget(shortId);
    this.#timers.set(shortId, setInterval(() => this.#renew(shortId), RENEW_MS));
    this.#madeAt.set(shortId, performance.now());
    this.onChange();
    return visitor;
  }

  /**
   * Ends the claim on a visitor.
   *
   * @param {string} shortId
   * @returns {Promise<import("./api.js").Visitor>} the visitor without the claim
   */
  async release(shortId) {
    this.#forget(shortId);
    this.onChange();
    return (await this.#delete(shortId)).visitor;
  }

  /** Ends all claims, when the tab is closed. */
  releaseAll() {
    for (const shortId of [...this.#timers.keys()]) {
      this.#forget(shortId);
      // If this fails, the claim expires.
      this.#delete(shortId).catch(() => {});
    }
  }

  /** @param {string} shortId */
  async #renew(shortId) {
    try {
      await this.#put(shortId, false);
    } catch (failure) {
      // These statuses mean that the visitor was taken over, is offline, or was removed. After other errors, the next
      // renewal may succeed.
      const { status } = /** @type {import("./api.js").ApiFailure} */ (failure);
      if (status < 400 || status >= 500 || status === 429) return;
      this.#forget(shortId);
      this.onChange();
    }
  }

  /**
   * @param {string} shortId
   * @param {boolean} takesOver
   */
  async #put(shortId, takesOver) {
    const api = /** @type {import("./api.js").Api} */ (this.#api);
    return await api.request(visitorPath(shortId, "/claim"), {
      method: "PUT",
      json: { agent: this.agent, ...(takesOver ? { take_over: true } : {}) },
    });
  }

  /** @param {string} shortId */
  async #delete(shortId) {
    const api = /** @type {import("./api.js").Api} */ (this.#api);
    return await api.request(visitorPath(shortId, "/claim"), {
      method: "DELETE",
      json: { agent: this.agent },
      // The request is completed even if the page is being left.
      keepalive: true,
    });
  }

  /**
   * Notes that a received visitor is no longer claimed by this agent, and stops renewing the claim. Ignored right after
   * the claim, since the received state may be older than the claim.
   *
   * @param {string} shortId
   */
  noteEnd(shortId) {
    const madeAt = this.#madeAt.get(shortId);
    if (madeAt !== undefined && performance.now() - madeAt > SETTLED_MS) this.#forget(shortId);
  }

  /** @param {string} shortId */
  #forget(shortId) {
    clearInterval(this.#timers.get(shortId));
    this.#timers.delete(shortId);
    this.#madeAt.delete(shortId);
  }
}
