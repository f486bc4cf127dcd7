/**
 * Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), which are encoded once for all who
 * receive them.
 *
 * @module
 */

const encoder = new TextEncoder();

/**
 * One event.
 *
 * @param data JSON on one line
 * @param id from which a client can resume; absent if the event is no change of the list
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(eventText("gone", '{"short_id":"aB3"}', "e:7"), 'event: gone\nid: e:7\ndata: {"short_id":"aB3"}\n\n');
 * ```
 */
export function eventText(name: string, data: string, id?: string): string {
  return `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}data: ${data}\n\n`;
}

/** Bytes that are sent as they are to any number of clients, so that nobody may change them. */
export type Chunks = readonly Uint8Array<ArrayBuffer>[];

/**
 * Bytes in one chunk, which is what is handed to a connection in one turn of the event loop. The runtime copies it into
 * a buffer that it empties between turns and never makes smaller again: whole lists would cost 40 KB a stream.
 */
const CHUNK = 4 * 1024;

/** The bytes of a text, in chunks. */
export function chunksOf(text: string): Chunks {
  const bytes = encoder.encode(text);
  return Array.from(
    { length: Math.ceil(bytes.length / CHUNK) },
    (_, i) => bytes.subarray(i * CHUNK, (i + 1) * CHUNK),
  );
}

/** The line that says how long a client waits before it connects again. */
export function retryText(milliseconds: number): string {
  return `retry: ${milliseconds}\n\n`;
}
