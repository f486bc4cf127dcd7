/**
 * The columns of the table. "Status" and "Visitor" are always there; an agent chooses and orders the others.
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
 * @property {string} width of CSS grid
 * @property {(visitor: Visitor) => string} text
 */

/** @param {unknown} value */
const plain = (value) => typeof value === "string" ? value : "";

/** @param {unknown} value */
const joined = (value) => Array.isArray(value) ? value.join(", ") : "";

/** The columns that can be chosen, by name. "here" ticks and "tags" are labels, so that the row draws them. @type {Record<string, Column>} */
export const COLUMNS = {
  page: { title: "Page", width: "minmax(8rem, 2.2fr)", text: ({ last_url }) => pageText(last_url) },
  place: { title: "Place", width: "minmax(6rem, 1.2fr)", text: placeText },
  device: { title: "Device", width: "minmax(6rem, 1.2fr)", text: deviceText },
  tags: { title: "Tags", width: "minmax(5rem, 1.1fr)", text: ({ tags }) => joined(tags) },
  here: { title: "Here", width: "5.5rem", text: () => "" },
  email: { title: "E-mail", width: "minmax(8rem, 1.4fr)", text: ({ email }) => plain(email) },
  identities: {
    title: "Identities",
    width: "minmax(8rem, 1.6fr)",
    text: ({ identities }) => joined(identities),
  },
  unique_id: { title: "Unique id", width: "minmax(6rem, 1fr)", text: ({ unique_id }) => plain(unique_id) },
  lookup_code: { title: "Code", width: "4rem", text: ({ lookup_code }) => plain(lookup_code) },
  ip_address: {
    title: "IP address",
    width: "minmax(7rem, 1fr)",
    text: ({ ip_address }) => plain(ip_address),
  },
  integration: { title: "Chat", width: "minmax(5rem, 1fr)", text: ({ integration }) => plain(integration) },
  call_name: { title: "Call name", width: "minmax(6rem, 1fr)", text: ({ call_name }) => plain(call_name) },
  short_id: { title: "Short id", width: "7rem", text: ({ short_id }) => short_id },
};

/** @type {string[]} */
export const COLUMN_NAMES = Object.keys(COLUMNS);

export const DEFAULT_COLUMNS = ["page", "place", "device", "tags", "here"];

/** The widths of all columns that are shown, as `grid-template-columns`. @param {string[]} names */
export function gridOf(names) {
  return ["8.5rem", "minmax(10rem, 1.8fr)", ...names.map((name) => COLUMNS[name].width)].join(" ");
}
