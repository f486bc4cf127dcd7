/**
 * Functions on the search text, for the URL's fragment and the chips. Only the server interprets the text.
 *
 * @module
 */

/** The longest search that the API accepts, in characters. */
export const MOST_CHARACTERS = 256;

/**
 * The search text in a URL's fragment, so that an agent can send a colleague a link to a filter.
 *
 * @param {string} fragment with or without its `#`
 * @returns {string}
 */
export function searchOf(fragment) {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("q") ?? "";
}

/**
 * The fragment for a search text; empty for an empty search.
 *
 * @param {string} q
 */
export function fragmentOf(q) {
  return q.trim() === "" ? "" : `#q=${encodeURIComponent(q.trim().toWellFormed())}`;
}

/**
 * The parts of a search. Splits like the server: at white space, except within double quotes.
 *
 * @param {string} q
 * @returns {string[]}
 */
export function partsOf(q) {
  return q.match(/(?:[^\s":]+:)?"[^"]*"?|\S+/g) ?? [];
}

/**
 * Whether the search contains a part.
 *
 * @param {string} q
 * @param {string} part
 */
export function hasPart(q, part) {
  return partsOf(q).some((own) => own.toLowerCase() === part.toLowerCase());
}

/**
 * Adds a part to the search, or removes it if the search contains it.
 *
 * @param {string} q
 * @param {string} part
 * @param {string[]} [others] parts that exclude this one, and so are removed
 */
export function togglePart(q, part, others = []) {
  const without = [part, ...others].map((one) => one.toLowerCase());
  const rest = partsOf(q).filter((own) => !without.includes(own.toLowerCase()));
  return (hasPart(q, part) ? rest : [...rest, part]).join(" ");
}

/**
 * A search for a value with an operator, quoted if necessary.
 *
 * @param {string} operator such as `id:`; empty for a text search
 * @param {string} value
 */
export function searchFor(operator, value) {
  const isPlain = /^[^\s"]+$/.test(value) && (operator !== "" || !/^[-#]|:/.test(value));
  return operator + (isPlain ? value : `"${value.replaceAll('"', " ")}"`);
}
