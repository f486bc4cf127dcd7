/**
 * Makes the documentation interactive: forms that send requests, copy buttons, and URLs with the host that the reader
 * used. The web page can be read without this script.
 *
 * @module
 */
import { apiUrl } from "../client/base.js";
import { confirmDialog } from "./confirm.js";
import { addCopyButtons } from "./copy.js";
import { highlightAll } from "./highlight.js";
import { followReading } from "./contents.js";
import { startKeyForm } from "./key_form.js";
import { offerSearches, startTrying } from "./try_it.js";

const ROOT = apiUrl("").replace(/\/$/, "");

/** Replaces the public URL in examples by the one that the reader used, which the server does not know. */
function showReadersHost() {
  const [root] = document.querySelectorAll('[data-language="root"]');
  const published = root.textContent ?? "";
  for (const code of document.querySelectorAll('[data-language="root"], [data-language="curl"]')) {
    code.textContent = (code.textContent ?? "").replace(published, () => ROOT);
  }
}

showReadersHost();
highlightAll(document);
addCopyButtons();
followReading();
const keys = startKeyForm(ROOT);
const ask = confirmDialog();
for (const form of document.querySelectorAll("form.try")) {
  startTrying(/** @type {HTMLFormElement} */ (form), { root: ROOT, keys, ask });
}
offerSearches();
