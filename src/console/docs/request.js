/**
 * The requests that the documentation's forms make.
 *
 * @module
 */

/**
 * The request that a form describes.
 *
 * @typedef {object} Question
 * @property {string} method
 * @property {string} path with `{name}` for each of its parameters
 * @property {{ in: string, name: string, value: string }[]} parameters as they were typed
 * @property {string | null} body as it was typed; `null` where the method has none
 */

/**
 * The URL of a request. Parameters that were left empty are not sent.
 *
 * @param {string} root the URL of the API
 * @param {Question} question
 * @returns {string}
 */
export function urlOf(root, { path, parameters }) {
  const query = new URLSearchParams();
  let filled = path;
  for (const { in: place, name, value } of parameters) {
    if (place === "path") filled = filled.replace(`{${name}}`, () => encodeURIComponent(value));
    if (place === "query" && value !== "") query.append(name, value);
  }
  return `${root}${filled}${query.size > 0 ? `?${query}` : ""}`;
}

/**
 * The headers that were typed, without the key.
 *
 * @param {Question} question
 * @returns {Record<string, string>}
 */
export function headersOf({ parameters }) {
  return Object.fromEntries(
    parameters.filter(({ in: place, value }) => place === "header" && value !== "")
      .map(({ name, value }) => [name, value]),
  );
}

/**
 * The shell command that sends the same request.
 *
 * @param {string} root the URL of the API
 * @param {Question} question
 * @param {boolean} [isStream] whether the answer is shown as it comes
 * @returns {string}
 */
export function curlOf(root, question, isStream = false) {
  const { method, body } = question;
  const headers = { Authorization: "YOUR_KEY", ...headersOf(question) };
  return [
    "curl",
    ...(method === "GET" ? [] : ["-X", method]),
    ...(isStream ? ["-N"] : []),
    ...Object.entries(headers).flatMap(([name, value]) => ["-H", quoted(`${name}: ${value}`)]),
    ...(body === null ? [] : ["-d", quoted(body)]),
    quoted(urlOf(root, question)),
  ].join(" ");
}

/**
 * Quotes text, whatever is in it, as one word for a shell.
 *
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
