/**
 * Colours for JSON.
 *
 * @module
 */

/** The most characters of a text that is coloured. */
const MOST = 100_000;

/** A string, the colon after it if it is a name, and other values. */
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\b\d[\d.eE+-]*/g;

/**
 * Colours every block of JSON within an element.
 *
 * @param {ParentNode} element
 */
export function highlightAll(element) {
  for (const code of element.querySelectorAll('[data-language="json"]')) {
    code.replaceChildren(...highlighted(code.textContent ?? ""));
  }
}

/**
 * JSON with its values in elements that have a class.
 *
 * @param {string} json
 * @returns {(string | HTMLElement)[]}
 */
export function highlighted(json) {
  if (json.length > MOST) return [json];
  /** @type {(string | HTMLElement)[]} */
  const parts = [];
  let end = 0;
  for (const match of json.matchAll(TOKEN)) {
    const [token, string, colon] = match;
    parts.push(json.slice(end, match.index));
    end = match.index + token.length;
    const element = document.createElement("span");
    element.className = colon !== undefined ? "name" : string !== undefined ? "string" : "value";
    element.textContent = string ?? token;
    parts.push(element, colon ?? "");
  }
  return [...parts, json.slice(end)];
}
