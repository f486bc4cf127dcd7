/**
 * Who a visitor is, in the words that say most: never a bare id alone.
 *
 * @module
 */

/** @typedef {import("./api.js").Visitor} Visitor */

/** @param {unknown} value */
const textOf = (value) => typeof value === "string" ? value.trim() : "";

/**
 * What a visitor is called: name, nickname, e-mail address or first identity, else browser and place.
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
 * What is said of a visitor who gave no name, such as "Chrome, Köln".
 *
 * @param {Visitor} visitor
 */
function anonymousName({ browser_name, device_name, location_city, location_country_name }) {
  const what = textOf(browser_name) || textOf(device_name) || "Visitor";
  const where = textOf(location_city) || textOf(location_country_name);
  return where === "" ? (what === "Visitor" ? "Unknown visitor" : what) : `${what}, ${where}`;
}

/**
 * A second line about a visitor: the e-mail address or an identity that is not the name already.
 *
 * @param {Visitor} visitor
 * @returns {string} empty where there is nothing more to say
 */
export function detailOf(visitor) {
  const shown = nameOf(visitor);
  const { email, identities, nickname, unique_id } = visitor;
  return [email, ...(Array.isArray(identities) ? identities : []), nickname, unique_id].map(textOf)
    .find((text) => text !== "" && text !== shown) ?? "";
}

/**
 * The web page as a reader names it: its path, and after it the host where that says more.
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
