import assert from "node:assert/strict";
import type { PresenceWrite, VisitorStore } from "../../../src/store/visitor_store.ts";
import { hasAllRights } from "../../support/rights.ts";
import { findAll, getVisitor, visitorOf } from "../contract.ts";
import { writeAll } from "../presence_writes.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { Binary, MongoClient } = await import("mongodb");
  const { openMongoStore } = await import("../../../src/store/mongodb/store.ts");
  const { startMongo, startOwnMongo } = await import("../../support/mongodb.ts");
  const { startWireProxy } = await import("../../support/wire.ts");
  const mongo = await startMongo();
  const client = new MongoClient(mongo.uri);
  const database = client.db();
  Deno.test.afterAll(async () => {
    await client.close();
    await mongo[Symbol.asyncDispose]();
  });

  const options = { sanitizeOps: false, sanitizeResources: false };
  let collections = 0;

  /**
   * A store whose indexes are there, and another one over the same collection.
   *
   * @param use `"request"`: with the deadlines of a server
   */
  const open = async (uri = mongo.uri, use: "request" | "command" = "command") => {
    const log: string[] = [];
    const collection = `visitors${collections++}`;
    const logger = (sentence: string) => log.push(sentence);
    const other = openMongoStore({ uri, collection, use: "command", log: logger });
    await other.reindex(() => {});
    const store = openMongoStore({ uri, collection, use, log: logger });
    return {
      store,
      other,
      log,
      collection: database.collection<Record<string, unknown>>(collection),
      async [Symbol.asyncDispose]() {
        await store.close();
        await other.close();
      },
    };
  };

  const test = (sentence: string, work: (opened: Awaited<ReturnType<typeof open>>) => Promise<void>) =>
    Deno.test({
      name: `MongoDB presence: ${sentence}`,
      ...options,
      fn: async () => {
        await using opened = await open();
        await work(opened);
      },
    });

  const arrival = (shortId: string, change: PresenceWrite["change"] = {}): PresenceWrite => ({
    shortId,
    isNew: true,
    change,
    isConnected: true,
  });
  const leave = (shortId: string): PresenceWrite => ({
    shortId,
    isNew: false,
    change: {},
    isConnected: false,
  });
  const SEEN = "2026-01-02T12:00:00.000Z";

  /** One write of each kind, for one visitor. */
  const everyWrite = (shortId: string): PresenceWrite[] => [
    { shortId, isNew: false, change: { last_seen_at: SEEN } },
    { shortId, isNew: false, change: { name: "Ada" }, isConnected: true },
    { shortId, isNew: false, change: {}, claims: { name: "Ada" } },
    leave(shortId),
  ];

  test("documents that other software made are left as they are", async ({ store, collection }) => {
    const theirs = [
      { _id: "mine" as unknown, short_id: "theirs", is_online: true, lookup_code: "1111" },
      { _id: "_1", short_id: "same", is_online: true, lookup_code: "2222", foyer_connections: ["p"] },
      { _id: 4711, short_id: "number", is_online: true },
    ];
    await collection.insertMany(theirs as never[]);
    for (const shortId of ["theirs", "mine", "same", "number", "_1"]) {
      for (const write of everyWrite(shortId)) {
        assert.deepEqual(await writeAll(store, "p", [write]), [false], shortId);
      }
    }
    assert.equal(await store.endConnections("p", 10), 0);
    // A visitor whose short id is the _id of another program's document cannot be created; one that shares only its short id can.
    assert.deepEqual(
      await writeAll(store, "p", [arrival("mine"), arrival("same", { name: "Ada" }), arrival("new")]),
      [false, true, true],
    );
    for (const document of theirs) {
      assert.deepEqual(await collection.findOne({ _id: document._id as never }), document);
    }
    assert.deepEqual(await findAll(store, "ada"), ["same"]);
    assert.equal(await store.endConnections("p", 1), 1, "theirs is not counted");
    assert.equal(await store.endConnections("p", 10), 1);
    assert.equal((await collection.findOne({ _id: "_1" as never }))?.is_online, true);
  });

  test("fields of other software stay in a document, and none but attributes are sent", async ({ store, collection }) => {
    await writeAll(store, "p", [arrival("ada", { name: "Ada" })]);
    await collection.updateOne({ short_id: "ada" }, { $set: { theirs: { a: 1 } } });
    for (const write of everyWrite("ada").slice(0, 3)) await writeAll(store, "p", [write]);
    await writeAll(store, "q", [arrival("ada", { name: "Ada" })]);
    const document = (await collection.findOne({ short_id: "ada" }))!;
    assert.deepEqual(document.theirs, { a: 1 });
    assert.deepEqual(document.foyer_connections, ["p", "q"]);
    const visitors = (await store.findVisitors([], 10, null)).visitors.map(({ visitor }) => visitor);
    assert.deepEqual(visitors, [
      visitorOf({ short_id: "ada", name: "Ada", last_seen_at: SEEN }),
    ]);
    assert.deepEqual(await Array.fromAsync(store.allVisitors()), visitors);
    for (const process of ["p", "q"]) await writeAll(store, process, [leave("ada")]);
    assert.ok(!("foyer_connections" in (await collection.findOne({ short_id: "ada" }))!));
  });

  test("a visitor that the database refuses does not keep others from being written", async ({ store, other, collection }) => {
    await collection.createIndex({ email: 1 }, {
      unique: true,
      partialFilterExpression: { email: { $type: "string" } },
    });
    const tooLong = "x".repeat(17 * 1024 * 1024);
    const arrivals = (prefix: string) =>
      Array.from({ length: 9 }, (_, i) => arrival(`${prefix}${i}`, { name: `Ada ${prefix}${i}` }));
    await other.putVisitors([visitorOf({ short_id: "first", email: "a@acme.com", is_online: false })]);
    const taken = arrival("taken", { email: "a@acme.com" });
    const large = arrival("large", { metadata: { tooLong } });
    assert.deepEqual(
      await writeAll(other, "p", [...arrivals("a"), taken, ...arrivals("b"), large, ...arrivals("c")]),
      [
        ...arrivals("a").map(() => true),
        false,
        ...arrivals("b").map(() => true),
        false,
        ...arrivals("c").map(() => true),
      ],
    );
    const written = [..."abc"].flatMap((prefix) => arrivals(prefix).map(({ shortId }) => shortId));
    assert.deepEqual(await findAll(store, ""), written);
    assert.deepEqual(await findAll(store, "ada"), written);
    // Also for an existing visitor: of a refused write nothing is done.
    const results = await store.writePresence("q", [
      { shortId: "a0", isNew: false, change: { email: "a@acme.com" }, isConnected: true },
      { shortId: "a1", isNew: false, change: { nickname: "Countess" }, isConnected: true },
    ]);
    assert.deepEqual(results.map(({ exists, problem }) => [exists, problem]), [
      [true, "refused"],
      [true, undefined],
    ]);
    assert.deepEqual((await collection.findOne({ short_id: "a0" }))?.foyer_connections, ["p"]);
    assert.deepEqual(await findAll(store, "countess"), ["a1"]);
  });

  test("a visitor is never online without a connection to a process", async ({ store, other, collection }) => {
    const shortIds = Array.from({ length: 10 }, (_, i) => `v${i}`);
    await writeAll(store, "p", shortIds.map((shortId) => arrival(shortId)));
    let isDone = false;
    const looking = (async () => {
      let looks = 0;
      while (!isDone || looks < 5) {
        looks++;
        for (const { is_online, foyer_connections } of await collection.find().toArray()) {
          assert.equal(is_online, foyer_connections !== undefined, `${foyer_connections}`);
          assert.notDeepEqual(foyer_connections, []);
        }
      }
    })();
    await Promise.all(["p", "q", "r", "dead"].map(async (process, i) => {
      for (let round = 0; round < 6; round++) {
        const writes = shortIds.map((shortId) => ({ ...leave(shortId), isConnected: (round + i) % 2 === 0 }));
        await writeAll(i % 2 === 0 ? store : other, process, writes);
      }
      if (process === "dead") { while (await other.endConnections("dead", 3) > 0); }
    }));
    isDone = true;
    await looking;
    assert.equal(await store.countOnline(), 10, "q has them all");
  });

  test("after a lost reply to a heartbeat the next one says that the process was registered anew", async ({ store, other }) => {
    assert.equal((await store.heartbeat("p", 1)).isNew, true);
    assert.equal((await store.heartbeat("p", 2)).isNew, false);
    await other.forgetProcess("p");
    // By another store, since this one must not learn of the heartbeat.
    assert.equal((await other.heartbeat("p", 3)).isNew, true);
    assert.equal((await store.heartbeat("p", 4)).isNew, true);
    assert.equal((await store.heartbeat("p", 5)).isNew, false);
  });

  test("heartbeats of processes over another collection are not read", async ({ store }) => {
    await using elsewhere = await open();
    await elsewhere.store.heartbeat("elsewhere", 1);
    assert.deepEqual(await store.heartbeat("here", 1), { isNew: true, counts: new Map() });
  });

  test("lookup codes that other software wrote as numbers are in use", async ({ store, collection }) => {
    await collection.insertMany([
      { short_id: "number", is_online: true, lookup_code: 1234 },
      { short_id: "array", is_online: true, lookup_code: ["2345"] },
      { is_online: true, lookup_code: "3456" },
      { short_id: "binary", is_online: true, lookup_code: new Binary(new Uint8Array(4)) },
    ]);
    assert.deepEqual(await store.lookupCodesInUse(["1234", "2345", "3456"]), new Set(["1234"]));
  });

  Deno.test({
    name:
      "MongoDB presence: writes of many visitors take one query and one bulk write, and no write if nothing changes",
    ...options,
    fn: async () => {
      await using own = await startOwnMongo();
      await using proxy = startWireProxy(own.uri);
      await using opened = await open(proxy.uri);
      const { store } = opened;
      const commandsOf = async (writes: PresenceWrite[]) => {
        proxy.commands.length = 0;
        assert.ok((await writeAll(store, "p", writes)).every((isThere) => isThere));
        return proxy.commands.filter((name) =>
          !["listCollections", "listIndexes", "createIndexes"].includes(name)
        );
      };
      const each = (write: Partial<PresenceWrite>) =>
        Array.from({ length: 80 }, (_, i) => ({ shortId: `v${i}`, isNew: false, change: {}, ...write }));
      const both = ["find", "update"];
      assert.deepEqual(
        await commandsOf(each({ isNew: true, change: { name: "Ada" }, isConnected: true })),
        ["find", "insert"],
      );
      assert.deepEqual(await commandsOf(each({ change: { last_seen_at: SEEN, last_url: "/" } })), both);
      const pages = [{ url: "https://acme.com/", at: SEEN }];
      assert.deepEqual(await commandsOf(each({ change: { last_url: "/a" }, pages })), both);
      assert.deepEqual(await commandsOf(each({ change: { last_url: "/a" }, pages })), ["find"]);
      assert.deepEqual(await commandsOf(each({ change: { lookup_code: null, is_in_session: true } })), both);
      assert.deepEqual(await commandsOf(each({ change: { last_seen_at: SEEN }, isConnected: false })), both);
      assert.deepEqual(await commandsOf(each({ isConnected: true })), both);
      // The same writes again change nothing, so they are not sent.
      assert.deepEqual(await commandsOf(each({ change: { name: "Ada" }, isConnected: true })), ["find"]);
      assert.deepEqual(await commandsOf(each({ change: { name: "Eve" } })), ["find", "update"]);
    },
  });

  Deno.test({
    name:
      "MongoDB presence: writes without a reply are sent again when the database is back, and then have the right result",
    ...options,
    fn: async () => {
      await using own = await startOwnMongo();
      await using opened = await open(own.uri, "request");
      const { store } = opened;
      const writes = Array.from({ length: 150 }, (_, i) => arrival(`v${i}`, { name: `Name${i}` }));
      const again = async (store: VisitorStore, writes: PresenceWrite[]) => {
        for (let tries = 0; tries < 200; tries++) {
          try {
            return await writeAll(store, "p", writes);
          } catch (error) {
            assert.equal((error as Error).name, "StoreUnavailable", String(error));
            await new Promise((resolve) => setTimeout(resolve, 100));
          }
        }
        throw new Error("The database does not come back");
      };
      const writing = again(store, writes);
      await new Promise((resolve) => setTimeout(resolve, 150));
      await own.kill();
      const asked = [
        writeAll(store, "q", [arrival("v0")]),
        store.endConnections("q", 1),
        store.heartbeat("q", 1),
        store.lookupCodesInUse(["0001"]),
      ];
      for (const answer of await Promise.allSettled(asked)) {
        assert.equal((answer as PromiseRejectedResult).reason?.name, "StoreUnavailable");
      }
      await own.restart();
      assert.ok((await writing).every((isThere) => isThere));
      assert.equal(await store.countOnline(), 150);
      assert.deepEqual(await findAll(store, "name149"), ["v149"]);
      // Flushed before the kill, since SecantusDB keeps confirmed writes in memory for a moment.
      await using client = new MongoClient(own.uri);
      await client.db("admin").command({ fsync: 1 });
      const leaving = again(store, writes.map(({ shortId }) => leave(shortId)));
      await new Promise((resolve) => setTimeout(resolve, 50));
      await own.kill();
      await own.restart();
      assert.ok((await leaving).every((isThere) => isThere));
      assert.equal(await store.countOnline(), 0);
      assert.equal((await getVisitor(store, "v0"))?.name, "Name0");
    },
  });
}
