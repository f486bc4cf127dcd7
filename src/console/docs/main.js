/**
 * Makes the documentation's page usable: forms that send requests, buttons that copy, and URLs with the host by which
 * the reader came. Without it the page can be read all the same.
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

/** Shows URLs with the host by which the reader came; the server knows only its public URL. */
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
