/**
 * The log: a line for each event, on standard error.
 *
 * @module
 */

/** Writes a sentence, with the time (UTC) before it. */
export function log(sentence: string) {
  console.error(`${new Date().toISOString()} ${sentence}`);
}
