import assert from "node:assert/strict";
import fc from "fast-check";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { StoreRebuilding, StoreUnavailable, type VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { appOver, brokenStore } from "../support/app.ts";
import { hasAllRights } from "../support/rights.ts";

const headers = { Authorization: "key" };
const LIST = "/api/visitors/list/latest";
const ROUTES = [LIST, "/api/visitors/list/search", "/api/visitors/aB3"];

function openApp(store: VisitorStore = openSqliteStore(":memory:")) {
  const logged: string[] = [];
  const environment = { BASE_ENDPOINT: "https://acme.com/support", CONSOLE: "false" };
  const { app } = appOver(
    store,
    environment,
    (sentence, _level, details) => logged.push(`${sentence} ${JSON.stringify(details)}`),
  );
  return { store, logged, app };
}

async function assertError(response: Response, status: number, code: string, what: string) {
  assert.equal(response.status, status, what);
  assert.equal(response.headers.get("Content-Type"), "application/json", what);
  const body = await response.json();
  assert.deepEqual(Object.keys(body), ["status", "error", "message"], what);
  assert.equal(body.status, "error");
  assert.equal(body.error, code, what);
  assert.match(body.message, /^[A-Za-z][^\n]*\.$/, "one sentence for a person");
  return body.message;
}

Deno.test("An error about a parameter names the parameter", async () => {
  const { app } = openApp();
  const verdicts: [path: string, named: RegExp][] = [
    [`${LIST}?max_results=0`, /max_results/],
    ["/api/visitors/list/search?q=x&max_results=1.5", /max_results/],
    [`${LIST}?cursor=x`, /cursor/],
    ["/api/visitors/list/search?q=x&cursor=", /cursor/],
    [`/api/visitors/list/search?q=${"x".repeat(257)}`, /\bq\b/],
    ["/api/visitors/%", /path/],
    ["/api/visitors/%zz", /path/],
    ["/api/visitors/%E9", /path/],
    ["/api/visitors/%C3", /path/],
    ["/api/visitors/%ED%A0%80", /path/],
    ["/api/visitors/list/latest%", /path/],
    ["/api/%zz", /path/],
    ["/support/api/visitors/%zz", /path/],
    ["/%zz", /path/],
  ];
  for (const [path, named] of verdicts) {
    const message = await assertError(await app.request(path, { headers }), 400, "invalid_parameter", path);
    assert.match(message, named, path);
  }
});

Deno.test("A short id that nobody has is another error than a route that does not exist", async () => {
  const { app } = openApp();
  for (
    const path of [
      "/api/visitors/aB3",
      "/support/api/visitors/lists",
      "/api/visitors/nobody.json",
      "/api/visitors/.json",
      "/api/visitors/%20",
      "/api/visitors/%00",
    ]
  ) {
    await assertError(await app.request(path, { headers }), 404, "visitor_not_found", path);
  }
  const nowhere = [
    "/",
    "/nothing",
    "/support",
    "/support/",
    "/support/nothing",
    "/supportive/live",
    "/live/",
    "/ready/",
    "/LIVE",
    "/index.html",
    "/api",
    "/api/",
    "/api/visitors/",
    "/api/visitors/list/",
    "/api/visitors/list/latest/",
    "/api/visitors/list/search/",
    "/api/visitors/list/oldest",
    "/api/visitors/aB3/",
    "/api/visitors/aB3/more",
    "/api/Visitors/list/latest",
    "//api/visitors/list/latest",
    "/api//visitors/list/latest",
    "/api/visitors//aB3",
    "/apiary",
  ];
  for (const path of nowhere) {
    for (const method of ["GET", "POST"]) {
      await assertError(await app.request(path, { method, headers }), 404, "not_found", `${method} ${path}`);
    }
  }
});

Deno.test("A route that is only read refuses every other method, and says which it takes", async () => {
  const { app } = openApp();
  const methods = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY", "PURGE", "X-Custom"];
  for (const path of [...ROUTES, "/live", "/ready", "/support/live", `/support${LIST}`]) {
    for (const method of methods) {
      const response = await app.request(path, { method, headers });
      assert.equal(response.headers.get("Allow"), "GET, HEAD", `${method} ${path}`);
      await assertError(response, 405, "method_not_allowed", `${method} ${path}`);
    }
    for (const method of ["TRACE", "CONNECT"]) {
      // These methods cannot be passed to `new Request`, but a server receives them.
      const request = Object.defineProperty(new Request(`http://acme.com${path}`, { headers }), "method", {
        value: method,
      });
      await assertError(await app.fetch(request), 405, "method_not_allowed", `${method} ${path}`);
    }
  }
});

Deno.test("The key is checked before the method", async () => {
  const { app } = openApp();
  for (const path of ROUTES) {
    await assertError(await app.request(path, { method: "POST" }), 401, "invalid_api_key", path);
  }
});

Deno.test("A database that is being rebuilt is 503 with that reason", async () => {
  const { app } = openApp(brokenStore(() => new StoreRebuilding("the file in /var/secret is being rebuilt")));
  for (const path of ROUTES) {
    const message = await assertError(
      await app.request(path, { headers }),
      503,
      "database_unavailable",
      path,
    );
    assert.match(message, /is being rebuilt/);
    assert.doesNotMatch(message, /secret/);
  }
  assert.equal((await app.request("/live")).status, 200);
});

Deno.test("A database that does not answer is 503, and clients are asked to come back", async () => {
  const { app, logged } = openApp(
    brokenStore(() => new StoreUnavailable("mongodb://user:S3cr3t@host is away")),
  );
  for (const path of [...ROUTES, `${LIST}?max_results=1`, "/ready", "/support/ready"]) {
    const response = await app.request(path, { headers });
    assert.match(response.headers.get("Retry-After")!, /^[1-9][0-9]*$/);
    const message = await assertError(response, 503, "database_unavailable", path);
    assert.doesNotMatch(message, /S3cr3t|host/);
  }
  assert.deepEqual(logged, []);
  assert.equal((await app.request("/live")).status, 200, "the process itself serves");
  await assertError(await app.request(LIST), 401, "invalid_api_key", "without the key nothing is shown");
  await assertError(
    await app.request(`${LIST}?max_results=0`, { headers }),
    400,
    "invalid_parameter",
    "400 first",
  );
});

Deno.test("A store that was closed is a database that does not answer", async () => {
  const { app, store, logged } = openApp();
  await store.close();
  for (const path of [...ROUTES, "/ready"]) {
    await assertError(await app.request(path, { headers }), 503, "database_unavailable", path);
  }
  assert.deepEqual(logged, []);
});

Deno.test("An unexpected error is 500: the client gets the request's id, the log the place in the code, and neither gets data", async () => {
  const { app, logged } = openApp(brokenStore(() => {
    const error = new TypeError("Cannot read jane@acme.com\nof S3cr3t");
    return Object.assign(error, { code: "ERR_X" });
  }));
  for (const path of ROUTES) {
    logged.length = 0;
    const response = await app.request(path, { headers });
    const requestId = response.headers.get("X-Request-Id")!;
    assert.match(requestId, /^[0-9a-f-]{36}$/);
    const message = await assertError(response, 500, "internal_error", path);
    assert.doesNotMatch(message, /jane|S3cr3t|TypeError/);
    assert.equal(logged.length, 1);
    const [line] = logged;
    assert.ok(line.includes(requestId), "the log has the request's id");
    assert.match(line, /TypeError.*ERR_X.*at .*errors_test\.ts/, "and the place");
    assert.doesNotMatch(line, /jane|S3cr3t/);
  }
});

Deno.test("Every error has an id of its own", async () => {
  const { app } = openApp(brokenStore(() => new Error("x")));
  const idOf = async () => (await app.request(LIST, { headers })).headers.get("X-Request-Id");
  assert.notEqual(await idOf(), await idOf());
});

Deno.test("HEAD is GET without the body: the same status, headers and length", async () => {
  const { app, store } = openApp();
  const now = new Date();
  await store.putVisitors(
    ["aB3", "é"].map((short_id) =>
      readVisitor({ short_id, name: "Zoë 東京", is_online: true, last_seen_at: now })!
    ),
  );
  const paths = [
    ...ROUTES,
    `${LIST}?max_results=1`,
    `${LIST}?max_results=0`,
    "/api/visitors/nobody",
    "/api/nothing",
    "/nothing",
    "/live",
    "/ready",
  ];
  for (const path of paths) {
    for (const sent of [headers, {}]) {
      const get = await app.request(path, { headers: sent });
      const head = await app.request(path, { method: "HEAD", headers: sent });
      assert.equal(head.status, get.status, path);
      assert.equal(await head.text(), "", path);
      const length = (await get.arrayBuffer()).byteLength;
      assert.equal(head.headers.get("Content-Length"), String(length), path);
      for (const { headers } of [get, head]) headers.delete("X-Request-Id");
      head.headers.delete("Content-Length");
      assert.deepEqual([...head.headers], [...get.headers], path);
    }
  }
});

Deno.test("No shared cache may store an answer, and no browser may guess its type", async () => {
  const { app } = openApp();
  for (const path of [...ROUTES, "/live", "/nothing", `${LIST}?max_results=0`]) {
    for (const sent of [headers, {}]) {
      const response = await app.request(path, { headers: sent });
      await response.text();
      assert.equal(response.headers.get("Cache-Control"), "private, no-cache", path);
      assert.equal(response.headers.get("X-Content-Type-Options"), "nosniff", path);
    }
  }
});

Deno.test("No path and no query, whatever is in them, is answered by anything but JSON without a 5xx", async () => {
  const { app, logged } = openApp();
  const piece = fc.oneof(
    fc.constantFrom(
      "/",
      "api",
      "visitors",
      "list",
      "latest",
      "search",
      "support",
      "%",
      "%2F",
      "%00",
      "%zz",
      "..",
      ":",
      "*",
    ),
    fc.string({ unit: "binary", maxLength: 5 }).map((text) => encodeURIComponent(text.toWellFormed())),
  );
  const query = fc.array(
    fc.tuple(fc.constantFrom("q", "max_results", "cursor", "x"), fc.string({ unit: "binary" })),
  )
    .map((pairs) =>
      pairs.map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`).join("&")
    );
  await fc.assert(
    fc.asyncProperty(fc.array(piece), query, async (pieces, search) => {
      const response = await app.request(`/${pieces.join("/")}?${search}`, { headers });
      assert.ok(response.status < 500);
      const body = await response.json();
      assert.ok(body.status === "ok" || body.status === "error");
    }),
    { numRuns: 500 },
  );
  assert.deepEqual(logged, []);
});

if (hasAllRights) {
  Deno.test("A malformed Host header or request target never leads to a 5xx", async () => {
    const { app, logged } = openApp();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
    const ask = async (lines: string) => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
      await connection.write(new TextEncoder().encode(`${lines}\r\nConnection: close\r\n\r\n`));
      return await new Response(connection.readable).text();
    };
    const statusOf = async (lines: string) => Number((await ask(lines)).split(" ")[1]);

    for (const host of ["acme.com", "", "a b", "[", "a:b:c", "<script>", "x:99999", "a%zz", "é", "::1"]) {
      const request = `HTTP/1.1\r\nHost: ${host}`;
      assert.equal(await statusOf(`GET ${LIST} ${request}\r\nAuthorization: key`), 200, host);
      assert.equal(await statusOf(`GET ${LIST} ${request}`), 401, host);
      assert.equal(await statusOf(`GET /live ${request}`), 200, host);
      assert.equal(await statusOf(`GET /api/visitors/%zz ${request}\r\nAuthorization: key`), 400, host);
      assert.equal(await statusOf(`TRACE ${LIST} ${request}\r\nAuthorization: key`), 405, host);
    }
    for (const host of ["h/api/visitors/list/latest?", "h/api", "h?", "h#", "h\\\\x"]) {
      for (const path of ["/x", "/live", LIST]) {
        const answer = await ask(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: key`);
        assert.match(answer, /^HTTP\/1\.1 400 /, `${path} of ${host}`);
      }
    }
    const targets = [
      "OPTIONS *",
      "CONNECT a:1",
      "GET /a/../api/visitors/list/latest",
      "GET http://evil.com/x",
    ];
    for (const target of [...targets, "GET /api\\visitors\\list\\latest", "GET //evil.com/live"]) {
      const answer = await ask(`${target} HTTP/1.1\r\nHost: acme.com\r\nAuthorization: key`);
      assert.match(answer, /^HTTP\/1\.1 404 [^]*\{"status":"error","error":"not_found"/, target);
    }
    // A request target that is invalid by RFC 9112; Deno 2.6 refuses it itself.
    assert.match(await ask("GET /é HTTP/1.1\r\nHost: acme.com\r\nAuthorization: key"), /^HTTP\/1\.1 40[04] /);
    assert.deepEqual(logged, []);
    await server.shutdown();
  });
}
