/**
 * How an agent likes the table, kept on this device. Nothing of a visitor, of the key or of the agent is in it.
 *
 * @module
 */
import { BASE } from "./base.js";
import { COLUMN_NAMES, DEFAULT_COLUMNS } from "./columns.js";

/**
 * @typedef {object} Preferences
 * @property {string[]} columns the names of the columns that are shown, in order
 * @property {"comfortable" | "compact"} density
 * @property {boolean} shortcuts whether single keys do something
 */

const ITEM = `foyer table ${BASE.pathname}`;

/**
 * Reads stored preferences, whatever they hold: an earlier Foyer may have written them.
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
    // As if there were none.
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
    // They last until the page is left.
  }
}
