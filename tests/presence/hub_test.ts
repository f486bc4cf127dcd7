import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { ATTRIBUTE_NAMES } from "../../src/visitor/visitor.ts";
import type { Environment } from "../support/app.ts";
import { appWith } from "../support/app.ts";
import { eventually, GRACE, servePresence, TestPage } from "../support/presence.ts";
import { hasAllRights } from "../support/rights.ts";
import { until } from "../support/waiting.ts";

type Server = Awaited<ReturnType<typeof servePresence>>;

/** A test over a server of its own, with an empty store in memory. */
function test(sentence: string, work: (server: Server) => Promise<void>, environment: Environment = {}) {
  if (!hasAllRights) return;
  Deno.test(sentence, async () => {
    const store = openSqliteStore(":memory:");
    try {
      await using server = await servePresence(store, environment);
      await work(server);
    } finally {
      await store.close();
    }
  });
}

/** Waits until the server counts a number of connected web pages. */
async function untilConnected({ metrics }: Server, count: number) {
  await until(async () =>
    new RegExp(`^foyer_presence_connections ${count}$`, "m").test((await metrics.text()).body)
  );
}

/** Waits until all changes of visitors are written to the database. */
async function untilWritten({ metrics }: Server) {
  await until(async () => /^foyer_presence_waiting 0$/m.test((await metrics.text()).body));
}

test("A web page that sends a hello creates a visitor who is online, with its browser's data", async (server) => {
  const before = Date.now();
  const page = await server.enter(undefined, "https://user:pass@shop.example/cart?step=2#pay");
  assert.match(page.shortId, /^[2-9A-HJ-NP-Za-km-z]{10}$/);
  assert.match(page.code!, /^[0-9]{4}$/);
  const visitor = await eventually(async () => (await server.ask("/visitors/list/latest")).visitors[0]);
  assert.deepEqual(Object.keys(visitor), ATTRIBUTE_NAMES);
  const { added_at, last_seen_at, device_type: _, device_name: __, browser_name: ___, ...others } = visitor;
  for (const time of [added_at, last_seen_at]) {
    assert.ok(Date.parse(time) >= before && Date.parse(time) <= Date.now());
  }
  assert.deepEqual({ ...others, watch_link: null }, {
    ...Object.fromEntries(ATTRIBUTE_NAMES.filter((name) => name in others).map((name) => [name, null])),
    short_id: page.shortId,
    api_key: "site key",
    identities: [],
    integration_ids: [],
    tags: [],
    metadata: {},
    ip_address: "127.0.0.1",
    is_in_session: false,
    is_online: true,
    is_supported: true,
    is_waiting_for_call: false,
    js_configuration: true,
    last_url: "https://shop.example/cart",
    lookup_code: page.code,
    sdk: "web 1.0.0",
  });
});

test("Nothing is stored about a web page that has not sent a hello", async (server) => {
  const page = await server.open();
  page.update({ name: "Ada" });
  assert.equal((await page.next("error")).error, "hello_expected");
  await server.enter();
  await eventually(async () => (await server.ask("/visitors/list/latest")).visitors[0]);
  assert.equal((await server.ask("/usage")).usage.visitors.last_30_days, 1);
});

test("A web page with a token is the same visitor again, and one with only the short id is not", async (server) => {
  const first = await server.enter();
  const other = await server.enter(first.token);
  assert.equal(other.shortId, first.shortId);
  assert.equal(other.code, first.code, "a second tab shows the same code");
  for (const forged of [first.shortId, `${first.shortId}.`, `${first.shortId}.AAAA`, first.token + "x"]) {
    const thief = await server.enter(forged);
    assert.notEqual(thief.shortId, first.shortId);
  }
});

test("Claims of a web page can be searched for; null clears a claim, and an absent one stays", async (server) => {
  const page = await server.enter();
  page.update({
    name: "Zoë Müller",
    identities: ["zoe@example.com", "Acme"],
    unique_id: "u1",
    tags: ["#vip"],
    integration_ids: ["crm:1"],
    call_name: "Zoë (DE)",
    metadata: { plan: "team" },
  });
  for (
    const q of ["muller", "zoe@example.com", "acme", "id:u1", "#VIP", "integration_id:crm:1", page.code!]
  ) {
    assert.equal((await server.find(q)).short_id, page.shortId, q);
  }
  page.update({ name: null, integration_ids: ["chat:2", "crm:"] });
  const visitor = await eventually(async () => {
    const visitor = await server.find("acme");
    return visitor.name === null ? visitor : undefined;
  });
  assert.deepEqual(visitor.integration_ids, ["chat:2"]);
  assert.deepEqual([visitor.unique_id, visitor.tags, visitor.email], ["u1", ["#vip"], "zoe@example.com"]);
  assert.deepEqual(visitor.metadata, { plan: "team" });
  assert.deepEqual((await server.ask("/visitors/list/search?q=muller")).visitors, []);
});

test("A page view changes the visitor's last URL", async (server) => {
  const page = await server.enter();
  page.send({ type: "page", url: "https://shop.example/pricing?utm=1" });
  assert.equal((await server.find("url:pricing")).last_url, "https://shop.example/pricing");
});

test(
  "With STORE_QUERY the whole URL but its password is stored, and with STORE_IP=false no address is",
  async (server) => {
    await server.enter(undefined, "https://user:pass@shop.example/a?step=2#pay");
    const visitor = await server.find("online");
    assert.equal(visitor.last_url, "https://shop.example/a?step=2#pay");
    assert.equal(visitor.ip_address, null);
  },
  { STORE_QUERY: "true", STORE_IP: "false" },
);

test("The place is that of the client's address, which trusted proxies forward", async (server) => {
  const address = "203.0.113.7";
  const socket = new WebSocket(`ws://${server.host}/connect`, {
    headers: { "X-Forwarded-For": `6.6.6.6, ${address}` },
  });
  await new Promise((resolve) => socket.onopen = resolve);
  const page = new TestPage(socket);
  page.hello();
  await page.next("welcome");
  const visitor = await server.find("online");
  assert.equal(visitor.ip_address, address);
  assert.deepEqual(
    [visitor.location_city, visitor.location_country, visitor.location_country_name],
    ["Berlin", "DE", "Germany"],
  );
  await page.close();
}, { TRUSTED_PROXIES: "127.0.0.1", GEOIP_DB: fileURLToPath(new URL("city.mmdb", import.meta.url)) });

const URLS: [origin: string | null, url: string, isTaken: boolean][] = [
  ["https://shop.example", "https://shop.example/cart", true],
  ["https://shop.example", "https://SHOP.example:443/cart", true],
  ["https://shop.example", "https://user:password@shop.example/cart", true],
  ["https://SHOP.example", "https://shop.example/cart", true],
  ["http://shop.example:8080", "http://shop.example:8080/", true],
  [null, "https://shop.example/cart", true],
  ["null", "https://shop.example/cart", true],
  ["capacitor://localhost", "capacitor://localhost/cart?a=b", true],
  ["ionic://app.acme.com", "ionic://app.acme.com/", true],
  ["tauri://localhost", "tauri://localhost", true],
  ["capacitor://localhost", "ionic://localhost/", false],
  ["capacitor://localhost", "capacitor://localhost:8100/", false],
  ["capacitor://localhost", "https://shop.example/", false],
  ["https://shop.example", "capacitor://shop.example/", false],
  [null, "capacitor://localhost/", false],
  ["javascript://x", "javascript://x/%0aalert(1)", false],
  ["file://x", "file://x/etc", false],
  ["https://shop.example", "https://evil.example/", false],
  ["https://shop.example", "http://shop.example/", false],
  ["https://shop.example", "https://shop.example:8443/", false],
  ["https://shop.example", "https://shop.example@evil.example/", false],
  ["https://shop.example", "https://www.shop.example/", false],
  ["http://shop.example:8080", "http://shop.example/", false],
];

test("A web page may report only URLs of its own origin", async (server) => {
  for (const [origin, url, isTaken] of URLS) {
    const headers: Record<string, string> = origin === null ? {} : { Origin: origin };
    const socket = new WebSocket(`ws://${server.host}/connect`, { headers });
    await new Promise((resolve) => socket.onopen = resolve);
    const page = new TestPage(socket);
    page.hello({ url });
    const answer = await eventually(() => page.messages.shift());
    assert.equal(answer.type, isTaken ? "welcome" : "error", `${url} of ${origin}`);
    if (isTaken && origin !== null && origin !== "null") {
      page.send({ type: "page", url: "https://elsewhere.example/" });
      assert.equal((await page.next("error")).error, "invalid_message");
    }
    await page.close();
  }
});

test("A visitor is online until its last page closes, and for the grace period after it", async (server) => {
  const first = await server.enter();
  const second = await server.enter(first.token);
  await first.close();
  await server.find("online");
  await second.close();
  await server.find("online");
  // As in a page load, the new web page connects before the grace period ends.
  const third = await server.enter(first.token);
  assert.equal(third.shortId, first.shortId);
  assert.equal(third.code, first.code, "the code stays");
  server.clock.skip(GRACE);
  await untilWritten(server);
  assert.equal((await server.find("online")).lookup_code, first.code);
  await third.close();
  await untilConnected(server, 0);
  server.clock.skip(GRACE);
  const gone = await server.find("-online");
  assert.equal(gone.short_id, first.shortId);
  assert.equal(gone.lookup_code, null);
  const again = await server.enter(first.token);
  assert.equal((await server.find("online")).short_id, first.shortId);
  assert.match((await again.next("lookup_code")).lookup_code!, /^[0-9]{4}$/);
});

test("No two visitors online have the same lookup code", async (server) => {
  const pages = await Promise.all(Array.from({ length: 100 }, () => server.enter()));
  assert.equal(new Set(pages.map(({ code }) => code)).size, 100);
  for (const page of pages.slice(0, 3)) {
    const found = await server.find(page.code!);
    assert.equal(found.short_id, page.shortId);
  }
});

test("A bad message is answered with an error, and after five of them the connection is closed", async (server) => {
  const page = await server.enter();
  const bad = ["{", "null", JSON.stringify({ type: "update", visitor: { tags: ["vip"] } }), "[]", "1"];
  for (const message of bad.slice(0, 4)) {
    page.send(message);
    assert.equal((await page.next("error")).error, "invalid_message");
  }
  page.update({ name: "Ada" });
  assert.equal((await server.find("ada")).short_id, page.shortId, "it goes on meanwhile");
  page.send(bad[4]);
  assert.equal((await page.closed).code, 1008);
  const binary = await server.enter();
  binary.socket.send(new Uint8Array([1, 2, 3]));
  assert.equal((await binary.next("error")).error, "invalid_message");
});

test("A message of more than 16 KB ends the connection, and too many messages are ignored", async (server) => {
  const long = await server.enter();
  long.send(" ".repeat(16 * 1024 + 1));
  assert.equal((await long.next("error")).error, "message_too_long");
  assert.equal((await long.closed).code, 1009);
  const busy = await server.enter();
  for (let i = 0; i < 20; i++) busy.send({ type: "page", url: `https://shop.example/${i}` });
  assert.equal((await busy.next("error")).error, "too_many_messages");
  assert.equal((await server.find("url:/18")).short_id, busy.shortId);
});

test("A wrong site key, and a second hello, are refused", async (server) => {
  const wrong = await server.open();
  wrong.hello({ site_key: "key" });
  assert.equal((await wrong.next("error")).error, "invalid_site_key");
  assert.equal((await wrong.closed).code, 1008);
  const twice = await server.enter();
  twice.hello();
  assert.equal((await twice.next("error")).error, "invalid_message");
});

test(
  "One address can create a limited number of visitors a minute, and reconnect as any of them",
  async (server) => {
    const pages = [await server.enter(), await server.enter()];
    const third = await server.open();
    third.hello();
    assert.equal((await third.next("error")).error, "too_many_visitors");
    assert.equal((await third.closed).code, 1013);
    assert.equal((await server.enter(pages[0].token)).shortId, pages[0].shortId);
  },
  { NEW_VISITORS_PER_MINUTE: "2" },
);

test("Tokens of removed visitors do not bypass the limit of new visitors a minute", async (server) => {
  const pages = [await server.enter(), await server.enter(), await server.enter()];
  for (const page of pages) await page.close();
  await untilConnected(server, 0);
  server.clock.skip(GRACE);
  await untilWritten(server);
  await server.ask("/visitors?all=true", { method: "DELETE", headers: { Authorization: "write key" } });
  // Three of this minute's four new visitors are used up.
  const again: TestPage[] = [];
  for (const { token } of pages) again.push(await server.enter(token));
  const outcomes = await Promise.all(again.map((page) =>
    eventually(() => {
      const message = page.messages.find(({ type }) => type === "welcome" || type === "error");
      return message?.type === "error" ? message.error : message?.type;
    })
  ));
  assert.deepEqual(outcomes.sort(), ["too_many_visitors", "too_many_visitors", "welcome"]);
  await untilWritten(server);
  assert.equal((await server.ask("/usage")).usage.visitors.last_30_days, 1);
}, { NEW_VISITORS_PER_MINUTE: "4" });

test("The number of connections is limited per address, and in total", async (server) => {
  const pages = [await server.open(), await server.open()];
  await assert.rejects(server.open());
  await pages[0].close();
  await eventually(() => server.open().catch(() => undefined));
}, { CONNECTIONS_PER_ADDRESS: "2" });

test("A web page whose visitor was removed through the API becomes another visitor", async (server) => {
  const page = await server.enter();
  page.update({ name: "Ada" });
  await server.find("ada");
  const { status } = await server.ask(`/visitors/${page.shortId}`, {
    method: "DELETE",
    headers: { Authorization: "write key" },
  });
  assert.equal(status, "ok");
  page.send({ type: "page", url: "https://shop.example/next" });
  const welcome = await page.next("welcome");
  assert.notEqual(welcome.short_id, page.shortId);
  const visitor = await server.find("url:next");
  assert.equal(visitor.short_id, welcome.short_id);
  assert.equal(visitor.name, null);
  assert.equal(visitor.sdk, "web 1.0.0", "the other attributes of its web page are there");
  // A web page that was not connected at the removal becomes another visitor as well.
  const late = await server.enter(page.token);
  assert.equal(late.shortId, page.shortId, "its token is good, and nobody has looked yet");
  assert.notEqual((await late.next("welcome")).short_id, page.shortId);
  assert.equal((await server.ask(`/visitors/${page.shortId}`)).error, "visitor_not_found");
});

test("Page views do not undo what an agent changed through the API", async (server) => {
  const page = await server.enter();
  await server.find("online");
  const body = JSON.stringify({ name: "Ada", is_in_session: true });
  await server.ask(`/visitors/${page.shortId}`, {
    method: "PATCH",
    headers: { Authorization: "write key" },
    body,
  });
  page.send({ type: "page", url: "https://shop.example/next" });
  page.update({ tags: ["#vip"] });
  const visitor = await eventually(async () => {
    const visitor = await server.find("ada");
    return visitor.tags.length > 0 && visitor.last_url?.endsWith("next") ? visitor : undefined;
  });
  assert.ok(visitor.is_in_session);
});

test("Before a stop web pages are asked to reconnect, visitors stay online, and the next process knows them", async (server) => {
  const page = await server.enter();
  await server.find("online");
  server.presence.sendAway();
  const { after } = await page.next("reconnect");
  assert.ok(after >= 0 && after < 10_000);
  await assert.rejects(server.open());
  await server.presence.close();
  assert.equal((await page.closed).code, 1012);
  const visitor = await server.find("online");
  assert.equal(visitor.lookup_code, page.code);
});

const REFUSED: [
  sentence: string,
  environment: Environment,
  headers: Record<string, string>,
  error: string,
][] = [
  ["without a handshake", {}, { Upgrade: "" }, "426 upgrade_required"],
  ["from another origin", { ALLOWED_ORIGINS: "https://shop.example" }, {
    Origin: "https://shop.example.evil",
  }, "403 origin_not_allowed"],
  ["from no origin", { ALLOWED_ORIGINS: "https://shop.example" }, {}, "403 origin_not_allowed"],
  [
    "where no origin may",
    { ALLOWED_ORIGINS: "" },
    { Origin: "https://shop.example" },
    "403 origin_not_allowed",
  ],
];

for (const [sentence, environment, headers, error] of REFUSED) {
  test(`Nobody connects ${sentence}`, async (server) => {
    const response = await fetch(`http://${server.host}/connect`, {
      headers: { Upgrade: "websocket", Connection: "Upgrade", ...headers },
    });
    const body = await response.json();
    assert.equal(`${response.status} ${body.error}`, error);
  }, environment);
}
Deno.test("Without SITE_KEY the routes for web pages do not exist", async () => {
  const { app } = await appWith([]);
  for (const path of ["/connect", "/sdk.js", "/sdk.mjs", "/sdk.d.ts"]) {
    assert.equal((await app.request(path)).status, 404, path);
  }
});
