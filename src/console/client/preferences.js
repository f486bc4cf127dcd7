/**
 * The agent's settings of the table, stored on this device. They contain no data of visitors, no key and no name.
 *
 * @module
 */
import { BASE } from "./base.js";
import { COLUMN_NAMES, DEFAULT_COLUMNS } from "./columns.js";

/**
 * @typedef {object} Preferences
 * @property {string[]} columns the names of the columns that are shown, in order
 * @property {"comfortable" | "compact"} density
 * @property {boolean} shortcuts whether keyboard shortcuts of a single key are on
 */

const ITEM = `foyer table ${BASE.pathname}`;

/**
 * Parses stored preferences. Accepts any content, since an earlier version of Foyer may have written it.
 *
 * @param {string | null} stored
 * @returns {Preferences}
 */
export function parsePreferences(stored) {
  /** @type {any} */
  let given = {};
  try {
    given = JSON.parse(stored ?? "{}") ?? {};
  } catch {
    // Unreadable preferences count as none.
  }
  const columns = Array.isArray(given.columns)
    ? [...new Set(given.columns)].filter((name) => COLUMN_NAMES.includes(name))
    : DEFAULT_COLUMNS;
  return {
    columns: columns.length === 0 ? DEFAULT_COLUMNS : columns,
    density: given.density === "compact" ? "compact" : "comfortable",
    shortcuts: given.shortcuts !== false,
  };
}

/** @returns {Preferences} */
export function readPreferences() {
  try {
    return parsePreferences(localStorage.getItem(ITEM));
  } catch {
    return parsePreferences(null);
  }
}

/** @param {Preferences} preferences */
export function keepPreferences({ columns, density, shortcuts }) {
  try {
    localStorage.setItem(ITEM, JSON.stringify({ columns, density, shortcuts }));
  } catch {
    // Storage is refused: they last until the page is left.
  }
}
