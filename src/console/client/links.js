/**
 * Links to what visitors and other software wrote.
 *
 * @module
 */

/**
 * A URL that an agent may follow.
 *
 * @param {unknown} given
 * @returns {string | null} `null` unless it is an http or https URL
 */
export function safeUrl(given) {
  if (typeof given !== "string") return null;
  const url = URL.parse(given);
  return url !== null && /^https?:$/.test(url.protocol) && /^https?:\/\//i.test(given) ? url.href : null;
}

/** The attributes of every link to another site, which learns nothing of this page. */
export const ELSEWHERE = { target: "_blank", rel: "noopener noreferrer" };
