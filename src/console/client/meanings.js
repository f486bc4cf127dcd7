/**
 * The meanings of a visitor's attributes, from the API's OpenAPI description.
 *
 * @module
 */

/** @type {WeakMap<import("./api.js").Api, Promise<Record<string, string>>>} */
const known = new WeakMap();

/**
 * Reads the meaning of each attribute, by name.
 *
 * @param {import("./api.js").Api} api
 * @returns {Promise<Record<string, string>>} empty if the description cannot be read
 */
export function meaningsOf(api) {
  const asked = known.get(api) ?? api.request("openapi.json").then((description) =>
    Object.fromEntries(
      Object.entries(description.components.schemas.Visitor.properties)
        .map(([name, property]) => [name, String(/** @type {any} */ (property).description ?? "")]),
    )
  );
  known.set(api, asked);
  return asked.catch(() => {
    known.delete(api);
    return {};
  });
}

/** An attribute's name as a label: `last_seen_at` becomes "Last seen at". @param {string} name */
export function labelOf(name) {
  const words = name.replaceAll("_", " ").replace(
    /\b(id|ids|ip|url|sdk|api)\b/g,
    (word) => word === "ids" ? "ids" : word === "id" ? "id" : word.toUpperCase(),
  );
  return words[0].toUpperCase() + words.slice(1);
}
