/**
 * The search: the box, chips for common filters, and the help on the search format.
 *
 * @module
 */
import { html } from "./html.js";
import { Symbol } from "./marks.js";
import { plainText } from "./shown_text.js";
import { fragmentOf, hasPart, partsOf, togglePart } from "./search_parts.js";

/** @typedef {import("./desk.js").Desk} Desk */

/** The most tags that have a chip. */
const MOST_TAGS = 5;

/** @param {{ desk: Desk }} props */
export function Search({ desk }) {
  /** @param {KeyboardEvent} event */
  const press = (event) => {
    const input = /** @type {HTMLInputElement} */ (event.currentTarget);
    if (event.key === "Enter") desk.search(input.value, true);
    else if (event.key === "Escape" && input.value !== "") {
      event.preventDefault();
      desk.search("", true);
    }
  };
  /** @param {SubmitEvent} event */
  const submit = (event) => event.preventDefault();
  return html`
    <form class="search" role="search" onSubmit=${submit}>
      <div class="search-box">
        <${Symbol} name="search" />
        <label class="unseen" for="search">Search</label>
        <input id="search" type="search" dir="auto" autocomplete="off" spellcheck="false" maxlength="256"
          placeholder="Name, e-mail, code, #tag, page…" value=${desk.q} onKeyDown=${press}
          onInput=${(/** @type {Event} */ event) =>
            desk.search(/** @type {HTMLInputElement} */ (event.currentTarget).value)} />
        ${desk.q === "" && html`<kbd aria-hidden="true">/</kbd>`}
        <button type="button" class="quiet" aria-label="What can be searched for" title="What can be searched for"
          onClick=${() => desk.show("search")}><${Symbol} name="help" /></button>
      </div>
    </form>
  `;
}

/** @param {{ desk: Desk }} props */
export function Chips({ desk }) {
  const { q } = desk;
  /** @type {[label: string, part: string, others: string[]][]} */
  const chips = [
    ["Online", "online", ["-online"]],
    ["Offline", "-online", ["online"]],
    ...tagsOf(desk).map((
      tag,
    ) => /** @type {[string, string, string[]]} */ ([plainText(tag), tag, []])),
  ];
  return html`
    <div class="chips" role="group" aria-label="Filters">
      ${chips.map(([label, part, others]) =>
        html`
          <button type="button" class="chip" key=${part} aria-pressed=${hasPart(q, part)}
            onClick=${() => desk.search(togglePart(q, part, others), true)}><bdi>${label}</bdi></button>
        `
      )}
      ${q !== "" && html`
        <button type="button" class="link" onClick=${() => desk.search("", true)}>Clear</button>
      `}
    </div>
  `;
}

/**
 * The tags with a chip: those in the search, and the most frequent ones on the list.
 *
 * @param {Desk} desk
 */
function tagsOf({ list, q }) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const { tags } of list.visitors()) {
    for (const tag of Array.isArray(tags) ? tags : []) {
      // Other tags cannot be searched for, or are too long for a chip.
      if (/^#[^\s"]{1,24}$/.test(tag)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    }
  }
  const most = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).map(([tag]) => tag);
  const searched = partsOf(q).filter((part) => /^#./.test(part));
  // Sorted by name, so that chips do not move as visitors come and go.
  return [...new Set([...searched, ...most.slice(0, MOST_TAGS)])].slice(0, MOST_TAGS).sort();
}

/** The search format: each kind of part with an example, and whom it finds. */
const FORMAT = [
  [
    "text",
    "muller",
    "by name, e-mail address, identity, place, browser, device or web page; accents and letter case aside, and one typo away where nobody matches",
  ],
  ["an e-mail address", "jane@example.com", "with that address"],
  ["four digits", "1234", "with that code"],
  ["online", "online", "who are online"],
  ["-online", "-online", "who are offline"],
  ["#tag", "#customer", "with that tag"],
  ["id:", "id:user123", "with that unique id"],
  ["integration_id:", "integration_id:acmechat:1234", "with that id of another system"],
  ["ip:", "ip:192.0.2.1", "with that IP address"],
  ["url:", "url:pricing", "online, with that text in the URL of their page"],
  ['"…"', '"van der Berg"', "with these words as they stand"],
];

/** @param {{ desk: Desk }} props */
export function SearchHelp({ desk }) {
  /** @param {string} example */
  const take = (example) => {
    desk.show(null);
    desk.search(example, true);
  };
  return html`
    <p>Every part must match, and parts are split at spaces. The URL of this page holds the search: send it to a colleague.</p>
    <table class="format">
      <thead>
        <tr>
          <th scope="col">Write</th>
          <th scope="col">Finds visitors</th>
          <th scope="col">For example</th>
        </tr>
      </thead>
      <tbody>${FORMAT.map(([what, example, meaning]) =>
        html`
          <tr key=${what}>
            <th scope="row">${what}</th>
            <td>${meaning}</td>
            <td><button type="button" class="link" onClick=${() =>
              take(example)}><code>${example}</code></button></td>
          </tr>
        `
      )}
      </tbody>
    </table>
    ${desk.q.trim() !== "" && html`
      <p class="note">Link to this search: <code>${fragmentOf(desk.q)}</code></p>
    `}
  `;
}
