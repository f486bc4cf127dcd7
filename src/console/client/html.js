/**
 * Markup in template literals: `` html`<b>${text}</b>` ``. Values are inserted as text, never as markup.
 *
 * @module
 */
import htm from "../vendor/htm.js";
import { h } from "../vendor/preact.js";

export const html = htm.bind(h);
