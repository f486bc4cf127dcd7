/**
 * Asks before something is changed.
 *
 * @module
 */

/**
 * Makes the page's dialog ask.
 *
 * @returns {(request: string) => Promise<boolean>} shows a request, and resolves to whether it is to be sent
 */
export function confirmDialog() {
  const dialog = /** @type {HTMLDialogElement} */ (document.querySelector("#confirm"));
  const shown = /** @type {HTMLElement} */ (document.querySelector("#confirm-request"));
  return (request) => {
    shown.textContent = request;
    // Escape leaves the value of the last time.
    dialog.returnValue = "cancel";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "send"), { once: true });
    });
  };
}
