/**
 * Foyer's web SDK: tells a Foyer server that a visitor is on this web page, and what the page claims about the visitor.
 *
 * Served without comments, as a script and as a module. Its one global, `Foyer`, is called with a command and its
 * arguments, see sdk.d.ts. The SDK patches nothing of the page, and no error of the SDK reaches the page.
 *
 * @module
 */
(() => {
  "use strict";
  const VERSION = "1.0.0";
  // The server replaces this when it serves the script.
  const CONNECT_URL = "{{CONNECT_URL}}";

  const earlier = globalThis.Foyer;
  // A `Foyer` without a version may be an element with that id, or a frame with that name.
  if (typeof earlier === "function" && earlier.version) return;

  /** Whether the browser has the APIs that co-browsing needs. */
  const isSupported = ["MutationObserver", "Proxy", "WeakMap", "WebSocket", "fetch"].every((name) =>
    name in globalThis
  );

  /** In UTF-16 units. The server refuses a whole message if one of its strings is longer. */
  const MAX_TEXT = 256, MAX_METADATA = 1000, MAX_URL = 2048;
  /** The longest message that is sent; the server accepts 16 KB. */
  const MAX_BYTES = 15_000;
  /** The server accepts 20 messages per period. Half of that, so that delayed messages never exceed its limit. */
  const MAX_MESSAGES = 10, MESSAGES_MS = 10_000;
  const BATCH_MS = 100, HINTS_MS = 200, OPEN_MS = 20_000, WELCOME_MS = 10_000;
  const FIRST_RETRY_MS = 1000, LAST_RETRY_MS = 60_000, REFUSED_MS = 300_000;

  // What the page configured.
  let apiKey = null, codeElement = null;
  /** Whether the page called `init` itself, rather than giving the key as an attribute of the script tag. */
  let isConfigured = false;
  /** True between `init` and `disconnect`. */
  let isWanted = false;
  /** All claims, by the server's names. Sent after every welcome, since the visitor may be another. */
  let claims = {};
  /** The claims that are not sent yet. */
  let pending = {};
  const listeners = { __proto__: null, connected: [], disconnected: [], lookupCode: [], call: [] };
  const waiting = { shortId: [], lookupCode: [] };

  // What is known of the visitor.
  let shortId = null, lookupCode = null, sentUrl = null;
  /** A copy of the stored value, used where storage is blocked. */
  let memory = null;
  let asksForCode = false, isForgotten = false;
  /** The page's wish that is not sent yet: true for a call, false for none; `null` if there is nothing to send. */
  let callWish = null;
  let isWaiting = false, since = null;

  // What is known of the connection.
  /** The current connection, which exists before its socket: {aborter, release, socket, timer, welcomed, after}. */
  let connection = null;
  /** Whether the page is in the back/forward cache, or frozen. */
  let isAsleep = false;
  let isWatching = false;
  let failures = 0, lastTry = -Infinity, notBefore = -Infinity, lastProbe = -Infinity;
  let connectTimer, flushTimer, hints;
  let sendTimes = [];

  // Some pages replace Set, Map, Promise or JSON with incompatible versions; this script uses none of them.

  const warned = [];
  function warn(text) {
    if (warned.includes(text)) return;
    warned.push(text);
    try {
      console.warn("Foyer:", text);
    } catch { /* The page may have replaced the console. */ }
  }

  /** Wraps a function so that it never throws; errors are logged as warnings. */
  const safe = (work) => (...values) => {
    try {
      return work(...values);
    } catch (error) {
      warn(error);
    }
  };

  const after = (ms, work) => setTimeout(safe(work), ms);

  /** Own keys only: an `Object.keys` that an old script replaced may include inherited ones. */
  const keysOf = (object) => Object.keys(object).filter((key) => ({}).hasOwnProperty.call(object, key));

  /** Like `JSON.stringify`, but ignores `toJSON`, which Prototype.js adds to arrays. */
  function json(value) {
    if (Array.isArray(value)) return `[${value.map((item) => json(item)).join()}]`;
    if (value && typeof value === "object") {
      const names = keysOf(value).filter((name) => value[name] !== undefined);
      return `{${names.map((name) => `${json(name)}:${json(value[name])}`).join()}}`;
    }
    if (typeof value !== "string") return String(value);
    const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    return `"${value.replace(/["\\\p{Cc}]/gu, escaped)}"`;
  }

  /** Parses a message of the server, whose fields are strings, numbers, booleans and null. */
  function parse(text) {
    const message = {};
    text.replace(/"(\w+)":(?:"((?:[^"\\]|\\.)*)"|([\w.+-]+))/g, (_, name, string, other) => {
      message[name] = other
        ? other === "null" ? null : other === "true" || (other !== "false" && Number(other))
        : string.replace(
          /\\(?:u(....)|(.))/g,
          (_, unit, letter) => letter || String.fromCharCode(parseInt(unit, 16)),
        );
    });
    return message;
  }

  /** Runs a function after the current caller's code, in a microtask. */
  async function soon(work) {
    await null;
    safe(work)();
  }

  /** The Angular zone of the page's current call; callbacks run in the zone in which they were passed. */
  let zone = null;
  /** Angular's zone.js considers a page unfinished while it has timers, except for timers of the root zone. */
  function outsideZones(work) {
    const { Zone } = globalThis;
    if (typeof Zone !== "function" || !Zone.root) return work();
    zone = Zone.current;
    Zone.root.run(work);
  }

  /** Calls the page's callbacks. An error that one of them throws is reported to the page; the others still run. */
  function callAll(backs, value) {
    for (const { back, zone } of [...backs]) {
      try {
        if (zone) zone.run(back, undefined, [value]);
        else back(value);
      } catch (error) {
        if (typeof reportError === "function") reportError(error);
        else console.error(error);
      }
    }
  }

  const emit = (event, value) => callAll(listeners[event], value);

  function answer() {
    if (shortId !== null) callAll(waiting.shortId.splice(0), shortId);
    if (lookupCode !== null) callAll(waiting.lookupCode.splice(0), lookupCode);
  }

  // Readers validate the page's claims. A reader calls `mend` when it corrects a value, and returns undefined for a
  // value that it cannot correct.

  const bytes = (value) => new TextEncoder().encode(json(value)).length;

  function readText(value, mend, isCut, max = MAX_TEXT) {
    const isText = typeof value === "string";
    if (!isText && typeof value !== "bigint" && !Number.isFinite(value)) return;
    // Enough to see whether the text is too long.
    const given = String(value).slice(0, 4 * MAX_METADATA).trim();
    let text = given.replace(/[\ud800-\udfff]/gu, "\ufffd");
    if (text.length > max) {
      if (!isCut) return;
      text = text.slice(0, max).replace(/[\ud800-\udbff]$/, "");
    }
    if (!isText || text !== given) mend();
    return text;
  }

  /** Reads a name. A long one is shortened, since a part of a name still identifies. */
  const name = (value, mend) => readText(value, mend, true);
  /** Reads an id. A long one is left out, since a shortened id could be somebody else's. */
  const id = (value, mend) => readText(value, mend, false);

  // The same limits and patterns as in the server's messages.ts.
  const MAX_TAG = 64, MAX_KEY = 64;
  const TAG = /^#[\p{L}\p{M}\p{N}-]+$/u;
  const INTEGRATION_ID = /^[\p{L}\p{M}\p{N}_.-]+:(?:\S(?:.*\S)?)?$/u;
  const EMAIL = /^[\p{L}\p{M}\p{N}!#$%&'*+\/=?^_`{|}~.-]+@[\p{L}\p{M}\p{N}-]+(\.[\p{L}\p{M}\p{N}-]+)+$/u;
  const KEY = /^(?!__proto__$)[^]+$/;

  const idLike = (pattern) => (value, mend) => {
    const text = id(value, mend);
    return pattern.test(text) ? text : undefined;
  };

  function tag(value, mend) {
    let text = id(value, mend);
    if (text && text[0] !== "#") {
      text = `#${text}`;
      mend();
    }
    return TAG.test(text) && text.length <= MAX_TAG ? text : undefined;
  }

  const list = (item, max) => (value, mend) => {
    const isList = Array.isArray(value);
    if (!isList) mend();
    else if (value.length === 0) return null;
    const given = isList ? value.slice(0, 1000) : [value];
    const read = given.map((one) => item(one, mend)).filter((one, i, all) => one && all.indexOf(one) === i);
    if (read.length < given.length || read.length > max) mend();
    read.length = Math.min(read.length, max);
    while (bytes(read) > MAX_BYTES) read.pop();
    return read.length > 0 ? read : undefined;
  };

  function metadata(value, mend) {
    if (typeof value !== "object" || Array.isArray(value)) return;
    const keys = keysOf(value);
    const entries = [];
    for (const key of keys.slice(0, 50)) {
      const one = value[key];
      const isText = typeof one === "string" || typeof one === "bigint";
      const read = isText ? readText(one, mend, true, MAX_METADATA) : one;
      const isKey = KEY.test(key) && readText(key, mend, false, MAX_KEY) === key;
      if (isKey && (isText || typeof read === "boolean" || Number.isFinite(read))) {
        entries.push([key, read]);
      }
    }
    while (bytes(entries) > MAX_BYTES) entries.pop();
    if (entries.length < keys.length) mend();
    if (keys.length === 0) return null;
    return entries.length > 0 ? Object.fromEntries(entries) : undefined;
  }

  /** For each option of the page: the server's attribute, and the function that reads the value. */
  const CLAIMS = {
    __proto__: null,
    identities: ["identities", list(name, 20)],
    uniqueId: ["unique_id", id],
    tags: ["tags", list(tag, 50)],
    integrationIds: ["integration_ids", list(idLike(INTEGRATION_ID), 50)],
    callName: ["call_name", name],
    name: ["name", name],
    email: ["email", idLike(EMAIL)],
    metadata: ["metadata", metadata],
  };

  /** Reads the page's claims: null clears one, an absent one stays as it is. */
  function readClaims(options) {
    const read = {}, mended = [], left = [];
    for (const option of keysOf(options)) {
      if (option === "apiKey" || option === "lookupCodeElement") continue;
      const [attribute, reader] = CLAIMS[option] || [];
      let value, isMended = false;
      try {
        const given = options[option];
        if (reader && given === undefined) continue;
        value = given === null || given === "" ? null : reader(given, () => isMended = true);
      } catch {
        // Either a getter of the page threw, or there is no such option.
      }
      if (!reader || value === undefined) left.push(option);
      else read[attribute] = value;
      if (isMended && value !== undefined) mended.push(option);
    }
    if (mended.length + left.length > 0) {
      warn(
        `invalid options: corrected ${mended.join(", ") || "none"}; left out ${left.join(", ") || "none"}`,
      );
    }
    return read;
  }

  /** Adds claims to earlier ones. Integration ids accumulate, unless their system is cleared; the last 50 are kept. */
  function addClaims(all, more) {
    for (const attribute of keysOf(more)) {
      let value = more[attribute];
      if (attribute === "integration_ids") {
        if (value === null) delete all.clearsIds;
        // To clear all and then add takes two messages.
        else if (all[attribute] === null) all.clearsIds = true;
        if (value && all[attribute]) {
          const stays = (one) =>
            !value.includes(one) && !value.some((other) => /:$/.test(other) && one.startsWith(other));
          value = [...all[attribute].filter(stays), ...value].slice(-50);
          while (bytes(value) > MAX_BYTES) value.shift();
        }
      }
      all[attribute] = value;
    }
  }

  function claim(options) {
    const read = readClaims(options || {});
    addClaims(claims, read);
    addClaims(pending, read);
    flushSoon();
  }

  function forgetVisitor() {
    claims = {};
    pending = {};
    shortId = memory = callWish = null;
    setCall(false, null);
  }

  // The visitor's short id and token are stored for all tabs of this origin. Where storage is blocked or full they are
  // held in memory as long as the page lives.

  const storageName = () => `foyer:${apiKey}`;

  /** @returns {string[]} short id and token, or nothing */
  function readVisitor() {
    let stored = memory;
    try {
      stored = localStorage.getItem(storageName()) || memory;
    } catch { /* Blocked. */ }
    const parts = (stored || "").split(" ");
    return parts.length === 2 && parts[1].length <= MAX_TEXT ? parts : [];
  }

  function storeVisitor(value) {
    memory = value;
    try {
      if (value === null) localStorage.removeItem(storageName());
      else if (localStorage.getItem(storageName()) !== value) localStorage.setItem(storageName(), value);
    } catch { /* Blocked or full. */ }
  }

  function canStore() {
    try {
      return Boolean(localStorage);
    } catch {
      return false;
    }
  }

  function setCode(code) {
    if (code === lookupCode) return;
    lookupCode = code;
    showCode();
    emit("lookupCode", code);
  }

  function setCall(is, at) {
    if (is === isWaiting && at === since) return;
    isWaiting = is;
    since = at;
    emit("call", { isWaiting, since });
  }

  const showCode = safe(() => {
    const element = typeof codeElement === "string" ? document.querySelector(codeElement) : codeElement;
    const text = lookupCode || "";
    if (element && element.textContent !== text) element.textContent = text;
  });

  let showTimer = 0;
  /** Delayed, since the page may change all the time, and may overwrite the code. */
  function showCodeSoon() {
    if (showTimer || typeof codeElement !== "string") return;
    showTimer = after(BATCH_MS, () => {
      showTimer = 0;
      showCode();
    });
  }

  function connect() {
    clearTimeout(connectTimer);
    if (!isWanted || connection || isAsleep) return;
    if (document.prerendering) {
      document.addEventListener("prerenderingchange", safe(connect), { once: true });
      return;
    }
    const now = performance.now();
    const wait = Math.max(notBefore, lastTry + FIRST_RETRY_MS) - now;
    if (wait > 0) {
      connectTimer = after(wait, connect);
      return;
    }
    lastTry = now;
    const mine = connection = { aborter: new AbortController(), release() {} };
    prepare(mine);
  }

  async function prepare(mine) {
    try {
      await readHints();
    } catch { /* Connects without hints. */ }
    if (mine !== connection) return;
    if (readVisitor().length > 0 || !canStore() || !navigator.locks) return open(mine);
    // A new visitor may open several tabs at once: a lock lets the first one create the visitor for all.
    const opening = () => ({
      then(release) {
        mine.release = release;
        open(mine);
      },
    });
    mine.timer = after(OPEN_MS + WELCOME_MS, () => open(mine));
    try {
      await navigator.locks.request(storageName(), { signal: mine.aborter.signal }, opening);
    } catch {
      open(mine);
    }
  }

  const open = safe((mine) => {
    if (mine !== connection || mine.socket) return mine.release();
    clearTimeout(mine.timer);
    const late = () => ended(mine);
    try {
      mine.socket = new WebSocket(CONNECT_URL);
    } catch {
      return late();
    }
    mine.timer = after(OPEN_MS, late);
    mine.socket.onopen = safe(() => {
      clearTimeout(mine.timer);
      mine.timer = after(WELCOME_MS, late);
      const [, token] = readVisitor();
      if (token) mine.release();
      sentUrl = url();
      send({
        type: "hello",
        site_key: apiKey,
        token,
        sdk: `web ${VERSION}`,
        url: sentUrl,
        is_supported: isSupported,
        js_configuration: isConfigured,
        hints,
      });
    });
    mine.socket.onmessage = safe((event) => received(mine, parse(event.data)));
    mine.socket.onclose = safe((event) => ended(mine, event.code));
  });

  function received(mine, message) {
    if (message.type === "welcome") {
      clearTimeout(mine.timer);
      mine.welcomed = performance.now();
      shortId = message.short_id;
      storeVisitor(`${shortId} ${message.token}`);
      mine.release();
      pending = { ...claims };
      asksForCode = message.lookup_code === null && (codeElement !== null || waiting.lookupCode.length > 0);
      flush();
      setCode(message.lookup_code);
      emit("connected", { shortId, lookupCode });
      answer();
    } else if (message.type === "lookup_code") {
      setCode(message.lookup_code);
      answer();
    } else if (message.type === "call") {
      setCall(message.is_waiting, message.since);
    } else if (message.type === "reconnect") {
      mine.after = message.after;
    } else if (message.type === "error") {
      warn(`${message.error}: ${message.message}`);
      if (message.error === "invalid_site_key") ended(mine, 1008);
      // Soon is too soon.
      if (message.error === "too_many_visitors") failures = 6;
    }
  }

  /** Closes a connection for good. */
  function drop(mine) {
    if (!mine || mine !== connection) return;
    connection = null;
    mine.aborter.abort();
    mine.release();
    clearTimeout(mine.timer);
    clearTimeout(flushTimer);
    flushTimer = 0;
    if (mine.socket) {
      mine.socket.onopen = mine.socket.onmessage = mine.socket.onclose = null;
      mine.socket.close();
    }
    if (!mine.welcomed) return;
    // From now on the server may give the code to another visitor.
    setCode(null);
    emit("disconnected");
  }

  /** Handles a connection that failed or that the server closed: connects again after a delay. */
  function ended(mine, code) {
    if (mine !== connection) return;
    const now = performance.now();
    // The backoff is kept for a server that accepts a connection and fails soon after.
    if (now - mine.welcomed > LAST_RETRY_MS / 6) failures = 0;
    // Jitter, so that the clients of a failed server do not all reconnect at once.
    const spread = 0.5 + Math.random() / 2;
    let delay = Math.min(FIRST_RETRY_MS * 2 ** failures, LAST_RETRY_MS) * spread;
    failures++;
    if (code === 1008) delay = 2 * REFUSED_MS * spread;
    else if (mine.after >= 0) delay = mine.after;
    if (code === 1008 || mine.after >= 0) notBefore = now + delay;
    drop(mine);
    if (!isWanted || isAsleep || connection) return;
    clearTimeout(connectTimer);
    connectTimer = after(delay, connect);
  }

  function reconnect() {
    drop(connection);
    connect();
  }

  function send(message) {
    sendTimes.push(performance.now());
    connection.socket.send(json(message));
  }

  function flushSoon() {
    if (!flushTimer && connection && connection.welcomed) flushTimer = after(BATCH_MS, flush);
  }

  /** Sends pending claims, as fast as the server allows. */
  function flush() {
    clearTimeout(flushTimer);
    flushTimer = 0;
    while (connection && connection.welcomed) {
      const isDone = !asksForCode && callWish === null && url() === sentUrl;
      if (isDone && keysOf(pending).length === 0) return;
      const now = performance.now();
      sendTimes = sendTimes.filter((time) => time > now - MESSAGES_MS);
      if (sendTimes.length >= MAX_MESSAGES) {
        flushTimer = after(sendTimes[0] + MESSAGES_MS - now, flush);
        return;
      }
      send(takeMessage());
    }
  }

  function takeMessage() {
    if (pending.clearsIds) {
      delete pending.clearsIds;
      return { type: "update", visitor: { integration_ids: null } };
    }
    let visitor;
    for (const attribute of keysOf(pending)) {
      const more = { ...visitor, [attribute]: pending[attribute] };
      if (visitor && bytes(more) > MAX_BYTES) break;
      visitor = more;
      delete pending[attribute];
    }
    if (visitor) return { type: "update", visitor };
    if (asksForCode) {
      asksForCode = false;
      return { type: "lookup_code" };
    }
    if (callWish !== null) {
      const is_waiting = callWish;
      callWish = null;
      return { type: "call", is_waiting };
    }
    sentUrl = url();
    return { type: "page", url: sentUrl };
  }

  /** The page's URL; for a frame without a URL of its own (`about:srcdoc`), that of its parent. */
  function url() {
    const href = /^http/.test(location.href) ? location.href : document.baseURI;
    return href.length > MAX_URL ? href.split(/[?#]/)[0].slice(0, MAX_URL) : href;
  }

  /** User-Agent Client Hints, where the browser has them. */
  async function readHints() {
    const data = navigator.userAgentData;
    // Safari on an iPad claims to be on a Mac; only the number of touch points differs.
    if (!data && /Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1) {
      hints = { model: "iPad" };
    }
    if (hints || !data) return;
    const short = (text) => String(text).slice(0, 64);
    hints = {
      brands: data.brands.slice(0, 10).map(({ brand, version }) => ({
        brand: short(brand),
        version: short(version),
      })),
      mobile: Boolean(data.mobile),
      platform: short(data.platform),
    };
    const more = async (resolve) => {
      try {
        const { model, platformVersion } = await data.getHighEntropyValues(["model", "platformVersion"]);
        Object.assign(hints, { model: short(model), platformVersion: short(platformVersion) });
      } catch { /* The browser gives no more hints. */ }
      resolve();
    };
    await {
      then(resolve) {
        more(resolve);
        after(HINTS_MS, resolve);
      },
    };
  }

  function sleep() {
    flush();
    isAsleep = true;
    clearTimeout(connectTimer);
    // An open socket would keep the page out of the back/forward cache.
    drop(connection);
  }

  function wake() {
    isAsleep = false;
    const now = performance.now();
    if (connection && connection.welcomed && now - Math.max(connection.welcomed, lastProbe) > LAST_RETRY_MS) {
      // The computer may have slept or changed networks; sending a message reveals a dead connection.
      lastProbe = now;
      sentUrl = null;
      flush();
    }
    connect();
  }

  function moved() {
    if (url() !== sentUrl) flushSoon();
  }

  /** Another tab forgot the visitor, or has another one. */
  function stored({ key, newValue, storageArea }) {
    if (!isWanted || storageArea !== localStorage || (key !== null && key !== storageName())) return;
    const [other] = readVisitor();
    if (newValue === null) {
      // The claims were about the forgotten visitor.
      forgetVisitor();
      reconnect();
    } else if (shortId !== null && other !== shortId) {
      shortId = null;
      reconnect();
    }
  }

  function watch() {
    if (isWatching) return;
    isWatching = true;
    const on = (target, event, work) => target.addEventListener(event, safe(work));
    on(globalThis, "pagehide", sleep);
    on(globalThis, "pageshow", ({ persisted }) => persisted && wake());
    on(document, "freeze", sleep);
    on(document, "resume", wake);
    on(document, "visibilitychange", () => document.visibilityState === "visible" && wake());
    on(globalThis, "online", wake);
    on(globalThis, "storage", stored);
    on(document, "DOMContentLoaded", showCode);
    // The page may add or replace the code's element later.
    if (typeof MutationObserver === "function") {
      new MutationObserver(safe(showCodeSoon)).observe(document, { childList: true, subtree: true });
    }
    const { navigation } = globalThis;
    // In browsers without the Navigation API, this may be an element with the id "navigation".
    if (navigation && navigation.currentEntry) {
      on(navigation, "currententrychange", moved);
    } else {
      on(globalThis, "popstate", moved);
      on(globalThis, "hashchange", moved);
      setInterval(safe(moved), 1000);
    }
  }

  function init(options, isCalled) {
    const key = options.apiKey, element = options.lookupCodeElement;
    if (typeof key !== "string" || key === "") return warn("init needs an apiKey");
    // There is no page when the module is imported for server-side rendering.
    if (!globalThis.document || !globalThis.WebSocket || !globalThis.AbortController) return;
    const isOther = isWanted && (key !== apiKey || isCalled !== isConfigured);
    if (key !== apiKey) {
      shortId = memory = null;
      notBefore = -Infinity;
    }
    apiKey = key;
    isConfigured = isCalled;
    isWanted = true;
    if (isForgotten) storeVisitor(null);
    isForgotten = false;
    if (typeof element === "string" || (element && element.nodeType === 1)) {
      codeElement = element;
      showCode();
      if (lookupCode === null) asksForCode = true;
    } else if (element === null) {
      codeElement = null;
    } else if (element !== undefined) {
      warn("lookupCodeElement is neither a selector nor an element");
    }
    claim(options);
    watch();
    if (isOther) reconnect();
    else connect();
  }

  function wish(isCall) {
    callWish = isCall;
    flushSoon();
  }

  function wait(what, back) {
    if (typeof back !== "function") return warn("a callback is no function");
    waiting[what].push({ back, zone });
    soon(answer);
  }

  const commands = {
    __proto__: null,
    init: (options) => init(options || {}, true),
    updateConnection: claim,
    getShortId: (back) => wait("shortId", back),
    getLookupCode(back) {
      wait("lookupCode", back);
      if (lookupCode !== null) return;
      asksForCode = true;
      flushSoon();
    },
    requestCall: () => wish(true),
    cancelCall: () => wish(false),
    on(event, back) {
      if (!listeners[event] || typeof back !== "function") {
        return warn(`no event or no function: on ${event}`);
      }
      listeners[event].push({ back, zone });
    },
    off(event, back) {
      if (listeners[event]) listeners[event] = listeners[event].filter((other) => other.back !== back);
    },
    reset() {
      forgetVisitor();
      if (apiKey === null) isForgotten = true;
      else storeVisitor(null);
      if (isWanted) reconnect();
    },
    disconnect() {
      flush();
      isWanted = false;
      clearTimeout(connectTimer);
      drop(connection);
    },
  };

  const Foyer = safe((command, ...values) => {
    if (!commands[command]) return warn(`no command ${String(command)}`);
    outsideZones(() => commands[command](...values));
  });
  const replay = safe((values) => Foyer(...values));
  Foyer.version = VERSION;
  // For scripts that kept a reference to the snippet's queue.
  Foyer.q = { push: replay };
  safe(() => globalThis.Foyer = Foyer)();

  // Calls that the page made before this script was loaded.
  if (typeof earlier === "function" && Array.isArray(earlier.q)) {
    earlier.q.forEach((values) => replay(values));
  }

  const script = globalThis.document && document.currentScript;
  if (script && script.dataset && script.dataset.apiKey && !isWanted) {
    safe(outsideZones)(() => init({ apiKey: script.dataset.apiKey }, false));
  }
})();
