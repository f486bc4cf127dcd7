/**
 * Decides when the bell rings: for each visitor who begins to wait, until an agent claims the visitor, or the visitor
 * no longer waits.
 *
 * @module
 */
import { isWaiting } from "./visitor_list.js";

/** @typedef {import("./api.js").Visitor} Visitor */

/** The longest time that the bell rings for one visitor, in milliseconds. */
export const RING_MS = 60_000;

/** The bell's state, without its sound. */
export class Bell {
  /** The visitors whom the bell rings for, by short id, with the start in milliseconds. @type {Map<string, number>} */
  #ringing = new Map();
  /** How many visitors wait who are not on the list, and since when the bell rings for them. */
  #outside = /** @type {number | null} */ (null);
  #outsideSince = /** @type {number | null} */ (null);
  /** The short ids of those who waited at the last call of `take`; `null` before it. @type {Set<string> | null} */
  #waiting = null;

  /**
   * Updates the bell with the current visitors.
   *
   * @param {Iterable<Visitor>} visitors
   * @param {number} now in milliseconds
   * @returns {Visitor[]} the unclaimed visitors who began to wait since the last call; empty at the first call
   */
  take(visitors, now) {
    const waiting = new Set();
    const open = new Set();
    const began = [];
    for (const visitor of visitors) {
      if (!isWaiting(visitor)) continue;
      waiting.add(visitor.short_id);
      if (isTaken(visitor)) continue;
      open.add(visitor.short_id);
      if (this.#waiting !== null && !this.#waiting.has(visitor.short_id)) {
        this.#ringing.set(visitor.short_id, now);
        began.push(visitor);
      }
    }
    this.#waiting = waiting;
    for (const [shortId, since] of this.#ringing) {
      if (!open.has(shortId) || now - since >= RING_MS) this.#ringing.delete(shortId);
    }
    if (this.#outsideSince !== null && now - this.#outsideSince >= RING_MS) this.#outsideSince = null;
    return began;
  }

  /**
   * Updates the bell with the number of waiting visitors whom a search leaves out. Their ids are unknown: the bell
   * rings until one of them no longer waits.
   *
   * @param {number} count
   * @param {number} now in milliseconds
   * @param {boolean} [mayRise] whether the bell may start; false if the count may be older than the list
   */
  takeOutside(count, now, mayRise = true) {
    const before = this.#outside ?? count;
    if (count > before && !mayRise) return;
    this.#outside = count;
    if (count > before) this.#outsideSince = now;
    else if (count < before) this.#outsideSince = null;
  }

  /** Whether the bell rings. */
  get isRinging() {
    return this.#ringing.size > 0 || this.#outsideSince !== null;
  }

  /** Stops ringing for the visitors who wait now. */
  silence() {
    this.#ringing.clear();
    this.#outsideSince = null;
  }

  /** Forgets the visitors, for another search: those who wait among its first results did not just begin to. */
  forget() {
    this.#waiting = null;
    this.#outside = null;
    this.silence();
  }
}

/**
 * Whether an agent takes care of a visitor: by a claim, or in a session.
 *
 * @param {Visitor} visitor
 */
export function isTaken({ claimed_by, is_in_session }) {
  return is_in_session === true || typeof claimed_by === "string" && claimed_by !== "";
}
