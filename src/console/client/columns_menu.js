/**
 * The menu in which an agent chooses and orders columns, and the table's density.
 *
 * @module
 */
import { COLUMN_NAMES, COLUMNS, DEFAULT_COLUMNS } from "./columns.js";
import { html } from "./html.js";
import { Symbol } from "./marks.js";

/** @param {{ desk: import("./desk.js").Desk }} props */
export function ColumnsMenu({ desk }) {
  const { columns, density } = desk.preferences;
  const others = COLUMN_NAMES.filter((name) => !columns.includes(name));
  /** @param {string} name */
  const toggle = (name) =>
    desk.prefer({
      columns: columns.includes(name) ? columns.filter((own) => own !== name) : [...columns, name],
    });
  /**
   * @param {string} name
   * @param {number} by
   */
  const move = (name, by) => {
    const without = columns.filter((own) => own !== name);
    without.splice(columns.indexOf(name) + by, 0, name);
    desk.prefer({ columns: without });
  };
  return html`
    <fieldset class="density">
      <legend>Rows</legend>
      ${/** @type {const} */ ([["comfortable", "Comfortable"], ["compact", "Compact"]]).map((
        [value, label],
      ) =>
        html`
          <label key=${value}><input type="radio" name="density" checked=${density === value}
            onChange=${() => desk.prefer({ density: value })} /> ${label}</label>
        `
      )}
    </fieldset>
    <fieldset>
      <legend>Columns</legend>
      <ul class="column-list">
        ${[...columns, ...others].map((name) => {
          const index = columns.indexOf(name);
          const { title } = COLUMNS[name];
          return html`
            <li key=${name}>
              <label><input type="checkbox" checked=${index >= 0} disabled=${index >= 0 &&
                columns.length === 1}
                onChange=${() => toggle(name)} /> ${title}</label>
              ${index >= 0 && html`
                <span>
                  <button type="button" class="quiet" aria-label=${`Move ${title} to the left`} disabled=${index ===
                    0}
                    onClick=${() => move(name, -1)}><${Symbol} name="up" /></button>
                  <button type="button" class="quiet" aria-label=${`Move ${title} to the right`}
                    disabled=${index === columns.length - 1} onClick=${() =>
                      move(name, 1)}><${Symbol} name="down" /></button>
                </span>
              `}
            </li>
          `;
        })}
      </ul>
    </fieldset>
    <p><button type="button" class="link" onClick=${() =>
      desk.prefer({ columns: DEFAULT_COLUMNS, density: "comfortable" })}>
      As it was at first</button></p>
  `;
}
