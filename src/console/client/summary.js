/**
 * Summaries of the console's state, for the window's title, the icon, the status and screen readers.
 *
 * @module
 */
import { clockText } from "./times.js";

/** @typedef {import("./desk.js").Connection} Connection */

/**
 * The age up to which a list counts as live, in milliseconds: a connection that the server ended is reopened within
 * that time.
 */
const LIVE_MS = 3000;

/** The age from which a list counts as lost, in milliseconds; then the time of the loss is shown instead of the age. */
const LOST_MS = 60_000;

/**
 * How current the list is.
 *
 * @param {Connection} connection
 * @param {number} now in milliseconds
 * @returns {{ kind: "loading" | "live" | "old" | "lost", text: string }}
 */
export function freshness({ state, at }, now) {
  const age = now - at;
  if (state === "loading") return { kind: "loading", text: "Connecting" };
  if (state === "live" || age < LIVE_MS) return { kind: "live", text: "Live" };
  if (age < LOST_MS) return { kind: "old", text: `${Math.floor(age / 1000)} s old` };
  return { kind: "lost", text: `Not connected since ${clockText(at)}` };
}

/**
 * Why the list is not current, and what the console does about it.
 *
 * @param {Connection} connection
 * @param {number} now in milliseconds
 */
export function reasonText({ code, waitUntil }, now) {
  const reasons = /** @type {Record<string, string>} */ ({
    stopping: "The server is restarting.",
    ended: "The server ended the connection.",
    too_many_requests: "This key is used too often.",
    too_many_streams: "Too many consoles are open.",
    database_unavailable: "The database does not answer.",
    internal_error: "Something went wrong at the server.",
  });
  const wait = waitUntil === null ? 0 : Math.ceil((waitUntil - now) / 1000);
  const next = wait > 0 ? `Trying again in ${wait} s.` : "Trying again.";
  return `${reasons[code] ?? "The server cannot be reached."} ${next}`;
}

/**
 * The window's title.
 *
 * @param {{ online: number, waiting: number } | null} count
 * @param {boolean} isCurrent
 */
export function titleText(count, isCurrent) {
  if (!isCurrent) return "Not connected · Foyer";
  if (count === null) return "Foyer";
  return `${count.waiting > 0 ? `(${count.waiting}) ` : ""}${count.online} online · Foyer`;
}

/**
 * The name of the icon's file.
 *
 * @param {number} waiting
 * @param {boolean} isCurrent
 */
export function iconName(waiting, isCurrent) {
  return isCurrent ? `${waiting > 9 ? "more" : waiting}.svg` : "away.svg";
}

/**
 * One sentence for screen readers.
 *
 * @param {{ online: number, waiting: number }} count
 */
export function countText({ online, waiting }) {
  return `${
    waiting === 0 ? "Nobody waits" : waiting === 1 ? "1 visitor waits" : `${waiting} visitors wait`
  } for a call, ${online} online`;
}

/**
 * The size of a list as a sentence, for screen readers.
 *
 * @param {number} size
 */
export function listText(size) {
  return size === 0 ? "Nobody is listed" : size === 1 ? "1 visitor is listed" : `${size} visitors are listed`;
}
