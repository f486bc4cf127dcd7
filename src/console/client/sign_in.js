/**
 * The form in which an agent signs in with a key.
 *
 * @module
 */
import { useState } from "../vendor/hooks.js";
import { html } from "./html.js";
import { readKey } from "./keys.js";
import { Mark } from "./marks.js";

/** @param {{ desk: import("./desk.js").Desk }} props */
export function SignIn({ desk }) {
  const [problem, setProblem] = useState("");
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const key = readKey(String(form.get("key")));
    if (key === null) setProblem("A key is printable ASCII, without line breaks.");
    else desk.signIn(key, Array.from(String(form.get("agent")).trim()).slice(0, 64).join(""));
  };
  const shown = problem || desk.signInProblem;
  return html`
    <main class="sign-in">
      <form onSubmit=${submit}>
        <${Mark} />
        <h1>Foyer</h1>
        <p class="lead">Who is on your site now.</p>
        <label for="key">Key</label>
        <input id="key" name="key" type="password" required autocomplete="off" spellcheck="false"
          aria-invalid=${shown !== ""} aria-describedby="key-note" ref=${focusOnce} />
        <p id="key-note" class=${shown === "" ? "note" : "note problem"}>${shown ||
          "Kept in this tab alone, until you close it."}</p>
        <label for="agent">Your name <span class="optional">optional</span></label>
        <input id="agent" name="agent" maxlength="64" autocomplete="off" aria-describedby="agent-note" />
        <p id="agent-note" class="note">Colleagues see it when you take care of a visitor.</p>
        <button class="primary" type="submit">Sign in</button>
        <div role="status" class="unseen">${shown}</div>
      </form>
    </main>
  `;
}

const focused = new WeakSet();

/** @param {HTMLElement | null} element */
function focusOnce(element) {
  if (element === null || focused.has(element)) return;
  focused.add(element);
  element.focus();
}
