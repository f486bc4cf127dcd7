import assert from "node:assert/strict";
import { INDEX_KEYS_VERSION } from "../../../src/search/index_keys.ts";
import type { AnyBulkWriteOperation } from "mongodb";
import { startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import { comparePositions, positionOfVisitor } from "../../../src/visitor/list_order.ts";
import { findAll, visitorOf } from "../contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { Decimal128, ObjectId } = await import("mongodb");
  const { searchFieldsUpdate } = await import("../../../src/store/mongodb/reindex.ts");
  const { test } = await startCollections();

  test("reindexing gives search fields to documents that other software wrote, and changes nothing else", async ({ store, collection }) => {
    await store.putVisitors([visitorOf({ short_id: "own", name: "Ada" })]);
    const unindexed = Array.from({ length: 250 }, (_, i) => ({
      _id: i % 2 === 0 ? new ObjectId() : i,
      short_id: `f${i}`,
      name: i === 150 ? "Grace Hopper" : `Name ${i}`,
      tags: ["#vip"],
      shoe_size: 38,
      nickname: /x/,
      call_name: Decimal128.fromString("1.5"),
      email: null,
    }));
    // deno-lint-ignore no-explicit-any -- an _id of any type
    await collection.insertMany([...unindexed, { name: "no visitor" }, { short_id: 5 }] as any);
    const before = await collection.find({}, { projection: { foyer: 0 } }).toArray();
    const progress: [number, number][] = [];
    assert.deepEqual(await store.reindex((looked, total) => progress.push([looked, total])), {
      written: 250,
      missed: 0,
    });
    assert.deepEqual(progress.at(-1), [253, 253]);
    assert.deepEqual(await collection.find({}, { projection: { foyer: 0 } }).toArray(), before);
    assert.equal(await collection.countDocuments({ "foyer.v": INDEX_KEYS_VERSION }), 251);
    assert.deepEqual(await findAll(store, "hopper"), ["f150"]);
    assert.deepEqual(
      await store.reindex(() => {}),
      { written: 0, missed: 0 },
      "a second time there is nothing to do",
    );
  });

  test("reindexing finds documents that other software changed, and continues where it was stopped", async ({ store, collection }) => {
    await store.putVisitors(
      Array.from({ length: 30 }, (_, i) => visitorOf({ short_id: `v${i}`, name: "Old Name" })),
    );
    await collection.updateOne({ short_id: "v7" }, { $set: { name: "Grace Hopper" } });
    await collection.updateMany({ short_id: { $in: ["v1", "v2"] } }, { $unset: { foyer: "" } });
    await collection.updateOne({ short_id: "v3" }, { $set: { "foyer.v": 0 } });
    assert.deepEqual(await store.reindex(() => {}), { written: 4, missed: 0 });
    const { foyer } = (await collection.findOne({ short_id: "v7" }))!;
    assert.ok(foyer.keys.includes("text:hopper") && !foyer.keys.includes("text:old name"));
  });

  test("reindexing leaves documents alone that change while it runs", async ({ store, collection }) => {
    await collection.insertOne({ short_id: "a", name: "Ada", tags: ["#vip"] });
    const update = searchFieldsUpdate((await collection.findOne({ short_id: "a" }))!)!;
    await collection.updateOne({ short_id: "a" }, {
      $set: { last_url: "https://acme.com/", is_online: true },
    });
    for (const change of [{ name: "Grace" }, { name: "Ada", nickname: "G" }, { nickname: null, tags: [] }]) {
      await collection.updateOne({ short_id: "a" }, { $set: change });
      const { matchedCount } = await collection.bulkWrite([update as AnyBulkWriteOperation]);
      assert.equal(matchedCount, 0, JSON.stringify(change));
    }
    await collection.updateOne({ short_id: "a" }, { $set: { tags: ["#vip"] }, $unset: { nickname: "" } });
    assert.equal(
      (await collection.bulkWrite([update as AnyBulkWriteOperation])).matchedCount,
      1,
      "a page view is no such change",
    );
    assert.equal((await store.reindex(() => {})).written, 0);
  });

  test("visitors with search fields of the next version are found", async ({ store, collection }) => {
    await store.putVisitors(["a", "b"].map((short_id) => visitorOf({ short_id, name: "Ada Lovelace" })));
    await collection.updateOne({ short_id: "b" }, {
      $set: { foyer: { v: INDEX_KEYS_VERSION + 1, terms: ["other rules"] } },
    });
    for (const q of ["lovelace", "ada lovelace -online", "lo"]) {
      assert.deepEqual((await findAll(store, q)).sort(), q.includes("-") ? [] : ["a", "b"], q);
    }
    await store.updateVisitor("b", { tags: ["#found"] });
    assert.deepEqual(await findAll(store, "#found"), ["b"]);
  });

  test("visitors with search fields of an earlier version are found, before they are reindexed too", async ({ store, collection }) => {
    const names = ["a", "b", "c"];
    await store.putVisitors(
      names.map((short_id) =>
        visitorOf({
          short_id,
          name: "Ada Lovelace",
          is_online: true,
          last_seen_at: new Date(),
          tags: ["#VIP"],
        })
      ),
    );
    // Index keys of version 1 were trigrams; version 2 had no separate field for tags.
    const keys = ["ada", "lov", "ove", "vel", "ela", "lac", "ace"].map((gram) => "text:" + gram);
    await collection.updateOne({ short_id: "b" }, { $set: { foyer: { v: 1, keys } } });
    await collection.updateOne({ short_id: "c" }, { $set: { "foyer.v": 2 }, $unset: { "foyer.common": "" } });
    const searches = ["lovelace", "ada lovelace", "lov", "da", "e", "#vip", "#vip ada"];
    for (const q of searches) assert.deepEqual((await findAll(store, q, 1)).sort(), names, q);
    assert.deepEqual(await store.reindex(() => {}), { written: 2, missed: 0 });
    assert.equal(
      await collection.countDocuments({ "foyer.v": INDEX_KEYS_VERSION, "foyer.common": "tag:#vip" }),
      3,
    );
    for (const q of searches) assert.deepEqual((await findAll(store, q, 1)).sort(), names, q);
  });

  test("visitors with a tag are found in order, whether Foyer or other software wrote them", async ({ store, collection }) => {
    const seen = Date.UTC(2026, 0, 2);
    const all = Array.from({ length: 240 }, (_, i) => `v${String(i).padStart(3, "0")}`);
    await store.putVisitors(all.map((short_id, i) =>
      visitorOf({
        short_id,
        is_online: i < 160,
        last_seen_at: i % 7 === 0 ? null : new Date(seen - i * 1000),
        tags: i % 3 === 0 ? ["#vip", "#customer"] : i % 3 === 1 ? ["#VIP"] : [],
      })
    ));
    const inOrder = async (numbers: (i: number) => boolean) => {
      const visitors = await Array.fromAsync(store.allVisitors());
      return visitors.filter(({ short_id }) => numbers(Number(short_id.slice(1))))
        .map((visitor) => ({ visitor, place: positionOfVisitor(visitor) }))
        .sort((a, b) => comparePositions(a.place, b.place)).map(({ visitor }) => visitor.short_id);
    };
    const check = async () => {
      const vips = await inOrder((i) => i % 3 !== 2);
      for (const size of [10, 130, 1000]) {
        assert.deepEqual(await findAll(store, "#vip", size), vips, `${size}`);
      }
      assert.deepEqual(await findAll(store, "#customer #vip", 20), await inOrder((i) => i % 3 === 0));
      assert.deepEqual(
        await findAll(store, "#vip online", 20),
        vips.filter((id) => Number(id.slice(1)) < 160),
      );
      assert.deepEqual(
        await findAll(store, "#vip -online", 20),
        vips.filter((id) => Number(id.slice(1)) >= 160),
      );
      assert.deepEqual(await findAll(store, "#vip v004", 20), ["v004"]);
    };
    await check();
    // Documents of other software, without search fields.
    await collection.updateMany({ short_id: { $in: ["v003", "v009", "v201"] } }, { $unset: { foyer: "" } });
    await check();
  });
}
