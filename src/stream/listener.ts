/**
 * One client's stream.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { type Chunks, chunksOf, eventText, retryText } from "./events.ts";
import type { Feed } from "./feed.ts";

/** How often a client gets something, in milliseconds: proxies end connections that are silent for a minute. */
const PING_INTERVAL = 15_000;

/** How long a client waits before it connects again, in milliseconds, and up to as much longer at random. */
const RETRY = 2000;

const PING = chunksOf(eventText("ping", "{}"));

/** Listeners that go on in the next turn of the event loop. */
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

/** What a stream is opened with. */
export interface ListenerParts {
  feed: Feed;
  /** The latest count, encoded; `null` where nobody knows it yet. */
  count: () => Chunks | null;
  /** The id of the state that the client has; `null` where it has none. */
  lastId: string | null;
  /** The time, in milliseconds of the clock. */
  now: number;
  /** After how many milliseconds the stream ends, so that the client connects again. */
  lifetime: number;
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
  #count: Chunks | null = null;
  /** What is being sent, and how much of it has been. */
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

  /** Sends what the client has not been sent, unless it does not read. */
  update() {
    if (this.#isIdle) this.#findNews();
    this.#send();
  }

  /** Whether everything was sent that was to be. */
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

  /** Ends the stream; the client connects again. */
  end() {
    if (this.#hasEnded) return;
    this.#finish();
    this.#controller.close();
  }

  /** Sends a ping or ends the stream, where that is due. */
  passTime(now: number) {
    if (now >= this.#endAt) return this.end();
    if (now < this.#pingAt) return;
    this.#pingAt = now + PING_INTERVAL;
    // A client that does not read needs no ping.
    if (this.#isIdle) [this.#chunks, this.#sent] = [PING, 0];
    this.#send();
  }

  /** Hands the next chunk to the connection, where the client reads. */
  #send() {
    if (this.#sent === this.#chunks.length || this.#hasEnded || this.#controller.desiredSize! <= 0) return;
    const chunk = this.#chunks[this.#sent++];
    // So that a list that has changed since is not kept in memory for this client alone.
    if (this.#sent === this.#chunks.length) [this.#chunks, this.#sent] = [[], 0];
    this.#controller.enqueue(chunk);
  }

  #finish() {
    this.#hasEnded = true;
    this.#parts.onEnd(this);
  }
}
