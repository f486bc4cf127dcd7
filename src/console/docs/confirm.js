/**
 * Asks before something is changed.
 *
 * @module
 */

/**
 * Makes the page's dialog ask for a confirmation.
 *
 * @returns {(request: string) => Promise<boolean>} shows a request, and resolves to whether it is to be sent
 */
export function confirmDialog() {
  const dialog = /** @type {HTMLDialogElement} */ (document.querySelector("#confirm"));
  const shown = /** @type {HTMLElement} */ (document.querySelector("#confirm-request"));
  return (request) => {
    shown.textContent = request;
    // Escape would leave the value of the previous dialog.
    dialog.returnValue = "cancel";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "send"), { once: true });
    });
  };
}
