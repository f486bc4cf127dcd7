/**
 * A parser of Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html). The browser's own
 * `EventSource` cannot be used, since it sends no `Authorization` header.
 *
 * @module
 */

/**
 * An event.
 *
 * @typedef {object} ServerEvent
 * @property {string} type `message` if the server gives no type
 * @property {string} data
 * @property {string | null} id the last id that the server sent; `null` before the first
 */

/** Parses the text of a stream into events. The text may be split anywhere. */
export class EventReader {
  /** The server's last `retry` field: the pause before a reconnect, in milliseconds; `null` before the first. */
  retry = /** @type {number | null} */ (null);
  #rest = "";
  #type = "";
  /** @type {string[]} */
  #data = [];
  /** @type {string | null} */
  #id = null;

  /**
   * Parses the next piece of text.
   *
   * @param {string} piece
   * @returns {ServerEvent[]} the events that this piece completes
   */
  read(piece) {
    /** @type {ServerEvent[]} */
    const events = [];
    const text = this.#rest + piece;
    // A carriage return at the end may be the first half of a CRLF.
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
