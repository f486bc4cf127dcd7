/**
 * A button that copies a text.
 *
 * @module
 */
import { useState } from "../vendor/hooks.js";
import { html } from "./html.js";
import { Symbol } from "./marks.js";

/** How long the button confirms that the text was copied, in milliseconds. */
const DONE_MS = 1500;

/** @param {{ text: string, label: string }} props `label` names the copied text */
export function Copy({ text, label }) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    if (!await copyText(text)) return;
    setDone(true);
    setTimeout(() => setDone(false), DONE_MS);
  };
  return html`
    <button type="button" class="quiet copy" aria-label=${isDone ? "Copied" : `Copy ${label}`}
      title=${isDone ? "Copied" : `Copy ${label}`} onClick=${copy}>
      <${Symbol} name=${isDone ? "done" : "copy"} />
    </button>
  `;
}

/**
 * @param {string} text
 * @returns {Promise<boolean>} whether it was copied
 */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByCommand(text);
  }
}

/**
 * A fallback for pages loaded by HTTP from another host, on which `navigator.clipboard` is missing.
 *
 * @param {string} text
 */
function copyByCommand(text) {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  (before?.closest("dialog") ?? document.body).append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  before?.focus({ preventScroll: true });
  return isCopied;
}
