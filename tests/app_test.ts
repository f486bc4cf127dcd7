import assert from "node:assert/strict";
import { appWith } from "./support/app.ts";

const headers = { Authorization: "key" };
const SEEN = new Date("2026-01-02T03:04:05.678Z");

/** An application with three visitors online. */
async function openApp(baseEndpoint: string) {
  const documents = ["a1", "b2", "c3"].map((short_id) => ({ short_id, is_online: true, last_seen_at: SEEN }));
  return (await appWith(documents, { BASE_ENDPOINT: baseEndpoint })).app;
}

/** BASE_ENDPOINT, and where the routes are, and are not, beside `/`. */
const VERDICTS: [baseEndpoint: string, prefixes: string[], nowhere: string[]][] = [
  ["", [], ["/cobrowsing", "/foyer"]],
  ["https://support.acmetech.com", [], ["/cobrowsing"]],
  ["https://support.acmetech.com/", [], ["/cobrowsing"]],
  ["https://support.acmetech.com/cobrowsing", ["/cobrowsing"], [
    "/cobrowsing/cobrowsing",
    "/Cobrowsing",
    "//cobrowsing",
  ]],
  ["https://support.acmetech.com/cobrowsing/", ["/cobrowsing"], ["/cobrowsing/"]],
  ["https://acme.com/a/b/c", ["/a/b/c"], ["/a", "/a/b", "/b/c"]],
  ["https://acme.com/caf%C3%A9", ["/caf%C3%A9", "/café"], ["/cafe"]],
  ["https://acme.com/a%20b", ["/a%20b"], ["/a+b"]],
  ["https://acme.com/a.b(c)+$|^[d]", ["/a.b(c)+$|^[d]"], ["/axb(c)+$|^[d]", "/a.bc"]],
  ["https://acme.com/api", ["/api"], ["/api/api/api"]],
  ["https://acme.com/api/visitors", ["/api/visitors"], []],
  ["https://acme.com/live", ["/live"], []],
];

Deno.test("Everything is mounted at the prefix, and at / for proxies that strip it", async () => {
  for (const [baseEndpoint, prefixes] of VERDICTS) {
    const app = await openApp(baseEndpoint);
    for (const prefix of ["", ...prefixes]) {
      const what = `${baseEndpoint}: ${prefix}`;
      const ask = async (path: string, init?: RequestInit) => {
        const response = await app.request(prefix + path, init);
        return { status: response.status, body: await response.json() };
      };
      const list = await ask("/api/visitors/list/latest", { headers });
      assert.equal(list.status, 200, what);
      assert.equal(list.body.visitors.length, 3, what);
      assert.equal((await ask("/api/visitors/list/search?q=b2", { headers })).body.visitors.length, 1, what);
      assert.equal((await ask("/api/visitors/b2", { headers })).body.visitor.short_id, "b2", what);
      assert.equal((await ask("/api/visitors/list/latest")).status, 401, what);
      assert.equal((await ask("/api/nothing")).status, 401, what);
      assert.equal((await ask("/api/nothing", { headers })).status, 404, what);
      assert.equal((await ask("/api/visitors/b2", { method: "POST", headers })).status, 405, what);
      assert.equal((await ask("/live")).status, 200, what);
      assert.equal((await ask("/ready")).status, 200, what);
    }
  }
});

Deno.test("Elsewhere nothing is mounted", async () => {
  for (const [baseEndpoint, , nowhere] of VERDICTS) {
    const app = await openApp(baseEndpoint);
    for (const prefix of nowhere) {
      for (const path of ["/live", "/api/visitors/list/latest", "/visitors/list/latest"]) {
        const response = await app.request(prefix + path, { headers });
        assert.equal(response.status, 404, `${baseEndpoint}: ${prefix}${path}`);
        assert.equal((await response.json()).error, "not_found");
      }
    }
  }
});

Deno.test("Links start with BASE_ENDPOINT, never with what a request says of its host", async () => {
  const claims = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "ftp",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil",
    "X-Original-URL": "/evil",
    "Forwarded": "host=evil.example;proto=ftp",
    "Origin": "https://evil.example",
  };
  const verdicts: [baseEndpoint: string, start: string][] = [
    ["", "http://localhost:5002"],
    ["https://support.acmetech.com/cobrowsing", "https://support.acmetech.com/cobrowsing"],
    ["https://support.acmetech.com/cobrowsing/", "https://support.acmetech.com/cobrowsing"],
    ["https://acme.com:8443", "https://acme.com:8443"],
    ["https://acme.com/caf%C3%A9", "https://acme.com/caf%C3%A9"],
  ];
  for (const [baseEndpoint, start] of verdicts) {
    const app = await openApp(baseEndpoint);
    for (const origin of ["http://localhost", "http://evil.example", "https://[::1]:99"]) {
      for (const prefix of ["", new URL(start).pathname.replace(/\/$/, "")]) {
        for (const route of ["latest", "search"]) {
          const url = `${origin}${prefix}/api/visitors/list/${route}?max_results=1`;
          const response = await app.request(url, { headers: { ...headers, ...claims } });
          await response.text();
          const link = response.headers.get("Link")!;
          assert.ok(link.startsWith(`<${start}/api/visitors/list/${route}?`), `${url}: ${link}`);
          assert.ok(![...response.headers].join().includes("evil"));
        }
      }
    }
  }
});
