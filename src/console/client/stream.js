/**
 * A list of visitors that stays current: it is read once, and then changed by the events of a stream. Lost connections
 * and restarts of the server lose no changes.
 *
 * @module
 */
import { ApiFailure, listPath, readJson } from "./api.js";
import { EventReader } from "./events.js";

/** @typedef {import("./api.js").Visitor} Visitor */

/**
 * The messages of a list stream. `heard` is sent when anything arrives, at most once a second; `lost` when the
 * connection is lost, with the pause in seconds that the server asked for as `wait`; `refused` when trying again is
 * useless.
 *
 * `more` has further visitors who come after all others; some of them may be listed already.
 *
 * @typedef {{ type: "list", visitors: Visitor[] }
 *   | { type: "more", visitors: Visitor[] }
 *   | { type: "visitor", visitor: Visitor }
 *   | { type: "gone", shortId: string }
 *   | { type: "count", online: number, waiting: number }
 *   | { type: "heard" }
 *   | { type: "lost", code: string, wait: number | null }
 *   | { type: "refused", code: string, message: string }} Message
 */

/** The most visitors in one answer of the API. */
export const MOST_VISITORS = 1000;

/** The number of visitors that is requested first; larger lists are requested only if there are more. */
export const FEW_VISITORS = 100;

/** How long a connection may be silent, in milliseconds; the server sends a ping every 15 seconds. */
export const SILENCE_MS = 20_000;

/** The first and the longest pause before a reconnect, in milliseconds; the server's `retry` replaces the first. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 15_000;

/** How often the list is read while the server offers no stream, in milliseconds. */
const POLL_MS = 3000;

/** Errors after which a repeated request would be refused again. */
const FINAL = new Set(["invalid_api_key", "not_found", "invalid_parameter"]);

/**
 * Errors of the stream's route after which lists can still be read. (`not_found`: another process may run an earlier
 * version of Foyer.)
 */
const NO_STREAM = new Set(["too_many_streams", "not_found"]);

/** Reads a list and follows its changes until it is closed. */
export class ListStream {
  /** The server's id from which a stream can resume; `null` if the list must be read first. */
  after;
  #aborter = new AbortController();
  /** Aborts only the current connection. */
  #connection = new AbortController();
  /** The `max_results` of requests; must be the same for the list and its stream. */
  #size;
  /** The short ids of the visitors on the list. @type {Set<string>} */
  #listed = new Set();
  #failures = 0;
  #retry = FIRST_RETRY_MS;
  #heardAt = -Infinity;
  #isReading = false;
  /** Ends a pause. */
  #wake = () => {};

  /**
   * @param {object} options
   * @param {import("./api.js").Api} options.api
   * @param {string} options.q
   * @param {string | null} options.after the id from which to resume the stream of a list that the receiver already
   * has; `null` to read the list
   * @param {Iterable<string>} [options.listed] the short ids of that list
   * @param {(message: Message) => void} options.receive
   * @param {number} [options.pace] a factor for all periods, for tests
   */
  constructor({ api, q, after, listed = [], receive, pace = 1 }) {
    this.api = api;
    this.q = q;
    this.after = after;
    this.#listed = new Set(listed);
    this.#size = this.#listed.size < FEW_VISITORS ? FEW_VISITORS : MOST_VISITORS;
    this.receive = receive;
    this.pace = pace;
    this.ended = this.#run();
  }

  /** Closes the stream. Sends no message afterwards. */
  close() {
    this.#aborter.abort();
    this.#connection.abort();
    this.#wake();
  }

  /** Aborts a connection that was silent for too long, for example while the machine slept. To be called every second. */
  watch() {
    if (this.#isReading && performance.now() - this.#heardAt > SILENCE_MS * this.pace) {
      this.#connection.abort();
    }
  }

  /** Ends a pause and connects at once, for example when the network is back. */
  hurry() {
    this.#wake();
  }

  get #isClosed() {
    return this.#aborter.signal.aborted;
  }

  async #run() {
    while (!this.#isClosed) {
      let pause;
      try {
        if (this.after === null) await this.#readList();
        if (await this.#readStream()) continue;
        // The server ended the stream, as it does after half an hour and when it stops: no failure.
        this.#failures = 0;
        pause = this.#jittered(this.#retry);
        this.#tell({ type: "lost", code: "ended", wait: null });
      } catch (error) {
        if (this.#isClosed) return;
        pause = this.#pauseAfter(error);
        if (pause === null) return;
      }
      await this.#wait(pause);
    }
  }

  /**
   * @param {unknown} error
   * @returns {number | null} the pause before the next attempt, in milliseconds; `null` if attempts are useless
   */
  #pauseAfter(error) {
    const { code, message, retryAfter } = error instanceof ApiFailure
      ? error
      : new ApiFailure("unreachable", 0, "The connection broke off.", null);
    if (code === "invalid_parameter" && this.after !== null) {
      // Perhaps another version of the server does not know the id. If `q` is invalid, reading the list fails as well.
      this.after = null;
    } else if (FINAL.has(code)) {
      this.#tell({ type: "refused", code, message });
      return null;
    }
    this.#tell({ type: "lost", code, wait: code === "too_many_requests" ? retryAfter : null });
    if (retryAfter !== null) return retryAfter * 1000;
    return this.#jittered(Math.min(this.#retry * 2 ** this.#failures++, LAST_RETRY_MS));
  }

  /**
   * Changes a pause at random to 50 to 150 percent, since many consoles lose the same server at once.
   *
   * @param {number} ms
   */
  #jittered(ms) {
    return ms * (0.5 + Math.random());
  }

  async #readList() {
    const path = listPath(this.q, { max_results: this.#size });
    const response = await this.api.open(path, { signal: this.#aborter.signal });
    const { visitors } = await readJson(response);
    this.after = response.headers.get("X-Stream-Id");
    this.#heard();
    this.#list(visitors);
    if (this.#isTooSmall) await this.#readMore();
  }

  /** Reads the longest possible list. The visitors that it adds come after those already listed. */
  async #readMore() {
    this.#size = MOST_VISITORS;
    this.after = null;
    const path = listPath(this.q, { max_results: this.#size });
    const response = await this.api.open(path, { signal: this.#aborter.signal });
    const { visitors } = await readJson(response);
    this.after = response.headers.get("X-Stream-Id");
    const before = this.#listed;
    this.#listed = idsOf(visitors);
    for (const shortId of before) if (!this.#listed.has(shortId)) this.#tell({ type: "gone", shortId });
    this.#tell({ type: "more", visitors });
  }

  /** Whether there may be more visitors than were requested, and more can be requested. */
  get #isTooSmall() {
    return this.#size === FEW_VISITORS && this.#listed.size >= FEW_VISITORS;
  }

  /** @param {Visitor[]} visitors */
  #list(visitors) {
    this.#listed = idsOf(visitors);
    this.#tell({ type: "list", visitors });
  }

  /** @returns {Promise<boolean>} whether to open another stream at once */
  async #readStream() {
    this.#connection = new AbortController();
    const signal = AbortSignal.any([this.#connection.signal, this.#aborter.signal]);
    const query = new URLSearchParams({ max_results: `${this.#size}` });
    if (this.q !== "") query.set("q", this.q);
    if (this.after !== null) query.set("after", this.after);
    const opened = this.api.open(`visitors/list/stream?${query}`, {
      signal,
      headers: { Accept: "text/event-stream" },
      deadline: null,
    });
    // A proxy may delay the answer until the first event, so the answer may take as long as a silence.
    const slow = setTimeout(() => this.#connection.abort(), SILENCE_MS * this.pace);
    let response;
    try {
      response = await opened;
    } catch (error) {
      if (error instanceof ApiFailure && NO_STREAM.has(error.code)) {
        await this.#poll(error);
        return true;
      }
      throw error;
    } finally {
      clearTimeout(slow);
    }
    const reader = new EventReader();
    const decoder = new TextDecoder();
    this.#heard();
    this.#isReading = true;
    try {
      for await (const bytes of readAll(/** @type {ReadableStream<Uint8Array>} */ (response.body))) {
        if (this.#isClosed) return true;
        this.#heard();
        for (const event of reader.read(decoder.decode(bytes, { stream: true }))) this.#take(event);
        if (this.#isTooSmall) {
          await this.#readMore();
          return true;
        }
        if (reader.retry !== null) this.#retry = reader.retry;
        this.#failures = 0;
      }
    } finally {
      this.#isReading = false;
    }
    return false;
  }

  /**
   * Reads the list repeatedly, until a stream may be requested again.
   *
   * @param {ApiFailure} failure
   */
  async #poll({ retryAfter }) {
    const end = performance.now() + (retryAfter ?? 10) * 1000 * this.pace;
    while (!this.#isClosed && performance.now() < end) {
      await this.#wait(POLL_MS);
      if (!this.#isClosed) await this.#readList();
    }
  }

  /** @param {import("./events.js").ServerEvent} event */
  #take({ type, data, id }) {
    const value = JSON.parse(data);
    if (type === "visitor") {
      this.#listed.add(value.short_id);
      this.#tell({ type, visitor: value });
    } else if (type === "gone") {
      // A full list may have dropped its last visitor: a longer one is read instead.
      if (this.#isTooSmall) return;
      this.#listed.delete(value.short_id);
      this.#tell({ type, shortId: value.short_id });
    } else if (type === "list") this.#list(value.visitors);
    else if (type === "count") this.#tell({ type, online: value.online, waiting: value.waiting });
    // The id is stored only after its changes were received.
    if (id !== null) this.after = id;
  }

  #heard() {
    const now = performance.now();
    const isNews = now - this.#heardAt > 1000;
    this.#heardAt = now;
    if (isNews) this.#tell({ type: "heard" });
  }

  /** @param {Message} message */
  #tell(message) {
    if (!this.#isClosed) this.receive(message);
  }

  /** @param {number} ms */
  async #wait(ms) {
    if (this.#isClosed) return;
    /** @type {PromiseWithResolvers<void>} */
    const { promise, resolve } = Promise.withResolvers();
    const timer = setTimeout(resolve, ms * this.pace);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
  }
}

/** @param {Visitor[]} visitors */
function idsOf(visitors) {
  return new Set(visitors.map(({ short_id }) => short_id));
}

/**
 * Iterates over the chunks of a stream; Safari's streams are not async iterable.
 *
 * @param {ReadableStream<Uint8Array>} stream
 */
async function* readAll(stream) {
  const reader = stream.getReader();
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
