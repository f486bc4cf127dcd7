/**
 * The button "I am on it", by which an agent claims a visitor, visibly for all colleagues.
 *
 * @module
 */
import { useState } from "../vendor/hooks.js";
import { html } from "./html.js";
import { Symbol } from "./marks.js";
import { Shown } from "./shown.js";
import { useRequest } from "./use_request.js";

/**
 * @param {{ desk: import("./desk.js").Desk, visitor: Visitor, onChanged: (visitor: Visitor) => void }} props
 *
 * @typedef {import("./api.js").Visitor} Visitor
 */
export function ClaimButton({ desk, visitor, onChanged }) {
  /** The question that the agent has to answer before the claim is sent. */
  const [asks, setAsks] = useState(/** @type {"name" | "take over" | null} */ (null));
  const { short_id, claimed_by, is_online } = visitor;
  const agent = desk.session?.agent ?? "";
  // `claimed_by` is absent if HIDDEN_ATTRIBUTES names it.
  const isMine = desk.claims.has(short_id) && (claimed_by === undefined || claimed_by === agent);
  const isAnothers = Boolean(claimed_by) && !isMine;

  const { isBusy, problem, run } = useRequest(() => setAsks(null), ({ code }) => {
    if (code === "already_claimed") setAsks("take over");
    return code === "already_claimed";
  });
  const claim = (takesOver = false) => run(async () => onChanged(await desk.claim(short_id, takesOver)));
  const click = () => {
    if (isMine) run(async () => onChanged(await desk.release(short_id)));
    else if (desk.session?.agent === "") setAsks("name");
    else if (isAnothers) setAsks("take over");
    else claim();
  };
  /** @param {SubmitEvent} event */
  const submitName = (event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const name = String(form.get("agent")).trim();
    if (name === "") return;
    desk.rename(name);
    if (isAnothers) setAsks("take over");
    else claim();
  };
  const isDisabled = isBusy || (is_online === false && !isMine);
  return html`
    <button type="button" class=${isMine
      ? "mine"
      : ""} aria-pressed=${isMine} disabled=${isDisabled} onClick=${click}
      title=${is_online === false ? "This visitor is offline" : undefined}>
      <${Symbol} name=${isMine ? "done" : "hand"} />${isAnothers ? "Take over" : "I am on it"}
    </button>
    ${asks === "name" && html`
      <form class="ask" onSubmit=${submitName}>
        <label for="claim-agent">Your name, as colleagues see it</label>
        <div class="line"><input id="claim-agent" name="agent" required maxlength="64" autocomplete="off" />
          <button type="submit" class="primary">I am on it</button></div>
      </form>
    `}
    ${asks === "take over" && html`
      <div class="ask" role="group" aria-label="Take over">
        <p>${claimed_by
          ? html`<${Shown} text=${claimed_by} />`
          : "A colleague"} is on it. Take this visitor over?</p>
        <div
          class="line"><button type="button" class="primary" disabled=${isBusy} onClick=${() =>
            claim(true)}>Take over</button>
          <button type="button" onClick=${() => setAsks(null)}>Leave it</button></div>
      </div>
    `}
    ${problem !== "" && html`<p class="note problem" role="alert">${problem}</p>`}
  `;
}
