/**
 * The field for the lookup code that a visitor reads out over the phone. The visitor is shown beside it.
 *
 * @module
 */
import { Component } from "../vendor/preact.js";
import { listPath, serverNow } from "./api.js";
import { html } from "./html.js";
import { plainText } from "./shown_text.js";
import { detailOf, nameOf, pageText, placeText } from "./who.js";

/** @typedef {import("./api.js").Visitor} Visitor */

const LENGTH = 4;

/**
 * The digits in typed or pasted text as ASCII, including digits of other scripts.
 *
 * @param {string} text
 */
export function digitsOf(text) {
  return Array.from(text.normalize("NFKC"), digitOf).join("").slice(0, LENGTH);
}

/**
 * Converts a digit of any script to ASCII; empty for other characters. In Unicode the ten digits of a script are
 * consecutive, starting with 0.
 *
 * @param {string} character
 */
function digitOf(character) {
  if (!/\p{Nd}/u.test(character)) return "";
  const code = /** @type {number} */ (character.codePointAt(0));
  let first = code;
  while (first > 0 && code - first < 9 && /\p{Nd}/u.test(String.fromCodePoint(first - 1))) first--;
  return `${code - first}`;
}

/**
 * @typedef {{ kind: "empty" } | { kind: "asking" } | { kind: "found", visitors: Visitor[] } | { kind: "nobody", code: string }
 *   | { kind: "wait", until: number } | { kind: "failed", message: string }} CodeAnswer
 */

/** @extends {Component<{ desk: import("./desk.js").Desk, onOpen: (visitor: Visitor) => void }, { code: string, answer: CodeAnswer }>} */
export class CodeEntry extends Component {
  /** @override */
  state = { code: "", answer: /** @type {CodeAnswer} */ ({ kind: "empty" }) };
  #aborter = new AbortController();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  /** @type {HTMLInputElement | null} */
  #input = null;

  /** @param {HTMLInputElement | null} element */
  #setInput = (element) => this.#input = element;

  /** @override */
  componentDidMount() {
    this.#input?.focus();
  }

  /** @override */
  componentWillUnmount() {
    this.#aborter.abort();
    clearInterval(this.#timer);
  }

  focus() {
    this.#input?.focus();
    this.#input?.select();
  }

  /** @param {Event} event */
  #type = (event) => {
    const input = /** @type {HTMLInputElement} */ (event.currentTarget);
    const code = digitsOf(input.value);
    // Set even if the state does not change, so that the field never contains anything but digits.
    input.value = code;
    const isNew = code !== this.state.code;
    this.setState({ code });
    if (code.length === LENGTH) {
      if (isNew) this.#ask(code);
    } else if (this.state.answer.kind !== "wait") {
      this.#aborter.abort();
      this.setState({ answer: { kind: "empty" } });
    }
  };

  /** @param {KeyboardEvent} event */
  #press = (event) => {
    const { answer } = this.state;
    if (event.key !== "Enter" || answer.kind !== "found") return;
    event.preventDefault();
    this.props.onOpen(answer.visitors[0]);
  };

  /** @param {string} code */
  async #ask(code) {
    if (this.state.answer.kind === "wait") return;
    this.#aborter.abort();
    const { signal } = this.#aborter = new AbortController();
    this.setState({ answer: { kind: "asking" } });
    const { desk } = this.props;
    const answer = await this.#answerTo(code, signal);
    if (signal.aborted) return;
    this.setState({ answer });
    // Selected, so that the next digit starts another code.
    this.#input?.select();
    desk.alerts.say(sayAnswer(answer));
    if (answer.kind === "wait") this.#countDown();
  }

  /**
   * @param {string} code
   * @param {AbortSignal} signal
   * @returns {Promise<CodeAnswer>}
   */
  async #answerTo(code, signal) {
    try {
      const api = /** @type {import("./api.js").Api} */ (this.props.desk.api);
      const { visitors } = await api.request(listPath(code, { max_results: 5 }), { signal });
      return visitors.length === 0 ? { kind: "nobody", code } : { kind: "found", visitors };
    } catch (error) {
      const { code, retryAfter, message } = /** @type {import("./api.js").ApiFailure} */ (error);
      return code === "too_many_requests"
        ? { kind: "wait", until: serverNow() + (retryAfter ?? 10) * 1000 }
        : { kind: "failed", message };
    }
  }

  #countDown() {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      const { answer, code } = this.state;
      if (answer.kind === "wait" && serverNow() < answer.until) return this.setState({});
      clearInterval(this.#timer);
      this.setState({ answer: { kind: "empty" } }, () => code.length === LENGTH && this.#ask(code));
    }, 250);
  }

  /** @override */
  render() {
    const { code, answer } = this.state;
    return html`
      <div class="code-entry">
        <label for="code">Code</label>
        <input id="code" class="code" type="text" inputmode="numeric" autocomplete="off" spellcheck="false"
          placeholder="0000" autofocus
          value=${code} aria-describedby="code-answer" onInput=${this.#type} onKeyDown=${this.#press}
          ref=${this.#setInput} />
        <div id="code-answer" class=${`code-answer ${answer.kind}`}>
          <${Answer} answer=${answer} onOpen=${this.props.onOpen} />
        </div>
      </div>
    `;
  }
}

/** @param {{ answer: CodeAnswer, onOpen: (visitor: Visitor) => void }} props */
function Answer({ answer, onOpen }) {
  switch (answer.kind) {
    case "empty":
      return html`<p class="note">The visitor reads out four digits.</p>`;
    case "asking":
      return html`<p class="note">Looking…</p>`;
    case "nobody":
      return html`<p><strong>Nobody has the code ${answer.code}.</strong> Ask the visitor to read it out again.</p>`;
    case "wait":
      return html`<p><strong>Too many wrong codes.</strong> The next one can be entered in <span class="time">${
        Math.max(1, Math.ceil((answer.until - serverNow()) / 1000))
      } s</span>.</p>`;
    case "failed":
      return html`<p class="problem">${answer.message}</p>`;
    case "found":
      return html`<div>${
        answer.visitors.map((visitor) =>
          html`
            <button type="button" class="found" key=${visitor.short_id} onClick=${() => onOpen(visitor)}>
              <bdi class="name">${plainText(nameOf(visitor))}</bdi>
              <bdi class="detail">${plainText(detailOf(visitor))}</bdi>
              <span class="detail"><bdi>${plainText(
                pageText(visitor.last_url),
              )}</bdi>${placeText(visitor) === "" ? null : " · "}<bdi>${plainText(
                placeText(visitor),
              )}</bdi>${visitor.is_online === false ? " · offline" : null}</span>
              <span class="go">Open <kbd>Enter</kbd></span>
            </button>
          `
        )
      }</div>`;
  }
}

/** @param {CodeAnswer} answer */
function sayAnswer(answer) {
  switch (answer.kind) {
    case "found":
      return answer.visitors.length === 1
        ? `It is ${plainText(nameOf(answer.visitors[0]))}`
        : `${answer.visitors.length} visitors have this code`;
    case "nobody":
      return `Nobody has the code ${Array.from(answer.code).join(" ")}`;
    case "wait":
      return "Too many wrong codes, wait";
    case "failed":
      return answer.message;
    default:
      return "";
  }
}
