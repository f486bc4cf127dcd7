/**
 * The visitors online beyond those that a stream follows, where there are more: read as ordinary result pages, and read
 * again every now and then. They were seen longest ago, so that little happens to them; whoever does something is
 * followed by the stream from then on.
 *
 * @module
 */
import { listPath, readJson } from "./api.js";
import { MOST_VISITORS } from "./stream.js";

/**
 * @typedef {import("./api.js").Visitor} Visitor
 * @typedef {import("./stream.js").Message} Message
 */

/** How often they are read, in milliseconds. */
const READ_MS = 30_000;

/** After a failure, in milliseconds. */
const RETRY_MS = 5000;

/** The most result pages that are read; visitors beyond them are not listed. */
const MOST_PAGES = 10;

/** Adds the visitors whom a stream leaves out to its messages. */
export class RestOfList {
  /** Those that the stream follows. @type {Map<string, Visitor>} */
  #streamed = new Map();
  /** The others. @type {Map<string, Visitor>} */
  #rest = new Map();
  #dueAt = -Infinity;
  #isReading = false;
  #aborter = new AbortController();

  /**
   * @param {object} options
   * @param {import("./api.js").Api} options.api
   * @param {string} options.q with a search nothing further is read, since it may match everybody who was ever here
   * @param {(message: Message) => void} options.receive
   */
  constructor({ api, q, receive }) {
    this.api = api;
    this.q = q;
    this.receive = receive;
  }

  /**
   * Takes the list with which a stream begins.
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

  /** Reads them where that is due; to be called every second or so. */
  watch() {
    const isDue = performance.now() >= this.#dueAt && (this.#isOverfull || this.#rest.size > 0);
    if (!isDue || this.#isReading || this.#aborter.signal.aborted) return;
    this.#isReading = true;
    this.#read().then(() => this.#dueAt = performance.now() + READ_MS, () => {
      this.#dueAt = performance.now() + RETRY_MS;
    }).finally(() => this.#isReading = false);
  }

  /**
   * Takes a message of the stream, and passes it on with the visitors that it leaves out.
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
   * Whether somebody is at the end of the list, and so may have fallen off it instead of having left.
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
      // Shown page by page.
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
