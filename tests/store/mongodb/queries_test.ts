import assert from "node:assert/strict";
import { LATEST, parseSearch } from "../../../src/search/parse.ts";
import { addNoVisitors, startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import { findAll, visitorOf } from "../contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { openMongoStore } = await import("../../../src/store/mongodb/store.ts");
  const { startWireProxy } = await import("../../support/wire.ts");
  const { mongo, test } = await startCollections();

  /** A store of its own, and the queries that it makes. */
  const openWatched = (collection: string) => {
    const proxy = startWireProxy(mongo.uri);
    const own = openMongoStore({ uri: proxy.uri, collection, use: "command", log: () => {} });
    return {
      own,
      finds: proxy.finds,
      async [Symbol.asyncDispose]() {
        await own.close();
        await proxy[Symbol.asyncDispose]();
      },
    };
  };

  test("fewer online than a page are two queries, once it is known that they are so few", async ({ store, collection }) => {
    const seen = (i: number) => new Date(1_700_000_000_000 - i * 3_600_000);
    await store.putVisitors(
      Array.from(
        { length: 40 },
        (_, i) => visitorOf({ short_id: `v${i}`, is_online: i % 2 === 0, last_seen_at: seen(i) }),
      ),
    );
    await using watched = openWatched(collection.collectionName);
    const { own, finds } = watched;
    const expected = Array.from({ length: 20 }, (_, i) => `v${2 * i}`);
    for (const size of [100, 100, 7, 100]) {
      finds.length = 0;
      const { visitors } = await own.findVisitors(LATEST, size, null);
      assert.deepEqual(visitors.map(({ shortId }) => shortId), expected.slice(0, size));
    }
    assert.equal(finds.length, 2);
    // More than a page of them all come while it is thought that they are few.
    await store.putVisitors(
      Array.from(
        { length: 150 },
        (_, i) => visitorOf({ short_id: `w${String(i).padStart(3, "0")}`, last_seen_at: seen(-1) }),
      ),
    );
    assert.deepEqual(await findAll(own, "", 50), [
      ...Array.from({ length: 150 }, (_, i) => `w${String(i).padStart(3, "0")}`),
      ...expected,
    ]);
  });

  test("those online with a tag are one query, once it is known how long ago they were seen", async ({ store, collection }) => {
    // The newest ones close together, the others ever farther apart, as nobody can tell from the newest.
    const seen = (i: number) => new Date(1_700_000_000_000 - 10 * i - 1000 * Math.max(0, i - 250) ** 2);
    const someone = (i: number) =>
      visitorOf({
        short_id: `v${String(i).padStart(3, "0")}`,
        is_online: true,
        tags: i % 4 === 0 ? ["#vip"] : [],
        last_seen_at: seen(i),
      });
    await store.putVisitors(Array.from({ length: 800 }, (_, i) => someone(i)));
    await using watched = openWatched(collection.collectionName);
    const { own, finds } = watched;
    const ofTag = () => finds.filter(({ filter }) => filter["foyer.tags"] !== undefined).length;
    const pageOf = async (q: string) => {
      finds.length = 0;
      const { visitors } = await own.findVisitors(parseSearch(q), 150, null);
      return [visitors.map(({ shortId }) => shortId), ofTag()] as const;
    };
    const expected = Array.from({ length: 150 }, (_, i) => `v${String(4 * i).padStart(3, "0")}`);
    const [first, atFirst] = await pageOf("#vip");
    assert.deepEqual(first, expected);
    assert.ok(atFirst > 1, "at first it is not known");
    assert.deepEqual(await pageOf("#vip"), [expected, 1]);
    // Those who came since are on the page.
    await store.putVisitors([
      visitorOf({ short_id: "new", is_online: true, tags: ["#VIP"], last_seen_at: seen(-1) }),
    ]);
    assert.deepEqual(await pageOf("#vip"), [["new", ...expected.slice(0, 149)], 1]);
  });

  test("exact values that are looked for at the same moment are few queries, and each finds its own", async ({ store, collection }) => {
    const someone = (i: number) =>
      visitorOf({
        short_id: i === 0 ? "4711" : `v${i}`,
        email: `v${i}@acme.com`,
        identities: i % 10 === 6 ? ["both@acme.com"] : [],
        unique_id: `user${i}`,
        lookup_code: String(4711 + i),
        integration_ids: [`crm:${i}`],
        last_seen_at: new Date(1_700_000_000_000 - i * 1000),
      });
    await addNoVisitors(collection);
    await store.putVisitors(Array.from({ length: 20 }, (_, i) => someone(i)));
    await collection.insertOne({ short_id: "foreign", email: "V7@acme.com", unique_id: 4711 });
    await using watched = openWatched(collection.collectionName);
    const { own, finds } = watched;
    assert.deepEqual(await findAll(own, "nobody@acme.com"), []);
    finds.length = 0;
    const expected: [q: string, shortIds: string[]][] = [
      ["id:4711", ["foreign"]],
      ["v7@acme.com", ["v7", "foreign"]],
      ["Both@acme.com", ["v6", "v16"]],
      ["both@acme.com id:user16", ["v16"]],
      ["nobody@acme.com", []],
      ["id:user3 -online", []],
      ["4711", ["4711"]],
      ["4712", ["v1"]],
      ...Array.from({ length: 20 }, (_, i): [string, string[]] => {
        const { short_id, unique_id } = someone(i);
        return [i % 2 === 0 ? `id:${unique_id}` : `integration_id:crm:${i}`, [short_id]];
      }),
    ];
    const found = await Promise.all(expected.map(([q]) => findAll(own, q, 100)));
    assert.deepEqual(found, expected.map(([, shortIds]) => shortIds));
    // One by itself, one for the other values of each of five attributes, and two for what has no keys.
    const ofValues = finds.filter(({ filter }) =>
      Object.values<{ $in?: unknown }>(filter).some(({ $in }) => $in)
    );
    assert.ok(ofValues.length <= 8, `${ofValues.length} queries for ${expected.length} searches`);
  });

  test("a value that very many have keeps nobody from finding others", async ({ store, collection }) => {
    const shared = Array.from({ length: 1101 }, (_, i) => ({
      short_id: `v${String(i).padStart(4, "0")}`,
      integration_ids: ["crm:all", `crm:${i}`],
    }));
    await collection.insertMany(shared);
    const [page, ...others] = await Promise.all([
      store.findVisitors(parseSearch("integration_id:crm:all"), 2, null),
      ...[7, 8, 9].map((i) => findAll(store, `integration_id:crm:${i}`)),
    ]);
    assert.deepEqual(page.visitors.map(({ shortId }) => shortId), ["v0000", "v0001"]);
    assert.deepEqual(others, [["v0007"], ["v0008"], ["v0009"]]);
    const again = await store.findVisitors(parseSearch("integration_id:crm:all"), 2, page.next);
    assert.deepEqual(again.visitors.map(({ shortId }) => shortId), ["v0002", "v0003"]);
  });
}
