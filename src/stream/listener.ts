/**
 * One client's stream.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { type Chunks, chunksOf, eventText, retryText } from "./events.ts";
import type { Feed } from "./feed.ts";

/** The time between two pings, in milliseconds: proxies end connections that are silent for a minute. */
const PING_INTERVAL = 15_000;

/** The least time a client waits before it reconnects, in milliseconds; up to as much again is added at random. */
const RETRY = 2000;

const PING = chunksOf(eventText("ping", "{}"));

/** Listeners that continue to send in the next turn of the event loop. */
const waiting = new Set<Listener>();

function inNextTurn(listener: Listener) {
  if (waiting.size === 0) {
    setImmediate(() => {
      const listeners = [...waiting];
      waiting.clear();
      for (const listener of listeners) listener.update();
    });
  }
  waiting.add(listener);
}

/** The parameters and dependencies of a stream. */
export interface ListenerParts {
  feed: Feed;
  /** Returns the latest `count` event, encoded; `null` before the first read. */
  count: () => Chunks | null;
  /** The id of the state that the client has; `null` for none. */
  lastId: string | null;
  /** The current time, in milliseconds of the clock. */
  now: number;
  /** The time in milliseconds after which the stream ends and the client has to reconnect. */
  lifetime: number;
  /** Called once, when the stream ends or the client disconnects. */
  onEnd: (listener: Listener) => void;
}

/**
 * A client that follows a list. The feed queues the changes, not the listener: a client that stops reading is sent the
 * missed changes when it reads again, or the whole list if that is shorter.
 */
export class Listener {
  readonly feed: Feed;
  /** The body of the response. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
  #parts: ListenerParts;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  /** The number of the list's state that the client was sent last. */
  #sequence: number;
  #count: Chunks | null = null;
  /** The chunks that are being sent, and how many of them have been sent. */
  #chunks: Chunks = [];
  #sent = 0;
  #hasEnded = false;
  /** When the next ping is due, and when the stream ends, in milliseconds of the clock. */
  #pingAt: number;
  #endAt: number;

  constructor(parts: ListenerParts) {
    const { feed, lastId, now, lifetime } = parts;
    this.#parts = parts;
    this.feed = feed;
    this.#sequence = feed.sequence;
    this.body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        this.#controller = controller;
        const retry = chunksOf(retryText(Math.round(RETRY * (1 + Math.random()))));
        this.#chunks = [...retry, ...(lastId === null ? feed.list : feed.catchUp(lastId))];
        this.#send();
      },
      pull: () => inNextTurn(this),
      cancel: () => this.#finish(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: 1 }));
    this.#pingAt = now + PING_INTERVAL * Math.random();
    this.#endAt = now + lifetime;
  }

  /** Sends the changes that the client was not sent yet, as far as it reads. */
  update() {
    if (this.#isIdle) this.#findNews();
    this.#send();
  }

  /** Whether all chunks were sent and the stream is open. */
  get #isIdle(): boolean {
    return this.#sent === this.#chunks.length && !this.#hasEnded;
  }

  #findNews() {
    const { feed } = this;
    const changes = this.#sequence === feed.sequence ? [] : feed.since(this.#sequence);
    this.#sequence = feed.sequence;
    const count = this.#parts.count();
    const isCountNews = count !== this.#count && count !== null;
    this.#count = count;
    this.#chunks = isCountNews ? [...changes, ...count] : changes;
    this.#sent = 0;
  }

  /** Ends the stream, after which the client reconnects. */
  end() {
    if (this.#hasEnded) return;
    this.#finish();
    this.#controller.close();
  }

  /** Sends a ping or ends the stream, if either is due at `now`. */
  passTime(now: number) {
    if (now >= this.#endAt) return this.end();
    if (now < this.#pingAt) return;
    this.#pingAt = now + PING_INTERVAL;
    // A client that does not read needs no ping.
    if (this.#isIdle) [this.#chunks, this.#sent] = [PING, 0];
    this.#send();
  }

  /** Gives the connection the next chunk, if the client reads. */
  #send() {
    if (this.#sent === this.#chunks.length || this.#hasEnded || this.#controller.desiredSize! <= 0) return;
    const chunk = this.#chunks[this.#sent++];
    // Released, so that an outdated list does not stay in memory for this client alone.
    if (this.#sent === this.#chunks.length) [this.#chunks, this.#sent] = [[], 0];
    this.#controller.enqueue(chunk);
  }

  #finish() {
    this.#hasEnded = true;
    this.#parts.onEnd(this);
  }
}
