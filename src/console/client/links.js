/**
 * Safe links to URLs that visitors and other software wrote.
 *
 * @module
 */

/**
 * Checks that an agent may follow a URL.
 *
 * @param {unknown} given
 * @returns {string | null} `null` unless it is an http or https URL
 */
export function safeUrl(given) {
  if (typeof given !== "string") return null;
  const url = URL.parse(given);
  return url !== null && /^https?:$/.test(url.protocol) && /^https?:\/\//i.test(given) ? url.href : null;
}

/** The attributes of every link to another site, so that the site learns nothing about this page. */
export const ELSEWHERE = { target: "_blank", rel: "noopener noreferrer" };
