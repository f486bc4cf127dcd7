/**
 * Markup in templates: `` html`<b>${text}</b>` ``. Values are text and never become markup.
 *
 * @module
 */
import htm from "../vendor/htm.js";
import { h } from "../vendor/preact.js";

export const html = htm.bind(h);
