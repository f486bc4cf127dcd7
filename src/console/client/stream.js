/**
 * A list of visitors that stays current: read once, then changed by the events of a stream, through lost connections and
 * restarts of the server, with nothing missed.
 *
 * @module
 */
import { ApiFailure, listPath, readJson } from "./api.js";
import { EventReader } from "./events.js";

/** @typedef {import("./api.js").Visitor} Visitor */

/**
 * What a stream says. `heard` comes with each sign of life, at most once a second; `lost` when the connection is gone,
 * `refused` when it is no use to go on. `wait` is how many seconds the server asked for.
 *
 * `more` are visitors who were there before, behind the others; some of them may be listed already.
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

/** The most visitors that the API sends in one answer. */
export const MOST_VISITORS = 1000;

/** The size of the first list, which is small if no more visitors are there. */
export const FEW_VISITORS = 100;

/** The server says something every 15 seconds. In milliseconds. */
export const SILENCE_MS = 20_000;

/** The wait before reconnecting until the server gives another one, in milliseconds. */
const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 15_000;

/** How often the list is read while the server offers no stream, in milliseconds. */
const POLL_MS = 3000;

/** Errors after which the same request would be refused again. */
const FINAL = new Set(["invalid_api_key", "not_found", "invalid_parameter"]);

/**
 * Errors of the stream's route alone, after which lists can still be read: another process may be an earlier Foyer.
 */
const NO_STREAM = new Set(["too_many_streams", "not_found"]);

/** Reads a list and follows its changes until it is closed. */
export class ListStream {
  /** The id from which a stream can resume, as the server gave it; `null` if the list must be read first. */
  after;
  #aborter = new AbortController();
  /** Ends the current connection alone. */
  #connection = new AbortController();
  /** The most visitors that are asked for; what is read and what is streamed must have the same. */
  #size;
  /** The short ids of those on the list. @type {Set<string>} */
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
   * @param {string | null} options.after the id from which to resume another stream, whose list the receiver has
   * @param {Iterable<string>} [options.listed] the short ids of that list
   * @param {(message: Message) => void} options.receive
   * @param {number} [options.pace] by which all periods are multiplied
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

  /** Ends it. Nothing is received afterwards. */
  close() {
    this.#aborter.abort();
    this.#connection.abort();
    this.#wake();
  }

  /** Ends a connection that has been silent for too long, as after the machine slept; to be called every second or so. */
  watch() {
    if (this.#isReading && performance.now() - this.#heardAt > SILENCE_MS * this.pace) {
      this.#connection.abort();
    }
  }

  /** Connects at once instead of waiting, as when the network is back. */
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
        // The server ended the stream: after half an hour, or because it stops.
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
   * @returns {number | null} how long to wait, in milliseconds; `null` where there is no use
   */
  #pauseAfter(error) {
    const { code, message, retryAfter } = error instanceof ApiFailure
      ? error
      : new ApiFailure("unreachable", 0, "The connection broke off.", null);
    if (code === "invalid_parameter" && this.after !== null) {
      // Another version of the server, to whom it says nothing. Where `q` is at fault, the list is refused as well.
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
   * At random longer, since many consoles lose the same server at once.
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

  /** Reads all that may be read. Those who are new in it are behind the others. */
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

  /** Whether there may be more than it asked for, although it may ask for more. */
  get #isTooSmall() {
    return this.#size === FEW_VISITORS && this.#listed.size >= FEW_VISITORS;
  }

  /** @param {Visitor[]} visitors */
  #list(visitors) {
    this.#listed = idsOf(visitors);
    this.#tell({ type: "list", visitors });
  }

  /** @returns {Promise<boolean>} whether another stream is to follow at once */
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
    // A proxy may answer only with the first event.
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
   * Reads the list again and again until a stream may be asked for again.
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
      // A full list has dropped its last visitor.
      if (this.#isTooSmall) return;
      this.#listed.delete(value.short_id);
      this.#tell({ type, shortId: value.short_id });
    } else if (type === "list") this.#list(value.visitors);
    else if (type === "count") this.#tell({ type, online: value.online, waiting: value.waiting });
    // After what it stands for was received.
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
 * The pieces of a stream; Safari's cannot be iterated over.
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
