import assert from "node:assert/strict";
import { LookupLimit } from "../../src/rest/limits.ts";
import { Buffer } from "node:buffer";
import { encodeCursor } from "../../src/rest/cursor.ts";
import type { SearchQuery } from "../../src/search/parse.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { appOver, appWith, type Environment } from "../support/app.ts";
import { ManualClock } from "../support/clock.ts";

const LATEST = "/api/visitors/list/latest";

async function assertRefused(response: Response, what: string) {
  const { status, error, message } = await response.json();
  assert.deepEqual([response.status, status, error], [429, "error", "too_many_requests"], what);
  assert.match(message, /^[A-Z][^\n]*\.$/, "one sentence for a person");
  const seconds = Number(response.headers.get("Retry-After"));
  assert.ok(Number.isInteger(seconds) && seconds >= 1 && seconds <= 60, what);
}

Deno.test("Each key may make RATE_LIMIT requests a second, independently of the others", async () => {
  const keys = { REST_KEY_PREVIOUS: "old", REST_WRITE_KEY: "write" };
  const { app } = await appWith([], { RATE_LIMIT: "5", ...keys }, new ManualClock());
  const ask = (key: string, path: string, method = "GET") =>
    app.request(path, { method, headers: { Authorization: key } });
  for (const key of ["key", "old", "write"]) {
    // Every request counts, in whichever form the key is sent.
    const asked = [
      ask(key, LATEST),
      ask(`Bearer ${key}`, LATEST, "HEAD"),
      app.request("/api/visitors/nobody", { headers: { "X-Api-Key": key } }),
      ask(key, "/api/nothing"),
      ask(key, LATEST, "OPTIONS"),
      ...Array.from({ length: 15 }, () => ask(key, "/api/visitors/list/search?q=x")),
    ];
    const answers = await Promise.all(asked);
    const statuses = answers.map(({ status }) => status);
    assert.deepEqual(statuses.slice(0, 5), [200, 200, 404, 404, 405], key);
    for (const answer of answers.slice(5)) await assertRefused(answer, key);
  }
});

Deno.test("The limit starts anew with the next second", async () => {
  const clock = new ManualClock();
  const { ask } = await appWith([], { RATE_LIMIT: "1" }, clock);
  assert.equal((await ask(LATEST)).status, 200);
  for (const passed of [0, 500, 499]) {
    clock.advance(passed);
    const response = await ask(LATEST);
    assert.equal(response.status, 429);
    assert.equal(response.headers.get("Retry-After"), "1");
  }
  clock.advance(1);
  assert.equal((await ask(LATEST)).status, 200);
});

Deno.test("Requests without a key are always 401, and do not count against any key's limit", async () => {
  const { app, ask } = await appWith([], { RATE_LIMIT: "1" }, new ManualClock());
  const statusOf = async (Authorization: string) => {
    const response = await app.request(LATEST, { headers: { Authorization } });
    await response.text();
    return response.status;
  };
  for (let i = 0; i < 10; i++) assert.equal(await statusOf("wrong"), 401);
  assert.equal((await ask(LATEST)).status, 200);
  assert.deepEqual([await statusOf("wrong"), await statusOf("")], [401, 401]);
});

Deno.test("Probes are not limited", async () => {
  const { app, admin } = await appWith([], { RATE_LIMIT: "1" });
  for (let i = 0; i < 10; i++) {
    for (const path of ["/live", "/ready"]) assert.equal((await app.request(path)).status, 200);
    assert.equal((await admin.request("/metrics")).status, 200);
  }
});

Deno.test("Without RATE_LIMIT there is no limit", async () => {
  const { ask } = await appWith([]);
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask(LATEST)));
  assert.ok(answers.every(({ status }) => status === 200));
});

/** Two visitors with a lookup code, and one whose short id looks like a code. */
const DOCUMENTS = [
  { short_id: "aB3", is_online: true, name: "Jane", lookup_code: "0042" },
  { short_id: "cD4", name: "Ada", lookup_code: "0043" },
  { short_id: "7777", name: "Zoë" },
];

/** An application that records the queries to its store. */
async function openApp(environment: Environment = {}, documents: Record<string, unknown>[] = DOCUMENTS) {
  const queries: SearchQuery[] = [];
  const store: VisitorStore = openSqliteStore(":memory:");
  await store.putVisitors(documents.map((document) => readVisitor(document)!));
  const watched = new Proxy(store, {
    get(target, name) {
      if (name === "findVisitors") {
        return (...args: Parameters<VisitorStore["findVisitors"]>) => {
          queries.push(args[0]);
          return target.findVisitors(...args);
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const given = { REST_WRITE_KEY: "write", BASE_ENDPOINT: "https://acme.com/support", ...environment };
  const clock = new ManualClock();
  const { app } = appOver(watched, given, undefined, { clock });
  const search = (
    q: string,
    { key = "key", peer = "203.0.113.9", more = "", headers = {}, method = "GET" } = {},
  ) =>
    app.request(
      `/api/visitors/list/search?q=${encodeURIComponent(q)}${more}`,
      { method, headers: { Authorization: key, ...headers } },
      peer,
    );
  const find = async (...args: Parameters<typeof search>): Promise<string[]> => {
    const response = await search(...args);
    assert.equal(response.status, 200, args[0]);
    return (await response.json()).visitors.map(({ short_id }: { short_id: string }) => short_id);
  };
  /** Searches by a number of codes that nobody has. */
  const miss = async (times: number, options: Parameters<typeof search>[1] = {}) => {
    for (let i = 0; i < times; i++) assert.deepEqual(await find(String(1000 + i), options), []);
  };
  return { app, queries, search, find, miss, clock };
}

Deno.test("After ten searches by codes that nobody has, further codes are refused, while other searches are answered", async () => {
  const { search, find, miss } = await openApp();
  await miss(10);
  for (const q of ["1234", "1000", "0042", "7777"]) await assertRefused(await search(q), q);
  for (
    const q of ["jane", "nobody", "#nobody", "id:1234", "ip:1.2.3.4", "12345", "123", '"1234"', "online"]
  ) {
    const found = await find(q);
    assert.deepEqual(found, ["jane", "online"].includes(q) ? ["aB3"] : [], q);
  }
});

Deno.test("The limit on lookup codes ends with its minute", async () => {
  const { search, miss, clock } = await openApp();
  await miss(1);
  clock.advance(20_000);
  await miss(9);
  const refused = await search("1234");
  assert.equal(refused.headers.get("Retry-After"), "40");
  clock.advance(39_999);
  await assertRefused(await search("1234"), "a moment before");
  clock.advance(1);
  await miss(10);
  await assertRefused(await search("0042"), "in the next minute");
});

Deno.test("No spelling, parameter, header, method or cursor evades the limit on lookup codes", async () => {
  const { app, search, miss, queries } = await openApp();
  await miss(10);
  queries.length = 0;
  const mixed = [
    " 0042 ",
    "0042 ip:1.1.1.1",
    "url:x 0042",
    "# 0042",
    "online 0042",
    "0042 -online",
    "0042 #customer",
    "0042 id:x",
    '0042 ""',
    '00"4"2',
    "0042\t\u3000",
    "００４２",
    "٠٠٤٢",
    "00\u200b42",
    "\u20660042\u2069",
  ];
  for (const q of mixed) await assertRefused(await search(q), q);
  const first = { online: true, lastSeenAt: 8.64e15, shortId: "!", tie: null };
  const forms: Parameters<typeof search>[1][] = [
    { method: "HEAD" },
    { more: "&max_results=1" },
    { more: "&max_results=1000" },
    { more: "&x=1&q=jane" },
    { more: `&cursor=${encodeCursor({ position: first, typos: false }, "0042")}` },
    { more: `&cursor=${encodeCursor({ position: first, typos: true }, "0042")}` },
    { headers: { "X-Forwarded-For": "6.6.6.6" } },
    { headers: { "Forwarded": "for=6.6.6.6", "X-Real-IP": "6.6.6.6" } },
    { headers: { "If-None-Match": "*" } },
    { headers: { "Accept-Encoding": "gzip", "X-Request-Id": "another" } },
    { key: "Bearer key" },
    { key: "bearer  key" },
  ];
  for (const form of forms) {
    const response = await search("0042", form);
    if (form?.method === "HEAD") assert.equal(response.status, 429);
    else await assertRefused(response, JSON.stringify(form));
  }
  for (
    const path of ["/support/api/visitors/list/search?q=0042", "/api/visitors/list/search?q=%30%30%34%32"]
  ) {
    await assertRefused(await app.request(path, { headers: { Authorization: "key" } }, "203.0.113.9"), path);
  }
  assert.deepEqual(queries, [], "the store was asked nothing");
});

Deno.test("A quoted code is text, by which nobody's code is found", async () => {
  const { find } = await openApp();
  for (const q of ['"0042"', '"0042', '"00"42', "x0042", "004", "0042x", "url:0042"]) {
    assert.deepEqual(await find(q), [], q);
  }
});

Deno.test("Misses that are mixed with other parts, on a further page or asked by HEAD count as well", async () => {
  const beyond = { online: false, lastSeenAt: null, shortId: "zzzz", tie: null };
  const misses: [q: string, options: Parameters<Awaited<ReturnType<typeof openApp>>["search"]>[1]][] = [
    ["1000 online", {}],
    ["0042 #none", {}],
    ["0042 id:nobodyatall", {}],
    ["-online 1000", {}],
    ["１０００", {}],
    ["1000", { method: "HEAD" }],
    ["1000", { headers: { "If-None-Match": "*" } }],
    ["0042", { more: `&cursor=${encodeCursor({ position: beyond, typos: false }, "0042")}` }],
    ["1000", { more: "&max_results=1" }],
    ["1000", {}],
  ];
  const { search } = await openApp();
  for (const [q, options] of misses) {
    const response = await search(q, options);
    await response.text();
    assert.ok(response.status === 200 || response.status === 304, q);
  }
  await assertRefused(await search("1001"), "ten of them");
});

Deno.test("Searches by code that find somebody, or cannot be made, do not count", async () => {
  const { app, search, find, miss } = await openApp();
  for (let i = 0; i < 30; i++) {
    assert.deepEqual(await find("0042"), ["aB3"]);
    assert.deepEqual(await find("7777"), ["7777"]);
    assert.deepEqual(await find('0042 ""'), ["aB3"]);
    assert.equal((await search("1234", { more: "&max_results=0" })).status, 400);
    assert.equal((await search("1234", { more: "&cursor=x" })).status, 400);
    assert.equal((await search("1234", { key: "wrong" })).status, 401);
    const response = await app.request(
      "/api/visitors/1234",
      { headers: { Authorization: "key" } },
      "203.0.113.9",
    );
    assert.equal(response.status, 404);
  }
  await miss(10);
  await assertRefused(await search("0042"), "what found somebody before");
});

Deno.test("Misses are counted by key and client address, also if a trusted proxy forwards the address", async () => {
  const { search, find, miss } = await openApp({ TRUSTED_PROXIES: "10.0.0.0/8" });
  const through = (client: string) => ({ peer: "10.0.0.7", headers: { "X-Forwarded-For": client } });
  await miss(10);
  await assertRefused(await search("0042"), "this one");
  assert.deepEqual(await find("0042", { key: "write" }), ["aB3"]);
  assert.deepEqual(await find("0042", { peer: "203.0.113.10" }), ["aB3"]);
  assert.deepEqual(await find("0042", through("203.0.113.11")), ["aB3"]);
  await assertRefused(await search("0042", through("203.0.113.9")), "through a proxy");
  await assertRefused(
    await search("0042", through("6.6.6.6, 203.0.113.9")),
    "with a forged address before it",
  );
  await assertRefused(await search("0042", through("::ffff:203.0.113.9")), "in another spelling");
  await miss(10, { key: "write" });
  await assertRefused(await search("0042", { key: "write" }), "the other key");
});

Deno.test("All addresses of an IPv6 /64 are one client, and the next /64 is another one", async () => {
  const { search, find } = await openApp();
  for (let i = 1; i <= 10; i++) {
    assert.deepEqual(await find("9999", { peer: `2001:db8:0:1::${i}` }), [], `${i}`);
  }
  await assertRefused(await search("0042", { peer: "2001:db8:0:1:ffff::1" }), "the same /64");
  assert.deepEqual(await find("0042", { peer: "2001:db8:0:2::1" }), ["aB3"]);
});

Deno.test("Of twenty concurrent searches by codes that nobody has, no more than ten are run", async () => {
  for (const [limit, tried] of [["10", 10], ["1", 1], ["3", 3]] as const) {
    const { search, queries } = await openApp({ LOOKUP_MISSES_PER_MINUTE: limit });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => search(String(2000 + i))));
    const statuses = answers.map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, tried, limit);
    assert.equal(statuses.filter((status) => status === 429).length, 20 - tried, limit);
    assert.equal(queries.length, tried, limit);
  }
});

Deno.test("Concurrent searches by codes that visitors have are all answered", async () => {
  const documents = Array.from(
    { length: 60 },
    (_, i) => ({ short_id: `v${i}`, lookup_code: String(3000 + i) }),
  );
  const { search, find } = await openApp({}, documents);
  const found = await Promise.all(documents.map(({ lookup_code }) => find(lookup_code)));
  assert.deepEqual(found, documents.map(({ short_id }) => [short_id]));
  const mixed = await Promise.all(
    documents.flatMap(({ lookup_code }, i) => [search(lookup_code), search(String(5000 + i))]),
  );
  const bodies = await Promise.all(
    mixed.map(async (answer) => ({ status: answer.status, ...await answer.json() })),
  );
  const misses = bodies.filter(({ visitors }) => visitors?.length === 0);
  assert.equal(misses.length, 10, "ten of those that nobody has are answered");
});

Deno.test("LOOKUP_MISSES_PER_MINUTE sets the limit, and 0 means none", async () => {
  const { search, miss } = await openApp({ LOOKUP_MISSES_PER_MINUTE: "2" });
  await miss(2);
  await assertRefused(await search("0042"), "two");
  const { miss: missFreely } = await openApp({ LOOKUP_MISSES_PER_MINUTE: "0" });
  await missFreely(50);
});

Deno.test("If lookup codes are hidden, four digits are a short id, and searches for them are not limited", async () => {
  const { find, miss } = await openApp({ HIDDEN_ATTRIBUTES: "lookup_code" });
  await miss(30);
  assert.deepEqual(await find("0042"), []);
  assert.deepEqual(await find("7777"), ["7777"]);
});

Deno.test("Four digits beside text are no search by lookup code, and do not count as one", async () => {
  const { find, miss, search } = await openApp({ LOOKUP_MISSES_PER_MINUTE: "2" });
  for (let i = 0; i < 20; i++) {
    for (const q of [`summer ${2000 + i}`, `+1 555 123 ${4000 + i}`, "a 0042", '0042 "a"', "0042 0042"]) {
      assert.deepEqual(await find(q), [], q);
    }
  }
  assert.deepEqual(await find("0042"), ["aB3"]);
  await miss(2);
  for (const q of ["0042", "0042 online", "٠٠٤٢", "00\u200b42"]) await assertRefused(await search(q), q);
});

Deno.test("A search that fails does not count as a miss, and blocks no other search", async () => {
  const store = openSqliteStore(":memory:");
  await store.close();
  const { ask } = appOver(store, { LOOKUP_MISSES_PER_MINUTE: "1" });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => ask(`/api/visitors/list/search?q=${2000 + i}`)),
  );
  assert.ok(answers.every(({ status }) => status === 503));
});

Deno.test("A refusal does not show whether somebody has the code", async () => {
  const { search, miss } = await openApp();
  await miss(10);
  const textOf = async (q: string) => Buffer.from(await (await search(q)).arrayBuffer()).toString();
  assert.equal(await textOf("0042"), await textOf("9999"));
});

Deno.test("Sixty searches by lookup codes at once over a database that hangs each end in time", async () => {
  const limit = new LookupLimit(3);
  const hanging = Promise.withResolvers<never>();
  const searches = Array.from({ length: 60 }, () => limit.run("client", () => hanging.promise));
  const outcomes = await Promise.allSettled(searches);
  for (const outcome of outcomes) {
    assert.equal(outcome.status === "rejected" && outcome.reason.name, "DeadlineExceeded");
  }
  // Searches that still run count after their requests are over: a fourth code is not searched.
  let hasTried = false;
  const next = limit.run("client", () => {
    hasTried = true;
    return hanging.promise;
  });
  await assert.rejects(next, { name: "DeadlineExceeded" });
  assert.ok(!hasTried);
  hanging.reject(new Error("The database is back"));
});
