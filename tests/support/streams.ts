/**
 * A client of streams, like one that an integrator writes.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor, type Visitor } from "../../src/visitor/visitor.ts";
import type { Clock } from "../../src/async/clock.ts";
import { appOver, type Environment } from "./app.ts";
import { SkippingClock } from "./clock.ts";
import { until } from "./waiting.ts";

/** An event. */
export interface StreamEvent {
  name: string;
  data: Record<string, unknown>;
  /** The last received id, of this event or an earlier one; empty before the first. */
  id: string;
}

/** A client that follows one stream to its end, and applies what it receives. */
export class StreamClient implements AsyncDisposable {
  readonly events: StreamEvent[] = [];
  /** If set, called with each event instead of storing it, for tests with very many events. */
  onEvent: ((event: StreamEvent) => void) | null = null;
  /** The value of the `retry` field, in milliseconds. */
  retry = 0;
  /** The last received id, like `lastEventId` in browsers. */
  lastId: string;
  hasEnded = false;
  readonly visitors = new Map<string, Partial<Visitor>>();
  readonly ended: Promise<void>;
  #reader: ReadableStreamDefaultReader<string>;

  /**
   * @param response the answer to the request for a stream
   * @param from the visitors that the client already has, and the id of that state
   */
  constructor(response: Response, from: { visitors?: Partial<Visitor>[]; id?: string } = {}) {
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("Content-Type"), "text/event-stream");
    this.lastId = from.id ?? "";
    for (const visitor of from.visitors ?? []) this.visitors.set(visitor.short_id!, visitor);
    this.#reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    this.ended = this.#follow();
  }

  /** The visitors in the API's order, sorted by their received attributes. */
  get list(): Partial<Visitor>[] {
    const bytes = new TextEncoder();
    const time = ({ last_seen_at }: Partial<Visitor>) => last_seen_at ? Date.parse(last_seen_at) : -Infinity;
    return [...this.visitors.values()].sort((a, b) => {
      if (a.is_online !== b.is_online) return a.is_online ? -1 : 1;
      if (time(a) !== time(b)) return time(b) - time(a);
      const [first, second] = [a, b].map(({ short_id }) => bytes.encode(short_id!));
      const i = first.findIndex((byte, i) => byte !== second[i]);
      return i === -1 ? first.length - second.length : (first[i] ?? -1) - (second[i] ?? -1);
    });
  }

  /** The data of all events with a name. */
  dataOf(name: string): Record<string, unknown>[] {
    return this.events.filter((event) => event.name === name).map(({ data }) => data);
  }

  /** Waits until a condition on the received events holds. */
  async until(condition: (client: this) => boolean) {
    await until(() => condition(this));
  }

  /** Waits until both events that begin a stream have arrived; a ping may arrive as well. */
  async untilStarted() {
    await this.until(() => this.dataOf("list").length > 0 && this.dataOf("count").length > 0);
  }

  async #follow() {
    let text = "";
    try {
      for (;;) {
        const { value, done } = await this.#reader.read();
        if (done) break;
        text += value;
        const blocks = text.split("\n\n");
        text = blocks.pop()!;
        blocks.forEach((block) => this.#take(block));
      }
    } catch {
      // The server was killed, or the client disconnected.
    }
    this.hasEnded = true;
  }

  #take(block: string) {
    const fields = new Map(
      block.split("\n").map((line) => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2)];
      }),
    );
    this.retry = Number(fields.get("retry") ?? this.retry);
    this.lastId = fields.get("id") ?? this.lastId;
    const name = fields.get("event");
    if (name === undefined) return;
    const data = JSON.parse(fields.get("data")!);
    const event = { name, data, id: this.lastId };
    if (this.onEvent === null) this.events.push(event);
    else this.onEvent(event);
    if (name === "list") {
      this.visitors.clear();
      for (const visitor of data.visitors) this.visitors.set(visitor.short_id, visitor);
    } else if (name === "visitor") this.visitors.set(data.short_id, data);
    else if (name === "gone") this.visitors.delete(data.short_id);
  }

  /** Leaves. */
  async [Symbol.asyncDispose]() {
    await this.#reader.cancel().catch(() => {});
    await this.ended;
  }
}

/** A client that follows a list of a server, and reconnects whenever its connection ends. */
export class FollowingClient implements AsyncDisposable {
  visitors: Partial<Visitor>[] = [];
  /** How often the client connected, and how often it was sent the whole list. */
  connected = 0;
  lists = 0;
  #client: StreamClient | null = null;
  #hasLeft = false;
  #following: Promise<void>;

  /**
   * @param api the API's URL
   * @param query the query of the list, `?q=…` or empty
   * @param pause the pause before a reconnect, in milliseconds; by default the server's `retry`
   */
  constructor(api: string, query: string, headers: Record<string, string>, pause?: number) {
    this.#following = this.#follow(`${api}/visitors/list/stream${query}`, headers, pause);
  }

  /** The client's visitors, in the API's order. */
  get list(): Partial<Visitor>[] {
    return this.#client?.list ?? this.visitors;
  }

  async #follow(url: string, headers: Record<string, string>, pause?: number) {
    let [id, retry] = ["", 1000];
    while (!this.#hasLeft) {
      try {
        const response = await fetch(url, {
          headers: { ...headers, ...(id ? { "Last-Event-ID": id } : {}) },
        });
        if (response.status !== 200) {
          await response.body?.cancel();
          throw new Error(`${response.status}`);
        }
        const client = new StreamClient(response, { visitors: this.visitors, id });
        this.#client = client;
        this.connected++;
        if (this.#hasLeft) await client[Symbol.asyncDispose]();
        await client.ended;
        this.visitors = client.list;
        this.lists += client.dataOf("list").length;
        [id, retry] = [client.lastId, client.retry];
      } catch {
        // The server does not listen at the moment.
      }
      if (!this.#hasLeft) await new Promise((resolve) => setTimeout(resolve, pause ?? retry));
    }
  }

  /** Leaves. */
  async [Symbol.asyncDispose]() {
    this.#hasLeft = true;
    await this.#client?.[Symbol.asyncDispose]();
    await this.#following;
  }
}

/** A clock that a test moves ahead. */
interface TestClock extends Clock {
  skip(milliseconds: number): void;
}

/** Makes an application over a store, with functions to read and follow lists, and a clock that a test moves ahead. */
export function streamingOver(
  bare: VisitorStore,
  environment: Environment = {},
  clock: TestClock = new SkippingClock(),
) {
  const app = appOver(bare, { REST_WRITE_KEY: "write key", ...environment }, undefined, { clock });
  const clients: StreamClient[] = [];
  const write = async (shortId: string, method: string, body?: string) => {
    const response = await app.ask(`/api/visitors/${shortId}`, { Authorization: "write key" }, method, body);
    await response.body?.cancel();
    return response.status;
  };
  return {
    ...app,
    clock,
    /** Opens a stream of the list with a query, `?q=…`. */
    async stream(query = "", headers: Record<string, string> = {}, from = {}) {
      const client = new StreamClient(await app.ask(`/api/visitors/list/stream${query}`, headers), from);
      clients.push(client);
      return client;
    },
    /** Reads a list, and the id from which a stream resumes after it. */
    async list(query = ""): Promise<{ visitors: Partial<Visitor>[]; id: string }> {
      const response = await app.ask(`/api/visitors/list/search${query}`);
      assert.equal(response.status, 200);
      return { visitors: (await response.json()).visitors, id: response.headers.get("X-Stream-Id")! };
    },
    /** Stores visitors as another process would. */
    async put(...documents: Record<string, unknown>[]) {
      assert.deepEqual(await bare.putVisitors(documents.map((document) => readVisitor(document)!)), []);
    },
    /** Changes a visitor through the API of this process. */
    change: (shortId: string, change: Record<string, unknown>) =>
      write(shortId, "PATCH", JSON.stringify(change)),
    remove: (shortId: string) => write(shortId, "DELETE"),
    /** Moves the clock ahead until a condition holds; only that lets time pass for streams. */
    until: (condition: () => Promise<boolean> | boolean) =>
      until(() => {
        clock.skip(250);
        return condition();
      }),
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client[Symbol.asyncDispose]();
    },
  };
}

/** The result of {@link streamingOver}. */
export type Streaming = ReturnType<typeof streamingOver>;
