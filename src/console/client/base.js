/**
 * The URLs of this installation, derived from the script's own URL, so that they work with any prefix and proxy.
 *
 * @module
 */

/** The URL under which Foyer is mounted, with a final slash; this file's path there is `console/HASH/client/base.js`. */
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
