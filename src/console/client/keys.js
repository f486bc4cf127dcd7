/**
 * The agent's key and name. They are stored for this tab only, until it is closed, and never in a URL, in
 * `localStorage` or in a cookie.
 *
 * @module
 */
import { BASE } from "./base.js";

/**
 * The agent who is signed in in this tab.
 *
 * @typedef {object} Session
 * @property {string} key sent as `Authorization`
 * @property {string} agent the agent's name, as colleagues see it; empty if none was given
 */

/** The storage key. It contains the path, since several installations may have the same origin. */
const ITEM = `foyer ${BASE.pathname}`;

/**
 * Reads the stored session.
 *
 * @param {Pick<Storage, "getItem">} [storage]
 * @returns {Session | null} `null` if nobody is signed in
 */
export function readSession(storage = sessionStorage) {
  try {
    const { key, agent } = JSON.parse(storage.getItem(ITEM) ?? "");
    return typeof key === "string" && key !== "" ? { key, agent: String(agent ?? "") } : null;
  } catch {
    // Nothing usable is stored, or the browser refuses storage.
    return null;
  }
}

/**
 * Stores the session until the tab is closed; if the browser refuses storage, it lasts until the page is left.
 *
 * @param {Session} session
 * @param {Pick<Storage, "setItem">} [storage]
 */
export function keepSession({ key, agent }, storage = sessionStorage) {
  try {
    storage.setItem(ITEM, JSON.stringify({ key, agent }));
  } catch {
    // Storage is refused: the session stays in memory.
  }
}

/**
 * Removes the stored session.
 *
 * @param {Pick<Storage, "removeItem">} [storage]
 */
export function forgetSession(storage = sessionStorage) {
  try {
    storage.removeItem(ITEM);
  } catch {
    // Storage is refused: nothing was stored.
  }
}

/**
 * Removes white space around a key, which a paste may add.
 *
 * @param {string} given
 * @returns {string | null} `null` if the text cannot be a key, because a header cannot carry it
 */
export function readKey(given) {
  const key = given.trim();
  return /^[!-~]([ -~]*[!-~])?$/.test(key) ? key : null;
}
