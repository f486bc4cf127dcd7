/**
 * Buttons that copy code.
 *
 * @module
 */

/** How long it says that it was copied, in milliseconds. */
const SAID_FOR = 2000;

/** Gives every block of code such a button. */
export function addCopyButtons() {
  for (const block of document.querySelectorAll(".code")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      const text = block.querySelector("code")?.textContent ?? "";
      button.textContent = await copied(text) ? "Copied" : "Press Ctrl+C";
      setTimeout(() => button.textContent = "Copy", SAID_FOR);
    });
    block.append(button);
  }
}

/**
 * Copies a text. A page loaded by HTTP has no clipboard, unless from localhost.
 *
 * @param {string} text
 * @returns {Promise<boolean>}
 */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
