/**
 * The visitors that this agent takes care of: each claim is renewed while the tab is open, and ends with it.
 *
 * @module
 */
import { visitorPath } from "./api.js";

/** A claim lasts five minutes; a tab in the background may be held up for one. In milliseconds. */
const RENEW_MS = 2 * 60_000;

/** After that a claim has reached all lists, in milliseconds. */
const SETTLED_MS = 5000;

/** The claims made in this tab. */
export class Claims {
  agent = "";
  /** @type {import("./api.js").Api | null} */
  #api = null;
  /** By short id. @type {Map<string, ReturnType<typeof setInterval>>} */
  #timers = new Map();
  /** When each was made, in milliseconds. @type {Map<string, number>} */
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
   * Whether this tab holds a claim.
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
   * @param {boolean} takesOver whether a colleague's claim ends
   * @returns {Promise<import("./api.js").Visitor>} the visitor with the claim
   * @throws {import("./api.js").ApiFailure} `already_claimed`
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
   * Gives a visitor back.
   *
   * @param {string} shortId
   * @returns {Promise<import("./api.js").Visitor>} the visitor without the claim
   */
  async release(shortId) {
    this.#forget(shortId);
    this.onChange();
    return (await this.#delete(shortId)).visitor;
  }

  /** Gives all back, as the tab is closed. */
  releaseAll() {
    for (const shortId of [...this.#timers.keys()]) {
      this.#forget(shortId);
      // Where that fails the claim ends by itself.
      this.#delete(shortId).catch(() => {});
    }
  }

  /** @param {string} shortId */
  async #renew(shortId) {
    try {
      await this.#put(shortId, false);
    } catch (failure) {
      // The visitor was taken over, is offline, or was removed. After other errors the next renewal may succeed.
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
      // Goes on although the page is left.
      keepalive: true,
    });
  }

  /**
   * Takes note that this tab's claim of a visitor has ended, and stops renewing it. Ignored right after the claim,
   * since what was received may be older.
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
