/**
 * Shares one stream among all tabs of a browser that show the same search with the same key: one tab holds a lock and
 * the stream, and passes on the messages. When that tab is closed, another one resumes the stream.
 *
 * The names of lock and channel are derived from the key, so that a tab with another key receives nothing.
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
 * The messages between tabs: a new tab announces itself, a tab asks the holder to reconnect at once, or the holder
 * passes on a message of the stream, with the id from which the stream can resume after it.
 *
 * @typedef {{ kind: "hello" } | { kind: "hurry" } | { kind: "message", message: Message, after: string | null }} Note
 */

/** The silence of the tab that holds the stream after which it counts as hung or frozen, in milliseconds. */
const HUNG_MS = 45_000;

/** How often a visible tab asks a holder in the background, whose timers are throttled, to reconnect (milliseconds). */
const HURRY_MS = 5000;

/** A list that stays current, shared with other tabs if the browser supports it. */
export class SharedList {
  /** The last received visitors by short id, for tabs that are opened later. @type {Map<string, Visitor> | null} */
  #visitors = null;
  /** @type {Extract<Message, { type: "count" }> | null} */
  #count = null;
  /** The last message about the connection. @type {Message | null} */
  #connection = null;
  /** @type {string | null} */
  #after = null;
  /** The stream, if this tab holds it. @type {ListStream | null} */
  #stream = null;
  /** The visitors beyond the stream, if this tab holds it. @type {RestOfList | null} */
  #rest = null;
  /** @type {BroadcastChannel | null} */
  #channel = null;
  #heardAt = performance.now();
  #hurriedAt = -Infinity;
  #isClosed = false;
  #name = "";
  /** Releases the lock. */
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

  /** Stops sharing; another tab takes the stream over. */
  close() {
    this.#isClosed = true;
    this.#endStream();
    this.#channel?.close();
    this.#release();
  }

  /** Checks that messages still arrive. To be called about every second. */
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

  /** Ends a pause before a reconnect, in whichever tab holds the stream. */
  hurry() {
    this.#stream?.hurry();
  }

  async #join() {
    // Browsers have neither on a page loaded by HTTP from another host.
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
      // Another tab stole the lock, since this one hung.
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
    // With as many visitors as a stream can follow, it is unknown which of them the stream followed.
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
   * Sends the whole state to a new tab.
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
