/**
 * Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html), encoded once for all receivers.
 *
 * @module
 */

const encoder = new TextEncoder();

/**
 * Formats one event.
 *
 * @param data JSON on one line
 * @param id the state from which a client can resume; absent if the event does not complete a change of the list
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

/** Bytes that are sent to any number of clients, and so must not be modified. */
export type Chunks = readonly Uint8Array<ArrayBuffer>[];

/**
 * The size of a chunk in bytes. A connection is given one chunk per turn of the event loop: the runtime copies it into
 * a buffer that is emptied between turns and never shrinks, so that whole lists would cost 40 KB per stream.
 */
const CHUNK = 4 * 1024;

/** Encodes text as UTF-8, in chunks. */
export function chunksOf(text: string): Chunks {
  const bytes = encoder.encode(text);
  return Array.from(
    { length: Math.ceil(bytes.length / CHUNK) },
    (_, i) => bytes.subarray(i * CHUNK, (i + 1) * CHUNK),
  );
}

/** Formats the `retry` field: how long a client waits before it reconnects, in milliseconds. */
export function retryText(milliseconds: number): string {
  return `retry: ${milliseconds}\n\n`;
}
