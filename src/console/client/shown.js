/**
 * A visitor's text in full, with the names of hidden characters.
 *
 * @module
 */
import { html } from "./html.js";
import { ELSEWHERE, safeUrl } from "./links.js";
import { piecesOf } from "./shown_text.js";

/** @param {{ text: string }} props */
export function Shown({ text }) {
  return html`<bdi class="shown">${
    piecesOf(text).map(({ text, isHidden }) =>
      isHidden ? html`<span class="hidden-character" title="A hidden character">${text}</span>` : text
    )
  }</bdi>`;
}

/**
 * A URL, as a link if an agent may follow it.
 *
 * @param {{ url: string, text?: string }} props
 */
export function ShownUrl({ url, text = url }) {
  const href = safeUrl(url);
  return href === null ? html`<${Shown} text=${text} />` : html`
    <a href=${href} ...${ELSEWHERE}><${Shown} text=${text} /></a>
  `;
}
