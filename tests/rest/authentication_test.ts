import assert from "node:assert/strict";
import { keyReader } from "../../src/rest/authentication.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { appOver, type Environment } from "../support/app.ts";

const KEY = "k3y with spaces";

/** An application over a store that records the names of the called methods. */
function openApp(environment: Environment = {}) {
  const calls: string[] = [];
  const store: VisitorStore = new Proxy(openSqliteStore(":memory:"), {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        calls.push(String(name));
        return value.apply(target, args);
      };
    },
  });
  const given = { REST_KEY: KEY, BASE_ENDPOINT: "https://acme.com/support", ...environment };
  return { calls, app: appOver(store, given).app };
}

const VERDICTS: [headers: Record<string, string>, isLetIn: boolean][] = [
  // The three ways to send the key.
  [{ "Authorization": KEY }, true],
  [{ "Authorization": `Bearer ${KEY}` }, true],
  [{ "X-Api-Key": KEY }, true],
  [{ "authorization": KEY }, true],
  [{ "Authorization": `bearer ${KEY}` }, true],
  [{ "Authorization": `BEARER   ${KEY}` }, true],
  // If Authorization is present, X-Api-Key is ignored.
  [{ "Authorization": KEY, "X-Api-Key": "wrong" }, true],
  [{ "Authorization": `Bearer ${KEY}`, "X-Api-Key": "" }, true],
  [{ "Authorization": "wrong", "X-Api-Key": KEY }, false],
  [{ "Authorization": "Bearer wrong", "X-Api-Key": KEY }, false],
  [{ "Authorization": "", "X-Api-Key": KEY }, false],
  [{ "Authorization": "Bearer", "X-Api-Key": KEY }, false],
  // A missing key, and wrong ones.
  [{}, false],
  [{ "Authorization": "" }, false],
  [{ "X-Api-Key": "" }, false],
  [{ "Authorization": KEY.toUpperCase() }, false],
  [{ "Authorization": KEY.slice(0, -1) }, false],
  [{ "Authorization": KEY + "x" }, false],
  [{ "Authorization": KEY.replace(" ", "  ") }, false],
  [{ "Authorization": `Basic ${KEY}` }, false],
  [{ "Authorization": `Basic ${btoa(`:${KEY}`)}` }, false],
  [{ "Authorization": `Bearer Bearer ${KEY}` }, false],
  [{ "Authorization": `Bearer${KEY}` }, false],
  [{ "Authorization": `Bearer "${KEY}"` }, false],
  [{ "Authorization": `${KEY}, ${KEY}` }, false],
  [{ "X-Api-Key": `Bearer ${KEY}` }, false],
  [{ "X-Api-Key": `${KEY}, ${KEY}` }, false],
  [{ "X-Api-Key": "\u00e9\u00ff" }, false],
  [{ "Authorization": "x".repeat(10_000) }, false],
  [{ "Api-Key": KEY }, false],
  [{ "Proxy-Authorization": KEY }, false],
  [{ "Cookie": `Authorization=${KEY}` }, false],
];

/** The requests that are sent with each of the keys. */
const ROUTES = [
  "/api/visitors/list/latest",
  "/api/visitors/list/search?q=online",
  "/support/api/visitors/list/latest",
];

Deno.test("A request with the key, in any of three forms, is admitted", async () => {
  const { app } = openApp();
  for (const [headers, isLetIn] of VERDICTS) {
    for (const route of ROUTES) {
      const response = await app.request(route, { headers });
      await response.text();
      assert.equal(response.status, isLetIn ? 200 : 401, `${route} ${JSON.stringify(headers)}`);
    }
  }
});

Deno.test("A refused request never reaches the store", async () => {
  const { app, calls } = openApp();
  for (const [headers] of VERDICTS.filter(([, isLetIn]) => !isLetIn)) {
    for (const route of [...ROUTES, "/api/visitors/aB3"]) {
      for (const method of ["GET", "HEAD", "POST"]) await app.request(route, { method, headers });
    }
  }
  assert.deepEqual(calls, []);
  await app.request("/api/visitors/aB3", { headers: { Authorization: KEY } });
  assert.deepEqual(calls, ["getVisitors"], "a request with the key does");
});

Deno.test("The answer to a refused request says how to authenticate, and nothing more", async () => {
  const { app } = openApp();
  const refused: Record<string, string>[] = [{}, { Authorization: "wrong" }, { "X-Api-Key": "wrong" }];
  for (const headers of refused) {
    const response = await app.request("/api/visitors/list/latest", { headers });
    assert.equal(response.status, 401);
    assert.equal(response.headers.get("Content-Type"), "application/json");
    assert.equal(response.headers.get("WWW-Authenticate"), "Bearer");
    assert.deepEqual(await response.json(), {
      status: "error",
      error: "invalid_api_key",
      message: "The API key is missing or wrong.",
    });
  }
});

Deno.test("Under /api the key is checked before anything else", async () => {
  const { app } = openApp();
  const paths = [
    "/api",
    "/api/",
    "/api/nothing",
    "/api/visitors",
    "/api/visitors/",
    "/api/visitors/list/latest/",
    "/api/visitors/aB3",
    "/api/visitors/aB3/more",
    "/api//visitors/list/latest",
    "/%61pi/visitors/list/latest",
    "/api/%zz",
    "/api/visitors/%",
    "/api/visitors/%E9",
    "/api/visitors/list/latest?max_results=0",
    "/api/visitors/list/latest?cursor=x",
    `/api/visitors/list/search?q=${"x".repeat(300)}`,
    "/api/openapi.json",
  ];
  for (const path of paths) {
    for (const prefix of ["", "/support"]) {
      for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
        const response = await app.request(prefix + path, { method });
        await response.text();
        assert.equal(response.status, 401, `${method} ${prefix}${path}`);
        assert.equal(response.headers.get("WWW-Authenticate"), "Bearer");
      }
    }
  }
});

Deno.test("A browser's preflight is a request without the key, and no origin is allowed", async () => {
  const { app } = openApp();
  const response = await app.request("/api/visitors/list/latest", {
    method: "OPTIONS",
    headers: {
      "Origin": "https://evil.example",
      "Access-Control-Request-Method": "GET",
      "Access-Control-Request-Headers": "authorization",
    },
  });
  assert.equal(response.status, 401);
  const corsHeaders = [...response.headers.keys()].filter((name) => name.startsWith("access-control"));
  assert.deepEqual(corsHeaders, []);
});

Deno.test("A key is compared exactly as given, whatever it looks like", async () => {
  for (const key of ["Bearer key", "Bearer", "a, b", '"quoted"', "~", "k".repeat(4000), "$& $1"]) {
    const { app } = openApp({ REST_KEY: key });
    const statusOf = async (headers: HeadersInit) =>
      (await app.request("/api/visitors/list/latest", { headers })).status;
    const ways: HeadersInit[] = [{ Authorization: key }, { Authorization: `Bearer ${key}` }, {
      "X-Api-Key": key,
    }];
    for (const headers of ways) {
      assert.equal(await statusOf(headers), 200, key);
    }
    assert.equal(await statusOf({ Authorization: `${key}x` }), 401, key);
  }
});

Deno.test("Probes need no key", async () => {
  const { app } = openApp();
  for (const path of ["/live", "/ready", "/support/live", "/support/ready"]) {
    const response = await app.request(path);
    assert.equal(response.status, 200, path);
    assert.deepEqual(await response.json(), { status: "ok" });
  }
});

Deno.test("Without REST_KEY the API's routes do not exist, whatever key is sent", async () => {
  const { app, calls } = openApp({ REST_KEY: "" });
  const keys: Record<string, string>[] = [{}, { Authorization: "" }, { Authorization: "Bearer " }, {
    "X-Api-Key": "",
  }, { Authorization: KEY }];
  for (const headers of keys) {
    for (const path of [...ROUTES, "/api", "/api/visitors/aB3", "/api/visitors/%zz", "/api/nothing"]) {
      for (const method of ["GET", "POST", "OPTIONS"]) {
        const response = await app.request(path, { method, headers });
        assert.equal(response.status, 404, `${method} ${path}`);
        assert.equal((await response.json()).error, "not_found");
      }
    }
  }
  assert.deepEqual(calls, []);
  assert.equal((await app.request("/live")).status, 200);
});

Deno.test("Keys with a common beginning are distinguished, and a shorter, longer or different text is refused", () => {
  const keys = { restKey: "abc", previousRestKey: "ab", writeKey: "abcdef" };
  const nameOf = keyReader(keys);
  const names = { abc: "read", ab: "previous", abcdef: "write" };
  for (const [key, name] of Object.entries(names)) {
    assert.equal(nameOf((header) => header === "X-Api-Key" ? key : undefined), name);
  }
  const ends = ["\0", "\xff", "\u0101", "\u{1f600}", "x".repeat(9), "\0".repeat(99), "é".repeat(9)];
  const beginnings = ["a", "abc", "abcde", "abcdef", "ABC"];
  const wrong = ["", "a", "b", "abcd", ...beginnings.flatMap((key) => ends.map((end) => key + end))];
  for (const key of wrong) {
    assert.throws(() => nameOf(() => key), { code: "invalid_api_key" }, JSON.stringify(key));
  }
});

Deno.test("Requiring an empty key throws at once", () => {
  const keys = { restKey: "", previousRestKey: "", writeKey: "w" };
  assert.throws(() => keyReader(keys), /^Error: Cannot require an empty key$/);
});
