import assert from "node:assert/strict";
import { openApp, PATH } from "../support/changes.ts";

/** All operations that write, each as a request that would be answered with 200. */
const WRITES: [method: "PATCH" | "DELETE", path: string, body?: string][] = [
  ["PATCH", PATH, '{"name":"Ada"}'],
  ["DELETE", "/api/visitors?all=true"],
  ["DELETE", PATH],
];

Deno.test("Only REST_WRITE_KEY changes or removes, sent in one of three ways, and nothing else is written", async () => {
  const verdicts: [headers: Record<string, string>, status: number, code: string | undefined][] = [
    [{}, 401, "invalid_api_key"],
    [{ Authorization: "" }, 401, "invalid_api_key"],
    [{ Authorization: "wrong" }, 401, "invalid_api_key"],
    [{ Authorization: "Write" }, 401, "invalid_api_key"],
    [{ Authorization: "Basic write" }, 401, "invalid_api_key"],
    [{ "Authorization": "wrong", "X-Api-Key": "write" }, 401, "invalid_api_key"],
    [{ Authorization: "key" }, 403, "write_key_required"],
    [{ Authorization: "Bearer key" }, 403, "write_key_required"],
    [{ "X-Api-Key": "key" }, 403, "write_key_required"],
    [{ Authorization: "old" }, 403, "write_key_required"],
    [{ "Authorization": "key", "X-Api-Key": "write" }, 403, "write_key_required"],
    [{ Authorization: "write" }, 200, undefined],
    [{ Authorization: "Bearer write" }, 200, undefined],
    [{ "X-Api-Key": "write" }, 200, undefined],
  ];
  for (const [headers, status, code] of verdicts) {
    for (const [method, path, body] of WRITES) {
      for (const prefix of ["", "/support"]) {
        const { app, stored } = await openApp();
        const before = await stored();
        const response = await app.request(prefix + path, { method, body, headers });
        const what = `${method} ${prefix}${path} ${JSON.stringify(headers)}`;
        assert.equal(response.status, status, what);
        assert.equal((await response.json()).error, code, what);
        if (status !== 200) assert.deepEqual(await stored(), before, what);
      }
    }
  }
});

Deno.test("A write with a key that only reads is refused alike for all visitors, without reading the body", async () => {
  const { app } = await openApp();
  for (const path of [PATH, "/api/visitors/nobody", "/api/visitors", "/api/visitors?all=true"]) {
    for (const body of ["{", '{"shoe_size":38}', "x".repeat(70_000)]) {
      const method = path.includes("/api/visitors/") ? "PATCH" : "DELETE";
      const response = await app.request(path, { method, body, headers: { Authorization: "key" } });
      assert.equal((await response.json()).error, "write_key_required", path);
    }
  }
});

Deno.test("REST_WRITE_KEY reads as well, and REST_KEY as before", async () => {
  const { app } = await openApp();
  for (const key of ["write", "Bearer write", "key", "old"]) {
    for (
      const path of [PATH, "/api/visitors/list/latest", "/api/visitors/list/search?q=jane", "/api/usage"]
    ) {
      const response = await app.request(path, { headers: { Authorization: key } });
      assert.equal((await response.json()).status, "ok", `${key} ${path}`);
    }
  }
});

Deno.test("Without REST_WRITE_KEY the methods that change or remove do not exist", async () => {
  const { app, stored } = await openApp({ REST_WRITE_KEY: "" });
  const before = await stored();
  for (const [method, path, body] of WRITES) {
    for (const key of ["key", "old", "write", ""]) {
      const response = await app.request(path, { method, body, headers: { Authorization: key } });
      const { error } = await response.json();
      if (key === "write" || key === "") {
        assert.deepEqual([response.status, error], [401, "invalid_api_key"], `${key} ${method} ${path}`);
      } else {
        assert.deepEqual([response.status, error], [405, "method_not_allowed"], `${key} ${method} ${path}`);
        assert.equal(response.headers.get("Allow"), path === PATH ? "GET, HEAD" : "", `${method} ${path}`);
      }
    }
  }
  assert.deepEqual(await stored(), before);
});

Deno.test("Allow has a route's methods, and with REST_WRITE_KEY those that write too", async () => {
  const { app } = await openApp();
  const verdicts: [path: string, allow: string][] = [
    [PATH, "GET, HEAD, PATCH, DELETE"],
    ["/api/visitors", "DELETE"],
    ["/api/visitors/list/latest", "GET, HEAD"],
    ["/api/usage", "GET, HEAD"],
  ];
  for (const [path, allow] of verdicts) {
    for (const method of ["POST", "PUT", "OPTIONS", "PROPFIND"]) {
      for (const Authorization of ["key", "write"]) {
        const response = await app.request(path, { method, headers: { Authorization } });
        await response.text();
        assert.deepEqual([response.status, response.headers.get("Allow")], [405, allow], `${method} ${path}`);
      }
    }
  }
});
