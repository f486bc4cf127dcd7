/**
 * For whom the bell rings: each visitor who begins to wait, until an agent claims the visitor, or the visitor no
 * longer waits.
 *
 * @module
 */
import { isWaiting } from "./visitor_list.js";

/** @typedef {import("./api.js").Visitor} Visitor */

/** Nobody hears it after that, in milliseconds. */
export const RING_MS = 60_000;

/** Which waiters it rings for. */
export class Bell {
  /** Since when it rings, by short id. @type {Map<string, number>} */
  #ringing = new Map();
  /** How many visitors wait who are not on the list, and since when it rings for them. */
  #outside = /** @type {number | null} */ (null);
  #outsideSince = /** @type {number | null} */ (null);
  /** Who waited at the last call of `take`. @type {Set<string> | null} */
  #waiting = null;

  /**
   * Takes the visitors as they are now.
   *
   * @param {Iterable<Visitor>} visitors
   * @param {number} now in milliseconds
   * @returns {Visitor[]} those who began to wait, and whom nobody has taken; none of those who waited before the first time
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
   * Takes how many wait beside the visitors, who are those of a search. Who they are is not known: it rings until one of
   * them is no longer waiting.
   *
   * @param {number} count
   * @param {number} now in milliseconds
   * @param {boolean} [mayRise] not where the count may be older than the visitors
   */
  takeOutside(count, now, mayRise = true) {
    const before = this.#outside ?? count;
    if (count > before && !mayRise) return;
    this.#outside = count;
    if (count > before) this.#outsideSince = now;
    else if (count < before) this.#outsideSince = null;
  }

  /** Whether it rings. */
  get isRinging() {
    return this.#ringing.size > 0 || this.#outsideSince !== null;
  }

  /** Silences it for those who wait now. */
  silence() {
    this.#ringing.clear();
    this.#outsideSince = null;
  }

  /** The next visitors are those of another search: who waits among them did not begin now. */
  forget() {
    this.#waiting = null;
    this.#outside = null;
    this.silence();
  }
}

/**
 * Whether somebody takes care of a visitor.
 *
 * @param {Visitor} visitor
 */
export function isTaken({ claimed_by, is_in_session }) {
  return is_in_session === true || typeof claimed_by === "string" && claimed_by !== "";
}
