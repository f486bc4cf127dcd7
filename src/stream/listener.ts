/**
 * One client's stream.
 *
 * @module
 */
import type { Clock } from "../async/clock.ts";
import { bytesOf, eventText, retryText } from "./events.ts";
import type { Feed } from "./feed.ts";

/** How often a client hears something, in milliseconds: proxies end what is silent for a minute. */
const PING_INTERVAL = 15_000;

/** How long a client waits before it connects again, in milliseconds, and up to as much longer at random. */
const RETRY = 2000;

/** Bytes that may wait for a client that does not read; a list that is sent at once may be longer. */
const MAX_WAITING = 16 * 1024;

const PING = bytesOf(eventText("ping", "{}"));

/** What a stream is opened with. */
export interface ListenerParts {
  feed: Feed;
  /** The latest count, encoded; `null` where nobody knows it yet. */
  count: () => Uint8Array<ArrayBuffer> | null;
  /** The id of the state that the client has; `null` where it has none. */
  lastId: string | null;
  /** After how many milliseconds the stream ends, so that the client connects again. */
  lifetime: number;
  clock: Clock;
  /** Called once, when the stream ended or the client is gone. */
  onEnd: (listener: Listener) => void;
}

/**
 * A client that follows a list. Changes wait with the list, not with the client: one that does not read gets what it
 * missed when it reads again, or the whole list where that is shorter.
 */
export class Listener {
  readonly feed: Feed;
  /** The body of the answer. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  #parts: ListenerParts;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  /** The state of the list that the client was sent. */
  #sequence: number;
  #count: Uint8Array<ArrayBuffer> | null = null;
  #hasEnded = false;
  #cancelPing: () => void;
  #cancelEnd: () => void;

  constructor(parts: ListenerParts) {
    const { feed, lastId, lifetime, clock } = parts;
    this.#parts = parts;
    this.feed = feed;
    this.#sequence = feed.sequence;
    this.body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        this.#controller = controller;
        this.#write(bytesOf(retryText(Math.round(RETRY * (1 + Math.random())))));
        for (const bytes of lastId === null ? [feed.list] : feed.catchUp(lastId)) this.#write(bytes);
        this.update();
      },
      pull: () => this.update(),
      cancel: () => this.#finish(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING }));
    this.#cancelPing = clock.after(PING_INTERVAL * Math.random(), () => this.#ping());
    this.#cancelEnd = clock.after(lifetime, () => this.end());
  }

  /** Sends what the client has not been sent, unless it does not read. */
  update() {
    if (!this.#mayWrite()) return;
    const { feed } = this;
    const sent = this.#sequence;
    const count = this.#parts.count();
    const isCountNews = count !== this.#count;
    // Before anything is written: that may have this called again.
    this.#sequence = feed.sequence;
    this.#count = count;
    if (sent !== feed.sequence) {
      for (const bytes of feed.since(sent)) this.#write(bytes);
    }
    if (isCountNews && count !== null) this.#write(count);
  }

  /** Ends the stream; the client connects again. */
  end() {
    if (this.#hasEnded) return;
    this.#finish();
    this.#controller.close();
  }

  #ping() {
    // To one who does not read it would say nothing.
    if (this.#mayWrite()) this.#write(PING);
    this.#cancelPing = this.#parts.clock.after(PING_INTERVAL, () => this.#ping());
  }

  #mayWrite(): boolean {
    return !this.#hasEnded && (this.#controller.desiredSize ?? 0) > 0;
  }

  #write(bytes: Uint8Array<ArrayBuffer>) {
    this.#controller.enqueue(bytes);
  }

  #finish() {
    this.#hasEnded = true;
    this.#cancelPing();
    this.#cancelEnd();
    this.#parts.onEnd(this);
  }
}
