/**
 * The table of visitors. It renders only the visible rows and a few more; all rows have the same height.
 *
 * @module
 */
import { Component } from "../vendor/preact.js";
import { COLUMNS, widthsOf } from "./columns.js";
import { html } from "./html.js";
import { Row } from "./row.js";

/** @typedef {import("./visitor_list.js").Entry} Entry */

/** The number of rows that are rendered above and below the visible ones. */
const OVERSCAN = 6;

/** The heights of a card on a phone and of a row, in pixels; the same as in the style sheet. */
const HEIGHTS = { card: 108, comfortable: 52, compact: 34 };

/** The media query for screens on which rows are cards. */
export const PHONE = "(max-width: 719px)";

/**
 * @typedef {object} TableProps
 * @property {Entry[]} rows
 * @property {string[]} columns
 * @property {"comfortable" | "compact"} density
 * @property {string | null} openId
 * @property {number} now in milliseconds
 * @property {boolean} isFrozen
 * @property {number} newer
 * @property {number} newerWaiting
 * @property {(shortId: string) => void} onOpen
 * @property {(isFrozen: boolean) => void} onFreeze
 * @property {() => void} onCatchUp
 * @property {import("./app.js").Hands} hands
 */

/** @extends {Component<TableProps, { top: number, height: number, activeId: string | null, isPhone: boolean }>} */
export class Table extends Component {
  /** @override */
  state = {
    top: 0,
    height: innerHeight,
    activeId: /** @type {string | null} */ (null),
    isPhone: matchMedia(PHONE).matches,
  };
  /** @type {HTMLElement | null} */
  #scroller = null;
  #isPointed = false;
  #isFocused = false;
  #isScrolled = false;
  /** The short id of a row that gets the focus once it is rendered. @type {string | null} */
  #toFocus = null;
  #phone = matchMedia(PHONE);
  #observer = new ResizeObserver(() => this.#measure());

  /** @param {HTMLElement | null} element */
  #setScroller = (element) => this.#scroller = element;

  #onPhone = () => this.setState({ isPhone: this.#phone.matches });

  /** @override */
  componentDidMount() {
    this.props.hands.table = this;
    this.#phone.addEventListener("change", this.#onPhone);
    if (this.#scroller !== null) this.#observer.observe(this.#scroller);
  }

  /** @override */
  componentWillUnmount() {
    this.props.hands.table = null;
    this.#phone.removeEventListener("change", this.#onPhone);
    this.#observer.disconnect();
    this.props.onFreeze(false);
  }

  /** @override */
  componentDidUpdate() {
    // The pointer may rest over the rows of a new list, which then must be frozen too.
    this.#freeze();
    if (this.#toFocus === null) return;
    const row = this.#rowOf(this.#toFocus);
    if (row === undefined) return;
    this.#toFocus = null;
    row.focus({ preventScroll: true });
  }

  /** @param {string} shortId */
  #rowOf(shortId) {
    return Array.from(this.#scroller?.querySelectorAll(".row") ?? [])
      .map((row) => /** @type {HTMLElement} */ (row)).find((row) => row.dataset.id === shortId);
  }

  #measure() {
    const scroller = this.#scroller;
    if (scroller === null) return;
    const { scrollTop: top, clientHeight: height } = scroller;
    this.#isScrolled = top > this.rowHeight;
    this.#freeze();
    // Not rendered for each pixel, since the rows next to the visible ones are rendered already.
    const step = this.rowHeight * 3;
    const rounded = Math.floor(top / step) * step;
    if (rounded !== this.state.top || height !== this.state.height) this.setState({ top: rounded, height });
  }

  /** Freezes the order while the pointer or the focus is in the list, or the list is scrolled down. */
  #freeze() {
    this.props.onFreeze(this.#isPointed || this.#isFocused || this.#isScrolled);
  }

  get rowHeight() {
    return this.state.isPhone ? HEIGHTS.card : HEIGHTS[this.props.density];
  }

  /** The short id of the row that has the keyboard focus, or would get it. */
  get activeId() {
    return this.#activeIndex >= 0 ? this.state.activeId : null;
  }

  get #activeIndex() {
    return this.props.rows.findIndex(({ visitor }) => visitor.short_id === this.state.activeId);
  }

  /**
   * Moves the focus by a number of rows.
   *
   * @param {number} by the number of rows, negative upwards; `Infinity` for the last row
   */
  move(by) {
    const { rows } = this.props;
    if (rows.length === 0) return;
    const from = this.#activeIndex;
    const index = Math.min(Math.max(from < 0 ? 0 : from + by, 0), rows.length - 1);
    this.focusRow(rows[index].visitor.short_id);
  }

  /**
   * Moves the focus to a visitor's row.
   *
   * @param {string} shortId
   */
  focusRow(shortId) {
    const index = this.props.rows.findIndex(({ visitor }) => visitor.short_id === shortId);
    const scroller = this.#scroller;
    if (index < 0 || scroller === null) return;
    const header = /** @type {HTMLElement} */ (scroller.querySelector(".columns"));
    const headerHeight = this.state.isPhone ? 0 : header.offsetHeight;
    const [top, bottom] = [index * this.rowHeight, (index + 1) * this.rowHeight];
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (bottom > scroller.scrollTop + scroller.clientHeight - headerHeight) {
      scroller.scrollTop = bottom - scroller.clientHeight + headerHeight;
    }
    this.#measure();
    this.#toFocus = shortId;
    this.setState({ activeId: shortId });
  }

  /** Shows the new visitors, and scrolls to the top. */
  #showNewer = () => {
    this.props.onCatchUp();
    if (this.#scroller !== null) this.#scroller.scrollTop = 0;
    // The button disappears, so the focus moves to the first row.
    const { rows } = this.props;
    if (rows.length > 0) this.focusRow(rows[0].visitor.short_id);
  };

  /** @override */
  render() {
    const { rows, columns, openId, now, isFrozen, newer, newerWaiting, onOpen } = this.props;
    const { top, height, activeId } = this.state;
    const rowHeight = this.rowHeight;
    const first = Math.max(0, Math.floor(top / rowHeight) - OVERSCAN);
    const last = Math.min(rows.length, Math.ceil((top + height) / rowHeight) + OVERSCAN + 3);
    const shown = rows.slice(first, last).map((entry, i) => ({ entry, index: first + i }));
    const activeIndex = this.#activeIndex;
    // The row with the focus must stay in the document, or the focus would be lost.
    if (activeIndex >= 0 && (activeIndex < first || activeIndex >= last)) {
      shown.push({ entry: rows[activeIndex], index: activeIndex });
    }
    const tabStop = activeIndex >= 0 ? activeId : rows[0]?.visitor.short_id;
    const second = Math.floor(now / 1000);
    return html`
      <div class=${`table-frame ${isFrozen ? "frozen" : ""}`}
        onPointerEnter=${(/** @type {PointerEvent} */ event) => this.#point(event.pointerType !== "touch")}
        onPointerLeave=${() => this.#point(false)}
        onFocusIn=${(/** @type {FocusEvent} */ event) => this.#focus(event, true)}
        onFocusOut=${(/** @type {FocusEvent} */ event) => this.#focus(event, false)}>
        ${newer > 0 && html`
          <button class="newer" type="button" onClick=${this.#showNewer}>${newer} newer${newerWaiting > 0
            ? `, ${newerWaiting} waiting`
            : ""}</button>
        `}
        <div class="table" role="grid" data-density=${this.props
          .density} aria-label="Visitors" aria-rowcount=${rows.length + 1}
          aria-colcount=${columns.length + 2} style=${{
            ...widthsOf(columns),
            "--row": `${rowHeight}px`,
          }}
          ref=${this.#setScroller}
          onScroll=${() => this.#measure()}>
          <div class="columns" role="row" aria-rowindex="1">
            ${["Status", "Visitor", ...columns.map((name) => COLUMNS[name].title)].map((title) =>
              html`
                <div class="cell" role="columnheader">${title}</div>
              `
            )}
          </div>
          <div class="canvas" role="rowgroup" style=${{ height: `${rows.length * rowHeight}px` }}>
            ${shown.map(({ entry: { visitor, since, isSinceExact, leftAt }, index }) =>
              html`
                <${Row} key=${visitor
                  .short_id} visitor=${visitor} since=${since} isSinceExact=${isSinceExact}
                  isLeaving=${leftAt !== null}
                  index=${index} height=${rowHeight} columns=${columns} isOpen=${visitor.short_id === openId}
                  isActive=${visitor.short_id === tabStop} second=${second} onOpen=${onOpen} />
              `
            )}
          </div>
        </div>
      </div>
    `;
  }

  /** @param {boolean} isPointed */
  #point(isPointed) {
    this.#isPointed = isPointed;
    this.#freeze();
  }

  /**
   * @param {FocusEvent} event
   * @param {boolean} isFocused
   */
  #focus(event, isFocused) {
    this.#isFocused = isFocused;
    this.#freeze();
    const { id } = /** @type {HTMLElement} */ (event.target).dataset;
    if (isFocused && id !== undefined && id !== this.state.activeId) this.setState({ activeId: id });
  }
}
