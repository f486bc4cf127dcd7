/**
 * The controls by which an agent with the write key changes or deletes a visitor.
 *
 * @module
 */
import { useState } from "../vendor/hooks.js";
import { visitorPath } from "./api.js";
import { html } from "./html.js";
import { Symbol } from "./marks.js";
import { Shown } from "./shown.js";
import { useRequest } from "./use_request.js";
import { nameOf } from "./who.js";

/** @typedef {import("./api.js").Visitor} Visitor */

/** @param {{ desk: import("./desk.js").Desk, visitor: Visitor, onChanged: (visitor: Visitor) => void, onRemoved: () => void }} props */
export function Writes({ desk, visitor, onChanged, onRemoved }) {
  const [isRemoving, setRemoving] = useState(false);
  const [edited, setEdited] = useState(/** @type {"name" | "tags" | null} */ (null));
  const { isBusy, problem, run } = useRequest(() => setEdited(null));
  const api = /** @type {import("./api.js").Api} */ (desk.api);
  const { short_id } = visitor;
  if (api.mayWrite !== true) {
    return api.mayWrite === false
      ? html`<p class="note read-only">You signed in with a key that only reads: nothing can be changed here.</p>`
      : null;
  }

  /** @param {Partial<Visitor>} json */
  const change = (json) =>
    run(async () => onChanged((await api.request(visitorPath(short_id), { method: "PATCH", json })).visitor));
  const remove = () =>
    run(async () => {
      await api.request(visitorPath(short_id), { method: "DELETE" });
      onRemoved();
    });
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const given = String(new FormData(/** @type {HTMLFormElement} */ (event.currentTarget)).get("value"))
      .trim();
    if (edited === "name") change({ name: given === "" ? null : given });
    else change({ tags: [...new Set(given.split(/[\s,]+/).filter((tag) => tag !== "").map(withHash))] });
  };
  const given = edited === "name" ? visitor.name ?? "" : (visitor.tags ?? []).join(" ");
  return html`
    <section class="writes">
      <h3>Change</h3>
      <div class="line">
        ${visitor.is_waiting_for_call && html`
          <button type="button" disabled=${isBusy} onClick=${() => change({ is_waiting_for_call: false })}>
            <${Symbol} name="phone" />Take out of waiting</button>
        `}
        <button type="button" aria-expanded=${edited === "name"} onClick=${() =>
          setEdited(edited === "name" ? null : "name")}>Rename</button>
        <button type="button" aria-expanded=${edited === "tags"} onClick=${() =>
          setEdited(edited === "tags" ? null : "tags")}>Tags</button>
        <button type="button" class="danger" aria-expanded=${isRemoving} onClick=${() =>
          setRemoving(!isRemoving)}>
          <${Symbol} name="bin" />Delete</button>
      </div>
      ${edited !== null && html`
        <form class="ask" key=${edited} onSubmit=${submit}>
          <label for="edited">${edited === "name" ? "Name" : "Tags, with spaces between them"}</label>
          <div class="line"><input id="edited" name="value" dir="auto" defaultValue=${given} autocomplete="off" />
            <button type="submit" class="primary" disabled=${isBusy}>Save</button></div>
        </form>
      `}
      ${isRemoving && html`
        <div class="ask" role="group" aria-label="Delete">
          <p>Delete <${Shown} text=${nameOf(visitor)} /> for good? Nothing brings it back.</p>
          <div
            class="line"><button type="button" class="danger solid" disabled=${isBusy} onClick=${remove}>Delete for good</button>
            <button type="button" onClick=${() => setRemoving(false)}>Keep</button></div>
        </div>
      `}
      ${problem !== "" && html`<p class="note problem" role="alert">${problem}</p>`}
    </section>
  `;
}

/** @param {string} tag */
function withHash(tag) {
  return tag.startsWith("#") ? tag : `#${tag}`;
}
