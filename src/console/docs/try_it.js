/**
 * The forms that send requests with the reader's key, and show the answers.
 *
 * @module
 */
import { showAnswer, showEvents, showProblem } from "./answer.js";
import { curlOf, headersOf, urlOf } from "./request.js";

/**
 * Makes a form send its request.
 *
 * @param {HTMLFormElement} form
 * @param {object} with_
 * @param {string} with_.root the URL of the API
 * @param {import("./key_form.js").Keys} with_.keys
 * @param {(request: string) => Promise<boolean>} with_.ask asks for confirmation before a change
 */
export function startTrying(form, { root, keys, ask }) {
  const output = /** @type {HTMLOutputElement} */ (form.querySelector("output"));
  const stop = /** @type {HTMLButtonElement} */ (form.querySelector("[data-stop]"));
  const example = form.closest("section")?.querySelector('[data-language="curl"]') ?? null;
  const { changes, streams } = form.dataset;
  let controller = new AbortController();

  form.addEventListener("input", () => {
    if (example !== null) example.textContent = curlOf(root, questionOf(form), streams !== undefined);
  });
  stop.addEventListener("click", () => controller.abort());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const key = keys.current();
    if (key === null) return keys.want();
    const question = questionOf(form);
    const url = urlOf(root, question);
    const { method, body } = question;
    if (
      changes !== undefined &&
      !await ask([`${method} ${url}`, ...(body === null ? [] : ["", body])].join("\n"))
    ) {
      return;
    }
    controller.abort();
    controller = new AbortController();
    const { signal } = controller;
    stop.hidden = streams === undefined;
    const start = performance.now();
    try {
      const response = await fetch(url, {
        method,
        body,
        signal,
        headers: { Authorization: key, ...headersOf(question) },
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
      });
      if (streams !== undefined && response.ok) await showEvents(output, response);
      else await showAnswer(output, response, performance.now() - start);
    } catch {
      showProblem(output, signal.aborted ? "Stopped." : "Foyer does not answer.");
    } finally {
      if (controller.signal === signal) stop.hidden = true;
    }
  });
  form.hidden = false;
}

/**
 * The request that a form describes now.
 *
 * @param {HTMLFormElement} form
 * @returns {import("./request.js").Question}
 */
function questionOf(form) {
  const { method = "GET", path = "" } = form.dataset;
  const fields = /** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */ (form
    .querySelectorAll("[data-in]"));
  const values = Array.from(fields, ({ dataset, value }) => ({
    in: dataset.in ?? "",
    name: dataset.name ?? "",
    value,
  }));
  const body = values.find((value) => value.in === "body");
  return {
    method,
    path,
    parameters: values.filter((value) => value.in !== "body"),
    body: body === undefined ? null : body.value,
  };
}

/** Turns the examples of searches into buttons that fill in the search form. */
export function offerSearches() {
  const field = /** @type {HTMLInputElement | null} */ (document.querySelector("#searchVisitors-query-q"));
  if (field === null) return;
  for (const example of document.querySelectorAll("#search td:first-child code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "example";
    button.textContent = example.textContent;
    button.addEventListener("click", () => {
      field.value = button.textContent ?? "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.form?.scrollIntoView({ block: "center" });
      field.focus();
    });
    example.replaceWith(button);
  }
}
