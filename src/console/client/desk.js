/**
 * The console's state: who is signed in, which visitors are listed, which one is open. Views render the state and call
 * its methods; a callback asks for a new rendering.
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
 * How current the list is.
 *
 * @typedef {object} Connection
 * @property {"loading" | "live" | "lost" | "refused"} state
 * @property {number} at when the list was last current, in milliseconds
 * @property {string} code the error code that explains why the list is not live
 * @property {string} message
 * @property {number | null} waitUntil when the server may be asked again, in milliseconds
 */

/** The least time between two renderings of changes from the server, in milliseconds. */
const DRAW_MS = 250;

/** How long typing must pause before a search begins, in milliseconds. */
const TYPING_MS = 300;

/** The pause before the usage is requested again after a failure, in milliseconds. */
const USAGE_RETRY_MS = 5000;

/** The state of one tab's console. */
export class Desk {
  /** @type {import("./keys.js").Session | null} */
  session = readSession();
  /** @type {Api | null} */
  api = null;
  /** Why the last key was refused, as a sentence; empty if it was not. */
  signInProblem = "";
  preferences = readPreferences();
  /** The search as typed so far. */
  q = "";
  /** The search that the list shows. */
  searchedQ = "";
  list = new VisitorList(serverNow);
  /** @type {{ online: number, waiting: number } | null} */
  count = null;
  /** @type {Connection} */
  connection = { state: "loading", at: 0, code: "", message: "", waitUntil: null };
  /** The short id of the open visitor. @type {string | null} */
  openId = null;
  /** The open dialog. @type {"code" | "help" | "search" | "columns" | null} */
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

  /** Renders at once, as the effect of something that the agent did. */
  draw() {
    clearTimeout(this.#drawTimer);
    this.#drawTimer = undefined;
    this.#drawnAt = performance.now();
    this.render();
    // A visitor who has faded out must disappear even if nothing else happens.
    const faded = this.list.nextFaded;
    if (faded !== null) this.#drawAfter(Math.max(DRAW_MS, faded - serverNow()));
  }

  /** Renders soon, together with all changes until then. */
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
   * Signs in. The key is checked by reading the first list.
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

  /** Signs out, and forgets all visitors. */
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
   * Requests the counts and what the key may do; repeats the request after a failure.
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

  /** Closes the stream and ends all claims, when the page is left. */
  close() {
    this.claims.releaseAll();
    this.#leave();
  }

  /** @param {Message} message */
  #receive(message) {
    // The waiting visitors are only recomputed for messages that may concern one, since most messages do not.
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

  /** Stops renewing this tab's claim on a visitor if it has ended. @param {Visitor} visitor */
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
   * Updates the bell with the number of waiting visitors whom the search leaves out. Does nothing before the list is
   * loaded, since all of them would be missing.
   *
   * @param {number} waiting the number of all waiting visitors
   * @param {boolean} [isNew] whether the number was just received
   */
  #listenOutside(waiting, isNew = true) {
    if (this.searchedQ === "" || this.list.isEmpty) return;
    const listed = this.list.visitors().filter(isWaiting).length;
    this.bell.takeOutside(Math.max(0, waiting - listed), serverNow(), isNew);
    this.alerts.ring(this.bell.isRinging);
  }

  /** Silences the bell for the visitors who wait now. */
  silence() {
    this.bell.silence();
    this.alerts.ring(false);
    this.draw();
  }

  /** Called every second: renders running times, and checks the connection and the bell. */
  tick() {
    this.#shared?.watch();
    if (this.bell.isRinging) this.#listenForWaiters();
    this.drawSoon();
  }

  /** Reconnects at once, when the network is back or the machine wakes up. */
  hurry() {
    this.#shared?.watch();
    this.#shared?.hurry();
  }

  /**
   * Changes the search, when the agent types.
   *
   * @param {string} q
   * @param {boolean} [isComplete] whether to search at once, instead of waiting for a pause in typing
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
    // Replaces the history entry: a new one for each letter would make the back button useless.
    history.replaceState(null, "", fragmentOf(q) || location.pathname + location.search);
    if (this.session !== null && this.mode === "full") this.#listen();
    this.draw();
  }

  /** Takes the search from the URL's fragment, after the agent edited it or followed a link to a filter. */
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

  /** The last message about watching a visitor. */
  watchNote = { shortId: "", text: "" };

  /**
   * Opens a visitor, and the web page on which an agent watches the visitor.
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
   * Claims a visitor.
   *
   * @param {string} shortId
   * @param {boolean} takesOver whether to replace a colleague's claim
   * @throws {import("./api.js").ApiFailure} for example `already_claimed`
   */
  async claim(shortId, takesOver) {
    return this.#show(await this.claims.claim(shortId, takesOver));
  }

  /** @param {string} shortId */
  async release(shortId) {
    return this.#show(await this.claims.release(shortId));
  }

  /** Shows a changed visitor at once, before the stream sends the change. @param {Visitor} visitor */
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
