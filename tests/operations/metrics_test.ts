import assert from "node:assert/strict";
import fc from "fast-check";
import denoJson from "../../deno.json" with { type: "json" };
import { Metrics } from "../../src/operations/metrics.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { appWith } from "../support/app.ts";
import { testInFolder } from "../support/folders.ts";
import { PATIENT, until } from "../support/waiting.ts";
import { freePort } from "../support/ports.ts";
import { fromSource, Process } from "../support/processes.ts";

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/**
 * Parses Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format), and
 * asserts that the text is valid.
 */
function readMetrics(text: string): Sample[] {
  assert.ok(text.endsWith("\n"));
  const helps = new Set<string>();
  const types = new Map<string, string>();
  const samples: Sample[] = [];
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const [, kind, name, rest] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line) ?? [];
    if (kind === "HELP") {
      assert.ok(!helps.has(name), `${name} is described once`);
      helps.add(name);
    } else if (kind === "TYPE") {
      assert.ok(!types.has(name) && helps.has(name), line);
      assert.match(rest, /^(counter|gauge|histogram)$/);
      types.set(name, rest);
    } else samples.push(readSample(line));
  }
  const seen = new Set<string>();
  for (const { name, labels } of samples) {
    const family = name.replace(/_(bucket|sum|count)$/, "");
    const type = types.get(types.has(name) ? name : family);
    assert.ok(type !== undefined, `${name} has HELP and TYPE`);
    assert.equal(type === "histogram", !types.has(name), name);
    assert.equal(type === "counter", name.endsWith("_total"), `${name}: a counter, and only that, is _total`);
    assert.match(name, /^foyer_/);
    const identity = `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
    assert.ok(!seen.has(identity), `${identity} is there once`);
    seen.add(identity);
  }
  return samples;
}

function readSample(line: string): Sample {
  const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
  assert.ok(match, line);
  const [, name, given = "", value] = match;
  const labels: Record<string, string> = {};
  const rest = given.replace(
    /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)/g,
    (_, label, text) => {
      labels[label] = text;
      return "";
    },
  );
  assert.equal(rest, "", line);
  assert.match(value, /^(NaN|Nan|[+-]Inf|[-+0-9.eE]+)$/, line);
  return { name, labels, value: Number(value.replace("Nan", "NaN").replace("Inf", "Infinity")) };
}

function valueOf(samples: Sample[], name: string, labels: Record<string, string> = {}): number | undefined {
  const wanted = Object.entries(labels);
  return samples.find((sample) =>
    sample.name === name && wanted.every(([key, text]) => sample.labels[key] === text)
  )
    ?.value;
}

async function openApp(environment = {}) {
  const opened = await appWith([{ short_id: "aB3", is_online: true }], {
    REST_KEY_PREVIOUS: "old",
    REST_WRITE_KEY: "write",
    BASE_ENDPOINT: "https://acme.com/support",
    ...environment,
  });
  const samples = async () => {
    const response = await opened.admin.request("/metrics");
    assert.equal(response.status, 200);
    assert.match(response.headers.get("Content-Type")!, /^text\/plain; version=0\.0\.4(; charset=utf-8)?$/);
    return readMetrics(await response.text());
  };
  return { ...opened, samples };
}

Deno.test("Requests are counted and timed by route pattern, method and status", async () => {
  const { app, ask, samples } = await openApp();
  const requests: [method: string, path: string, key: string, times: number][] = [
    ["GET", "/api/visitors/list/latest", "key", 3],
    ["GET", "/support/api/visitors/list/latest", "key", 2],
    ["GET", "/api/visitors/list/latest", "wrong", 4],
    ["HEAD", "/api/visitors/list/latest", "key", 1],
    ["GET", "/api/visitors/aB3", "key", 2],
    ["GET", "/api/visitors/nobody", "key", 1],
    ["PATCH", "/api/visitors/aB3", "key", 1],
    ["GET", "/nothing", "", 2],
    ["POST", "/api/nothing", "key", 1],
    ["PURGE", "/live", "", 1],
  ];
  for (const [method, path, key, times] of requests) {
    for (let i = 0; i < times; i++) await (await ask(path, { Authorization: key }, method)).text();
  }
  const found = await samples();
  const counts: [method: string, route: string, status: string, count: number][] = [
    ["GET", "/api/visitors/list/latest", "200", 5],
    ["GET", "/api/visitors/list/latest", "401", 4],
    ["HEAD", "/api/visitors/list/latest", "200", 1],
    ["GET", "/api/visitors/{short_id}", "200", 2],
    ["GET", "/api/visitors/{short_id}", "404", 1],
    ["PATCH", "/api/visitors/{short_id}", "403", 1],
    ["GET", "none", "404", 2],
    ["POST", "none", "404", 1],
    ["other", "/live", "405", 1],
  ];
  for (const [method, route, status, count] of counts) {
    const labels = { method, route, status };
    assert.equal(valueOf(found, "foyer_http_requests_total", labels), count, JSON.stringify(labels));
  }
  const counted = found.filter(({ name }) => name === "foyer_http_requests_total");
  assert.equal(counted.length, counts.length, "and nothing else");
  const labels = { method: "GET", route: "/api/visitors/list/latest" };
  const duration = "foyer_http_request_duration_seconds";
  assert.equal(valueOf(found, `${duration}_count`, labels), 9);
  assert.equal(valueOf(found, `${duration}_bucket`, { ...labels, le: "+Inf" }), 9);
  const buckets = found.filter((sample) =>
    sample.name === `${duration}_bucket` && sample.labels.route === labels.route &&
    sample.labels.method === "GET"
  ).map(({ value }) => value);
  assert.deepEqual(
    buckets,
    buckets.toSorted((a, b) => a - b),
    "a histogram's buckets hold those before them",
  );
  assert.ok(valueOf(found, `${duration}_sum`, labels)! > 0);

  assert.equal(valueOf(found, "foyer_http_requests_in_flight"), 1, "the one that asks for the metrics");
  await Promise.all(Array.from({ length: 5 }, () => app.request("/live")));
  assert.equal(valueOf(await samples(), "foyer_http_requests_in_flight"), 1);
  assert.equal(
    valueOf(await samples(), "foyer_http_requests_total", {
      method: "GET",
      route: "/metrics",
      status: "200",
    }),
    2,
  );
});

Deno.test("Metrics show the process and its versions", async () => {
  const { samples } = await openApp();
  const found = await samples();
  assert.equal(
    valueOf(found, "foyer_build_info", { version: denoJson.version, deno: Deno.version.deno }),
    1,
  );
  assert.ok(valueOf(found, "foyer_process_resident_memory_bytes")! > 1e6);
  assert.ok(valueOf(found, "foyer_process_heap_bytes")! > 1e6);
  const started = valueOf(found, "foyer_process_start_time_seconds")!;
  assert.ok(started > 1.7e9 && started <= Date.now() / 1000);
});

Deno.test("Metrics show when REST_KEY_PREVIOUS was last used, and ignore other keys", async () => {
  const { app, samples } = await openApp();
  const lastUsed = async () =>
    valueOf(await samples(), "foyer_rest_key_previous_last_used_timestamp_seconds");
  const use = async (key: string) => {
    const response = await app.request("/api/visitors/aB3", { headers: { Authorization: key } });
    await response.text();
  };
  assert.equal(await lastUsed(), 0);
  for (const key of ["key", "write", "wrong", "Old", ""]) await use(key);
  assert.equal(await lastUsed(), 0);
  for (const key of ["old", "Bearer old"]) {
    const before = Date.now() / 1000;
    await use(key);
    const at = (await lastUsed())!;
    assert.ok(at >= before && at <= Date.now() / 1000);
  }
});

Deno.test("No label contains a path, key, query, header or short id", async () => {
  const { app, admin, samples } = await openApp({ REST_KEY: "S3cr3t", REST_WRITE_KEY: "S3cr3t-write" });
  const piece = fc.oneof(
    fc.constantFrom(
      "",
      "api",
      "visitors",
      "list",
      "latest",
      "search",
      "support",
      "metrics",
      "%",
      "aB3",
      "\\",
      '"',
    ),
    fc.string({ unit: "binary", maxLength: 8 }).map((text) => encodeURIComponent(text.toWellFormed())),
  );
  const method = fc.oneof(
    fc.constantFrom("GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"),
    fc.stringMatching(/^S3CR3T[A-Z]{1,5}$/),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece),
      fc.string({ unit: "binary" }),
      method,
      fc.constantFrom("S3cr3t", "S3cr3t-write", "S3cr3t-wrong"),
      async (pieces, q, method, Authorization) => {
        const path = `/${[...pieces, "S3cr3t"].join("/")}?q=S3cr3t${encodeURIComponent(q.toWellFormed())}`;
        const init = { method, headers: { Authorization, "User-Agent": "S3cr3t" } };
        await (await app.request(path, init)).text();
        await (await admin.request(path, init)).text();
      },
    ),
    { numRuns: 100 },
  );
  const allowed: Record<string, RegExp> = {
    method: /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|other)$/,
    route:
      /^(none|\/live|\/ready|\/metrics|\/api\/(usage|openapi\.json|visitors(\/\{short_id\}|\/list\/(latest|search))?))$/,
    status: /^[1-5][0-9][0-9]$/,
    le: /^(\+Inf|[0-9.]+)$/,
    version: /^[0-9.]+$/,
    deno: /^[0-9.]+/,
  };
  const found = await samples();
  assert.doesNotMatch(JSON.stringify(found), /S3cr3t/i);
  for (const { name, labels } of found) {
    for (const [label, text] of Object.entries(labels)) {
      assert.match(text, allowed[label], `${name}: ${label}`);
    }
  }
});

Deno.test("The admin listener serves health and metrics without a key, and nothing else", async () => {
  const { admin, app, ask } = await openApp();
  const assertError = async (response: Response, status: number, code: string, what: string) => {
    assert.deepEqual([response.status, (await response.json()).error], [status, code], what);
  };
  for (const path of ["/live", "/ready"]) {
    assert.deepEqual(await (await admin.request(path)).json(), { status: "ok" });
  }
  for (const path of ["/live", "/ready", "/metrics"]) {
    for (const query of ["", "?name[]=x", "?x=1"]) {
      assert.equal((await admin.request(path + query)).status, 200, path + query);
      const head = await admin.request(path + query, { method: "HEAD" });
      assert.deepEqual([head.status, await head.text()], [200, ""], path);
    }
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"]) {
      const response = await admin.request(path, { method });
      assert.equal(response.headers.get("Allow"), "GET, HEAD", `${method} ${path}`);
      await assertError(response, 405, "method_not_allowed", `${method} ${path}`);
    }
  }
  const nowhere = [
    "/",
    "/metrics/",
    "/Metrics",
    "/debug",
    "/support/metrics",
    "/support/live",
    "/api/visitors/list/latest",
    "/api/visitors/aB3",
    "/api",
  ];
  for (const path of nowhere) {
    const init = { headers: { Authorization: "write" } };
    await assertError(await admin.request(path, init), 404, "not_found", path);
    await assertError(await admin.request(path, { ...init, method: "DELETE" }), 404, "not_found", path);
  }
  for (const path of ["/metrics", "/support/metrics", "/api/metrics", "/admin/metrics"]) {
    await assertError(await ask(path), 404, "not_found", `${path} of the main listener`);
  }
  assert.equal((await app.request("/api/metrics")).status, 401);
});

Deno.test("/ready is 503 on both listeners as soon as the server stops, while other requests are answered", async () => {
  const { app, admin, ask, health } = await openApp();
  health.isStopping = true;
  for (
    const [what, response] of [["main", await app.request("/ready")], [
      "admin",
      await admin.request("/ready"),
    ]] as const
  ) {
    const { status, error, message } = await response.json();
    assert.deepEqual([response.status, status, error], [503, "error", "stopping"], what);
    assert.match(message, /^[A-Z][^\n]*\.$/);
  }
  assert.equal((await app.request("/support/ready")).status, 503);
  for (
    const response of [
      await app.request("/live"),
      await admin.request("/live"),
      await admin.request("/metrics"),
    ]
  ) {
    assert.equal(response.status, 200);
  }
  assert.equal((await ask("/api/visitors/aB3")).status, 200);
  assert.equal((await ask("/api/visitors/aB3", { Authorization: "write" }, "DELETE")).status, 200);
});

/** Starts a server with both listeners, which ends with the test. */
async function serve(folder: string, environment: Record<string, string>) {
  const [port, adminPort] = [freePort(), freePort()];
  const server = new Process(fromSource(folder, [], {
    HOST: "127.0.0.1",
    PORT: String(port),
    ADMIN_PORT: String(adminPort),
    REST_KEY: "key",
    REST_WRITE_KEY: "write",
    ...environment,
  }));
  await server.until(/for operators/);
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      headers: { Authorization: "write" },
      ...init,
    });
    await response.text();
    return response.status;
  };
  const samples = async () =>
    readMetrics(await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text());
  return Object.assign(server, { ask, samples });
}

Deno.test("Metrics show how many documents wait for foyer reindex; NaN while unknown", async () => {
  const counts: [isUp: boolean, count: number | null, shown: number][] = [
    [true, 95_000, 95_000],
    [true, 0, 0],
    [true, null, NaN],
    [false, 5, NaN],
  ];
  for (const [isUp, count, shown] of counts) {
    const metrics = new Metrics();
    metrics.watchUnindexed(() => isUp, () => Promise.resolve(count));
    const { body } = await metrics.text();
    assert.equal(valueOf(readMetrics(body), "foyer_unindexed_visitors"), shown);
  }
});

testInFolder(
  "Metrics show the database's state, the visitors online, and the sources of reads",
  async (folder) => {
    const store = openSqliteStore(`${folder}/foyer.db`, PATIENT);
    await store.putVisitors(
      ["a", "b", "c"].map((short_id) => readVisitor({ short_id, is_online: short_id !== "c" })!),
    );
    await store.close();
    await using server = await serve(folder, { SQLITE_PATH: "foyer.db" });
    for (let i = 0; i < 3; i++) assert.equal(await server.ask("/api/visitors/list/latest"), 200);
    assert.equal(await server.ask("/api/visitors/list/search?q=nobody"), 200);
    assert.equal(await server.ask("/api/visitors/a"), 200);
    assert.equal(await server.ask("/api/visitors/b", { method: "PATCH", body: '{"name":"Ada"}' }), 200);
    assert.equal(await server.ask("/api/visitors/b", { method: "DELETE" }), 200);
    assert.equal(await server.ask("/api/visitors?all=true", { method: "DELETE" }), 200);
    assert.equal(await server.ask("/api/usage"), 200);

    const found = await server.samples();
    assert.equal(valueOf(found, "foyer_database_up"), 1);
    assert.equal(valueOf(found, "foyer_visitors_online"), 1);
    assert.equal(valueOf(found, "foyer_unindexed_visitors"), undefined, "there can be none");
    assert.equal(valueOf(found, "foyer_shared_reads_total", { source: "cached" }), 2);
    assert.equal(valueOf(found, "foyer_shared_reads_total", { source: "database" }), 2);
    const operations = {
      find_visitors: 2,
      get_visitors: 1,
      update_visitor: 1,
      remove_visitor: 1,
      remove_offline: 2,
      count_visitors: 1,
    };
    for (const [operation, count] of Object.entries(operations)) {
      const labels = { operation, outcome: "ok" };
      assert.equal(valueOf(found, "foyer_database_operations_total", labels), count, operation);
      assert.equal(
        valueOf(found, "foyer_database_operation_duration_seconds_count", { operation }),
        count,
        operation,
      );
    }
    const labels = { operation: "count_online", outcome: "ok" };
    assert.ok(
      valueOf(await server.samples(), "foyer_database_operations_total", labels)! > 0,
      "asked for by metrics",
    );
  },
);

testInFolder("While the database is unavailable, metrics are served and say so", async (folder) => {
  await using server = await serve(folder, { MONGO_URI: "mongodb://127.0.0.1:1/foyer" });
  assert.equal(await server.ask("/api/visitors/list/latest"), 503);
  const found = await server.samples();
  assert.equal(valueOf(found, "foyer_database_up"), 0);
  assert.ok(Number.isNaN(valueOf(found, "foyer_visitors_online")));
  const labels = { operation: "find_visitors", outcome: "unavailable" };
  // The request's deadline may end before the operation's.
  await until(async () => valueOf(await server.samples(), "foyer_database_operations_total", labels) === 1);
  assert.equal(
    valueOf(found, "foyer_http_requests_total", { route: "/api/visitors/list/latest", status: "503" }),
    1,
  );
});
