/**
 * The search text as it stands in the URL's fragment, and as chips change it. Only the server interprets it.
 *
 * @module
 */

/** The longest search that the API takes, in characters. */
export const MOST_CHARACTERS = 256;

/**
 * The search text of a URL's fragment: a link to a filter can be sent to a colleague.
 *
 * @param {string} fragment with or without its `#`
 * @returns {string}
 */
export function searchOf(fragment) {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("q") ?? "";
}

/**
 * The fragment for a search text; empty where nothing is searched for.
 *
 * @param {string} q
 */
export function fragmentOf(q) {
  return q.trim() === "" ? "" : `#q=${encodeURIComponent(q.trim().toWellFormed())}`;
}

/**
 * The parts of a search, as the server splits it: at white space, but for what is in double quotes.
 *
 * @param {string} q
 * @returns {string[]}
 */
export function partsOf(q) {
  return q.match(/(?:[^\s":]+:)?"[^"]*"?|\S+/g) ?? [];
}

/**
 * Whether a part is in the search.
 *
 * @param {string} q
 * @param {string} part
 */
export function hasPart(q, part) {
  return partsOf(q).some((own) => own.toLowerCase() === part.toLowerCase());
}

/**
 * The search with a part added, or removed if it is there already.
 *
 * @param {string} q
 * @param {string} part
 * @param {string[]} [others] parts that it cannot stand beside
 */
export function togglePart(q, part, others = []) {
  const without = [part, ...others].map((one) => one.toLowerCase());
  const rest = partsOf(q).filter((own) => !without.includes(own.toLowerCase()));
  return (hasPart(q, part) ? rest : [...rest, part]).join(" ");
}

/**
 * The search for a value by an operator, with quotes where it needs them.
 *
 * @param {string} operator such as `id:`; empty: text
 * @param {string} value
 */
export function searchFor(operator, value) {
  const isPlain = /^[^\s"]+$/.test(value) && (operator !== "" || !/^[-#]|:/.test(value));
  return operator + (isPlain ? value : `"${value.replaceAll('"', " ")}"`);
}
