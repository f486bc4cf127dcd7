/**
 * Streams over real connections, with `Deno.serve` and with `node:http`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { listenForPages } from "../../src/http/listen_for_pages.ts";
import { listen, type Listener } from "../../src/operations/listen.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { hasAllRights } from "../support/rights.ts";
import { StreamClient, type Streaming, streamingOver } from "../support/streams.ts";
import { until } from "../support/waiting.ts";

const ADDRESS = { host: "127.0.0.1", port: 0 };

const WAYS: [name: string, start: (app: Streaming) => Promise<Listener> | Listener][] = [
  ["Deno.serve", (app) => listen((request) => app.app.fetch(request), ADDRESS, app.log)],
  [
    "The server that web pages connect to",
    (app) => listenForPages((request) => app.app.fetch(request), ADDRESS, app.log),
  ],
];

/** A visitor whose JSON has more than 10,000 characters. */
const large = (i: number, name: string) => ({
  short_id: `v${i}`,
  is_online: true,
  last_seen_at: new Date(1_770_000_000_000 + i),
  name,
  metadata: { text: "x".repeat(10_000) },
});

const openStreams = async (app: Streaming) => {
  const { body } = await app.metrics.text();
  return Number(/^foyer_streams_open (\d+)$/m.exec(body)![1]);
};

for (const [name, start] of WAYS) {
  const test = (sentence: string, work: (app: Streaming, port: number) => Promise<void>) =>
    hasAllRights && Deno.test({
      name: `${name} ${sentence}`,
      // Servers close their connections only after the test.
      sanitizeOps: false,
      sanitizeResources: false,
      fn: async () => {
        const store = openSqliteStore(":memory:");
        const app = streamingOver(store);
        const listener = await start(app);
        try {
          await work(app, listener.port);
        } finally {
          await app.streams.end(0);
          await listener.stop();
          await app[Symbol.asyncDispose]();
          await store.close();
        }
      },
    });

  const request = (port: number, signal?: AbortSignal) =>
    fetch(`http://127.0.0.1:${port}/api/visitors/list/stream`, { headers: { Authorization: "key" }, signal });

  test("sends each event at once, uncompressed and not cacheable", async (app, port) => {
    await app.put(large(1, "Ada"));
    const response = await request(port);
    assert.equal(response.headers.get("Content-Encoding"), null);
    assert.match(response.headers.get("Cache-Control")!, /no-store.*no-transform/);
    assert.equal(response.headers.get("X-Accel-Buffering"), "no");
    await using client = new StreamClient(response);
    await client.untilStarted();
    for (const name of ["Grace", "Zoë"]) {
      await app.change("v1", { name });
      await app.until(() => client.dataOf("visitor").at(-1)?.name === name);
    }
  });

  test("notices that a client disconnected, even if nothing is being sent", async (app, port) => {
    const gone = new AbortController();
    const response = await request(port, gone.signal);
    const client = new StreamClient(response);
    await client.untilStarted();
    assert.equal(await openStreams(app), 1);
    gone.abort();
    await client.ended;
    await until(async () => await openStreams(app) === 0);
  });

  test("leaves no stream open for a client that disconnected before the answer", async (app, port) => {
    const head = `GET /api/visitors/list/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: key\r\n\r\n`;
    for (let i = 0; i < 100; i++) {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(new TextEncoder().encode(head));
      connection.close();
    }
    await using client = new StreamClient(await request(port));
    await client.untilStarted();
    await until(async () => await openStreams(app) === 1);
  });

  test("answers HEAD without a stream", async (app, port) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/visitors/list/stream`, {
      method: "HEAD",
      headers: { Authorization: "key" },
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("Content-Type"), "text/event-stream");
    assert.equal(await response.text(), "");
    await until(async () => await openStreams(app) === 0);
  });

  test(
    "buffers little for a client that does not read, and later sends it the whole list",
    async (app, port) => {
      const count = 100;
      const all = (name: string) => Array.from({ length: count }, (_, i) => large(i, name));
      await app.put(...all("first"));
      using connection = await Deno.connect({ hostname: "127.0.0.1", port });
      await connection.write(
        new TextEncoder().encode(
          `GET /api/visitors/list/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: key\r\n\r\n`,
        ),
      );
      await using watcher = new StreamClient(await request(port));
      await watcher.until(({ visitors }) => visitors.size === count);
      let sent = 0;
      for (let round = 0; round < 60; round++) {
        await app.put(...all(`round ${round}`));
        await app.until(() => watcher.visitors.get("v99")?.name === `round ${round}`);
        sent += count * 10_000;
      }
      await app.put(...all("last"));
      await app.until(() => watcher.visitors.get("v99")?.name === "last");

      let received = 0;
      let text = "";
      const decoder = new TextDecoder();
      for await (const bytes of connection.readable) {
        received += bytes.length;
        text += decoder.decode(bytes, { stream: true });
        const end = text.lastIndexOf("event: list");
        if (text.slice(end).includes('"v99"') && text.includes('"last"')) break;
        if (text.length > 5_000_000) text = text.slice(-3_000_000);
        app.clock.skip(250);
      }
      assert.ok(received < sent / 2, `${received} of ${sent} bytes waited`);
    },
  );
}
