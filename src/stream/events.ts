/**
 * Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html) as bytes, which are made once for
 * all who receive them.
 *
 * @module
 */

const encoder = new TextEncoder();

/**
 * One event.
 *
 * @param data JSON on one line
 * @param id by which a stream goes on after it; absent where the event is no part of the list's changes
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

/** What is sent as it is to any number of streams: nobody may change it. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** How long a client waits before it connects again, in milliseconds; not a whole event. */
export function retryText(milliseconds: number): string {
  return `retry: ${milliseconds}\n\n`;
}
