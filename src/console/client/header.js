/**
 * The header: how current the list is, how many visitors are online and waiting, and the settings of alerts.
 *
 * @module
 */
import { serverNow } from "./api.js";
import { html } from "./html.js";
import { Mark, Symbol } from "./marks.js";
import { freshness } from "./summary.js";

/** @param {{ desk: import("./desk.js").Desk }} props */
export function Header({ desk }) {
  const { count, alerts, mode, session } = desk;
  const { kind, text } = freshness(desk.connection, serverNow());
  return html`
    <header class="top">
      <div class="brand"><${Mark} /><h1>Foyer</h1></div>
      ${mode === "full" && html`
        <p class=${`freshness ${kind}`} id="freshness"><span class="dot"></span>${text}</p>
        ${count !== null && html`
          <p class="counts"><span class=${count.waiting > 0 ? "count waiting" : "count"}><strong>${count
            .waiting}</strong> waiting</span>
            <span class="count"><strong>${count.online}</strong> online</span></p>
        `}
      `}
      <div class="tools">
        ${mode === "full" && html`
          <button type="button" class="code-button" aria-label="Enter code"
            onClick=${() => desk.show("code")}><${Symbol} name="code" /><span>Enter code</span></button>
          ${alerts.isRinging && html`
            <button type="button" class="ringing"
              onClick=${() =>
                desk
                  .silence()}><${Symbol} name="sound" /><span><span class="wide">Ringing: </span>Silence</span></button>
          `}
          <button type="button" class="quiet" aria-pressed=${alerts.sound.isOn} title=${alerts.sound.isOn
            ? "Sound is on"
            : "Sound is off"}
            aria-label="Sound for those who wait" onClick=${() => alerts.toggleSound()}>
            <${Symbol} name=${alerts.sound.isOn ? "sound" : "mute"} /></button>
          ${alerts.canNotify && html`
            <button type="button" class="quiet" aria-pressed=${alerts.notifies} title=${alerts.notifies
              ? "Notifications are on"
              : "Notifications are off"}
              aria-label="Notifications of those who wait" onClick=${() => alerts.toggleNotices()}>
              <${Symbol} name=${alerts.notifies ? "notice" : "noticeOff"} /></button>
          `}
          <button type="button" class="quiet" title="Keys" aria-label="Keys"
            onClick=${() => desk.show("help")}><${Symbol} name="help" /></button>
        `}
        ${session !== null && session.agent !== "" && html`<bdi class="agent">${session.agent}</bdi>`}
        <button type="button" class="quiet" title="Sign out" aria-label="Sign out" onClick=${() =>
          desk.signOut()}><${Symbol} name="out" /></button>
      </div>
    </header>
  `;
}
