/**
 * Asks for confirmation before a request changes something.
 *
 * @module
 */

/**
 * Prepares the page's dialog for confirmations.
 *
 * @returns {(request: string) => Promise<boolean>} a function that shows a request, and resolves to whether to send it
 */
export function confirmDialog() {
  const dialog = /** @type {HTMLDialogElement} */ (document.querySelector("#confirm"));
  const shown = /** @type {HTMLElement} */ (document.querySelector("#confirm-request"));
  return (request) => {
    shown.textContent = request;
    // Reset, since closing by Escape would keep the value of the previous use.
    dialog.returnValue = "cancel";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "send"), { once: true });
    });
  };
}
