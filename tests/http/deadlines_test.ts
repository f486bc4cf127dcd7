/**
 * Every answer of every route comes within one deadline, whatever waits inside. That it comes within 3 seconds is seen
 * by `deno task endure`, which has the machine to itself.
 *
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { OperationName } from "../../src/rest/operations.ts";
import { OPERATIONS } from "../../src/rest/operations.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { appOver } from "../support/app.ts";
import { inFolder } from "../support/folders.ts";
import { servePresence, TestPage } from "../support/presence.ts";
import { hasAllRights } from "../support/rights.ts";
import { RunningTime } from "../support/running_time.ts";
import { until } from "../support/waiting.ts";
import { visitorOf } from "../store/contract.ts";

/** The number of concurrent requests of each kind, and the number of kinds. */
const [MANY, AT_A_TIME] = [60, 8];

/** A request: its method, path, and perhaps body and headers. */
interface Asked {
  method?: string;
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** The i-th request of each kind. There is one kind for each operation at least, so that no new operation is forgotten. */
const KINDS: Record<OperationName, ((i: number) => Asked)[]> = {
  listLatest: [
    () => ({ path: "/api/visitors/list/latest" }),
    (i) => ({ path: `/api/visitors/list/latest?max_results=${i + 1}` }),
  ],
  searchVisitors: [
    (i) => ({ path: `/api/visitors/list/search?q=name${i}` }),
    (i) => ({ path: `/api/visitors/list/search?q=${4000 + i}` }),
    () => ({ path: "/api/visitors/list/search?q=4711" }),
    (i) => ({ path: `/api/visitors/list/search?q=%23tag${i}` }),
    (i) => ({ path: `/api/visitors/list/search?q=url:page${i}` }),
    (i) => ({ path: `/api/visitors/list/search?q=id:user${i}%20-online` }),
    () => ({ path: "/api/visitors/list" }),
    () => ({ path: "/api/list" }),
  ],
  streamVisitors: [
    () => ({ path: "/api/visitors/list/stream" }),
    (i) => ({ path: `/api/visitors/list/stream?q=name${i}` }),
    (i) => ({ path: `/api/visitors/list/stream?q=${4000 + i}` }),
  ],
  getVisitor: [
    (i) => ({ path: `/api/visitors/v${i}` }),
    (i) => ({ path: `/api/visitors/v${i}.json` }),
    (i) => ({ path: `/api/visitors/nobody${i}.json` }),
  ],
  getWatchUrl: [(i) => ({ method: "POST", path: `/api/visitors/v${i}.json/watch_url`, body: {} })],
  getPages: [(i) => ({ path: `/api/visitors/v${i}/pages` })],
  claimVisitor: [(i) => ({ method: "PUT", path: `/api/visitors/v${i}/claim`, body: { agent: "Grace" } })],
  releaseVisitor: [
    (i) => ({ method: "DELETE", path: `/api/visitors/v${i}/claim`, body: { agent: "Grace" } }),
  ],
  updateVisitor: [
    (i) => ({ method: "PATCH", path: `/api/visitors/v${i}`, body: { name: `Name ${i}` } }),
    () => ({ method: "PATCH", path: "/api/visitors/v0", body: { nickname: "Nick" } }),
    (i) => ({ method: "PATCH", path: `/api/visitors/v${i}.json`, body: { is_in_session: true } }),
    (i) => ({
      method: "PATCH",
      path: `/api/visitors/v${i}`,
      body: { name: "Ada" },
      headers: { "If-Match": '"x"' },
    }),
  ],
  removeVisitor: [
    (i) => ({ method: "DELETE", path: `/api/visitors/gone${i}` }),
    (i) => ({ method: "DELETE", path: `/api/visitors/gone${i}.json`, headers: { "If-Match": "*" } }),
  ],
  removeOfflineVisitors: [() => ({ method: "DELETE", path: "/api/visitors?all=true" })],
  getUsage: [() => ({ path: "/api/usage" })],
  describeApi: [() => ({ path: "/api/openapi.json" })],
};

const OTHERS = [() => ({ path: "/live" }), () => ({ path: "/ready" }), () => ({ path: "/sdk.js" })];

async function serve(store: VisitorStore) {
  const server = await servePresence(
    store,
    {
      NEW_VISITORS_PER_MINUTE: "0",
      CONNECTIONS_PER_ADDRESS: "0",
    },
    () => {},
  );
  const { admin } = appOver(store, {}, () => {});
  const answer = async ({ method = "GET", path, body, headers = {} }: Asked) => {
    const response = await fetch(`http://${server.host}${path}`, {
      method,
      headers: { Authorization: "write key", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    await response.body!.cancel();
    return response.status;
  };
  /** Sends requests at once, and fails if an answer is late or has a status that is not allowed. */
  async function askMany(kind: (i: number) => Asked, count: number, allowed: number[]) {
    using time = new RunningTime();
    const start = time.now();
    await Promise.all(Array.from({ length: count }, async (_, i) => {
      const asked = kind(i);
      const what = `${asked.method ?? "GET"} ${asked.path}`;
      const status = await answer(asked);
      time.assertOneDeadline(start, what);
      assert.ok(allowed.includes(status), `${what}: ${status}`);
    }));
  }
  /** Sends many requests of each kind at once, a few kinds at a time. */
  async function askAll(
    count: number,
    allowedOf: (name: OperationName) => number[],
    except: OperationName[] = [],
  ) {
    const names = (Object.keys(KINDS) as OperationName[]).filter((name) => !except.includes(name));
    const work = names.flatMap((name) =>
      KINDS[name].map((kind) => () => askMany(kind, count, allowedOf(name)))
    );
    work.push(...OTHERS.map((kind) => () => askMany(kind, count, [200, 503])));
    for (let start = 0; start < work.length; start += AT_A_TIME) {
      await Promise.all(work.slice(start, start + AT_A_TIME).map((ask) => ask()));
    }
  }

  /** Checks that web pages that connect at once are welcomed. */
  async function enterMany() {
    using time = new RunningTime();
    const start = time.now();
    const pages = await Promise.all(Array.from({ length: MANY }, async () => {
      const page = await TestPage.open(server.host);
      page.hello();
      await page.next("welcome");
      return page;
    }));
    time.assertOneDeadline(start, "web pages");
    await Promise.all(pages.map((page) => page.close()));
  }
  async function readMetrics() {
    using time = new RunningTime();
    const start = time.now();
    assert.equal((await admin.request("/metrics")).status, 200);
    time.assertOneDeadline(start, "/metrics");
  }
  return {
    answer,
    askAll,
    enterMany,
    readMetrics,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The statuses of operations that need the database while it does not answer. */
const AWAY = [503];
/** The same for searches by lookup code, whose limit may be reached first. */
const OF_CODES = [503, 429];
const STATUSES: Partial<Record<OperationName, number[]>> = { describeApi: [200], searchVisitors: OF_CODES };

const VISITORS = Array.from(
  { length: MANY },
  (_, i) =>
    ["v", "gone"].map((name) =>
      visitorOf({ short_id: `${name}${i}`, name: `Name${i}`, is_online: i % 2 === 0 })
    ),
)
  .flat();

function test(sentence: string, work: () => Promise<void>) {
  if (!hasAllRights) return;
  Deno.test({ name: sentence, fn: work, sanitizeOps: false, sanitizeResources: false });
}

test(`Over a frozen MongoDB ${MANY} of each kind at once are answered within one deadline`, async () => {
  const { openMongoStore } = await import("../../src/store/mongodb/store.ts");
  const { startOwnMongo } = await import("../support/mongodb.ts");
  await using mongo = await startOwnMongo();
  const options = { uri: mongo.uri, collection: "visitors", log: () => {} };
  const importing = openMongoStore({ ...options, use: "command" });
  await importing.putVisitors(VISITORS);
  await importing.close();
  const store = openMongoStore({ ...options, use: "request" });
  try {
    await using server = await serve(store);
    await until(async () => await server.answer({ path: "/api/visitors/v1" }) === 200);
    await mongo.freeze();
    await server.askAll(MANY, (name) => STATUSES[name] ?? AWAY);
    await server.enterMany();
    await server.readMetrics();
    mongo.thaw();
    await until(async () => await server.answer({ path: "/api/visitors/v1" }) === 200);
  } finally {
    mongo.thaw();
    await store.close();
  }
});

test(`While another program has SQLite's file ${MANY} of each kind at once are answered within one deadline`, async () => {
  await inFolder(async (folder) => {
    const path = `${folder}/foyer.db`;
    const store = openSqliteStore(path);
    try {
      await store.putVisitors(VISITORS);
      await using server = await serve(store);
      using other = new DatabaseSync(path);
      other.exec("BEGIN EXCLUSIVE");
      await server.askAll(MANY, (name) => {
        // Reads do not wait for the other program's write.
        const writes = OPERATIONS[name].tag === "Changes" || /claim|release/.test(name);
        return writes ? [503, 404, 412] : [200, 404, 409, 429];
      });
      await server.enterMany();
      await server.readMetrics();
      other.exec("ROLLBACK");
      await until(async () => await server.answer(KINDS.updateVisitor[0](1)) === 200);
    } finally {
      await store.close();
    }
  });
});

test("Where each command takes MongoDB seconds, several one after the other are answered within one deadline", async () => {
  const { openMongoStore } = await import("../../src/store/mongodb/store.ts");
  const { startMongo } = await import("../support/mongodb.ts");
  const { startWireProxy } = await import("../support/wire.ts");
  await using mongo = await startMongo();
  let isSlow = false;
  await using proxy = startWireProxy(mongo.uri, async () => {
    if (isSlow) await new Promise((resolve) => setTimeout(resolve, 2400));
  });
  const options = { uri: proxy.uri, collection: "visitors", log: () => {} };
  const importing = openMongoStore({ ...options, use: "command" });
  await importing.putVisitors(VISITORS);
  await importing.close();
  const store = openMongoStore({ ...options, use: "request" });
  try {
    await using server = await serve(store);
    await until(async () => await server.answer({ path: "/api/visitors/v1" }) === 200);
    isSlow = true;
    // Removing all visitors takes several batches, each with its own deadline.
    await server.askAll(3, () => [200, 404, 409, 412, 503], ["removeOfflineVisitors"]);
    isSlow = false;
  } finally {
    isSlow = false;
    await store.close();
  }
});
