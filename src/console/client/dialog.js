/**
 * A dialog over the page. Its button, Escape, or a click beside it close it.
 *
 * @module
 */
import { useLayoutEffect, useRef } from "../vendor/hooks.js";
import { html } from "./html.js";
import { Symbol } from "./marks.js";

/**
 * @param {{ title: string, name: string, onClose: () => void, children?: any }} props `name` is the CSS class
 */
export function Dialog({ title, name, onClose, children }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  // A layout effect, so that the dialog has the focus before the next key is pressed.
  useLayoutEffect(() => {
    const dialog = ref.current;
    const before = /** @type {HTMLElement | null} */ (document.activeElement);
    dialog?.showModal();
    return () => {
      dialog?.close();
      before?.focus({ preventScroll: true });
    };
  }, []);
  /** @param {Event} event */
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  /** @param {MouseEvent} event */
  const click = (event) => {
    if (event.target === ref.current) onClose();
  };
  return html`
    <dialog ref=${ref} class=${`dialog ${name}`} aria-labelledby=${`${name}-title`} onCancel=${cancel}
      onClick=${click}>
      <div class="dialog-body">
        <header>
          <h2 id=${`${name}-title`}>${title}</h2>
          <button type="button" class="quiet" aria-label="Close" onClick=${onClose}><${Symbol} name="close" /></button>
        </header>
        ${children}
      </div>
    </dialog>
  `;
}
