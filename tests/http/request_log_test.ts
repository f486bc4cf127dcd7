import assert from "node:assert/strict";
import fc from "fast-check";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { StoreUnavailable, type VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { appOver } from "../support/app.ts";

const LATEST = "/api/visitors/list/latest";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

// Without the console, which has other headers.
const ENVIRONMENT = { REST_WRITE_KEY: "write", BASE_ENDPOINT: "https://acme.com/support", CONSOLE: "false" };

/** An application over a store that has one visitor, and fails in different ways for some short ids. */
async function openApp() {
  const store: VisitorStore = openSqliteStore(":memory:");
  await store.putVisitors([readVisitor({ short_id: "aB3", is_online: true })!]);
  const failing: VisitorStore = new Proxy(store, {
    get(target, name) {
      if (name === "getVisitors") {
        return (shortIds: string[]) => {
          if (shortIds.includes("away")) return Promise.reject(new StoreUnavailable("S3cr3t"));
          if (shortIds.includes("broken")) return Promise.reject(new TypeError("S3cr3t"));
          return target.getVisitors(shortIds);
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return appOver(failing, ENVIRONMENT, () => {});
}

/** Every kind of answer: its request, its status, and the level of its line in the log. */
const ANSWERS: [
  method: string,
  path: string,
  headers: Record<string, string>,
  status: number,
  level: string,
][] = [
  ["GET", "/live", {}, 200, "info"],
  ["GET", "/ready", {}, 200, "info"],
  ["GET", LATEST, { Authorization: "key" }, 200, "info"],
  ["HEAD", LATEST, { Authorization: "key" }, 200, "info"],
  ["GET", LATEST, { "Authorization": "key", "If-None-Match": "*" }, 304, "info"],
  ["HEAD", LATEST, { "Authorization": "key", "If-None-Match": "*" }, 304, "info"],
  ["PATCH", "/api/visitors/aB3", { Authorization: "write" }, 400, "info"],
  ["GET", "/api/visitors/%zz", { Authorization: "key" }, 400, "info"],
  ["GET", "/live", { Host: "a/b" }, 400, "info"],
  ["GET", LATEST, {}, 401, "info"],
  ["HEAD", LATEST, {}, 401, "info"],
  ["GET", "/api/nothing", { Authorization: "wrong" }, 401, "info"],
  ["DELETE", "/api/visitors/aB3", { Authorization: "key" }, 403, "info"],
  ["GET", "/nothing", {}, 404, "info"],
  ["GET", "/", {}, 404, "info"],
  ["HEAD", "/nothing", {}, 404, "info"],
  ["GET", "/api/nothing", { Authorization: "key" }, 404, "info"],
  ["GET", "/api/visitors/nobody", { Authorization: "key" }, 404, "info"],
  ["POST", LATEST, { Authorization: "key" }, 405, "info"],
  ["POST", "/live", {}, 405, "info"],
  ["OPTIONS", LATEST, { Authorization: "key" }, 405, "info"],
  ["PATCH", "/api/visitors/aB3", { "Authorization": "write", "Content-Length": "65537" }, 413, "info"],
  ["GET", "/api/visitors/broken", { Authorization: "key" }, 500, "error"],
  ["HEAD", "/api/visitors/broken", { Authorization: "key" }, 500, "error"],
  ["GET", "/api/visitors/away", { Authorization: "key" }, 503, "warning"],
  ["HEAD", "/api/visitors/away", { Authorization: "key" }, 503, "warning"],
];

Deno.test("Every answer has the request's id, and the log one line with it", async () => {
  const { app, requests } = await openApp();
  for (const [method, path, headers, status, level] of ANSWERS) {
    for (const given of ["call-42:7", undefined]) {
      const what = `${method} ${path} ${JSON.stringify(headers)}`;
      requests.length = 0;
      const sent = given === undefined ? headers : { ...headers, "X-Request-Id": given };
      const response = await app.request(path, { method, headers: sent }, "203.0.113.9");
      await response.text();
      assert.equal(response.status, status, what);
      const id = response.headers.get("X-Request-Id")!;
      if (given === undefined) assert.match(id, UUID, what);
      else assert.equal(id, given, what);
      assert.equal(requests.length, 1, what);
      const [{ milliseconds, route, ...line }] = requests;
      assert.deepEqual(line, { level, request: id, method, status, client: "203.0.113.9" }, what);
      assert.ok(Number.isFinite(milliseconds), what);
      assert.equal(typeof route, "string", what);
    }
  }
});

Deno.test("A client's X-Request-Id is used if it is safe for a log, and otherwise replaced", async () => {
  const verdicts: [given: string, isTaken: boolean][] = [
    ["1", true],
    ["7f6d2d2e-8c1b-4f0e-9a55-0c4f3d9a1b2c", true],
    ["Root=1-67891233-abcdef012345678912345678", true],
    ["a/b+c==._:-", true],
    ["x".repeat(128), true],
    ["", false],
    ["x".repeat(129), false],
    ["a b", false],
    ["a,b", false],
    ['a"b', false],
    ["a\\nb", false],
    ["a\tb", false],
    ["<script>", false],
    ["{placeholder}", false],
    ["${jndi:ldap://x}", false],
    ["%0a", false],
    ["é", false],
  ];
  const { app, requests } = await openApp();
  for (const [given, isTaken] of verdicts) {
    requests.length = 0;
    const response = await app.request("/live", { headers: { "X-Request-Id": given } });
    await response.text();
    const id = response.headers.get("X-Request-Id")!;
    if (isTaken) assert.equal(id, given);
    else assert.match(id, UUID, given);
    assert.deepEqual(requests.map(({ request }) => request), [id]);
  }
  const twice = new Headers([["X-Request-Id", "a"], ["X-Request-Id", "b"]]);
  const response = await app.request("/live", { headers: twice });
  await response.text();
  assert.match(
    response.headers.get("X-Request-Id")!,
    UUID,
    "of two that contradict each other none is taken",
  );
});

Deno.test("Two requests never get the same id", async () => {
  const { app } = await openApp();
  const ids = await Promise.all(Array.from({ length: 100 }, async () => {
    const response = await app.request("/live");
    await response.text();
    return response.headers.get("X-Request-Id");
  }));
  assert.equal(new Set(ids).size, 100);
});

Deno.test("The log has the pattern of the route that answered, wherever it is mounted", async () => {
  const verdicts: [path: string, route: string][] = [
    ["/live", "/live"],
    ["/ready", "/ready"],
    ["/api/visitors", "/api/visitors"],
    ["/api/visitors?all=true", "/api/visitors"],
    ["/api/visitors/list/latest", "/api/visitors/list/latest"],
    ["/api/visitors/list/latest?max_results=1", "/api/visitors/list/latest"],
    ["/api/visitors/list/search?q=jane", "/api/visitors/list/search"],
    ["/api/visitors/aB3", "/api/visitors/{short_id}"],
    ["/api/visitors/jane%40acme.com", "/api/visitors/{short_id}"],
    ["/api/visitors/a%2Fb", "/api/visitors/{short_id}"],
    ["/api/visitors/list", "/api/visitors/{short_id}"],
    ["/api/usage", "/api/usage"],
    ["/api/openapi.json", "/api/openapi.json"],
    ["/api", "none"],
    ["/api/", "none"],
    ["/api/nothing", "none"],
    ["/api/visitors/aB3/", "none"],
    ["/api/visitors/aB3/jane", "none"],
    ["/jane", "none"],
    ["/", "none"],
  ];
  const { app, requests } = await openApp();
  for (const [path, route] of verdicts) {
    for (const prefix of ["", "/support"]) {
      for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
        for (const key of ["key", "wrong"]) {
          requests.length = 0;
          await (await app.request(prefix + path, { method, headers: { Authorization: key } })).text();
          assert.deepEqual(requests.map(({ route }) => route), [route], `${method} ${prefix}${path}`);
        }
      }
    }
  }
});

Deno.test("Nothing of a path, a query or a header is in the log, whatever they hold", async () => {
  const { app, requests } = await openApp();
  const patterns =
    /^(none|\/live|\/ready|\/api\/(usage|openapi\.json|visitors(\/\{short_id\}|\/list\/(latest|search))?))$/;
  const piece = fc.oneof(
    fc.constantFrom(
      "",
      "api",
      "visitors",
      "list",
      "latest",
      "search",
      "usage",
      "support",
      "live",
      "%",
      ":short_id",
    ),
    fc.string({ unit: "binary", maxLength: 8 }).map((text) => encodeURIComponent(text.toWellFormed())),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece),
      fc.string({ unit: "binary" }),
      fc.constantFrom("GET", "HEAD", "POST", "DELETE", "PATCH"),
      fc.constantFrom("key", "write", ""),
      async (pieces, q, method, key) => {
        requests.length = 0;
        const path = `/S3cr3t/../${[...pieces, "S3cr3t"].join("/")}?q=S3cr3t${
          encodeURIComponent(q.toWellFormed())
        }`;
        const headers = {
          "Authorization": key,
          "X-S3cr3t": "S3cr3t",
          "Cookie": "S3cr3t",
          "User-Agent": "S3cr3t",
        };
        await (await app.request(path, { method, headers })).text();
        assert.equal(requests.length, 1);
        assert.match(requests[0].route as string, patterns);
        assert.doesNotMatch(JSON.stringify(requests), /S3cr3t/);
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("Unknown methods are counted as one", async () => {
  const { app, requests } = await openApp();
  const known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
  for (const method of [...known, "PROPFIND", "QUERY", "PURGE", "S3cr3t", "get-all", "TRACE", "CONNECT"]) {
    requests.length = 0;
    // Some of these methods cannot be passed to `new Request`, but a server receives them.
    const request = Object.defineProperty(new Request("http://acme.com/live"), "method", { value: method });
    await (await app.fetch(request)).text();
    assert.deepEqual(requests.map(({ method }) => method), [known.includes(method) ? method : "other"]);
  }
});

Deno.test("No answer may be framed, run, embedded, sniffed or stored by a shared cache", async () => {
  const { app, admin } = await openApp();
  const assertHeaders = (response: Response, what: string) => {
    const headers = Object.fromEntries(response.headers);
    assert.equal(headers["cache-control"], "private, no-cache", what);
    assert.equal(headers["server"], undefined, what);
    assert.equal(headers["x-powered-by"], undefined, what);
    // The headers were sent with the content that the 304 stands for.
    if (response.status === 304) return;
    assert.equal(headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'", what);
    assert.equal(headers["cross-origin-resource-policy"], "same-origin", what);
    assert.equal(headers["referrer-policy"], "no-referrer", what);
    assert.equal(headers["x-content-type-options"], "nosniff", what);
    assert.equal(headers["x-frame-options"], "DENY", what);
  };
  for (const [method, path, headers] of ANSWERS) {
    const response = await app.request(path, { method, headers });
    await response.text();
    assertHeaders(response, `${method} ${path}`);
  }
  for (const path of ["/live", "/ready", "/metrics", "/nothing"]) {
    const response = await admin.request(path);
    await response.text();
    assertHeaders(response, `${path} of the admin listener`);
  }
});

Deno.test("Web pages of other origins cannot read any answer", async () => {
  const { app } = await openApp();
  const origins = ["https://evil.example", "https://acme.com", "null", "http://localhost", "*"];
  const preflight = {
    "Access-Control-Request-Method": "DELETE",
    "Access-Control-Request-Headers": "authorization,x-api-key",
    "Access-Control-Request-Private-Network": "true",
  };
  for (const Origin of origins) {
    for (const [method, path, headers] of ANSWERS) {
      for (
        const asked of [{ method, headers: { ...headers, Origin } }, {
          method: "OPTIONS",
          headers: { ...preflight, Origin },
        }]
      ) {
        const response = await app.request(path, asked);
        await response.text();
        const names = [...response.headers.keys()];
        assert.ok(!names.some((name) => name.startsWith("access-control-")), `${asked.method} ${path}`);
        if (asked.method === "OPTIONS") assert.ok(response.status >= 400, `OPTIONS ${path}`);
      }
    }
  }
});

Deno.test("Once the server stops, answers ask clients to close their connection", async () => {
  const { app, health } = await openApp();
  for (const isStopping of [false, true]) {
    health.isStopping = isStopping;
    for (const [method, path, headers, status] of ANSWERS.filter(([, path]) => path !== "/ready")) {
      const response = await app.request(path, { method, headers });
      await response.text();
      assert.equal(response.status, status, `${method} ${path}`);
      assert.equal(response.headers.get("Connection"), isStopping ? "close" : null, `${method} ${path}`);
    }
  }
});
