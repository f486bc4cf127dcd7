/**
 * One stream for all tabs of a browser that show the same search with the same key: one of them holds a lock and the
 * stream, and passes on what it receives. When that tab is closed another one goes on where it left off.
 *
 * The names of lock and channel are made of the key, so that a tab with another key receives nothing.
 *
 * @module
 */
import { BASE } from "./base.js";
import { RestOfList } from "./rest_of_list.js";
import { ListStream, MOST_VISITORS } from "./stream.js";

/**
 * @typedef {import("./stream.js").Message} Message
 * @typedef {import("./api.js").Visitor} Visitor
 *
 * What tabs say to each other: a tab has come, or asks for haste, or passes on a message with where the stream then is.
 *
 * @typedef {{ kind: "hello" } | { kind: "hurry" } | { kind: "message", message: Message, after: string | null }} Note
 */

/** A tab that holds the stream and says nothing for so long hangs, or is frozen by the browser. In milliseconds. */
const HUNG_MS = 45_000;

/** How often a tab that is looked at asks one in the background, whose timers are slowed down, to connect again. In milliseconds. */
const HURRY_MS = 5000;

/** A list that stays current, shared with other tabs where the browser can do that. */
export class SharedList {
  /** The visitors as last received, for tabs that come later. @type {Map<string, Visitor> | null} */
  #visitors = null;
  /** @type {Extract<Message, { type: "count" }> | null} */
  #count = null;
  /** The last message on the connection. @type {Message | null} */
  #connection = null;
  /** @type {string | null} */
  #after = null;
  /** Where this tab holds the stream. @type {ListStream | null} */
  #stream = null;
  /** Beside the stream. @type {RestOfList | null} */
  #rest = null;
  /** @type {BroadcastChannel | null} */
  #channel = null;
  #heardAt = performance.now();
  #hurriedAt = -Infinity;
  #isClosed = false;
  #name = "";
  /** Gives the lock back. */
  #release = () => {};

  /**
   * @param {object} options
   * @param {import("./api.js").Api} options.api
   * @param {string} options.q
   * @param {(message: Message) => void} options.receive
   */
  constructor({ api, q, receive }) {
    this.api = api;
    this.q = q;
    this.receive = receive;
    this.#join();
  }

  /** Whether this tab holds the stream. */
  get isHolder() {
    return this.#stream !== null;
  }

  /** Ends it. Another tab goes on. */
  close() {
    this.#isClosed = true;
    this.#endStream();
    this.#channel?.close();
    this.#release();
  }

  /** Checks that the stream still receives something; to be called every second or so. */
  watch() {
    if (this.#stream !== null) {
      this.#stream.watch();
      this.#rest?.watch();
      return;
    }
    const now = performance.now();
    if (this.#channel === null) return;
    if (now - this.#heardAt > HUNG_MS) {
      this.#heardAt = now;
      this.#takeLock({ steal: true });
    } else if (this.#connection?.type === "lost" && !document.hidden && now - this.#hurriedAt > HURRY_MS) {
      this.#hurriedAt = now;
      this.#say({ kind: "hurry" });
    }
  }

  /** Connects at once where it waits to do so. */
  hurry() {
    this.#stream?.hurry();
  }

  async #join() {
    // Where the page came by HTTP from another host, browsers have neither.
    if (navigator.locks === undefined || globalThis.crypto?.subtle === undefined) return this.#hold();
    const identity = new TextEncoder().encode(JSON.stringify([BASE.href, this.api.key, this.q]));
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", identity));
    if (this.#isClosed) return;
    this.#name = `foyer ${Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    this.#say({ kind: "hello" });
    this.#takeLock({});
  }

  /** @param {LockOptions} options */
  #takeLock(options) {
    const isOver = () => {
      if (this.#isClosed) return undefined;
      this.#hold();
      return /** @type {Promise<void>} */ (new Promise((resolve) => this.#release = resolve));
    };
    navigator.locks.request(this.#name, options, isOver).catch(() => {
      // Another tab took it, since this one hung.
      this.#endStream();
      if (!this.#isClosed) this.#takeLock({});
    });
  }

  #hold() {
    this.#endStream();
    const receive = (/** @type {Message} */ message) => {
      this.#take(message);
      this.#say({ kind: "message", message, after: this.#stream?.after ?? null });
    };
    const rest = this.#rest = new RestOfList({ api: this.api, q: this.q, receive });
    // Which of them the stream followed is not known where they are too many.
    const goesOn = this.#visitors !== null && this.#visitors.size < MOST_VISITORS;
    if (goesOn) rest.begin([.../** @type {Map<string, Visitor>} */ (this.#visitors).values()]);
    this.#stream = new ListStream({
      api: this.api,
      q: this.q,
      after: goesOn ? this.#after : null,
      listed: goesOn ? /** @type {Map<string, Visitor>} */ (this.#visitors).keys() : [],
      receive: (message) => rest.take(message),
    });
  }

  #endStream() {
    this.#stream?.close();
    this.#stream = null;
    this.#rest?.close();
    this.#rest = null;
  }

  /** @param {Note} note */
  #hear(note) {
    if (note.kind === "message") {
      if (this.#stream !== null) return;
      this.#heardAt = performance.now();
      this.#after = note.after;
      this.#take(note.message);
    } else if (this.#stream === null) return;
    else if (note.kind === "hurry") this.#stream.hurry();
    else this.#welcome(this.#stream.after);
  }

  /**
   * Says all there is to a tab that came.
   *
   * @param {string | null} after
   */
  #welcome(after) {
    if (this.#visitors !== null) {
      const message = /** @type {Message} */ ({ type: "list", visitors: [...this.#visitors.values()] });
      this.#say({ kind: "message", message, after });
    }
    for (const message of [this.#count, this.#connection]) {
      if (message !== null) this.#say({ kind: "message", message, after });
    }
  }

  /** @param {Note} note */
  #say(note) {
    if (!this.#isClosed) this.#channel?.postMessage(note);
  }

  /** @param {Message} message */
  #take(message) {
    if (message.type === "list") {
      this.#visitors = new Map(message.visitors.map((visitor) => [visitor.short_id, visitor]));
    } else if (message.type === "visitor" || message.type === "more") {
      const visitors = message.type === "more" ? message.visitors : [message.visitor];
      for (const visitor of visitors) this.#visitors?.set(visitor.short_id, visitor);
    } else if (message.type === "gone") this.#visitors?.delete(message.shortId);
    else if (message.type === "count") this.#count = message;
    else this.#connection = message;
    this.receive(message);
  }
}
