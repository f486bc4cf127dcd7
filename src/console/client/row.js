/**
 * A row of the table, or a card on a phone.
 *
 * @module
 */
import { Component } from "../vendor/preact.js";
import { isTaken } from "./bell.js";
import { COLUMNS } from "./columns.js";
import { html } from "./html.js";
import { plainText } from "./shown_text.js";
import { Symbol } from "./marks.js";
import { durationText, urgencyOf, waitText } from "./times.js";
import { isWaiting, waitingSince } from "./visitor_list.js";
import { detailOf, nameOf } from "./who.js";

/**
 * @typedef {import("./api.js").Visitor} Visitor
 * @typedef {import("./visitor_list.js").Entry} Entry
 */

/** The most characters of a text in a row: more would not fit, and would slow down the layout. */
const MOST_SHOWN = 200;

/** The most tags that fit in a row. */
const MOST_TAGS = 2;

/** @param {string} text */
const short = (text) => plainText(text.slice(0, MOST_SHOWN));

/**
 * @typedef {object} RowProps
 * @property {Visitor} visitor
 * @property {number | null} since when the visitor came online, in milliseconds; `null` if unknown
 * @property {boolean} isSinceExact
 * @property {boolean} isLeaving
 * @property {number} index from 0
 * @property {number} height in pixels
 * @property {string[]} columns
 * @property {boolean} isOpen
 * @property {boolean} isActive whether the row has the keyboard focus, or would get it
 * @property {number} second the current time, in whole seconds
 * @property {(shortId: string) => void} onOpen
 */

/** @extends {Component<RowProps>} */
export class Row extends Component {
  /**
   * @override
   * @param {RowProps} next
   */
  shouldComponentUpdate(next) {
    const { props } = this;
    return /** @type {(keyof RowProps)[]} */ (Object.keys(next)).some((name) => next[name] !== props[name]);
  }

  /** @override */
  render() {
    const { visitor, isLeaving, index, height, columns, isOpen, isActive, onOpen } = this.props;
    const detail = short(detailOf(visitor));
    const classes = [
      "row",
      isLeaving && "leaving",
      isOpen && "open",
      isWaiting(visitor) && !isLeaving && "waits",
      visitor.is_online === false && "offline",
    ].filter(Boolean).join(" ");
    return html`
      <div class=${classes} role="row" aria-rowindex=${index + 2} aria-selected=${isOpen} tabindex=${isActive
        ? 0
        : -1}
        data-id=${visitor.short_id} style=${{ transform: `translateY(${index * height}px)` }}
        onClick=${() => onOpen(visitor.short_id)}>
        <div class="cell status" role="gridcell"><${Status} ...${this.props} /></div>
        <div class="cell who" role="gridcell">
          <bdi class="name">${short(nameOf(visitor))}</bdi>${detail !== "" &&
            html`<bdi class="detail">${detail}</bdi>`}
        </div>
        ${columns.map((name) => html`<${Cell} key=${name} name=${name} ...${this.props} />`)}
      </div>
    `;
  }
}

/** @param {RowProps & { name: string }} props */
function Cell({ name, visitor, since, isSinceExact, second }) {
  if (name === "tags") {
    const tags = Array.isArray(visitor.tags) ? visitor.tags : [];
    const more = tags.length - MOST_TAGS;
    return html`<div class="cell tags" role="gridcell">${
      tags.slice(0, MOST_TAGS).map((tag, i) => html`<bdi class="tag" key=${i}>${short(String(tag))}</bdi>`)
    }${more > 0 && html`<span class="more">+${more}</span>`}</div>`;
  }
  if (name === "here") {
    return html`<div class="cell here" role="gridcell">${
      hereText(visitor, { since, isSinceExact }, second * 1000)
    }</div>`;
  }
  const text = short(COLUMNS[name].text(visitor));
  return html`<div class=${`cell ${name}`} role="gridcell"><bdi title=${
    text.length > 24 ? text : undefined
  }>${text}</bdi></div>`;
}

/**
 * How long a visitor has been online; with "at least" if the visitor came before the console read the list.
 *
 * @param {Visitor} visitor
 * @param {Pick<Entry, "since" | "isSinceExact">} entry
 * @param {number} now in milliseconds
 */
export function hereText({ is_online }, { since, isSinceExact }, now) {
  if (is_online === false || since === null) return "";
  const minutes = Math.floor((now - since) / 60_000);
  if (minutes < 1) return isSinceExact ? "now" : "";
  return `${isSinceExact ? "" : "> "}${durationText(now - since)}`;
}

/** @param {RowProps} props */
export function Status({ visitor, isLeaving, second }) {
  const { claimed_by, is_in_session, is_online, last_seen_at } = visitor;
  if (isLeaving) return html`<${State} kind="left" text="Left" />`;
  const claim = claimed_by ? html`<bdi class="detail claim">${short(claimed_by)} is on it</bdi>` : null;
  const now = second * 1000;
  if (isWaiting(visitor)) {
    const since = waitingSince(visitor);
    const wait = since === null ? null : now - since;
    return html`
      <${State} kind=${isTaken(visitor) ? "taken" : wait === null ? "fresh" : urgencyOf(wait)} symbol="phone"
        text="Waits" time=${wait === null ? null : waitText(wait)} />${claim}
    `;
  }
  if (is_in_session) return html`<${State} kind="session" text="In session" />${claim}`;
  if (claim !== null) return html`<${State} kind="taken" text="Online" />${claim}`;
  if (is_online !== false) return html`<${State} kind="online" text="Online" />`;
  const seen = Date.parse(last_seen_at ?? "");
  return html`<${State} kind="offline" text="Offline" />${
    !Number.isNaN(seen) && html`<span class="detail">${durationText(now - seen)} ago</span>`
  }`;
}

/** @param {{ kind: string, text: string, time?: string | null, symbol?: any }} props */
function State({ kind, text, time = null, symbol }) {
  return html`<span class=${`state ${kind}`}>${
    symbol === undefined ? html`<span class="dot"></span>` : html`<${Symbol} name=${symbol} />`
  }<span>${time === null ? text : `${text} `}${
    time !== null && html`<span class="time">${time}</span>`
  }</span></span>`;
}
