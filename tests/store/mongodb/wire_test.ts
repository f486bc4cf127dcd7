import assert from "node:assert/strict";
import type { Collection } from "mongodb";
import { parseSearch } from "../../../src/search/parse.ts";
import { LATEST } from "../../../src/search/parse.ts";
import { withTypos } from "../../../src/search/typo.ts";
import type { VisitorStore } from "../../../src/store/visitor_store.ts";
import type { Position } from "../../../src/visitor/list_order.ts";
import { startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import type { Hold } from "../../support/wire.ts";
import { findAll, getVisitor, visitorOf } from "../contract.ts";

const [TOTAL, ONLINE, PAGE] = [400, 120, 10];
const SEEN = Date.UTC(2026, 0, 2);

/** Each tenth visitor has the tag, each fortieth the rare name, and all have the common name. */
async function fill(store: VisitorStore) {
  await store.putVisitors(Array.from({ length: TOTAL }, (_, i) =>
    visitorOf({
      short_id: `v${i}`,
      is_online: i < ONLINE,
      last_seen_at: new Date(SEEN - i * 1000),
      name: i % 40 === 7 ? "Gabriela Ferreira" : `Name${i} Common`,
      email: `n${i}@example.com`,
      unique_id: `user-${i}`,
      ip_address: `10.0.${i >> 8}.${i & 255}`,
      lookup_code: i < ONLINE ? String(i).padStart(4, "0") : null,
      integration_ids: [`crm:${i}`],
      last_url: `https://example.com/${i % 40 === 3 ? "pricing" : i % 10}`,
      tags: i % 3 === 0 ? ["#vip"] : [],
    })));
}

/** Whether one of the indexes, given as lists of fields, narrows down a condition. */
function isIndexed(filter: Record<string, unknown>, indexes: string[][]): boolean {
  return Object.entries(filter).some(([name, condition]) => {
    const conditions = condition as Record<string, unknown>[];
    if (name === "$or") return conditions.every((one) => isIndexed(one, indexes));
    if (name === "$and") return conditions.some((one) => isIndexed(one, indexes));
    return name === "_id" || indexes.some(([first]) => first === name);
  });
}

/** Whether an index gives the documents of a condition in an order: equality fields first, then the sort. */
function isOrdered(filter: Record<string, unknown>, sort: Record<string, unknown>, indexes: string[][]) {
  const isEquality = (value: unknown) =>
    typeof value !== "object" || value instanceof Date || "$in" in (value as object);
  return indexes.some((keys) => {
    const prefix = keys.slice(0, keys.length - Object.keys(sort).length);
    return keys.slice(prefix.length).join() === Object.keys(sort).join() &&
      prefix.every((name) => name in filter && isEquality(filter[name]));
  });
}

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { openMongoStore } = await import("../../../src/store/mongodb/store.ts");
  const { startWireProxy } = await import("../../support/wire.ts");
  const { database, mongo, options, openIndexed } = await startCollections();

  /** A store over a collection, with the commands that it sends. */
  const openWatched = (collection: string, hold?: Hold, parameters = "") => {
    const proxy = startWireProxy(mongo.uri, hold);
    const store = openMongoStore({ uri: proxy.uri + parameters, collection, use: "command", log: () => {} });
    return {
      store,
      proxy,
      async [Symbol.asyncDispose]() {
        await store.close();
        await proxy[Symbol.asyncDispose]();
      },
    };
  };

  const test = (sentence: string, fn: () => Promise<void>) =>
    Deno.test({ name: `MongoDB's wire: ${sentence}`, fn, ...options });

  /** The limits for each search: commands, documents besides the matches, and documents read for each match. */
  const COSTS: [q: string, commands: number, documents: number, forEach: number][] = [
    ["", 2, 5, 1],
    ["#vip", 2, 5, 1],
    ["#vip -online", 2, 5, 1],
    ["#vip online", 2, 5, 1],
    ["-online", 2, 5, 1],
    ["online common", 2, 5, 1],
    ["0007", 2, 1, 1],
    ["id:user-7", 2, 1, 1],
    ["integration_id:crm:7", 2, 1, 1],
    ["n7@example.com", 2, 1, 1],
    ["ip:10.0.0.7", 2, 1, 1],
    ["gabriela", 4, 120, 1.5],
    ["gabriela ferreira", 4, 120, 1.5],
    ["common", 4, 120, 1.5],
    ["url:pricing", 3, 120, 1.5],
    ["gabrieal", 6, 120, 1.5],
  ];

  test("each search takes few commands, and reads hardly more documents than match", async () => {
    await using opened = await openIndexed();
    await fill(opened.store);
    await using watched = openWatched(opened.collection.collectionName);
    const { store, proxy } = watched;
    await store.countOnline();
    const cost = async (work: () => Promise<unknown>) => {
      [proxy.commands.length, proxy.documents] = [0, 0];
      await work();
      // The store may still check whether its indexes exist.
      const commands = proxy.commands.filter((command) => !command.startsWith("list"));
      return { commands, documents: proxy.documents };
    };
    for (const [q, commands, documents, forEach] of COSTS) {
      const query = q === "" ? LATEST : parseSearch(q);
      let after: Position | null = null;
      for (let number = 1; number <= 10; number++) {
        let found = 0;
        const spent = await cost(async () => {
          const page = await store.findVisitors(query, PAGE, after, after === null ? withTypos(query) : null);
          after = page.next;
          found = page.visitors.length;
        });
        if (number === 1) assert.ok(found > 0, q);
        const what = `${JSON.stringify(q)}, result page ${number}: ${JSON.stringify(spent)}, ${found} found`;
        // A page that continues with offline visitors, or with those without a time, takes one more command for each.
        const more = after === null ? 1 : [1, 2, 10].includes(number) ? 0 : 2;
        assert.ok(spent.commands.length <= commands + more, what);
        assert.ok(spent.documents <= forEach * found + documents, what);
        if (after === null) break;
      }
    }
    const one = await cost(() => store.getVisitors(["v7"]));
    assert.deepEqual(one, { commands: ["find"], documents: 1 });
    const counts = await cost(() => store.countVisitors(new Date(SEEN)));
    assert.deepEqual(await cost(() => store.endClaims(new Date())), { commands: ["find"], documents: 0 });
    // The reply to a count is one document.
    assert.ok(counts.documents <= counts.commands.length, JSON.stringify(counts));
  });

  test("each query is answered by an index, in the index's order", async () => {
    await using opened = await openIndexed();
    const { store, collection } = opened;
    await fill(store);
    const indexes = (await collection.indexes()).map(({ key }) => Object.keys(key));
    await using watched = openWatched(collection.collectionName);
    const { store: own, proxy } = watched;
    for (
      const [q] of [...COSTS, ["#vip common"], ["common -online"], ["ga"], ["url:pricing #vip"]] as [string][]
    ) {
      const query = q === "" ? LATEST : parseSearch(q);
      let { next } = await own.findVisitors(query, PAGE, null, withTypos(query));
      for (let page = 2; next !== null && page < 5; page++) {
        ({ next } = await own.findVisitors(query, PAGE, next));
      }
    }
    await own.getVisitors(["v1", "v2"]);
    await own.countVisitors(new Date(SEEN));
    for (const process of ["p", "dead"]) {
      for (const change of [{}, { last_url: "/" }, { name: "Gabriela" }]) {
        await own.writePresence(process, [{ shortId: "v1", isNew: false, change, isConnected: true }]);
      }
    }
    const pages = [{ url: "https://example.com/", at: new Date(SEEN).toISOString() }];
    await own.writePresence("p", [{ shortId: "v1", isNew: false, change: {}, isConnected: true, pages }]);
    await own.claimVisitor("v1", { agent: "Grace", until: new Date(0), takesOver: false });
    await own.pagesOf("v1");
    await own.endClaims(new Date());
    await own.countWaiting();
    await own.connectedTo("p");
    await own.endConnections("dead", 5);
    await own.lookupCodesInUse(["0007", "0008"]);
    await own.removeOffline(new Date(SEEN - 300_000), 10);
    await own.removeOffline(null, 10);
    assert.ok(proxy.finds.length > 100, `${proxy.finds.length} queries`);
    for (const { filter, sort, skip } of proxy.finds) {
      const what = JSON.stringify({ filter, sort, skip });
      assert.ok(isIndexed(filter, indexes), what);
      assert.ok(sort === undefined || isOrdered(filter, sort, indexes), what);
      assert.equal(skip ?? 0, 0, what);
    }
  });

  /** Changes of visitors that may come between any two commands of a search. */
  const MOVES: ((collection: Collection, short_id: string, at: Date) => Promise<unknown>)[] = [
    (collection, short_id, last_seen_at) => collection.updateMany({ short_id }, { $set: { last_seen_at } }),
    (collection, short_id) => collection.updateMany({ short_id }, { $set: { is_online: true } }),
    (collection, short_id) => collection.updateMany({ short_id }, { $set: { is_online: false } }),
    (collection, short_id) => collection.updateMany({ short_id }, { $set: { is_online: "no" } }),
    (collection, short_id) => collection.updateMany({ short_id }, { $unset: { foyer: "" } }),
    (collection, short_id) => collection.updateMany({ short_id }, { $unset: { last_seen_at: "" } }),
    (collection, short_id) =>
      collection.updateMany({ short_id }, { $set: { last_url: "https://example.com/" } }),
    (collection, short_id) => collection.deleteMany({ short_id }),
  ];

  test("a visitor that does not change is on exactly one result page, whatever others do between any two commands", async () => {
    await using opened = await openIndexed();
    const { store, collection } = opened;
    const at = (i: number) => new Date(SEEN - (i % 12) * 1000);
    const documentOf = (i: number) => ({
      short_id: `v${String(i).padStart(2, "0")}`,
      is_online: i % 5 < 2,
      last_seen_at: i % 9 === 0 ? null : at(i),
      name: "Ada Common",
      last_url: "https://example.com/pricing",
      tags: ["#vip"],
    });
    const all = Array.from({ length: 48 }, (_, i) => documentOf(i));
    const isStable = (shortId: string) => Number(shortId.slice(1)) % 3 !== 0;
    const movers = all.filter(({ short_id }) => !isStable(short_id));
    let moves = 0;
    let isMoving = false;
    const move = async (command: string) => {
      if (!isMoving || !["find", "aggregate", "getMore"].includes(command)) return;
      const { short_id } = movers[Math.floor(Math.random() * movers.length)];
      await MOVES[Math.floor(Math.random() * MOVES.length)](
        collection,
        short_id,
        at(Math.floor(Math.random() * 12)),
      );
      moves++;
    };
    await using watched = openWatched(collection.collectionName, move);
    for (const q of ["", "-online", "#vip", "#vip -online", "ada", "online ada", "ada #vip", "url:pricing"]) {
      for (const size of [3, 30]) {
        isMoving = false;
        await collection.deleteMany({});
        await store.putVisitors(all.map(visitorOf));
        await collection.updateOne({ short_id: "v01" }, { $unset: { foyer: "" } });
        await collection.updateOne({ short_id: "v04" }, { $set: { is_online: "yes" } });
        isMoving = true;
        const seen: string[] = [];
        let after: Position | null = null;
        do {
          const page = await watched.store.findVisitors(q === "" ? LATEST : parseSearch(q), size, after);
          const ids = page.visitors.map(({ shortId }) => shortId);
          assert.equal(new Set(ids).size, ids.length, `${q} by ${size}: ${ids} are on a page once`);
          seen.push(...ids);
          after = page.next;
        } while (after !== null);
        const online = (shortId: string) =>
          documentOf(Number(shortId.slice(1))).is_online && shortId !== "v04";
        const expected = all.map(({ short_id }) => short_id).filter(isStable).filter((shortId) =>
          q === "" || q.startsWith("online") || q.startsWith("url:")
            ? online(shortId)
            : !q.includes("-online") || !online(shortId)
        );
        assert.deepEqual(
          seen.filter(isStable).sort(),
          expected,
          `${JSON.stringify(q)} by result pages of ${size}`,
        );
      }
    }
    assert.ok(moves > 100, `${moves} moves`);
  });

  test("reads that a write depends on go to the primary, whatever the read preference", async () => {
    await using opened = await openIndexed();
    const { collectionName } = opened.collection;
    await opened.store.putVisitors([visitorOf({ short_id: "a" })]);
    const modes: unknown[] = [];
    const note: Hold = (name, command) => {
      if (name === "find" && command.find === collectionName) modes.push(command.$readPreference?.mode);
    };
    await using watched = openWatched(collectionName, note, "&readPreference=secondary");
    const modesOf = async (work: () => Promise<unknown>) => {
      modes.length = 0;
      await work();
      return modes;
    };
    const { store } = watched;
    assert.deepEqual(await modesOf(() => getVisitor(store, "a")), ["secondary"]);
    const writes: (() => Promise<unknown>)[] = [
      () => store.updateVisitor("a", { name: "Ada" }),
      () => store.writePresence("p", [{ shortId: "a", isNew: false, change: { name: "Eve" } }]),
      () => store.claimVisitor("a", { agent: "Grace", until: new Date(0), takesOver: false }),
      () => store.endClaims(new Date()),
      () => store.lookupCodesInUse(["0001"]),
      () => store.removeOffline(null, 10),
      () => store.removeVisitor("a"),
    ];
    for (const write of writes) {
      const found = await modesOf(write);
      assert.ok(found.length > 0 && !found.includes("secondary"), `${write}: ${found}`);
    }
  });

  test("an export continues where it was when its cursor is lost", async () => {
    await using opened = await openIndexed();
    const { collection } = opened;
    const ids = Array.from({ length: 6000 }, (_, i) => `v${String(i).padStart(4, "0")}`);
    await collection.insertMany([
      ...ids.map((short_id) => ({ _id: short_id as never, short_id })),
      { _id: 5 as never, short_id: "a number" },
    ]);
    let lost = 0;
    const lose: Hold = async (name, command) => {
      if (name !== "getMore" || command.collection !== collection.collectionName || lost++ > 0) return;
      await collection.db.command({ killCursors: collection.collectionName, cursors: [command.getMore] });
    };
    await using watched = openWatched(collection.collectionName, lose);
    const exported = await Array.fromAsync(watched.store.allVisitors());
    assert.ok(lost > 0, "a cursor was lost");
    assert.deepEqual(exported.map(({ short_id }) => short_id).sort(), ["a number", ...ids]);
  });

  test("strings are compared by their bytes in a collection that has a collation of its own, too", async () => {
    const name = "with-collation";
    await database.createCollection(name, { collation: { locale: "en", strength: 1 } });
    const asked: unknown[] = [];
    const note: Hold = (command, { find, aggregate, collation }) => {
      if ((command === "find" || command === "aggregate") && (find ?? aggregate) === name) {
        asked.push(collation);
      }
    };
    await using watched = openWatched(name, note);
    const { store } = watched;
    const shortIds = ["a", "A", "á", "b", "B"];
    await store.reindex(() => {});
    await store.putVisitors(
      shortIds.map((short_id, i) =>
        visitorOf({
          short_id,
          name: "Ada",
          unique_id: `id-${short_id}`,
          last_seen_at: new Date(SEEN - i * 1000),
        })
      ),
    );
    asked.length = 0;
    for (const q of ["", "ada"]) {
      for (const size of [1, 2, 10]) {
        assert.deepEqual(await findAll(store, q, size), shortIds, `${q} by ${size}`);
      }
    }
    for (const shortId of shortIds) {
      assert.equal((await getVisitor(store, shortId))?.short_id, shortId);
      assert.deepEqual(await findAll(store, `id:id-${shortId}`), [shortId]);
    }
    assert.equal(await store.removeVisitor("A"), true);
    assert.deepEqual(await findAll(store, ""), ["a", "á", "b", "B"]);
    assert.ok(asked.length > 20);
    assert.deepEqual(
      new Set(asked.map((collation) => JSON.stringify(collation))),
      new Set(['{"locale":"simple"}']),
    );
  });

  test("concurrent PATCHes of one visitor are all written", async () => {
    await using opened = await openIndexed();
    const { store } = opened;
    await store.putVisitors([visitorOf({ short_id: "a", tags: [] })]);
    const writers = Array.from({ length: 5 }, async (_, writer) => {
      for (let round = 0; round < 10; round++) {
        await Promise.all([
          store.updateVisitor("a", { name: `Name ${writer} ${round}` }),
          store.updateVisitor("a", { call_name: `Call ${writer} ${round}` }),
        ]);
      }
    });
    await Promise.all(writers);
    const visitor = (await getVisitor(store, "a"))!;
    for (const q of [`"${visitor.name}"`, `"${visitor.call_name}"`]) {
      assert.deepEqual(await findAll(store, q), ["a"], q);
    }
  });

  test("of very many unindexed documents the newest are searched, and the others counted", async () => {
    await using opened = await openIndexed();
    const { collection } = opened;
    const total = 600;
    const documents = Array.from({ length: total }, (_, i) => ({
      short_id: `v${i}`,
      last_seen_at: new Date(SEEN - i * 1000),
      name: i === 50 || i === total - 1 ? "Grace" : "Ada",
    }));
    await collection.insertMany(documents);
    const store = openMongoStore({
      uri: mongo.uri,
      collection: collection.collectionName,
      use: "command",
      log: () => {},
      exceptions: { maxRead: 20, minScanned: 100, scanTime: 0 },
    });
    try {
      const page = await store.findVisitors(parseSearch("grace"), 10, null);
      assert.deepEqual(page.visitors.map(({ shortId }) => shortId), ["v50"]);
      assert.ok(page.unindexed > 0 && page.unindexed <= total - 100, `${page.unindexed} were not looked at`);
      assert.equal((await store.findVisitors(parseSearch("ada"), 10, null)).unindexed, 0);
      assert.equal(await store.countUnindexed!(), total);
    } finally {
      await store.close();
    }
  });

  test("a document with broken UTF-8 is listed, changed and removed", async () => {
    await using opened = await openIndexed();
    const { collectionName } = opened.collection;
    await opened.collection.insertOne({
      _id: "broken" as never,
      short_id: "broken",
      name: "Ada ~~ Lovelace",
    });
    // Some servers store such text; this one may refuse it.
    const breakText = (answer: Uint8Array) => {
      for (let i = 0; i + 1 < answer.length; i++) {
        if (answer[i] === 0x7e && answer[i + 1] === 0x7e) answer.set([0xff, 0xc3], i);
      }
    };
    await using proxy = startWireProxy(mongo.uri, undefined, breakText);
    const store = openMongoStore({
      uri: proxy.uri,
      collection: collectionName,
      use: "request",
      log: () => {},
    });
    try {
      assert.match((await getVisitor(store, "broken"))!.name!, /^Ada \ufffd+ Lovelace$/);
      assert.equal((await store.updateVisitor("broken", { nickname: "Grace" }))?.nickname, "Grace");
      assert.equal((await store.updateVisitor("broken", { metadata: { plan: "pro" } }))?.nickname, "Grace");
      const write = { shortId: "broken", isNew: false, change: {}, claims: { call_name: "A" } };
      const call = { isWaiting: false, since: null };
      assert.deepEqual(await store.writePresence("p", [write]), [{ exists: true, lookupCode: null, call }]);
      assert.equal((await getVisitor(store, "broken"))?.call_name, "A");
      assert.deepEqual(await findAll(store, "lovelace grace"), ["broken"]);
      assert.equal(await store.removeVisitor("broken"), true);
    } finally {
      await store.close();
    }
  });
}
