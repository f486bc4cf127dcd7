/**
 * Describes a visitor by its most telling attributes, never by a bare id.
 *
 * @module
 */

/** @typedef {import("./api.js").Visitor} Visitor */

/** @param {unknown} value */
const textOf = (value) => typeof value === "string" ? value.trim() : "";

/**
 * A visitor's display name: name, nickname, e-mail address or first identity, otherwise browser and place.
 *
 * @param {Visitor} visitor
 * @returns {string}
 */
export function nameOf(visitor) {
  const { name, nickname, email, identities } = visitor;
  const names = [name, nickname, email, ...(Array.isArray(identities) ? identities : [])].map(textOf);
  return names.find((text) => text !== "") ?? anonymousName(visitor);
}

/**
 * The display name of a visitor without a name, such as "Chrome, Köln".
 *
 * @param {Visitor} visitor
 */
function anonymousName({ browser_name, device_name, location_city, location_country_name }) {
  const what = textOf(browser_name) || textOf(device_name) || "Visitor";
  const where = textOf(location_city) || textOf(location_country_name);
  return where === "" ? (what === "Visitor" ? "Unknown visitor" : what) : `${what}, ${where}`;
}

/**
 * A second line about a visitor: an e-mail address or identity that differs from the display name.
 *
 * @param {Visitor} visitor
 * @returns {string} empty if there is none
 */
export function detailOf(visitor) {
  const shown = nameOf(visitor);
  const { email, identities, nickname, unique_id } = visitor;
  return [email, ...(Array.isArray(identities) ? identities : []), nickname, unique_id].map(textOf)
    .find((text) => text !== "" && text !== shown) ?? "";
}

/**
 * A short text for a web page: its path, followed by the host if that adds something.
 *
 * @param {unknown} url
 * @returns {string}
 */
export function pageText(url) {
  const text = textOf(url);
  const parsed = URL.parse(text);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return text;
  return `${decoded(parsed.pathname)}${decoded(parsed.search)}` || "/";
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {Visitor} visitor */
export function placeText({ location_city, location_country_name, location_country }) {
  return [textOf(location_city), textOf(location_country_name) || textOf(location_country)]
    .filter((text) => text !== "").join(", ");
}

/** @param {Visitor} visitor */
export function deviceText({ browser_name, device_name }) {
  return [textOf(browser_name), textOf(device_name)].filter((text) => text !== "").join(" · ");
}
