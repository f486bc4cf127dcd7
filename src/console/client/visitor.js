/**
 * The panel of one visitor: name, actions, last web pages, other visitors who are the same person, and all attributes.
 *
 * @module
 */
import { Component } from "../vendor/preact.js";
import { listPath, serverNow, visitorPath } from "./api.js";
import { Attributes } from "./attributes.js";
import { ClaimButton } from "./claim_button.js";
import { Copy } from "./copy.js";
import { html } from "./html.js";
import { Symbol } from "./marks.js";
import { Status } from "./row.js";
import { MOST_CHARACTERS, searchFor } from "./search_parts.js";
import { Shown, ShownUrl } from "./shown.js";
import { clockText, durationText } from "./times.js";
import { detailOf, nameOf, pageText } from "./who.js";
import { Writes } from "./writes.js";

/** @typedef {import("./api.js").Visitor} Visitor */

/** How often a visitor that is not in the list is read again, in milliseconds. */
const REREAD_MS = 5000;

/** How often the last web pages are read again while the newest one is missing, and how many times. */
const PAGES_MS = 2000;
const MOST_PAGE_READS = 4;

/**
 * @typedef {object} VisitorProps
 * @property {import("./desk.js").Desk} desk
 * @property {string} shortId
 * @property {Visitor | null} listed the visitor on the list; `null` if the list does not have it
 * @property {() => void} onClose
 */

/** @extends {Component<VisitorProps, { read: Visitor | null, isRemoved: boolean, problem: string, pages: { url: string, at: string }[] | null, others: Visitor[] }>} */
export class VisitorPanel extends Component {
  /** @override */
  state = {
    read: /** @type {Visitor | null} */ (null),
    isRemoved: false,
    problem: "",
    pages: /** @type {{ url: string, at: string }[] | null} */ (null),
    others: /** @type {Visitor[]} */ ([]),
  };
  #aborter = new AbortController();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #readAt = -Infinity;
  #pageReads = 0;
  #pagesReadAt = -Infinity;
  /** The URL for which the last web pages were read; and the person for whom other visitors were read. */
  #pagesOf = "";
  #othersOf = "";
  /** @type {HTMLElement | null} */
  #heading = null;

  /** @param {HTMLElement | null} element */
  #setHeading = (element) => this.#heading = element;

  /** @override */
  componentDidMount() {
    this.#heading?.focus();
    this.#look();
    this.#timer = setInterval(() => this.#look(), 1000);
  }

  /** @override */
  componentWillUnmount() {
    this.#aborter.abort();
    clearInterval(this.#timer);
  }

  /** @override */
  componentDidUpdate() {
    this.#look();
  }

  /** The latest known state of the visitor. */
  get visitor() {
    return this.props.listed ?? this.state.read;
  }

  get #api() {
    return /** @type {import("./api.js").Api} */ (this.props.desk.api);
  }

  /** Reads what is missing or out of date. */
  #look() {
    if (this.props.listed === null && !this.state.isRemoved && performance.now() - this.#readAt > REREAD_MS) {
      this.#readAt = performance.now();
      this.#read();
    }
    const { visitor } = this;
    if (visitor === null) return;
    this.#lookForPages(visitor);
    const othersOf = JSON.stringify([visitor.unique_id, visitor.email]);
    if (this.props.desk.mode === "full" && othersOf !== this.#othersOf) {
      this.#othersOf = othersOf;
      this.#readOthers(visitor);
    }
  }

  /** @param {Visitor} visitor */
  #lookForPages({ last_url, is_online }) {
    const pagesOf = JSON.stringify([last_url, is_online]);
    // The database may have the visitor's new URL a little earlier than the web page.
    const isBehind = this.state.pages !== null && this.state.pages[0]?.url !== last_url &&
      this.#pageReads < MOST_PAGE_READS && performance.now() - this.#pagesReadAt > PAGES_MS;
    if (pagesOf !== this.#pagesOf) this.#pageReads = 0;
    else if (!isBehind) return;
    this.#pagesOf = pagesOf;
    this.#readPages();
  }

  /** @param {Visitor} read the visitor after a change */
  #changed = (read) => this.setState({ read });

  /** Called after the agent deleted the visitor. The focus must not move to its row, which is about to disappear. */
  #removed = () => {
    const { desk } = this.props;
    desk.alerts.say("Deleted");
    desk.closeVisitor();
  };

  async #read() {
    try {
      const { visitor } = await this.#ask("");
      this.setState({ read: visitor, isRemoved: false, problem: "" });
    } catch (error) {
      const { code, message } = /** @type {import("./api.js").ApiFailure} */ (error);
      if (this.#aborter.signal.aborted) return;
      if (code === "visitor_not_found") this.setState({ isRemoved: true });
      else this.setState({ problem: message });
    }
  }

  async #readPages() {
    this.#pageReads++;
    this.#pagesReadAt = performance.now();
    const pages = await this.#ask("/pages").then(({ pages }) => pages, () => []);
    if (!this.#aborter.signal.aborted) this.setState({ pages: pages.slice(0, 10) });
  }

  /**
   * Finds other visitors who are the same person, by unique id or e-mail address.
   *
   * @param {Visitor} visitor
   */
  async #readOthers({ short_id, unique_id, email }) {
    const searches = [unique_id && searchFor("id:", unique_id), email && searchFor("", email)]
      .filter((q) => q && Array.from(q).length <= MOST_CHARACTERS);
    /** @type {Map<string, Visitor>} */
    const others = new Map();
    for (const q of searches) {
      const { visitors } = await this.#api.request(listPath(q, { max_results: 20 }), {
        signal: this.#aborter.signal,
      })
        .catch(() => ({ visitors: [] }));
      for (const other of visitors) {
        // The server may search such a value as text, and then finds other people too.
        const isSame = (unique_id && other.unique_id === unique_id) ||
          (email && isSameAddress(other.email, email));
        if (isSame && other.short_id !== short_id) others.set(other.short_id, other);
      }
    }
    if (!this.#aborter.signal.aborted) this.setState({ others: [...others.values()] });
  }

  /** @param {string} rest */
  async #ask(rest) {
    return await this.#api.request(visitorPath(this.props.shortId, rest), { signal: this.#aborter.signal });
  }

  /** @override */
  render() {
    const { desk, shortId, onClose } = this.props;
    const { isRemoved, problem, pages, others } = this.state;
    const { visitor } = this;
    const note = desk.watchNote.shortId === shortId ? desk.watchNote.text : "";
    const isThere = visitor !== null && !isRemoved;
    return html`
      <aside class="visitor" aria-labelledby="visitor-name">
        <header>
          <div class="title">
            <h2 id="visitor-name" tabindex="-1" ref=${this.#setHeading}>
              ${isThere ? html`<${Shown} text=${nameOf(visitor)} />` : isRemoved ? "Removed" : "Visitor"}
            </h2>
            ${isThere && detailOf(visitor) !== "" && html`
              <p class="detail">
                <${Shown} text=${detailOf(visitor)} />
              </p>
            `}
          </div>
          <button type="button" class="quiet" aria-label="Close" onClick=${onClose}><${Symbol} name="close" /></button>
        </header>
        ${isRemoved && html`<p class="note">This visitor has been removed.</p>`}
        ${problem !== "" && visitor === null && html`<p class="problem">${problem}</p>`}
        ${visitor === null && !isRemoved && problem === "" && html`<p class="note">Loading…</p>`}
        ${isThere && html`
          <div class="visitor-body">
            <p class="now"><${Status} visitor=${visitor} isLeaving=${false} second=${Math.floor(
              serverNow() / 1000,
            )} /></p>
            <div class="actions">
              <button type="button" class="primary" onClick=${() =>
                desk.watch(shortId)}><${Symbol} name="watch" />Watch</button>
              <${ClaimButton} desk=${desk} visitor=${visitor} key=${shortId} onChanged=${this.#changed} />
            </div>
            ${note !== "" && html`<p class="note problem" role="alert">${note}</p>`}
            ${visitor.lookup_code &&
              html`<p class="lookup">Code <strong class="time">${visitor.lookup_code}</strong>
              <${Copy} text=${visitor.lookup_code} label="code" /></p>`}
            <${Pages} pages=${pages} visitor=${visitor} />
            <${Others} others=${others} onOpen=${(/** @type {string} */ id) => desk.open(id)} />
            <${Writes} desk=${desk} visitor=${visitor} key=${`writes ${shortId}`} onRemoved=${this.#removed}
              onChanged=${this.#changed} />
            <${Attributes} api=${this.#api} visitor=${visitor} />
          </div>
        `}
      </aside>
    `;
  }
}

/**
 * @param {unknown} a
 * @param {string} b
 */
function isSameAddress(a, b) {
  return typeof a === "string" && a.toLowerCase() === b.toLowerCase();
}

/** @param {{ pages: { url: string, at: string }[] | null, visitor: Visitor }} props */
function Pages({ pages, visitor }) {
  const now = serverNow();
  const shown = pages !== null && pages.length > 0
    ? pages
    : visitor.last_url
    ? [{ url: visitor.last_url, at: visitor.last_seen_at ?? "" }]
    : [];
  if (shown.length === 0) return null;
  return html`
    <section class="pages">
      <h3>${shown.length > 1 ? "Last web pages" : "Web page"}</h3>
      <ol>${shown.map(({ url, at }, i) => {
        const time = Date.parse(at);
        return html`
          <li key=${`${at} ${url}`} class=${i === 0 ? "current" : undefined}>
            <${ShownUrl} url=${url} text=${pageText(url)} />
            ${!Number.isNaN(time) &&
              html`<time datetime=${at} title=${clockText(time)}>${
                now - time < 60_000 ? "now" : `${durationText(now - time)} ago`
              }</time>`}
          </li>
        `;
      })}</ol>
    </section>
  `;
}

/** @param {{ others: Visitor[], onOpen: (shortId: string) => void }} props */
function Others({ others, onOpen }) {
  if (others.length === 0) return null;
  return html`
    <section class="others">
      <h3>The same person elsewhere</h3>
      <ul>${others.map((other) =>
        html`
          <li key=${other.short_id}>
            <button type="button" class="link" onClick=${() =>
              onOpen(other.short_id)}><${Shown} text=${nameOf(other)} /></button>
            <span class="detail">${other.is_online === false ? "offline" : "online"}${other.device_name
              ? html`, <${Shown} text=${other.device_name} />`
              : null}</span>
          </li>
        `
      )}</ul>
    </section>
  `;
}
