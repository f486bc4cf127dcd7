/**
 * Starts the console.
 *
 * @module
 */
import { render } from "../vendor/preact.js";
import { serverNow } from "./api.js";
import { App } from "./app.js";
import { Desk } from "./desk.js";
import { html } from "./html.js";
import { takeKey } from "./keyboard.js";
import { countText, freshness, iconName, titleText } from "./summary.js";

const root = /** @type {HTMLElement} */ (document.querySelector("#console"));
const icon = /** @type {HTMLLinkElement} */ (document.querySelector("#icon"));
const iconFolder = new URL("../icons/", import.meta.url);

/** @type {import("./app.js").Hands} */
const hands = { table: null };
let shownIcon = "0.svg";
/** @type {number | null} */
let saidWaiting = null;

/** Renders the title and the icon, and the rest only while the tab is visible. */
function draw() {
  if (document.hidden) desk.list.rows();
  else render(html`<${App} desk=${desk} hands=${hands} />`, root);
  const { count, connection, session } = desk;
  const isSignedIn = session !== null && desk.mode === "full";
  const isCurrent = !isSignedIn || freshness(connection, serverNow()).kind !== "lost";
  const title = isSignedIn ? titleText(count, isCurrent) : "Foyer";
  if (document.title !== title) document.title = title;
  const name = iconName(isSignedIn ? count?.waiting ?? 0 : 0, isCurrent);
  if (name !== shownIcon) icon.href = new URL(shownIcon = name, iconFolder).href;
  // Screen readers announce changes of the waiting visitors, not everyone who comes and goes.
  if (isSignedIn && count !== null && count.waiting !== saidWaiting) {
    saidWaiting = count.waiting;
    desk.alerts.say(countText(count));
  }
}

const desk = new Desk(root.dataset.mode === "code" ? "code" : "full", draw);
draw();

setInterval(() => desk.tick(), 1000);
addEventListener("keydown", (event) => takeKey(event, desk, hands));
addEventListener("hashchange", () => desk.readFragment());
addEventListener("online", () => desk.hurry());
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return desk.freeze(false);
  desk.hurry();
  desk.draw();
});
addEventListener("pagehide", () => desk.close());
// A page that comes back from the back/forward cache has lost its connections.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
