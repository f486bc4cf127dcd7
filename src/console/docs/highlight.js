/**
 * Syntax highlighting of JSON.
 *
 * @module
 */

/** The longest text that is highlighted, in characters. */
const MOST = 100_000;

/** Tokens: a string, followed by a colon if it is a key, or another value. */
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\b\d[\d.eE+-]*/g;

/**
 * Highlights every block of JSON within an element.
 *
 * @param {ParentNode} element
 */
export function highlightAll(element) {
  for (const code of element.querySelectorAll('[data-language="json"]')) {
    code.replaceChildren(...highlighted(code.textContent ?? ""));
  }
}

/**
 * Wraps the tokens of JSON in elements with a class.
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
