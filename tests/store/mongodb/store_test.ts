import assert from "node:assert/strict";
import { startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import { VisitorChanged } from "../../../src/store/visitor_store.ts";
import { getVisitor, visitorOf } from "../contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { Binary, Decimal128, Long, ObjectId } = await import("mongodb");
  const { openMongoStore } = await import("../../../src/store/mongodb/store.ts");
  const { mongo, open, test } = await startCollections();

  test("the indexes that queries need are made and logged, and none is unique", async ({ store, log, collection }) => {
    await store.putVisitors([visitorOf({ short_id: "a" })]);
    const made = (await collection.indexes()).filter(({ name }) => name !== "_id_");
    assert.equal(made.length, 15);
    assert.ok(made.every(({ unique }) => !unique));
    for (const { key } of made) {
      assert.ok(log.some((line) => line.includes(JSON.stringify(key))), JSON.stringify(key));
    }
    // Another process finds the indexes and logs nothing.
    await using again = await open(collection.collectionName);
    await again.store.putVisitors([visitorOf({ short_id: "b" })]);
    assert.deepEqual(again.log, []);
  });

  test("of concurrent writes that expect the same state one is done, whatever the document contains", async ({ store, collection }) => {
    const documents: Record<string, unknown>[] = [
      { tags: ["#a"], metadata: [{ k: "$ref", v: "x.y" }, { k: "a.b", v: 1 }] },
      {
        unique_id: Long.fromString("738529527931269425"),
        metadata: { seats: Decimal128.fromString("1.50") },
      },
      {
        name: NaN,
        email: /x/i,
        unique_id: new Binary(new Uint8Array([1, 2])),
        added_at: "2026-01-02T03:04:05Z",
      },
      { last_seen_at: new Date(NaN), metadata: null, tags: null, is_online: "yes", nickname: new ObjectId() },
      { name: "half \ufffd a character", metadata: { "\ufffd": "\ufffd" } },
    ];
    for (const [i, document] of documents.entries()) {
      const shortId = `v${i}`;
      await collection.insertOne({ short_id: shortId, ...document });
      const expected = (await store.readForWrite(shortId))!;
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, n) => store.updateVisitor(shortId, { call_name: `${n}` }, expected)),
      );
      const failures = outcomes.filter((outcome) => outcome.status === "rejected");
      assert.equal(failures.length, 9, shortId);
      for (const { reason } of failures) assert.ok(reason instanceof VisitorChanged, String(reason));
      await assert.rejects(store.removeVisitor(shortId, expected), VisitorChanged);
      assert.equal(await store.removeVisitor(shortId, (await store.readForWrite(shortId))!), true, shortId);
      assert.equal(await store.readForWrite(shortId), null);
    }
  });

  test("a visitor with a time that the server refuses does not keep others from being stored", async ({ store }) => {
    const visitors = Array.from({ length: 9 }, (_, i) =>
      visitorOf({
        short_id: `v${i}`,
        is_online: false,
        added_at: i === 4 ? "+020000-01-01T00:00:00.000Z" : "2026-01-01T00:00:00.000Z",
      }));
    const refusals = await store.putVisitors(visitors);
    // Some servers accept such a time.
    const refused = refusals.map(({ shortId }) => shortId);
    assert.deepEqual(refused, refused.length === 0 ? [] : ["v4"]);
    const all = (await Array.fromAsync(store.allVisitors())).map(({ short_id }) => short_id).sort();
    assert.deepEqual(
      all,
      visitors.map(({ short_id }) => short_id).filter((shortId) => !refused.includes(shortId)),
    );
  });

  test("the log and the description hold no password", async () => {
    const log: string[] = [];
    const uri = mongo.uri.replace(/\/\/([^@]*@)?/, "//agent:S3cretPass@");
    const store = openMongoStore({
      uri,
      collection: "visitors",
      use: "request",
      log: (line) => log.push(line),
    });
    await assert.rejects(getVisitor(store, "a"), { name: "StoreUnavailable" });
    await store.close();
    assert.ok(log.length > 0);
    assert.ok(![...log, store.description].some((line) => line.includes("S3cretPass")), log.join());
  });

  test("two concurrent imports insert each visitor once", async ({ store, collection }) => {
    await using other = await open(collection.collectionName);
    const visitors = Array.from({ length: 200 }, (_, i) => visitorOf({ short_id: `v${i}` }));
    const refusals = await Promise.all([store.putVisitors(visitors), other.store.putVisitors(visitors)]);
    assert.deepEqual(refusals, [[], []]);
    assert.equal(await collection.countDocuments(), 200);
  });
}
