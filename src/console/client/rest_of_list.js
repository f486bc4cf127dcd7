/**
 * The visitors online beyond those that a stream follows, if there are more. They are read as ordinary result pages,
 * every 30 seconds. They were seen longest ago, so their data seldom changes; as soon as one of them does something,
 * the stream follows that visitor.
 *
 * @module
 */
import { listPath, readJson } from "./api.js";
import { MOST_VISITORS } from "./stream.js";

/**
 * @typedef {import("./api.js").Visitor} Visitor
 * @typedef {import("./stream.js").Message} Message
 */

/** The time between two reads, in milliseconds. */
const READ_MS = 30_000;

/** The time before a read is repeated after a failure, in milliseconds. */
const RETRY_MS = 5000;

/** The most result pages that are read; visitors beyond them are not listed. */
const MOST_PAGES = 10;

/** Adds to a stream's messages the visitors whom the stream leaves out. */
export class RestOfList {
  /** The visitors that the stream follows, by short id. @type {Map<string, Visitor>} */
  #streamed = new Map();
  /** The visitors that the stream leaves out, by short id. @type {Map<string, Visitor>} */
  #rest = new Map();
  #dueAt = -Infinity;
  #isReading = false;
  #aborter = new AbortController();

  /**
   * @param {object} options
   * @param {import("./api.js").Api} options.api
   * @param {string} options.q if not empty, nothing is read: a search may match everybody who ever visited
   * @param {(message: Message) => void} options.receive
   */
  constructor({ api, q, receive }) {
    this.api = api;
    this.q = q;
    this.receive = receive;
  }

  /**
   * Sets the list with which a stream begins.
   *
   * @param {Visitor[]} visitors
   */
  begin(visitors) {
    this.#streamed = byId(visitors);
  }

  close() {
    this.#aborter.abort();
  }

  /** Whether there may be visitors whom the stream does not follow. */
  get #isOverfull() {
    return this.q === "" && this.#streamed.size >= MOST_VISITORS;
  }

  /** Reads the visitors if a read is due. To be called about every second. */
  watch() {
    const isDue = performance.now() >= this.#dueAt && (this.#isOverfull || this.#rest.size > 0);
    if (!isDue || this.#isReading || this.#aborter.signal.aborted) return;
    this.#isReading = true;
    this.#read().then(() => this.#dueAt = performance.now() + READ_MS, () => {
      this.#dueAt = performance.now() + RETRY_MS;
    }).finally(() => this.#isReading = false);
  }

  /**
   * Receives a message of the stream, and passes it on, adding the visitors that the stream leaves out.
   *
   * @param {Message} message
   */
  take(message) {
    if (message.type === "list") {
      this.#streamed = byId(message.visitors);
      for (const shortId of this.#streamed.keys()) this.#rest.delete(shortId);
      this.receive({ type: "list", visitors: [...message.visitors, ...this.#rest.values()] });
      this.watch();
      return;
    }
    if (message.type === "visitor" || message.type === "more") {
      for (const visitor of message.type === "more" ? message.visitors : [message.visitor]) {
        this.#streamed.set(visitor.short_id, visitor);
        this.#rest.delete(visitor.short_id);
      }
      this.watch();
    } else if (message.type === "gone") {
      const visitor = this.#streamed.get(message.shortId);
      const mayBeThere = visitor !== undefined && this.#isOverfull && this.#isLast(visitor);
      this.#streamed.delete(message.shortId);
      if (mayBeThere) {
        this.#rest.set(message.shortId, visitor);
        return;
      }
    }
    this.receive(message);
  }

  /**
   * Whether a visitor is last on the list, so that `gone` may mean that it fell off the end and is still online.
   *
   * @param {Visitor} visitor
   */
  #isLast({ last_seen_at }) {
    if (typeof last_seen_at !== "string") return true;
    for (const other of this.#streamed.values()) {
      if (typeof other.last_seen_at !== "string" || other.last_seen_at < last_seen_at) return false;
    }
    return true;
  }

  async #read() {
    const before = [...this.#rest.keys()];
    /** @type {Map<string, Visitor>} */
    const read = new Map();
    let cursor = "";
    for (let page = 0; page < MOST_PAGES; page++) {
      const path = listPath("", { max_results: MOST_VISITORS, ...(cursor === "" ? {} : { cursor }) });
      const response = await this.api.open(path, { signal: this.#aborter.signal });
      const { visitors } = await readJson(response);
      for (const visitor of visitors) read.set(visitor.short_id, visitor);
      // Added page by page, so that the first ones are shown early.
      this.#add(visitors);
      const [, next] = /<([^>]*)>/.exec(response.headers.get("Link") ?? "") ?? [];
      if (next === undefined) break;
      cursor = URL.parse(next)?.searchParams.get("cursor") ?? "";
    }
    for (const shortId of before) {
      if (read.has(shortId) || !this.#rest.delete(shortId)) continue;
      this.receive({ type: "gone", shortId });
    }
  }

  /** @param {Visitor[]} visitors */
  #add(visitors) {
    if (this.#aborter.signal.aborted) return;
    const news = visitors.filter((visitor) =>
      !this.#streamed.has(visitor.short_id) &&
      JSON.stringify(this.#rest.get(visitor.short_id)) !== JSON.stringify(visitor)
    );
    if (news.length === 0) return;
    for (const visitor of news) this.#rest.set(visitor.short_id, visitor);
    this.receive({ type: "more", visitors: news });
  }
}

/** @param {Visitor[]} visitors */
function byId(visitors) {
  return new Map(visitors.map((visitor) => [visitor.short_id, visitor]));
}
