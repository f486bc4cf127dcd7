/**
 * The columns of the table. "Status" and "Visitor" are always shown; the agent chooses and orders the others.
 *
 * @module
 */
import { deviceText, pageText, placeText } from "./who.js";

/** @typedef {import("./api.js").Visitor} Visitor */

/**
 * A column of text.
 *
 * @typedef {object} Column
 * @property {string} title
 * @property {number} least the least width, in rem
 * @property {number} share the share of the remaining width, as in CSS `fr`
 * @property {(visitor: Visitor) => string} text
 */

/** @param {unknown} value */
const plain = (value) => typeof value === "string" ? value : "";

/** @param {unknown} value */
const joined = (value) => Array.isArray(value) ? value.join(", ") : "";

/**
 * The optional columns by name. The row itself draws "here", which changes every second, and "tags", which are labels.
 *
 * @type {Record<string, Column>}
 */
export const COLUMNS = {
  page: { title: "Page", least: 8, share: 2.2, text: ({ last_url }) => pageText(last_url) },
  place: { title: "Place", least: 6, share: 1.2, text: placeText },
  device: { title: "Device", least: 6, share: 1.2, text: deviceText },
  tags: { title: "Tags", least: 5, share: 1.1, text: ({ tags }) => joined(tags) },
  here: { title: "Here", least: 5.5, share: 0, text: () => "" },
  email: { title: "E-mail", least: 8, share: 1.4, text: ({ email }) => plain(email) },
  identities: {
    title: "Identities",
    least: 8,
    share: 1.6,
    text: ({ identities }) => joined(identities),
  },
  unique_id: { title: "Unique id", least: 6, share: 1, text: ({ unique_id }) => plain(unique_id) },
  lookup_code: { title: "Code", least: 4, share: 0, text: ({ lookup_code }) => plain(lookup_code) },
  ip_address: {
    title: "IP address",
    least: 7,
    share: 1,
    text: ({ ip_address }) => plain(ip_address),
  },
  integration: { title: "Chat", least: 5, share: 1, text: ({ integration }) => plain(integration) },
  call_name: { title: "Call name", least: 6, share: 1, text: ({ call_name }) => plain(call_name) },
  short_id: { title: "Short id", least: 7, share: 0, text: ({ short_id }) => short_id },
};

/** @type {string[]} */
export const COLUMN_NAMES = Object.keys(COLUMNS);

export const DEFAULT_COLUMNS = ["page", "place", "device", "tags", "here"];

/** "Status" and "Visitor". @type {Pick<Column, "least" | "share">[]} */
const FIRST_COLUMNS = [{ least: 8.5, share: 0 }, { least: 10, share: 1.8 }];

/** The gap between columns and at both ends, in pixels; the same as in the style sheet. */
const GAP = 16;

/**
 * The CSS values for the widths of the shown columns, and for the least width of a row.
 *
 * @param {string[]} names
 */
export function widthsOf(names) {
  const columns = [...FIRST_COLUMNS, ...names.map((name) => COLUMNS[name])];
  const least = columns.reduce((sum, column) => sum + column.least, 0);
  return {
    "--columns": columns.map(({ least, share }) =>
      share === 0 ? `${least}rem` : `minmax(${least}rem, ${share}fr)`
    )
      .join(" "),
    "--least": `calc(${least}rem + ${(columns.length + 1) * GAP}px)`,
  };
}
