/**
 * All attributes of a visitor, each with its meaning.
 *
 * @module
 */
import { useEffect, useState } from "../vendor/hooks.js";
import { Copy } from "./copy.js";
import { html } from "./html.js";
import { labelOf, meaningsOf } from "./meanings.js";
import { Shown, ShownUrl } from "./shown.js";
import { dateText } from "./times.js";

/** @param {{ api: import("./api.js").Api, visitor: import("./api.js").Visitor }} props */
export function Attributes({ api, visitor }) {
  const [meanings, setMeanings] = useState(/** @type {Record<string, string>} */ ({}));
  useEffect(() => {
    let isWanted = true;
    meaningsOf(api).then((meanings) => isWanted && setMeanings(meanings));
    return () => isWanted = false;
  }, [api]);
  return html`
    <section class="attributes">
      <h3>Everything known</h3>
      <dl>${Object.entries(visitor).map(([name, value]) =>
        html`
          <div key=${name} class=${isEmpty(value) ? "attribute blank" : "attribute"}>
            <dt><span class="label" title=${name}>${labelOf(
              name,
            )}</span> <span class="meaning">${meanings[name] ?? ""}</span></dt>
            <dd>
              <${Value} name=${name} value=${value} />
            </dd>
          </div>
        `
      )}</dl>
    </section>
  `;
}

/** @param {unknown} value */
function isEmpty(value) {
  return value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}

/** @param {{ name: string, value: any }} props */
function Value({ name, value }) {
  if (isEmpty(value)) return html`<span class="none">–</span>`;
  if (typeof value === "boolean") return html`<span>${value ? "yes" : "no"}</span>`;
  if (Array.isArray(value)) {
    return html`<ul>${
      value.map((item, i) =>
        html`
          <li key=${i}>
            <${Text} text=${String(item)} label=${name} />
          </li>
        `
      )
    }</ul>`;
  }
  if (typeof value === "object") {
    return html`<ul>${
      Object.entries(value).map(([key, item]) =>
        html`
          <li
            key=${key}><span class="meta-key"><${Shown} text=${key} /></span> <${Text} text=${String(
              item,
            )} label=${key} /></li>
        `
      )
    }</ul>`;
  }
  if (/_at$|_since$/.test(name)) {
    return html`<span class="copied"><time datetime=${value} title=${value}>${dateText(String(value))}</time>
      <${Copy} text=${String(value)} label=${labelOf(name)} /></span>`;
  }
  return html`<${Text} text=${String(value)} label=${name} />`;
}

/** @param {{ text: string, label: string }} props */
function Text({ text, label }) {
  return html`<span class="copied"><${ShownUrl} url=${text} /><${Copy} text=${text} label=${
    labelOf(label)
  } /></span>`;
}
