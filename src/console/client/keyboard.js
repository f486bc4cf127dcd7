/**
 * The keyboard shortcuts, which are off while the agent types text.
 *
 * @module
 */

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));
}

/**
 * Handles a key press.
 *
 * @param {KeyboardEvent} event
 * @param {import("./desk.js").Desk} desk
 * @param {import("./app.js").Hands} hands
 */
export function takeKey(event, desk, hands) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (desk.session === null || desk.panel !== null || isTyping(event.target)) return;
  if (event.key === "Escape" && desk.openId !== null) {
    const shortId = desk.openId;
    desk.closeVisitor();
    hands.table?.focusRow(shortId);
  } else if (desk.mode === "full" && takeFullKey(event, desk, hands)) event.preventDefault();
}

/**
 * @param {KeyboardEvent} event
 * @param {import("./desk.js").Desk} desk
 * @param {import("./app.js").Hands} hands
 * @returns {boolean} whether the key was a shortcut
 */
function takeFullKey(event, desk, { table }) {
  const row = /** @type {HTMLElement} */ (event.target).closest?.(".row");
  // In the table these keys move the focus, as in any grid.
  if (row !== null && row !== undefined && table !== null) {
    switch (event.key) {
      case "ArrowDown":
        table.move(1);
        return true;
      case "ArrowUp":
        table.move(-1);
        return true;
      case "Home":
        table.move(-Infinity);
        return true;
      case "End":
        table.move(Infinity);
        return true;
      case "PageDown":
        table.move(10);
        return true;
      case "PageUp":
        table.move(-10);
        return true;
      case "Enter":
        if (table.activeId !== null) desk.open(table.activeId);
        return true;
    }
  }
  if (!desk.preferences.shortcuts) return false;
  switch (event.key) {
    case "/":
      /** @type {HTMLElement | null} */ (document.querySelector("#search"))?.focus();
      return true;
    case "c":
      desk.show("code");
      return true;
    case "?":
      desk.show("help");
      return true;
    case "j":
    case "ArrowDown":
      if (isControl(event)) return false;
      table?.move(1);
      return true;
    case "k":
    case "ArrowUp":
      if (isControl(event)) return false;
      table?.move(-1);
      return true;
    case "w": {
      const shortId = desk.openId ?? table?.activeId ?? null;
      if (shortId !== null) desk.watch(shortId);
      return true;
    }
    default:
      return false;
  }
}

/** Whether a key belongs to the focused element: arrow keys scroll the open visitor. @param {KeyboardEvent} event */
function isControl({ key, target }) {
  return key.startsWith("Arrow") && target instanceof HTMLElement && target.closest(".visitor") !== null;
}
