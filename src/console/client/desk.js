/**
 * The console's state: who is signed in, which visitors are listed, which one is open. Views show it and call its
 * methods; it calls back when they must be drawn again.
 *
 * @module
 */
import { Api, serverNow } from "./api.js";
import { Bell } from "./bell.js";
import { Claims } from "./claims.js";
import { forgetSession, keepSession, readSession } from "./keys.js";
import { keepPreferences, readPreferences } from "./preferences.js";
import { fragmentOf, searchOf } from "./search_parts.js";
import { listText } from "./summary.js";
import { SharedList } from "./tabs.js";
import { Alerts } from "./alerts.js";
import { isWaiting, VisitorList } from "./visitor_list.js";
import { watchVisitor } from "./watch.js";

/**
 * @typedef {import("./api.js").Visitor} Visitor
 * @typedef {import("./stream.js").Message} Message
 *
 * How current the list is. `at` is the time in milliseconds at which it last was.
 *
 * @typedef {object} Connection
 * @property {"loading" | "live" | "lost" | "refused"} state
 * @property {number} at
 * @property {string} code why it is not live
 * @property {string} message
 * @property {number | null} waitUntil when the server may be asked again, in milliseconds
 */

/** Changes from the server are drawn at most once in that time, in milliseconds. */
const DRAW_MS = 250;

/** How long typing must pause before a search begins, in milliseconds. */
const TYPING_MS = 300;

/** How long it waits until it asks for the usage again, in milliseconds. */
const USAGE_RETRY_MS = 5000;

/** The desk of one agent. */
export class Desk {
  /** @type {import("./keys.js").Session | null} */
  session = readSession();
  /** @type {Api | null} */
  api = null;
  /** Why the last key was not accepted. */
  signInProblem = "";
  preferences = readPreferences();
  /** As it is typed. */
  q = "";
  /** As it is searched for. */
  searchedQ = "";
  list = new VisitorList(serverNow);
  /** @type {{ online: number, waiting: number } | null} */
  count = null;
  /** @type {Connection} */
  connection = { state: "loading", at: 0, code: "", message: "", waitUntil: null };
  /** The short id of the visitor that is open. @type {string | null} */
  openId = null;
  /** What lies over the page. @type {"code" | "help" | "search" | "columns" | null} */
  panel = null;
  bell = new Bell();
  alerts = new Alerts(() => this.draw());
  claims = new Claims(() => this.draw());
  /** @type {SharedList | null} */
  #shared = null;
  #drawnAt = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #drawTimer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typingTimer;

  /**
   * @param {"full" | "code"} mode
   * @param {() => void} render
   */
  constructor(mode, render) {
    this.mode = mode;
    this.render = render;
    this.q = this.searchedQ = searchOf(location.hash);
    if (this.session !== null) this.#begin(this.session);
  }

  /** Draws at once, since the agent did something and expects to see its effect. */
  draw() {
    clearTimeout(this.#drawTimer);
    this.#drawTimer = undefined;
    this.#drawnAt = performance.now();
    this.render();
    // A visitor who has faded out must disappear even if nothing else happens.
    const faded = this.list.nextFaded;
    if (faded !== null) this.#drawAfter(Math.max(DRAW_MS, faded - serverNow()));
  }

  /** Draws soon, together with whatever else changes until then. */
  drawSoon() {
    this.#drawAfter(Math.max(0, this.#drawnAt + DRAW_MS - performance.now()));
  }

  #drawDue = Infinity;

  /** @param {number} ms */
  #drawAfter(ms) {
    const due = performance.now() + ms;
    if (this.#drawTimer !== undefined) {
      if (this.#drawDue <= due) return;
      clearTimeout(this.#drawTimer);
    }
    this.#drawDue = due;
    this.#drawTimer = setTimeout(() => this.draw(), ms);
  }

  /**
   * Signs in. Whether the key is right shows when the first list is read.
   *
   * @param {string} key
   * @param {string} agent
   */
  signIn(key, agent) {
    this.session = { key, agent };
    this.signInProblem = "";
    keepSession(this.session);
    this.#begin(this.session);
    this.draw();
  }

  /** Signs out, and forgets everything that was shown. */
  signOut() {
    this.claims.releaseAll();
    this.#leave();
    forgetSession();
    this.session = null;
    this.openId = null;
    this.panel = null;
    this.count = null;
    this.draw();
  }

  /** @param {string} agent */
  rename(agent) {
    if (this.session === null) return;
    this.session = { ...this.session, agent };
    keepSession(this.session);
    this.claims.agent = agent;
    this.draw();
  }

  /** @param {import("./keys.js").Session} session */
  #begin({ key, agent }) {
    this.api = new Api(key);
    this.claims.begin(this.api, agent);
    if (this.mode === "full") this.#listen();
    this.#askUsage(this.api);
  }

  /**
   * Asks how many there are, and what the key may do; again where that was not answered.
   *
   * @param {Api} api
   */
  async #askUsage(api) {
    while (this.api === api && this.session !== null) {
      try {
        const { usage } = await api.request("usage");
        this.count ??= { online: usage.visitors.online_now, waiting: usage.waiting ?? 0 };
        return this.drawSoon();
      } catch (error) {
        const { code, status } = /** @type {import("./api.js").ApiFailure} */ (error);
        if (code === "invalid_api_key") return this.#refuse(code);
        if (status === 404) return;
      }
      await new Promise((resolve) => setTimeout(resolve, USAGE_RETRY_MS));
    }
  }

  #listen() {
    this.#shared?.close();
    this.list = new VisitorList(serverNow);
    this.bell.forget();
    this.connection = { state: "loading", at: serverNow(), code: "", message: "", waitUntil: null };
    this.#shared = new SharedList({
      api: /** @type {Api} */ (this.api),
      q: this.searchedQ,
      receive: (message) => this.#receive(message),
    });
  }

  #leave() {
    this.#shared?.close();
    this.#shared = null;
    this.list = new VisitorList(serverNow);
    this.bell.forget();
    this.alerts.quiet();
  }

  /** Ends everything: the page is left. */
  close() {
    this.claims.releaseAll();
    this.#leave();
  }

  /** @param {Message} message */
  #receive(message) {
    // Only messages that may concern a waiting visitor are looked at, since most do not.
    const concernsWaiters = message.type === "list" || message.type === "more" ||
      message.type === "visitor" &&
        (isWaiting(message.visitor) || this.#isWaiting(message.visitor.short_id)) ||
      message.type === "gone" && this.#isWaiting(message.shortId);
    switch (message.type) {
      case "list":
        for (const visitor of message.visitors) this.#noteClaim(visitor);
        if (this.list.isEmpty) this.alerts.say(listText(message.visitors.length));
        this.list.replace(message.visitors);
        break;
      case "more":
        this.list.append(message.visitors);
        break;
      case "visitor":
        this.#noteClaim(message.visitor);
        this.list.put(message.visitor);
        break;
      case "gone":
        this.list.remove(message.shortId);
        break;
      case "count":
        this.count = { online: message.online, waiting: message.waiting };
        this.#listenOutside(message.waiting);
        break;
      case "lost":
        this.connection = {
          ...this.connection,
          state: "lost",
          code: message.code,
          waitUntil: message.wait === null ? null : serverNow() + message.wait * 1000,
        };
        this.drawSoon();
        return;
      case "refused":
        this.connection = {
          ...this.connection,
          state: "refused",
          code: message.code,
          message: message.message,
        };
        this.#refuse(message.code);
        this.drawSoon();
        return;
    }
    if (this.connection.state === "lost") this.alerts.say("Connected again");
    this.connection = { state: "live", at: serverNow(), code: "", message: "", waitUntil: null };
    if (concernsWaiters) this.#listenForWaiters();
    this.drawSoon();
  }

  /** If this tab's claim of a visitor has ended, it is not renewed. @param {Visitor} visitor */
  #noteClaim({ short_id, claimed_by }) {
    const before = this.list.get(short_id)?.visitor.claimed_by;
    if (before === this.claims.agent && claimed_by !== before) this.claims.noteEnd(short_id);
  }

  /** @param {string} shortId */
  #isWaiting(shortId) {
    const entry = this.list.get(shortId);
    return entry !== undefined && isWaiting(entry.visitor);
  }

  /** @param {string} code */
  #refuse(code) {
    if (code !== "invalid_api_key") return;
    this.#leave();
    forgetSession();
    this.session = null;
    this.signInProblem = "This key is wrong. It is the value of REST_KEY or REST_WRITE_KEY.";
    this.draw();
  }

  #listenForWaiters() {
    const began = this.bell.take(this.list.visitors(), serverNow());
    if (this.count !== null) this.#listenOutside(this.count.waiting, false);
    this.alerts.ring(this.bell.isRinging);
    for (const visitor of began) this.alerts.notify(visitor, () => this.open(visitor.short_id));
    this.alerts.keepNotices(new Set(this.list.visitors().filter(isWaiting).map(({ short_id }) => short_id)));
  }

  /**
   * A search leaves out some of those who wait; a list that is not there yet would leave out all of them.
   *
   * @param {number} waiting how many wait
   * @param {boolean} [isNew] whether that was just counted
   */
  #listenOutside(waiting, isNew = true) {
    if (this.searchedQ === "" || this.list.isEmpty) return;
    const listed = this.list.visitors().filter(isWaiting).length;
    this.bell.takeOutside(Math.max(0, waiting - listed), serverNow(), isNew);
    this.alerts.ring(this.bell.isRinging);
  }

  /** Silences the bell for those who wait now. */
  silence() {
    this.bell.silence();
    this.alerts.ring(false);
    this.draw();
  }

  /** Every second: what ticks, and what must not go unnoticed. */
  tick() {
    this.#shared?.watch();
    if (this.bell.isRinging) this.#listenForWaiters();
    this.drawSoon();
  }

  /** The network is back, or the machine is awake again. */
  hurry() {
    this.#shared?.watch();
    this.#shared?.hurry();
  }

  /**
   * Takes what is typed into the search.
   *
   * @param {string} q
   * @param {boolean} [isComplete] searched for at once
   */
  search(q, isComplete = false) {
    this.q = q;
    clearTimeout(this.#typingTimer);
    if (isComplete) this.#searchNow();
    else this.#typingTimer = setTimeout(() => this.#searchNow(), TYPING_MS);
    this.draw();
  }

  #searchNow() {
    const q = this.q.trim();
    if (q === this.searchedQ) return;
    this.searchedQ = q;
    // Not a step back in the browser's history for each letter.
    history.replaceState(null, "", fragmentOf(q) || location.pathname + location.search);
    if (this.session !== null && this.mode === "full") this.#listen();
    this.draw();
  }

  /** The fragment was changed by hand, or by a link to a filter. */
  readFragment() {
    const q = searchOf(location.hash);
    if (q !== this.searchedQ) this.search(q, true);
  }

  /** @param {string} shortId */
  open(shortId) {
    this.openId = shortId;
    this.panel = null;
    this.watchNote = { shortId: "", text: "" };
    this.draw();
  }

  /** What is to be said of watching a visitor. */
  watchNote = { shortId: "", text: "" };

  /**
   * Opens a visitor, and the page where it is watched.
   *
   * @param {string} shortId
   */
  async watch(shortId) {
    if (this.openId !== shortId) this.open(shortId);
    const text = await watchVisitor(/** @type {Api} */ (this.api), this.session?.agent ?? "", shortId);
    this.watchNote = { shortId, text };
    this.draw();
  }

  /**
   * Takes care of a visitor.
   *
   * @param {string} shortId
   * @param {boolean} takesOver whether a colleague's claim ends
   * @throws {import("./api.js").ApiFailure} `already_claimed`
   */
  async claim(shortId, takesOver) {
    return this.#show(await this.claims.claim(shortId, takesOver));
  }

  /** @param {string} shortId */
  async release(shortId) {
    return this.#show(await this.claims.release(shortId));
  }

  /** Shows at once, and not only when the stream says it, what was changed. @param {Visitor} visitor */
  #show(visitor) {
    if (this.list.get(visitor.short_id) !== undefined) this.list.put(visitor);
    this.draw();
    return visitor;
  }

  closeVisitor() {
    this.openId = null;
    this.draw();
  }

  /** @param {Desk["panel"]} panel */
  show(panel) {
    this.panel = panel;
    this.draw();
  }

  /** @param {boolean} isFrozen */
  freeze(isFrozen) {
    if (this.list.isFrozen === isFrozen) return;
    this.list.freeze(isFrozen);
    this.drawSoon();
  }

  catchUp() {
    this.list.catchUp();
    this.draw();
  }

  /** @param {Partial<import("./preferences.js").Preferences>} change */
  prefer(change) {
    this.preferences = { ...this.preferences, ...change };
    keepPreferences(this.preferences);
    this.draw();
  }
}
