/**
 * The console's root component.
 *
 * @module
 */
import { serverNow } from "./api.js";
import { CodeEntry } from "./code_entry.js";
import { ColumnsMenu } from "./columns_menu.js";
import { Dialog } from "./dialog.js";
import { Header } from "./header.js";
import { html } from "./html.js";
import { KeyHelp } from "./key_help.js";
import { Mark, Symbol } from "./marks.js";
import { Chips, Search, SearchHelp } from "./search.js";
import { SignIn } from "./sign_in.js";
import { freshness, reasonText } from "./summary.js";
import { Table } from "./table.js";
import { clockText } from "./times.js";
import { VisitorPanel } from "./visitor.js";

/** @typedef {import("./desk.js").Desk} Desk */

/**
 * @param {{ desk: Desk, hands: Hands }} props
 *
 * The components that keyboard shortcuts control.
 *
 * @typedef {{ table: Table | null }} Hands
 */
export function App({ desk, hands }) {
  if (desk.session === null) return html`<${SignIn} desk=${desk} />`;
  if (desk.connection.code === "not_found") {
    return html`
      <main class="notice">
        <${Mark} />
        <h1>The REST API is disabled</h1>
        <p>The server says that there is no such route. Set <code>REST_KEY</code> and start Foyer again, then load this page again.</p>
      </main>
    `;
  }
  return html`
    <div class=${`console ${desk.mode} ${desk.openId === null ? "" : "with-visitor"}`}>
      <${Header} desk=${desk} />
      ${desk.mode === "code"
        ? html`<${CodeDesk} desk=${desk} />`
        : html`<${FullDesk} desk=${desk} hands=${hands} />`}
      <div role="status" aria-live="polite" class="unseen">${desk.alerts.summary}</div>
    </div>
  `;
}

/** @param {Desk} desk */
function opening(desk) {
  return (/** @type {import("./api.js").Visitor} */ { short_id }) => desk.open(short_id);
}

/** @param {{ desk: Desk }} props */
function CodeDesk({ desk }) {
  return html`
    <main class="code-desk">
      <${CodeEntry} desk=${desk} onOpen=${opening(desk)} />
      ${desk.openId !== null &&
        html`<${OpenVisitor} desk=${desk} onClose=${() => desk.closeVisitor()} />`}
    </main>
  `;
}

/** @param {{ desk: Desk, hands: Hands }} props */
function FullDesk({ desk, hands }) {
  const close = () => {
    const shortId = desk.openId;
    desk.closeVisitor();
    if (shortId !== null) hands.table?.focusRow(shortId);
  };
  return html`
    <${Interruption} desk=${desk} />
    <div class="desk">
      <main class="list">
        <div class="bar">
          <${Search} desk=${desk} />
          <${Chips} desk=${desk} />
          <button type="button" class="quiet columns-button" title="Columns and density" aria-label="Columns and density"
            onClick=${() => desk.show("columns")}><${Symbol} name="columns" /></button>
        </div>
        <${List} desk=${desk} hands=${hands} />
      </main>
      ${desk.openId !== null && html`<${OpenVisitor} desk=${desk} onClose=${close} />`}
    </div>
    <${Panels} desk=${desk} />
  `;
}

/** @param {{ desk: Desk, onClose: () => void }} props */
function OpenVisitor({ desk, onClose }) {
  const shortId = /** @type {string} */ (desk.openId);
  const entry = desk.list.get(shortId);
  const listed = entry !== undefined && entry.leftAt === null ? entry.visitor : null;
  return html`
    <${VisitorPanel} key=${shortId} desk=${desk} shortId=${shortId} listed=${listed} onClose=${onClose} />
  `;
}

/** @param {{ desk: Desk, hands: Hands }} props */
function List({ desk, hands }) {
  const { list, connection, searchedQ, preferences } = desk;
  if (connection.state === "refused") {
    return html`
      <div class="nothing">
        <h2>This search cannot be used</h2>
        <p>${connection.message}</p>
      </div>
    `;
  }
  if (list.isEmpty) return html`<${Loading} desk=${desk} />`;
  const rows = list.rows();
  if (rows.length === 0) return html`<${Nobody} q=${searchedQ} desk=${desk} />`;
  return html`
    <${Table} rows=${rows} columns=${preferences.columns} density=${preferences.density} openId=${desk.openId}
      now=${serverNow()} isFrozen=${list.isFrozen} newer=${list.newer} newerWaiting=${list.newerWaiting}
      onOpen=${(/** @type {string} */ id) => desk.open(id)} onFreeze=${(/** @type {boolean} */ is) =>
        desk.freeze(is)}
      onCatchUp=${() => desk.catchUp()} hands=${hands} />
  `;
}

/** @param {{ desk: Desk }} props */
function Loading({ desk }) {
  const { connection } = desk;
  if (connection.state === "lost") {
    return html`
      <div class="nothing">
        <h2>No visitors yet</h2>
        <p>${reasonText(connection, serverNow())}</p>
      </div>
    `;
  }
  return html`<div class="skeleton" aria-busy="true"><span class="unseen">Loading visitors</span>${
    Array.from({ length: 8 }, (_, i) => html`<div class="bone" key=${i}><i></i><i></i><i></i></div>`)
  }</div>`;
}

/** @param {{ q: string, desk: Desk }} props */
function Nobody({ q, desk }) {
  return q === ""
    ? html`
      <div class="nothing">
        <h2>Nobody is online</h2>
        <p>Visitors appear here by themselves as soon as they open a page of your site.</p>
      </div>
    `
    : html`
      <div class="nothing">
        <h2>Nobody matches</h2>
        <p>Nobody matches <bdi><strong>${q}</strong></bdi>. Visitors who match will appear here.</p>
        <p><button type="button" onClick=${() => desk.search("", true)}>Clear the search</button>
                <button type="button" class="link" onClick=${() =>
                  desk.show("search")}>What can be searched for</button></p>
      </div>
    `;
}

/** Tells the agent that the list is not current, and why. @param {{ desk: Desk }} props */
function Interruption({ desk }) {
  const { connection, list } = desk;
  const now = serverNow();
  const { kind } = freshness(connection, now);
  const isRefusedForNow = connection.waitUntil !== null && connection.waitUntil > now;
  if (
    list.isEmpty || !(kind === "lost" || isRefusedForNow || (kind === "old" && now - connection.at > 10_000))
  ) return null;
  return html`
    <section class="interruption" aria-label="Connection">
      <p><strong>The list is as it was at ${clockText(connection.at)}.</strong> ${reasonText(
        connection,
        now,
      )}</p>
      ${!isRefusedForNow && html`<button type="button" onClick=${() => desk.hurry()}>Try now</button>`}
    </section>
  `;
}

/** @param {{ desk: Desk }} props */
function Panels({ desk }) {
  const onClose = () => desk.show(null);
  switch (desk.panel) {
    case "code":
      return html`
        <${Dialog} title="Enter a code" name="code-dialog" onClose=${onClose}>
          <${CodeEntry} desk=${desk} onOpen=${opening(desk)} />
          </${Dialog}>
      `;
    case "help":
      return html`
        <${Dialog} title="Keys" name="help-dialog" onClose=${onClose}>
          <${KeyHelp} desk=${desk} />
          </${Dialog}>
      `;
    case "search":
      return html`
        <${Dialog} title="What can be searched for" name="search-dialog" onClose=${onClose}>
          <${SearchHelp} desk=${desk} />
          </${Dialog}>
      `;
    case "columns":
      return html`
        <${Dialog} title="Columns and density" name="columns-dialog" onClose=${onClose}>
          <${ColumnsMenu} desk=${desk} />
          </${Dialog}>
      `;
    default:
      return null;
  }
}
