/**
 * Shows the API's answers in the documentation.
 *
 * @module
 */
import { highlighted } from "./highlight.js";

/** The headers that are shown. */
const HEADERS = ["ETag", "Link", "Retry-After", "Allow", "Foyer-Unindexed", "X-Stream-Id", "X-Request-Id"];

/** The most events that are shown; only the newest are kept. */
const MOST_EVENTS = 200;

/** The most characters of an answer's body that are shown. */
const MOST_CHARACTERS = 400_000;

/**
 * Shows an answer.
 *
 * @param {HTMLElement} output
 * @param {Response} response
 * @param {number} milliseconds how long it took
 */
export async function showAnswer(output, response, milliseconds) {
  const text = await response.text();
  const json = parsed(text);
  const length = new TextEncoder().encode(text).length;
  output.replaceChildren(
    line(
      "status",
      `${response.status} ${response.statusText}`.trim(),
      response.status < 400 ? "good" : "bad",
    ),
    line("facts", `${Math.round(milliseconds)} ms, ${length.toLocaleString("en")} bytes`),
    ...(json?.error === undefined ? [] : [cure(json.error)]),
    ...HEADERS.flatMap((name) => {
      const value = response.headers.get(name);
      return value === null ? [] : [line("header", `${name}: ${value}`)];
    }),
    ...(text === "" ? [] : [block(json === undefined ? text : JSON.stringify(json, null, 2))]),
  );
}

/**
 * Shows the events of a stream as they arrive.
 *
 * @param {HTMLElement} output
 * @param {Response} response
 */
export async function showEvents(output, response) {
  const list = document.createElement("ol");
  list.className = "events";
  list.tabIndex = 0;
  list.setAttribute("aria-label", "Events, the newest first");
  output.replaceChildren(line("status", `${response.status} ${response.statusText}`.trim(), "good"), list);
  let rest = "";
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body)
    .pipeThrough(new TextDecoderStream()).getReader();
  while (true) {
    const { value, done } = await reader.read();
    if (done) break;
    const parts = (rest + value).split(/\r?\n\r?\n/);
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const item = document.createElement("li");
      item.textContent = part.length > MOST_CHARACTERS ? `${part.slice(0, MOST_CHARACTERS)}…` : part;
      list.prepend(item);
    }
    while (list.childElementCount > MOST_EVENTS) list.lastElementChild?.remove();
  }
  output.append(line("facts", "The server ended the stream."));
}

/**
 * Shows why there is no answer.
 *
 * @param {HTMLElement} output
 * @param {string} sentence
 */
export function showProblem(output, sentence) {
  output.querySelector(".problem")?.remove();
  if (output.querySelector(".events") === null) output.replaceChildren();
  output.append(line("problem", sentence));
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * The remedy for an error code, from the table of errors.
 *
 * @param {unknown} code
 */
function cure(code) {
  const rows = document.querySelectorAll("#errors tbody tr");
  const row = Array.from(rows).find((row) => row.querySelector("code")?.textContent === code);
  return line("cure", row?.querySelector(".cure")?.textContent ?? "");
}

/**
 * @param {string} className
 * @param {string} text
 * @param {string} [verdict] a further class
 */
function line(className, text, verdict = "") {
  const element = document.createElement("p");
  element.className = `${className} ${verdict}`.trim();
  element.textContent = text;
  return element;
}

/** @param {string} text */
function block(text) {
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  pre.setAttribute("role", "group");
  pre.setAttribute("aria-label", "The answer");
  const shown = text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}\n… and more` : text;
  pre.append(...highlighted(shown));
  return pre;
}
