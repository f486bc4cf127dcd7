import assert from "node:assert/strict";
import type { Collection } from "mongodb";
import { parseSearch } from "../../../src/search/parse.ts";
import { LATEST } from "../../../src/search/parse.ts";
import { withTypos } from "../../../src/search/typo.ts";
import type { VisitorStore } from "../../../src/store/visitor_store.ts";
import type { Position } from "../../../src/visitor/list_order.ts";
import { startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import { visitorOf } from "../contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { openMongoStore } = await import("../../../src/store/mongodb/store.ts");
  const { startWireProxy } = await import("../../support/wire.ts");
  const { mongo, options, openIndexed } = await startCollections();

  /** A store over a collection, and what it asks the database. */
  const openWatched = (collection: string, hold?: (command: string) => Promise<void>) => {
    const proxy = startWireProxy(mongo.uri, hold);
    const store = openMongoStore({ uri: proxy.uri, collection, use: "command", log: () => {} });
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

  const [TOTAL, ONLINE, PAGE] = [400, 120, 10];
  const SEEN = Date.UTC(2026, 0, 2);

  /** Of a tenth the tag, of each fortieth the rare name; everybody has the common one. */
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

  /** What a search may cost: commands, documents beside the matches, and documents for each match. */
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

  test("each search costs few commands, and hardly more documents than match", async () => {
    await using opened = await openIndexed();
    await fill(opened.store);
    await using watched = openWatched(opened.collection.collectionName);
    const { store, proxy } = watched;
    await store.countOnline();
    const cost = async (work: () => Promise<unknown>) => {
      [proxy.commands.length, proxy.documents] = [0, 0];
      await work();
      return { commands: [...proxy.commands], documents: proxy.documents };
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
        // One that goes on to visitors offline, or to those without a time at the end of a list, takes a command for each.
        const more = after === null ? 1 : [1, 2, 10].includes(number) ? 0 : 2;
        assert.ok(spent.commands.length <= commands + more, what);
        assert.ok(spent.documents <= forEach * found + documents, what);
        if (after === null) break;
      }
    }
    const one = await cost(() => store.getVisitors(["v7"]));
    assert.deepEqual(one, { commands: ["find"], documents: 1 });
    const counts = await cost(() => store.countVisitors(new Date(SEEN)));
    // The answer to a count is a document of its own.
    assert.ok(counts.documents <= counts.commands.length, JSON.stringify(counts));
  });

  /** Whether one of the indexes, as their keys in order, leads to what a condition finds. */
  function isIndexed(filter: Record<string, unknown>, indexes: string[][]): boolean {
    return Object.entries(filter).some(([name, condition]) => {
      const conditions = condition as Record<string, unknown>[];
      if (name === "$or") return conditions.every((one) => isIndexed(one, indexes));
      if (name === "$and") return conditions.some((one) => isIndexed(one, indexes));
      return name === "_id" || indexes.some(([first]) => first === name);
    });
  }

  /** Whether an index has what a condition finds in an order: equality, and then the sort. */
  function isOrdered(filter: Record<string, unknown>, sort: Record<string, unknown>, indexes: string[][]) {
    const isEquality = (value: unknown) =>
      typeof value !== "object" || value instanceof Date || "$in" in (value as object);
    return indexes.some((keys) => {
      const prefix = keys.slice(0, keys.length - Object.keys(sort).length);
      return keys.slice(prefix.length).join() === Object.keys(sort).join() &&
        prefix.every((name) => name in filter && isEquality(filter[name]));
    });
  }

  test("an index leads to what each query finds, and has it in order", async () => {
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

  test("whoever does not change is on one result page, whatever others do between any two commands", async () => {
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
      for (const size of [3, 7, 30]) {
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
}
