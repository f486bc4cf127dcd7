/**
 * The requests that the documentation's forms send.
 *
 * @module
 */

/**
 * The request that a form describes.
 *
 * @typedef {object} Question
 * @property {string} method
 * @property {string} path the path with a `{name}` for each path parameter
 * @property {{ in: string, name: string, value: string }[]} parameters the parameters as typed
 * @property {string | null} body the body as typed; `null` if the method has none
 */

/**
 * The URL of a request. Empty parameters are not sent.
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
 * The typed headers, without the key.
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
 * The curl command that sends the same request.
 *
 * @param {string} root the URL of the API
 * @param {Question} question
 * @param {boolean} [isStream] whether curl shows the answer as it arrives
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
 * Quotes any text as one word for a shell.
 *
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
