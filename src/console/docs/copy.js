/**
 * Buttons that copy code.
 *
 * @module
 */

/** How long a button confirms that the code was copied, in milliseconds. */
const SAID_FOR = 2000;

/** Adds a copy button to every block of code. */
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
 * Copies text. Fails on a page loaded by HTTP from another host, which has no `navigator.clipboard`.
 *
 * @param {string} text
 * @returns {Promise<boolean>} whether the text was copied
 */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
