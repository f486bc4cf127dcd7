/**
 * The key that the agent signed in with, and the agent's name: kept for this tab alone, and gone with it. Neither is
 * ever in a URL, in `localStorage` or in a cookie.
 *
 * @module
 */
import { BASE } from "./base.js";

/**
 * Who is signed in in this tab.
 *
 * @typedef {object} Session
 * @property {string} key sent as `Authorization`
 * @property {string} agent the agent's name, as colleagues see it; empty where none was given
 */

/** Several installations may be under one origin. */
const ITEM = `foyer ${BASE.pathname}`;

/**
 * Who is signed in.
 *
 * @param {Pick<Storage, "getItem">} [storage]
 * @returns {Session | null} `null` where nobody is
 */
export function readSession(storage = sessionStorage) {
  try {
    const { key, agent } = JSON.parse(storage.getItem(ITEM) ?? "");
    return typeof key === "string" && key !== "" ? { key, agent: String(agent ?? "") } : null;
  } catch {
    // Nothing is stored, or something else, or the browser refuses storage.
    return null;
  }
}

/**
 * Keeps who is signed in until the tab is closed. Where the browser keeps nothing, that is until the page is left.
 *
 * @param {Session} session
 * @param {Pick<Storage, "setItem">} [storage]
 */
export function keepSession({ key, agent }, storage = sessionStorage) {
  try {
    storage.setItem(ITEM, JSON.stringify({ key, agent }));
  } catch {
    // The session stays in memory.
  }
}

/**
 * Signs out.
 *
 * @param {Pick<Storage, "removeItem">} [storage]
 */
export function forgetSession(storage = sessionStorage) {
  try {
    storage.removeItem(ITEM);
  } catch {
    // Nothing was kept.
  }
}

/**
 * A key as it may be sent: without white space around it, as it comes from a clipboard.
 *
 * @param {string} given
 * @returns {string | null} `null` where it can be no key, since a header cannot carry it
 */
export function readKey(given) {
  const key = given.trim();
  return /^[!-~]([ -~]*[!-~])?$/.test(key) ? key : null;
}
