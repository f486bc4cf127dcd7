import assert from "node:assert/strict";
import { createConnection, type Socket } from "node:net";
import { once } from "node:events";
import { hasSoundUpgrade } from "../../src/http/listen_for_pages.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { servePresence } from "../support/presence.ts";
import { hasAllRights } from "../support/rights.ts";
import { until } from "../support/waiting.ts";

type Server = Awaited<ReturnType<typeof servePresence>>;

function test(sentence: string, work: (server: Server) => Promise<void>) {
  // An older Deno has the faults that these tests are about; the README says which version is needed.
  if (!hasAllRights || !hasSoundUpgrade()) return;
  Deno.test(sentence, async () => {
    const store = openSqliteStore(":memory:");
    try {
      await using server = await servePresence(store, {
        MAX_CONNECTIONS: "30",
        CONNECTIONS_PER_ADDRESS: "0",
      });
      await work(server);
    } finally {
      await store.close();
    }
  });
}

const HANDSHAKE = "GET /connect HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/** A socket that has sent a handshake, and the bytes that it has received. */
async function shake({ host }: Server, handshake = HANDSHAKE) {
  const socket = createConnection({ host: "127.0.0.1", port: Number(host.split(":")[1]) });
  socket.on("error", () => {});
  const received: number[] = [];
  socket.on("data", (data: Uint8Array) => received.push(...data));
  await once(socket, "connect");
  socket.write(handshake);
  const text = () => new TextDecoder().decode(new Uint8Array(received));
  return { socket, received, text };
}

async function untilOpen(pages: { text: () => string }[]) {
  await until(() => Promise.resolve(pages.every(({ text }) => text().includes("101 Switching Protocols"))));
}

async function untilCounted({ metrics }: Server, count: number) {
  await until(async () =>
    new RegExp(`^foyer_presence_connections ${count}$`, "m").test((await metrics.text()).body)
  );
}

const reset = ({ socket }: { socket: Socket }) => socket.resetAndDestroy();

/** The header of a frame, with a mask of zeros (RFC 6455, section 5.2). */
function frame(first: number, length: number): Uint8Array {
  const head = new DataView(new ArrayBuffer(14));
  head.setUint8(0, first);
  head.setUint8(1, 255);
  head.setBigUint64(2, BigInt(length));
  return new Uint8Array(head.buffer);
}

test("Connections whose client resets, half-closes or sends nothing are no longer counted", async (server) => {
  for (let i = 0; i < 60; i++) reset(await shake(server));
  await untilCounted(server, 0);
  for (let i = 0; i < 20; i++) {
    const half = await shake(server);
    half.socket.end();
  }
  await untilCounted(server, 0);
  const silent: Awaited<ReturnType<typeof shake>>[] = [];
  for (let i = 0; i < 20; i++) silent.push(await shake(server));
  await untilOpen(silent);
  await untilCounted(server, 20);
  server.clock.skip(10_000);
  await until(() => Promise.resolve(silent.every(({ text }) => text().includes("hello_expected"))));
  server.clock.skip(5000);
  await untilCounted(server, 0);
  await until(() => Promise.resolve(silent.every(({ socket }) => socket.destroyed || socket.readableEnded)));
  await (await server.enter()).close();
});

test("The connection of a page that does not answer a close frame is ended", async (server) => {
  const page = await shake(server);
  await untilOpen([page]);
  for (let i = 0; i < 5; i++) page.socket.write(Uint8Array.of(0x81, 0x80, 0, 0, 0, 0));
  await until(() => Promise.resolve(page.text().split("invalid_message").length > 1));
  await until(() => Promise.resolve(page.text().includes("hello_expected") || page.received.includes(0x88)));
  server.clock.skip(5000);
  await untilCounted(server, 0);
});

const REFUSED: [what: string, bytes: Uint8Array, closeCode: number][] = [
  ["a message of 40 MB of which the head is there", frame(0x81, 40 << 20), 1009],
  ["a message of 33 KB", frame(0x81, 33 << 10), 1009],
  ["a binary message of 1 TB", frame(0x82, 2 ** 40), 1009],
  [
    "a message of a thousand frames",
    new Uint8Array([...frame(0x01, 0), ...Array.from({ length: 1000 }, () => [...frame(0x00, 0)]).flat()]),
    1008,
  ],
  ["a control frame that is too long", frame(0x89, 126), 1002],
  ["a frame without a mask", Uint8Array.of(0x81, 0), 1002],
];

for (const [what, bytes, closeCode] of REFUSED) {
  test(`Of ${what} nothing is awaited`, async (server) => {
    const page = await shake(server);
    await untilOpen([page]);
    page.socket.write(bytes);
    // The header of a close frame, followed by the code.
    await until(() =>
      Promise.resolve(
        page.received.some((byte, i) =>
          byte === 0x88 && page.received[i + 2] * 256 + page.received[i + 3] === closeCode
        ),
      )
    );
    server.clock.skip(5000);
    await untilCounted(server, 0);
    page.socket.destroy();
  });
}

const NO_HANDSHAKES: [what: string, handshake: string, status: number][] = [
  ["without a key", HANDSHAKE.replace(/Sec-WebSocket-Key.*?\r\n/, ""), 400],
  ["of another version", HANDSHAKE.replace("Version: 13", "Version: 7"), 400],
  ["of another protocol", HANDSHAKE.replace("websocket", "h2c"), 426],
  ["of another URL", HANDSHAKE.replace("/connect", "/elsewhere"), 404],
  ["of the API", HANDSHAKE.replace("/connect", "/api/visitors/list/latest"), 401],
  ["of a malformed Host", HANDSHAKE.replace("Host: a", "Host: a/b?c"), 400],
];

for (const [what, handshake, status] of NO_HANDSHAKES) {
  test(`A handshake ${what} is answered with ${status}, and nothing is counted`, async (server) => {
    const page = await shake(server, handshake);
    await until(() => Promise.resolve(/^HTTP\/1\.1 \d+ [^]*\r\n\r\n/.test(page.text())));
    assert.equal(Number(page.text().split(" ")[1]), status, page.text());
    await untilCounted(server, 0);
    page.socket.destroy();
  });
}

test("Ordinary requests are answered while WebSockets are open", async (server) => {
  const page = await server.enter();
  const visitor = await server.find("online");
  const url = `http://${server.host}/api/visitors/${page.shortId}`;
  const headers = { Authorization: "write key" };
  const got = await fetch(url, { headers });
  assert.equal((await got.json()).visitor.short_id, visitor.short_id);
  assert.match(got.headers.get("ETag")!, /^"/);
  const head = await fetch(url, { method: "HEAD", headers });
  assert.equal(head.status, 200);
  assert.ok(Number(head.headers.get("Content-Length")) > 100);
  const body = JSON.stringify({ name: "Zoë" });
  assert.equal((await (await fetch(url, { method: "PATCH", headers, body })).json()).visitor.name, "Zoë");
  const long = await fetch(url, { method: "PATCH", headers, body: "x".repeat(65 * 1024) });
  assert.equal((await long.json()).error, "too_large");
  assert.equal((await (await fetch(url)).json()).error, "invalid_api_key");
});

test("HTTP/1.0 needs no Host header, and HTTP/1.1 does", async (server) => {
  const statusOf = async (request: string) => {
    const asked = await shake(server, `${request}\r\nConnection: close\r\n\r\n`);
    await until(() => Promise.resolve(asked.text().includes("\r\n\r\n")));
    asked.socket.destroy();
    return Number(asked.text().split(" ")[1]);
  };
  assert.equal(await statusOf("GET /live HTTP/1.0"), 200);
  assert.equal(await statusOf("GET /api/visitors/list/latest HTTP/1.0\r\nAuthorization: write key"), 200);
  assert.equal(await statusOf("GET /live HTTP/1.1"), 400);
});
