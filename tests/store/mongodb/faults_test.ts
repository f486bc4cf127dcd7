import assert from "node:assert/strict";
import { appOver } from "../../support/app.ts";
import { hasAllRights } from "../../support/rights.ts";
import { RunningTime } from "../../support/running_time.ts";
import { until } from "../../support/waiting.ts";
import { visitorOf } from "../contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { openMongoStore } = await import("../../../src/store/mongodb/store.ts");
  const { startOwnMongo } = await import("../../support/mongodb.ts");
  const { startWireProxy } = await import("../../support/wire.ts");

  /** An application over a server of its own, which a test may kill or freeze. */
  const openApp = async (running: boolean) => {
    const mongo = await startOwnMongo({ running });
    const log: string[] = [];
    const store = openMongoStore({
      uri: mongo.uri,
      collection: "visitors",
      use: "request",
      log: (sentence) => log.push(sentence),
    });
    const { ask } = appOver(store, {}, (sentence) => log.push(sentence));
    const get = async (path: string) => {
      const response = await ask(path);
      return { response, body: await response.json() };
    };
    /** Waits until every kind of request is answered again. */
    const untilRecovered = () =>
      until(async () => {
        const { response } = await get("/api/visitors/list/latest");
        return response.status === 200 && (await get("/ready")).response.status === 200;
      });
    const isAway = async (what: string) => {
      const paths = ["list/latest", "list/search?q=ada", "list/search?q=id:x", "a"];
      using time = new RunningTime();
      const start = time.now();
      await Promise.all(paths.map(async (path) => {
        const { response, body } = await get(`/api/visitors/${path}`);
        time.assertOneDeadline(start, `${what}: ${path}`);
        assert.equal(response.status, 503, `${what}: ${path}`);
        assert.equal(body.error, "database_unavailable");
        assert.ok(Number(response.headers.get("Retry-After")) > 0);
      }));
      // The driver checks the server once a second, and gives up after two.
      await until(async () => (await get("/ready")).response.status === 503);
      assert.equal((await get("/live")).response.status, 200, `${what}: /live`);
    };
    return {
      mongo,
      store,
      log,
      get,
      untilRecovered,
      isAway,
      async [Symbol.asyncDispose]() {
        mongo.thaw();
        await store.close();
        await mongo[Symbol.asyncDispose]();
      },
    };
  };

  const test = (sentence: string, fn: () => Promise<void>) =>
    Deno.test({ name: `MongoDB away: ${sentence}`, fn, sanitizeOps: false, sanitizeResources: false });

  test("a server that starts without MongoDB logs that, and recovers when MongoDB starts", async () => {
    await using app = await openApp(false);
    await app.isAway("before it was there");
    await app.mongo.restart();
    await app.untilRecovered();
    assert.ok(app.log.some((line) => line.startsWith("MongoDB does not answer yet")));
    assert.ok(app.log.includes("MongoDB answers"));
  });

  test("killed and started again", async () => {
    await using app = await openApp(true);
    await app.untilRecovered();
    for (let times = 0; times < 2; times++) {
      await app.mongo.kill();
      await app.isAway("killed");
      await app.mongo.restart();
      await app.untilRecovered();
    }
  });

  test("frozen and thawed", async () => {
    await using app = await openApp(true);
    await app.untilRecovered();
    await app.mongo.freeze();
    await app.isAway("frozen");
    app.mongo.thaw();
    await app.untilRecovered();
  });

  test("frozen before the first connect", async () => {
    await using app = await openApp(false);
    await app.mongo.restart();
    await app.mongo.freeze();
    await app.isAway("frozen at once");
    app.mongo.thaw();
    await app.untilRecovered();
  });

  /** An application over a collection with one visitor and all indexes, and the commands that it sends. */
  const openWatched = async (hold?: Parameters<typeof startWireProxy>[1]) => {
    const mongo = await startOwnMongo();
    const log: string[] = [];
    const options = { uri: mongo.uri, collection: "visitors", log: (line: string) => log.push(line) };
    const importing = openMongoStore({ ...options, use: "command" });
    await importing.putVisitors([visitorOf({ short_id: "a" })]);
    await importing.reindex(() => {});
    await importing.close();
    const proxy = startWireProxy(mongo.uri, hold);
    const store = openMongoStore({ ...options, uri: proxy.uri, use: "request" });
    const { app } = appOver(store, {}, () => {});
    const status = async (path: string, key?: string) =>
      (await app.request(path, key === undefined ? {} : { headers: { Authorization: key } })).status;
    return {
      mongo,
      proxy,
      status,
      async [Symbol.asyncDispose]() {
        mongo.thaw();
        await store.close();
        await proxy[Symbol.asyncDispose]();
        await mongo[Symbol.asyncDispose]();
      },
    };
  };

  test("a request without the key asks the database nothing", async () => {
    await using watched = await openWatched();
    const { proxy, status } = watched;
    assert.equal(await status("/api/visitors/a", "key"), 200);
    // The store may still check whether its indexes exist.
    await new Promise((resolve) => setTimeout(resolve, 1000));

    proxy.commands.length = 0;
    for (const path of ["list/latest", "list/search?q=ada", "a", "nobody"]) {
      assert.equal(await status(`/api/visitors/${path}`), 401);
      assert.equal(await status(`/api/visitors/${path}`, "wrong"), 401);
    }
    for (const path of ["/ready", "/live"]) assert.equal(await status(path), 200);
    assert.deepEqual(proxy.commands, []);
    assert.equal(await status("/api/visitors/a", "key"), 200);
    assert.deepEqual(proxy.commands, ["find"], "the proxy sees what is asked");
  });

  test("a write that was answered with an error is not done when the database comes back", async () => {
    await using app = await openApp(false);
    const given = [
      app.store.updateVisitor("a", { name: "Ada" }),
      app.store.putVisitors([visitorOf({ short_id: "a" })]),
      app.store.removeOffline(null, 10),
      app.store.takeLease("work", "a", 1000),
      app.store.writePresence("p", [{ shortId: "b", isNew: true, change: {}, isConnected: true }]),
    ];
    for (const { status } of await Promise.allSettled(given)) assert.equal(status, "rejected");
    await app.mongo.restart();
    await app.untilRecovered();
    await app.store.putVisitors([visitorOf({ short_id: "later" })]);
    const { body } = await app.get("/api/visitors/list/search?q=later");
    assert.equal(body.visitors.length, 1);
    for (const shortId of ["a", "b"]) assert.deepEqual(await app.store.getVisitors([shortId]), [null]);
    assert.equal(await app.store.takeLease("work", "b", 1000), true);
  });

  test("a server is not ready while only the proxy before MongoDB answers, and the log says why once", async () => {
    await using mongo = await startOwnMongo();
    let isDown = false;
    const up: (() => void)[] = [];
    await using proxy = startWireProxy(mongo.uri, (command) => {
      if (!isDown || ["hello", "ismaster", "ping"].includes(command)) return;
      return new Promise((resolve) => up.push(resolve));
    });
    const log: string[] = [];
    const store = openMongoStore({
      uri: proxy.uri,
      collection: "visitors",
      use: "request",
      log: (line) => log.push(line),
    });
    try {
      const { ask } = appOver(store, {}, () => {});
      const statusOf = async (path: string) => (await ask(path)).status;
      await until(async () => await statusOf("/ready") === 200);
      assert.equal(await statusOf("/api/visitors/list/latest"), 200);
      isDown = true;
      assert.equal(await statusOf("/api/visitors/list/latest"), 503);
      await until(async () => await statusOf("/ready") === 503);
      isDown = false;
      for (const resolve of up) resolve();
      await until(async () => await statusOf("/ready") === 200);
      assert.equal(await statusOf("/api/visitors/list/latest"), 200);
      const said = log.filter((line) => /answer/.test(line));
      assert.equal(
        said.filter((line) => line.startsWith("MongoDB does not answer: ")).length,
        1,
        said.join("\n"),
      );
      assert.equal(said.at(-1), "MongoDB answers again");
    } finally {
      await store.close();
    }
  });
}
