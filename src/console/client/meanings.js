/**
 * What each attribute of a visitor means, as the API's description says it.
 *
 * @module
 */

/** @type {WeakMap<import("./api.js").Api, Promise<Record<string, string>>>} */
const known = new WeakMap();

/**
 * The meaning of each attribute, by its name.
 *
 * @param {import("./api.js").Api} api
 * @returns {Promise<Record<string, string>>} empty where the server did not say
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

/** The words of an attribute's name: `last_seen_at` is "Last seen at". @param {string} name */
export function labelOf(name) {
  const words = name.replaceAll("_", " ").replace(
    /\b(id|ids|ip|url|sdk|api)\b/g,
    (word) => word === "ids" ? "ids" : word === "id" ? "id" : word.toUpperCase(),
  );
  return words[0].toUpperCase() + words.slice(1);
}
