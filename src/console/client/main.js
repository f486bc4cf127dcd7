/**
 * Starts the console.
 *
 * @module
 */
import { render } from "../vendor/preact.js";
import { html } from "./html.js";

const root = document.querySelector("#console");
if (root !== null) {
  render(
    html`
      <main class="notice">
        <h1>Foyer</h1>
      </main>
    `,
    root,
  );
}
