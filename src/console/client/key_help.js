/**
 * The dialog that lists the keyboard shortcuts and turns them on or off.
 *
 * @module
 */
import { html } from "./html.js";

const KEYS = [
  [["/"], "Search"],
  [["c"], "Enter a code"],
  [["j", "↓"], "Next visitor"],
  [["k", "↑"], "Previous visitor"],
  [["Enter"], "Open the visitor"],
  [["w"], "Watch the visitor"],
  [["Esc"], "Close"],
  [["?"], "This help"],
];

/** @param {{ desk: import("./desk.js").Desk }} props */
export function KeyHelp({ desk }) {
  return html`
    <table class="keys">
      <tbody>${KEYS.map(([keys, meaning]) =>
        html`
          <tr key=${meaning}>
            <th scope="row">${Array.from(keys, (key) => html`<kbd key=${key}>${key}</kbd>`)}</th>
            <td>${meaning}</td>
          </tr>
        `
      )}
      </tbody>
    </table>
    <p><label><input type="checkbox" checked=${desk.preferences.shortcuts}
      onChange=${() =>
        desk.prefer({ shortcuts: !desk.preferences.shortcuts })} /> Single keys do this</label></p>
    <p
      class="note">They do nothing while you type. Sound and notifications are off until you turn them on, in each tab.</p>
  `;
}
