/**
 * The visitors of the table and their order, which is frozen while an agent uses the table.
 *
 * Visitors who wait for a call come first, the longest wait first; then those online, the newest arrival first; then
 * the others. A page view does not change a visitor's position.
 *
 * @module
 */

/** @typedef {import("./api.js").Visitor} Visitor */

/**
 * A visitor on the list.
 *
 * @typedef {object} Entry
 * @property {Visitor} visitor the same object until the visitor changes
 * @property {number} arrival a number that is higher for later arrivals
 * @property {number | null} since when the visitor came online, in milliseconds; `null` if unknown
 * @property {boolean} isSinceExact whether the console saw the arrival; otherwise the visitor may have come earlier
 * @property {number | null} leftAt when the visitor left, in milliseconds; `null` if still there
 */

/** How long a visitor who left is still shown, in milliseconds; the same as the transition in the style sheet. */
export const FADE_MS = 1500;

/**
 * Whether a visitor waits for a call now.
 *
 * @param {Visitor} visitor
 */
export function isWaiting(visitor) {
  return visitor.is_waiting_for_call === true && visitor.is_online !== false;
}

/**
 * When a visitor began to wait, in milliseconds; `null` if unknown.
 *
 * @param {Visitor} visitor
 * @returns {number | null}
 */
export function waitingSince(visitor) {
  const time = Date.parse(visitor.waiting_since ?? "");
  return Number.isNaN(time) ? null : time;
}

/** The visitors of one search. */
export class VisitorList {
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** The short ids in the order in which they are shown. @type {string[]} */
  #shown = [];
  /** The same short ids as a set. @type {Set<string>} */
  #shownIds = new Set();
  #isFrozen = false;
  /** Whether something changed that may affect the order. */
  #isUnsorted = false;
  #lastArrival = 0;
  #firstArrival = 0;

  /** @param {() => number} now returns the current time, in milliseconds */
  constructor(now = Date.now) {
    this.now = now;
  }

  /** Whether no list has been received yet. */
  isEmpty = true;

  /** The number of listed visitors, without those who left. */
  get size() {
    let size = 0;
    for (const { leftAt } of this.#entries.values()) if (leftAt === null) size++;
    return size;
  }

  /** @param {string} shortId */
  get(shortId) {
    return this.#entries.get(shortId);
  }

  /** The listed visitors without those who left, in no particular order. */
  visitors() {
    return Array.from(this.#entries.values()).filter(({ leftAt }) => leftAt === null).map(({ visitor }) =>
      visitor
    );
  }

  /**
   * Replaces the list. Visitors who were listed before keep their position; those who are missing leave.
   *
   * @param {Visitor[]} visitors
   */
  replace(visitors) {
    const isFirst = this.isEmpty;
    this.isEmpty = false;
    const given = new Set(visitors.map(({ short_id }) => short_id));
    for (const shortId of this.#entries.keys()) {
      if (!given.has(shortId)) this.remove(shortId);
    }
    // In reverse, so that the first visitor of the list has the latest arrival.
    for (const visitor of visitors.toReversed()) this.#put(visitor, isFirst);
    // The first list is shown even if the pointer already rests where the table will be.
    if (isFirst) this.#sort();
  }

  /**
   * Adds or updates a visitor.
   *
   * @param {Visitor} visitor
   */
  put(visitor) {
    this.#put(visitor, false);
  }

  /**
   * Adds visitors who came before all others. Those not listed yet are added at the end, so that no row moves.
   *
   * @param {Visitor[]} visitors
   */
  append(visitors) {
    const added = [];
    for (const visitor of visitors) {
      const isNew = !this.#entries.has(visitor.short_id);
      this.#put(visitor, true);
      if (!isNew) continue;
      /** @type {Entry} */ (this.#entries.get(visitor.short_id)).arrival = --this.#firstArrival;
      added.push(visitor.short_id);
    }
    this.#show([...this.#shown, ...added]);
  }

  /**
   * @param {Visitor} visitor
   * @param {boolean} isFromBefore
   */
  #put(visitor, isFromBefore) {
    const entry = this.#entries.get(visitor.short_id);
    if (entry === undefined || entry.visitor.is_online !== visitor.is_online) {
      this.#entries.set(visitor.short_id, {
        visitor,
        arrival: ++this.#lastArrival,
        ...(isFromBefore ? sinceOf(visitor, this.now()) : { since: this.now(), isSinceExact: true }),
        leftAt: null,
      });
      this.#isUnsorted = true;
      return;
    }
    if (
      entry.leftAt !== null || isWaiting(entry.visitor) !== isWaiting(visitor) ||
      entry.visitor.waiting_since !== visitor.waiting_since
    ) this.#isUnsorted = true;
    entry.visitor = visitor;
    entry.leftAt = null;
  }

  /**
   * Removes a visitor who is gone, or no longer matches the search.
   *
   * @param {string} shortId
   */
  remove(shortId) {
    const entry = this.#entries.get(shortId);
    if (entry === undefined) return;
    // A visitor who is not shown does not fade out.
    if (!this.#shownIds.has(shortId)) this.#entries.delete(shortId);
    else entry.leftAt ??= this.now();
  }

  /**
   * Freezes the order, or unfreezes it.
   *
   * @param {boolean} isFrozen
   */
  freeze(isFrozen) {
    this.#isFrozen = isFrozen;
  }

  get isFrozen() {
    return this.#isFrozen;
  }

  /** Updates the order once, even if it is frozen. */
  catchUp() {
    this.#sweep();
    this.#sort();
  }

  /** The visitors to show, in order. */
  rows() {
    if (!this.#isFrozen) {
      this.#sweep();
      if (this.#isUnsorted) this.#sort();
    }
    return this.#shown.map((shortId) => /** @type {Entry} */ (this.#entries.get(shortId)));
  }

  /** The number of visitors who came since the order was frozen, and so are not shown. */
  get newer() {
    let count = 0;
    if (this.#isFrozen) {
      for (const shortId of this.#entries.keys()) if (!this.#shownIds.has(shortId)) count++;
    }
    return count;
  }

  /** How many of the visitors not shown wait for a call. */
  get newerWaiting() {
    let count = 0;
    if (!this.#isFrozen) return count;
    for (const [shortId, { visitor }] of this.#entries) {
      if (!this.#shownIds.has(shortId) && isWaiting(visitor)) count++;
    }
    return count;
  }

  /** When the next visitor who left will have faded out, in milliseconds; `null` if nobody is fading out. */
  get nextFaded() {
    if (this.#isFrozen) return null;
    let next = Infinity;
    for (const { leftAt } of this.#entries.values()) {
      if (leftAt !== null) next = Math.min(next, leftAt + FADE_MS);
    }
    return next === Infinity ? null : next;
  }

  /** Removes the visitors who left and have faded out. */
  #sweep() {
    const until = this.now() - FADE_MS;
    let isChanged = false;
    for (const [shortId, { leftAt }] of this.#entries) {
      if (leftAt === null || leftAt > until) continue;
      this.#entries.delete(shortId);
      isChanged = true;
    }
    if (isChanged) this.#show(this.#shown.filter((shortId) => this.#entries.has(shortId)));
  }

  #sort() {
    this.#isUnsorted = false;
    this.#show([...this.#entries].sort(([, a], [, b]) => compare(a, b)).map(([shortId]) => shortId));
  }

  /** @param {string[]} shown */
  #show(shown) {
    this.#shown = shown;
    this.#shownIds = new Set(shown);
  }
}

/** A visitor first seen less than this ago counts as online since then, in milliseconds. */
const NEW_MS = 4 * 3600_000;

/**
 * Estimates since when a visitor is online who came before the console read the list.
 *
 * @param {Visitor} visitor
 * @param {number} now in milliseconds
 */
function sinceOf({ added_at, last_seen_at }, now) {
  const [added, seen] = [Date.parse(added_at ?? ""), Date.parse(last_seen_at ?? "")];
  if (now - added < NEW_MS) return { since: added, isSinceExact: true };
  return { since: Number.isNaN(seen) ? null : seen, isSinceExact: false };
}

/**
 * @param {Entry} a
 * @param {Entry} b
 */
function compare(a, b) {
  const byGroup = groupOf(a.visitor) - groupOf(b.visitor);
  if (byGroup !== 0) return byGroup;
  if (groupOf(a.visitor) === 0) {
    // An unknown start of a wait sorts first, since that visitor may have waited longest.
    const byWait = (waitingSince(a.visitor) ?? 0) - (waitingSince(b.visitor) ?? 0);
    if (byWait !== 0) return byWait;
  }
  return b.arrival - a.arrival;
}

/** @param {Visitor} visitor */
function groupOf(visitor) {
  return isWaiting(visitor) ? 0 : visitor.is_online === false ? 2 : 1;
}
