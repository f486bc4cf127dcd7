/**
 * The form for the reader's key. The key is stored like the console's: for this tab only.
 *
 * @module
 */
import { forgetSession, keepSession, readKey, readSession } from "../client/keys.js";

/**
 * Access to the entered key.
 *
 * @typedef {object} Keys
 * @property {() => string | null} current
 * @property {() => void} want shows the reader the field for the key
 */

/**
 * Starts the form in which the key is entered.
 *
 * @param {string} root the URL of the API
 * @returns {Keys}
 */
export function startKeyForm(root) {
  const form = /** @type {HTMLFormElement} */ (document.querySelector("#key"));
  const field = /** @type {HTMLInputElement} */ (form.querySelector("#key-field"));
  const forget = /** @type {HTMLButtonElement} */ (form.querySelector("#key-forget"));
  const state = /** @type {HTMLOutputElement} */ (form.querySelector("#key-state"));
  let session = readSession();

  /** @param {string} sentence @param {boolean} [isWrong] */
  const say = (sentence, isWrong = false) => {
    state.textContent = sentence;
    state.classList.toggle("wrong", isWrong);
    field.setAttribute("aria-invalid", String(isWrong));
    forget.hidden = session === null;
    form.classList.toggle("has-key", session !== null);
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const key = readKey(field.value);
    if (key === null) return say("A key has only letters, digits and signs of ASCII.", true);
    say("Asking…");
    const { problem, may } = await tryKey(root, key);
    if (problem !== undefined) return say(problem, true);
    session = { key, agent: session?.agent ?? "" };
    keepSession(session);
    field.value = "";
    say(
      `${
        may === "write" ? "It reads and changes. " : may === "read" ? "It reads. " : ""
      }Kept for this tab alone.`,
    );
  });
  forget.addEventListener("click", () => {
    forgetSession();
    session = null;
    say("Forgotten.");
    field.focus();
  });

  form.hidden = false;
  say(session === null ? "" : "This tab's key is used.");
  return {
    current: () => session?.key ?? null,
    want() {
      say("Enter your key first.", true);
      field.focus();
    },
  };
}

/**
 * Tries a key: returns what the key may do, or why it cannot be used.
 *
 * @param {string} root
 * @param {string} key
 * @returns {Promise<{ problem?: string, may?: string | null }>}
 */
async function tryKey(root, key) {
  try {
    const { status, headers } = await fetch(`${root}/usage`, {
      headers: { Authorization: key },
      credentials: "omit",
      cache: "no-store",
    });
    if (status === 401) return { problem: "Foyer does not know this key." };
    // Any other answer means that the key was accepted.
    return { may: headers.get("Foyer-Key") };
  } catch {
    return { problem: "Foyer does not answer." };
  }
}
