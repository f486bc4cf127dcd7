/**
 * Servers with presence, and clients that connect to them as web pages.
 *
 * @module
 */
import assert from "node:assert/strict";
import { makeApp } from "../../src/app.ts";
import { type PresenceConfig, readConfig } from "../../src/config.ts";
import { listenForPages } from "../../src/http/listen_for_pages.ts";
import { Health } from "../../src/operations/health.ts";
import type { Log } from "../../src/operations/log.ts";
import { Metrics } from "../../src/operations/metrics.ts";
import type { ServerMessage } from "../../src/presence/messages.ts";
import type { Claims } from "../../src/store/claims.ts";
import { openPresence } from "../../src/presence/presence.ts";
import { WriteEvents } from "../../src/store/write_events.ts";
import { Streams } from "../../src/stream/streams.ts";
import { shareReads } from "../../src/store/shared_reads.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import type { Visitor } from "../../src/visitor/visitor.ts";
import type { Environment } from "./app.ts";
import { SkippingClock } from "./clock.ts";
import { eventually } from "./waiting.ts";

export { eventually };

/** How long visitors stay online after their last web page is closed, in milliseconds. */
export const GRACE = 20_000;

/** The environment that turns presence on. */
export const PRESENCE: Environment = {
  REST_KEY: "key",
  REST_WRITE_KEY: "write key",
  SITE_KEY: "site key",
  SECRET_KEY: "a secret of 32 characters or more",
  ALLOWED_ORIGINS: "*",
  // Longer than a busy machine takes to open another web page; tests skip the period by their clock.
  OFFLINE_GRACE: String(GRACE / 1000),
};

/** Starts a server with presence over a store. A logged failure fails the test, unless the test passes its own log. */
export async function servePresence(bare: VisitorStore, environment: Environment = {}, log: Log = failing) {
  const writes = new WriteEvents(bare);
  const { store } = writes;
  const config = readConfig({ ...PRESENCE, ...environment });
  assert.ok(config.presence !== null);
  const metrics = new Metrics();
  const health = new Health(store);
  const clock = new SkippingClock();
  const presence = openPresence({
    config: config as typeof config & { presence: PresenceConfig },
    store,
    metrics,
    log,
    clock,
  });
  const reads = shareReads(store);
  const parts = {
    config,
    store,
    reads,
    streams: new Streams({ config, reads, store, writes, health, metrics, log, clock }),
    health,
    metrics,
    log,
    presence: presence.handlers,
  };
  const app = makeApp(parts);
  const server = await listenForPages(app, { host: "127.0.0.1", port: 0 }, log);
  const host = `127.0.0.1:${server.port}`;
  /** Sends a request to the REST API. */
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://${host}/api${path}`, {
      headers: { Authorization: "write key" },
      ...init,
    });
    return await response.json();
  };
  const pages: TestPage[] = [];
  const open = async () => {
    const page = await TestPage.open(host);
    pages.push(page);
    return page;
  };
  /** Waits until a search finds a visitor, and returns the first one. */
  const find = (q: string): Promise<Visitor> =>
    eventually(async () => (await ask(`/visitors/list/search?q=${encodeURIComponent(q)}`)).visitors?.[0]);
  return {
    host,
    clock,
    presence,
    metrics,
    ask,
    find,
    /** Opens a web page, sends its hello and waits for the welcome. */
    enter: async (token?: string, url = "https://shop.example/") => {
      const page = await open();
      page.hello({ token, url });
      const welcome = await page.next("welcome");
      return Object.assign(page, {
        shortId: welcome.short_id,
        token: welcome.token,
        code: welcome.lookup_code,
      });
    },
    open,
    async [Symbol.asyncDispose]() {
      await presence.close();
      // Waits until both ends of each connection are closed.
      await Promise.all(pages.map(({ closed }) => closed));
      await eventually(async () =>
        /^foyer_presence_connections 0$/m.test((await metrics.text()).body) || undefined
      );
      await server.stop();
    },
  };
}

const failing: Log = (sentence, level) => {
  if (level === "error") assert.fail(sentence);
};

type MessageOf<Type> = Extract<ServerMessage, { type: Type }>;

/** A client that behaves like a web page. */
export class TestPage {
  /** The received messages that the test has not taken yet. */
  messages: ServerMessage[] = [];
  readonly closed: Promise<CloseEvent>;

  constructor(readonly socket: WebSocket) {
    socket.onmessage = ({ data }) => this.messages.push(JSON.parse(data));
    this.closed = new Promise((resolve) => socket.onclose = resolve);
  }

  /** @throws {Error} the server refuses the connection */
  static async open(host: string): Promise<TestPage> {
    const socket = new WebSocket(`ws://${host}/connect`);
    const page = new TestPage(socket);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new Error("Cannot connect"));
    });
    return page;
  }

  send(message: unknown) {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  hello(more: Record<string, unknown> = {}) {
    this.send({
      type: "hello",
      site_key: PRESENCE.SITE_KEY,
      sdk: "web 1.0.0",
      url: "https://shop.example/",
      is_supported: true,
      js_configuration: true,
      ...more,
    });
  }

  update(visitor: Claims) {
    this.send({ type: "update", visitor });
  }

  /** Waits for the next message of a type, and drops messages of other types before it. */
  async next<Type extends ServerMessage["type"]>(type: Type): Promise<MessageOf<Type>> {
    return await eventually(() => {
      while (this.messages.length > 0) {
        const message = this.messages.shift()!;
        if (message.type === type) return message as MessageOf<Type>;
      }
    });
  }

  /** Closes the connection. */
  async close() {
    this.socket.close();
    await this.closed;
  }
}
