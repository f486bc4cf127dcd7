/**
 * The progress of a command on standard error: a line that is updated (only on a terminal), and lines that stay.
 *
 * @module
 */

import { write } from "./print.ts";

/** A command's progress. */
export class Progress {
  #start = performance.now();
  #shown = 0;
  #isTerminal = Deno.stderr.isTerminal();

  /** Shows how many things are done, and how many per second. Updates at most five times a second. */
  show(done: number, what: string, total?: number) {
    const now = performance.now();
    if (!this.#isTerminal || now - this.#shown < 200) return;
    this.#shown = now;
    const rate = Math.round(done / ((now - this.#start) / 1000));
    const of = total === undefined ? "" : ` of about ${total.toLocaleString("en")}`;
    this.#write(`\r\x1b[K${count(done, what)}${of}, ${rate.toLocaleString("en")} a second`);
  }

  /** Writes a line that stays. */
  report(sentence: string) {
    this.#write(`${this.#isTerminal ? "\r\x1b[K" : ""}${sentence}\n`);
  }

  #write(text: string) {
    write(Deno.stderr, text);
  }
}

/**
 * Formats a number with its noun, in the plural if necessary.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(count(1, "visitor"), "1 visitor");
 * assert.equal(count(12345, "visitor"), "12,345 visitors");
 * ```
 */
export function count(number: number, what: string): string {
  return `${number.toLocaleString("en")} ${what}${number === 1 ? "" : "s"}`;
}
