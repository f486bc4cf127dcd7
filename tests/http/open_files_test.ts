import assert from "node:assert/strict";
import { hasSoundUpgrade } from "../../src/http/listen_for_pages.ts";
import { OpenFiles } from "../../src/http/open_files.ts";
import { ManualClock } from "../support/clock.ts";
import { inFolder } from "../support/folders.ts";
import { PRESENCE, TestPage } from "../support/presence.ts";
import { fromSource } from "../support/processes.ts";
import { hasAllRights } from "../support/rights.ts";
import { startServer } from "../support/server.ts";
import { until } from "../support/waiting.ts";

Deno.test("Some files are reserved, and more of them may be used by requests than by web pages", () => {
  const clock = new ManualClock();
  let room = 100;
  let looks = 0;
  const files = new OpenFiles((count) => {
    looks++;
    return Math.min(room, count);
  }, clock);
  const open = (count: number) => {
    room -= count;
    for (let i = 0; i < count; i++) files.noteOpened();
  };
  open(60);
  assert.deepEqual([files.hasRoomFor("page"), files.hasRoomFor("request")], [true, true]);
  open(10);
  assert.deepEqual([files.hasRoomFor("page"), files.hasRoomFor("request")], [false, true]);
  open(10);
  assert.deepEqual([files.hasRoomFor("page"), files.hasRoomFor("request")], [false, false]);
  // While files are short, the room is counted down and measured now and then.
  looks = 0;
  for (let i = 0; i < 1000; i++) {
    open(1);
    assert.equal(files.hasRoomFor("request"), false);
    room++;
    files.noteClosed();
  }
  assert.equal(looks, 0);
  room += 30;
  assert.equal(files.hasRoomFor("request"), false);
  clock.advance(1000);
  assert.equal(files.hasRoomFor("request"), true);
  assert.equal(files.wasShort(), true);
  assert.equal(files.wasShort(), false);
});

Deno.test("However many connections come at once, the room is measured before the reserve is used", () => {
  for (const all of [60, 500, 5000, 100_000]) {
    let room = all;
    let least = all;
    const files = new OpenFiles((count) => Math.min(room, count), new ManualClock());
    while (files.hasRoomFor("request")) {
      room--;
      files.noteOpened();
      least = Math.min(least, room);
    }
    assert.ok(least >= 20 && least <= 128, `${least} of ${all}`);
    assert.ok(files.wasShort());
  }
});

Deno.test("If files cannot be opened for another reason than their number, connections are accepted", () => {
  const files = new OpenFiles(() => Infinity, new ManualClock());
  for (let i = 0; i < 100_000; i++) files.noteOpened();
  assert.ok(files.hasRoomFor("page") && !files.wasShort());
});

// An older Deno accepts no connections until the idle ones are closed.
if (hasAllRights && hasSoundUpgrade()) {
  Deno.test({
    name:
      "When open files run short idle connections are closed, and never active pages or requests under way",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: () => inFolder(beOutOfFiles),
  });
}

async function beOutOfFiles(folder: string) {
  const environment = { ...PRESENCE, CONNECTIONS_PER_ADDRESS: "0", SQLITE_PATH: "foyer.db" };
  await using server = await startServer((more) => {
    const { program, args = [], ...options } = fromSource(folder, [], more);
    return { ...options, program: "sh", args: ["-c", 'ulimit -n 120; exec "$@"', "sh", program, ...args] };
  }, environment);
  const host = `127.0.0.1:${server.port}`;
  const connect = () => Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const headers = { Authorization: PRESENCE.REST_WRITE_KEY! };
  const enter = async () => {
    const page = await TestPage.open(host);
    page.hello();
    return Object.assign(page, { shortId: (await page.next("welcome")).short_id });
  };
  const pages: Awaited<ReturnType<typeof enter>>[] = [];
  for (let i = 0; i < 20; i++) pages.push(await enter());
  await until(async () =>
    (await (await fetch(`${server.url}/api/usage`, { headers })).json()).usage.visitors.online_now === 20
  );
  // A request under way, whose body is not complete.
  const slow = await connect();
  const body = '{"name":"Slow"}';
  const write = (text: string) => slow.write(new TextEncoder().encode(text));
  await write(
    `PATCH /api/visitors/${
      pages[0].shortId
    } HTTP/1.1\r\nHost: a\r\nAuthorization: ${headers.Authorization}\r\n` +
      `Content-Length: ${body.length}\r\n\r\n{`,
  );
  await (await fetch(`${server.url}/live`)).body!.cancel();
  const silent: Deno.TcpConn[] = [];
  try {
    // First all at once, then one by one; some stop within a request's header, others before their hello.
    const many = await Promise.allSettled(Array.from({ length: 130 }, connect));
    for (const one of many) if (one.status === "fulfilled") silent.push(one.value);
    await server.until(/Too many open files/);
    for (let i = 0; i < 60; i++) {
      const one = await connect().catch(() => null);
      if (one === null) continue;
      silent.push(one);
      await one.write(new TextEncoder().encode(i % 2 === 0 ? HALF_A_HEAD : HANDSHAKE)).catch(() => {});
    }
    const asks = async () => {
      const response = await fetch(`${server.url}/api/visitors/list/latest`, {
        headers,
        signal: AbortSignal.timeout(1000),
      });
      return (await response.json()).visitors.length >= 20;
    };
    await until(() => asks().catch(() => false));
    const late = await enter();
    for (const page of [...pages, late]) {
      page.send({ type: "lookup_code" });
      await page.next("lookup_code");
    }
    await write(body.slice(1));
    const answer = new Uint8Array(100);
    await slow.read(answer);
    assert.match(new TextDecoder().decode(answer), /^HTTP\/1\.1 200 /);
    for (const page of [...pages, late]) await page.close();
  } finally {
    for (const one of [slow, ...silent]) one.close();
  }
  assert.equal((await server.stop("SIGTERM")).code, 0, server.stderr);
}

const HALF_A_HEAD = "GET /live HTTP/1.1\r\nHo";
const HANDSHAKE = "GET /connect HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
