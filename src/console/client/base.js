/**
 * The URLs of this installation, whatever prefix and proxy lead to it.
 *
 * @module
 */

/** The URL under which everything of Foyer is mounted, with a slash at its end; this file is `console/HASH/client/base.js` there. */
export const BASE = new URL("../../../", import.meta.url);

/**
 * The URL of a route of the REST API.
 *
 * @param {string} path such as `visitors/list/latest`
 * @returns {string}
 */
export function apiUrl(path) {
  return new URL(`api/${path}`, BASE).href;
}
