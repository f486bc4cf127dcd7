/**
 * Server-Sent Events as they come in (https://html.spec.whatwg.org/multipage/server-sent-events.html). A browser's own
 * `EventSource` sends no `Authorization` header.
 *
 * @module
 */

/**
 * An event.
 *
 * @typedef {object} ServerEvent
 * @property {string} type `message` where the server names none
 * @property {string} data
 * @property {string | null} id the last one that was sent; `null` before any
 */

/** Parses the text of a stream into events, in whatever pieces it comes. */
export class EventReader {
  /** How long the server wants a client to wait before it connects again, in milliseconds; `null` where it does not say. */
  retry = /** @type {number | null} */ (null);
  #rest = "";
  #type = "";
  /** @type {string[]} */
  #data = [];
  /** @type {string | null} */
  #id = null;

  /**
   * Takes the next piece of text.
   *
   * @param {string} piece
   * @returns {ServerEvent[]} the events that are complete with it
   */
  read(piece) {
    /** @type {ServerEvent[]} */
    const events = [];
    const text = this.#rest + piece;
    // A carriage return at the end may be the first half of a line's end.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.#rest = /** @type {string} */ (lines.pop());
    for (const line of lines) {
      if (line !== "") this.#readLine(line);
      else if (this.#data.length > 0) {
        events.push({ type: this.#type || "message", data: this.#data.join("\n"), id: this.#id });
      }
      if (line === "") {
        this.#type = "";
        this.#data = [];
      }
    }
    return events;
  }

  /** @param {string} line */
  #readLine(line) {
    const [, name, value] = /** @type {RegExpExecArray} */ (/^([^:]*)(?:: ?(.*))?$/s.exec(line));
    if (name === "event") this.#type = value ?? "";
    else if (name === "data") this.#data.push(value ?? "");
    else if (name === "id") this.#id = value ?? "";
    else if (name === "retry" && /^\d+$/.test(value ?? "")) this.retry = Number(value);
  }
}
