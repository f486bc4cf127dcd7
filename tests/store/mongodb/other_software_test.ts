import assert from "node:assert/strict";
import { INDEX_KEYS_VERSION } from "../../../src/search/index_keys.ts";
import { addUnindexed, startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import { findAll, getVisitor, visitorOf } from "../contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { Binary, Decimal128, Long, ObjectId, Timestamp, UUID } = await import("mongodb");
  const { database, open, test } = await startCollections();

  test("ids that are not strings are read without loss, and found by the text that is sent", async ({ store, collection }) => {
    const oid = "65a1b2c3d4e5f60718293a4b";
    const uuid = "3b241101-e2bb-4255-8caf-4136c566a962";
    const verdicts: [stored: unknown, text: string | null][] = [
      [Long.fromString("738529527931269425"), "738529527931269425"],
      [Decimal128.fromString("738529527931269427"), "738529527931269427"],
      [Decimal128.fromString("12345678901234567890.5"), "12345678901234567890.5"],
      [new ObjectId(oid), oid],
      [new UUID(uuid), uuid],
      [new Binary(new Uint8Array([1, 2])), null],
      [NaN, null],
    ];
    for (const [i, [unique_id]] of verdicts.entries()) {
      await collection.insertOne({ short_id: `v${i}`, unique_id, metadata: { id: Long.fromString("2") } });
    }
    await collection.insertOne({ short_id: new ObjectId(oid), unique_id: "nobody" });
    for (const [i, [, text]] of verdicts.entries()) {
      assert.equal((await getVisitor(store, `v${i}`))!.unique_id, text);
      if (text !== null && !text.includes(".")) {
        assert.deepEqual(await findAll(store, `id:${text}`), [`v${i}`], text);
      }
    }
    assert.deepEqual(await findAll(store, "id:nobody"), []);
  });

  test("documents of other software are read as visitors", async ({ store, collection }) => {
    await collection.insertMany([
      {
        _id: new ObjectId(),
        short_id: "theirs",
        is_online: true,
        last_seen_at: new Date("2026-01-02T03:04:05.678Z"),
        added_at: "2026-01-02T04:04:05+01:00",
        unique_id: 4711,
        lookup_code: 1234,
        name: true,
        email: { address: "x@acme.com" },
        nickname: Long.fromString("9007199254740993"),
        call_name: Decimal128.fromString("1.5"),
        identities: ["Ada", 5, false, null, { a: 1 }, ["x"]],
        integration_ids: "acmechat:1",
        tags: ["#VIP", 7],
        is_in_session: "yes",
        is_supported: 0,
        metadata: {
          plan: "pro",
          n: 1,
          big: Long.fromString("9007199254740993"),
          nested: { a: 1 },
          none: null,
        },
        password: "S3cret",
      },
    ]);
    const visitor = await getVisitor(store, "theirs");
    assert.deepEqual(
      visitor,
      visitorOf({
        short_id: "theirs",
        last_seen_at: "2026-01-02T03:04:05.678Z",
        added_at: "2026-01-02T03:04:05.000Z",
        unique_id: "4711",
        lookup_code: "1234",
        name: "true",
        nickname: "9007199254740993",
        call_name: "1.5",
        identities: ["Ada", "5", "false"],
        tags: ["#VIP", "7"],
        metadata: { plan: "pro", n: 1, big: "9007199254740993" },
      }),
    );
    assert.ok(!JSON.stringify(visitor).includes("S3cret"));
    for (
      const q of ["", "id:4711", "1234", "#vip", "ada", "true", "9007199254740993", "1.5"]
    ) {
      assert.deepEqual(await findAll(store, q), ["theirs"], q);
    }
    for (const q of ["S3cret", "password", "x@acme.com", "integration_id:acmechat:1", "id:4712"]) {
      assert.deepEqual(await findAll(store, q), [], q);
    }
  });

  test("unindexed documents are found together with indexed ones, in one order", async ({ store, collection }) => {
    const at = (i: number) => new Date(1_700_000_000_000 + i * 1000);
    const documents = Array.from({ length: 30 }, (_, i) => ({
      short_id: `v${String(i).padStart(2, "0")}`,
      is_online: i % 3 === 0,
      last_seen_at: at(i),
      name: "Zoë Müller",
      email: "Zoe@Acme.com",
      tags: ["#VIP"],
      ip_address: "2001:DB8::1",
    }));
    await collection.insertMany(documents.filter((_, i) => i % 2 === 0));
    await store.putVisitors(documents.filter((_, i) => i % 2 === 1).map(visitorOf));
    const order = documents.toReversed().sort((a, b) => Number(b.is_online) - Number(a.is_online));
    for (const q of ["muller", "zoe@acme.com", "#vip", "ip:2001:db8:0::1", "mu", "#vip zoe"]) {
      for (const size of [4, 1000]) {
        assert.deepEqual(
          await findAll(store, q, size),
          order.map(({ short_id }) => short_id),
          `${q}, ${size}`,
        );
      }
    }
  });

  test("concurrent searches among unindexed documents each find their own matches", async ({ store, collection }) => {
    const words = Array.from({ length: 20 }, (_, i) => "Name" + "abcdefghijklmnopqrst"[i].repeat(4));
    await store.putVisitors([visitorOf({ short_id: "own", name: words.join(" ") })]);
    await addUnindexed(collection);
    await collection.insertMany(words.map((name, i) => ({ short_id: `f${i}`, name })));
    const found = await Promise.all(words.map((word) => findAll(store, word)));
    assert.deepEqual(found, words.map((_, i) => ["own", `f${i}`]));
  });

  test("a search that begins after a write finds it, even while earlier searches run", async ({ store, collection }) => {
    await addUnindexed(collection);
    const asking = Array.from({ length: 5 }, () => findAll(store, "lovelace"));
    await collection.insertOne({ short_id: "theirs", name: "Ada Lovelace" });
    await collection.insertOne({
      short_id: "page",
      is_online: true,
      last_url: "https://acme.com/lovelace",
      foyer: { v: INDEX_KEYS_VERSION, keys: [] },
    });
    assert.deepEqual(await findAll(store, "lovelace"), ["page", "theirs"]);
    await Promise.all(asking);
  });

  test("in a large collection an unindexed visitor is found once by its short id", async ({ store, collection }) => {
    const others = Array.from({ length: 600 }, (_, i) => ({ short_id: `other${i}`, name: "Bob" }));
    await collection.insertMany([...others, { short_id: "zoe1", name: "x" }, {
      short_id: "y",
      name: "Zoe1",
    }]);
    assert.deepEqual(await findAll(store, "zoe1"), ["y", "zoe1"]);
  });

  test("an ObjectId is read as its hexadecimal text, and other BSON types count as missing", async ({ store, collection }) => {
    const id = new ObjectId();
    await collection.insertOne({
      short_id: "a",
      name: new Timestamp({ t: 1, i: 2 }),
      unique_id: id,
      tags: [id],
    });
    const text = id.toHexString();
    assert.deepEqual(
      await getVisitor(store, "a"),
      visitorOf({ short_id: "a", is_online: false, last_seen_at: null, unique_id: text, tags: [text] }),
    );
  });

  test("changes and removals leave other software's fields and documents alone", async ({ store, collection }) => {
    const seen = new Date(Date.UTC(2026, 0, 2));
    await collection.insertMany([
      {
        short_id: "twice",
        name: "Older",
        is_online: false,
        last_seen_at: new Date(Date.UTC(2026, 0, 1)),
        shoe_size: 40,
      },
      { short_id: "twice", name: "Newer", is_online: true, last_seen_at: seen, shoe_size: 38, tags: ["#a"] },
      { short_id: ["twice"], name: "No visitor" },
      { short_id: "text", name: "Text", is_online: false, last_seen_at: "2020-01-01T00:00:00Z" },
      { short_id: "array", name: "Array", is_online: [true], last_seen_at: new Date(0) },
      { name: "Nobody", is_online: false, last_seen_at: new Date(0) },
    ]);
    const changed = await store.updateVisitor("twice", {
      name: null,
      tags: ["#b"],
      is_waiting_for_call: true,
    });
    assert.deepEqual([changed?.name, changed?.tags, changed?.is_online], [null, ["#b"], true]);
    const document = await collection.findOne({ short_id: "twice", is_online: true });
    const { _id, foyer: _, ...fields } = document!;
    assert.deepEqual(fields, {
      short_id: "twice",
      is_online: true,
      last_seen_at: seen,
      shoe_size: 38,
      tags: ["#b"],
      is_waiting_for_call: true,
      waiting_since: new Date(changed!.waiting_since!),
    });
    assert.deepEqual(await findAll(store, "#b"), ["twice"]);
    assert.equal(
      (await collection.findOne({ name: "Older" }))?.shoe_size,
      40,
      "the other one stays as it is",
    );

    assert.equal(
      await store.removeOffline(new Date(Date.UTC(2021, 0)), 10),
      1,
      "ISO 8601 text is a time as well",
    );
    assert.equal(await collection.countDocuments({ short_id: "text" }), 0);
    assert.equal(await store.removeVisitor("twice"), true);
    assert.deepEqual((await collection.find().toArray()).map(({ name }) => name).sort(), [
      "Array",
      "No visitor",
      "Nobody",
    ]);
  });

  test("an import leaves other software's fields alone", async ({ store, collection }) => {
    const _id = new ObjectId();
    await collection.insertOne({ _id, short_id: "a", theirs: { keep: true }, name: "Old", nickname: "Nick" });
    await store.putVisitors([visitorOf({ short_id: "a", name: "New" })]);
    const document = await collection.findOne({ short_id: "a" });
    assert.deepEqual(document?._id, _id);
    assert.deepEqual(document?.theirs, { keep: true });
    assert.equal(document?.name, "New");
    assert.equal("nickname" in document!, false);
  });

  test("a view serves a collection of another shape, without indexes of its own", async ({ collection }) => {
    await collection.insertMany([
      { sid: "s1", fullName: "Zoë Müller", connected: true, lastActivity: new Date() },
      { sid: "s2", fullName: "Bob", connected: false },
      { sid: "s3", fullName: "Bob", connected: true, page: "https://acme.com/bob" },
    ]);
    const view = `${collection.collectionName}_view`;
    await database.createCollection(view, {
      viewOn: collection.collectionName,
      pipeline: [{
        $project: {
          _id: 0,
          short_id: "$sid",
          name: "$fullName",
          is_online: "$connected",
          last_seen_at: "$lastActivity",
          last_url: "$page",
        },
      }],
    });
    await using opened = await open(view);
    assert.deepEqual(await findAll(opened.store, "muller"), ["s1"]);
    assert.deepEqual(await findAll(opened.store, "-online"), ["s2"]);
    assert.equal((await getVisitor(opened.store, "s2"))?.name, "Bob");
    // One of them matches by its URL.
    assert.deepEqual(await findAll(opened.store, "bob"), ["s3", "s2"]);
    assert.deepEqual(await opened.store.pagesOf("s3"), []);
    assert.equal(await opened.store.endClaims(new Date()), 0);
  });

  test("calls and claims that other software writes are made consistent when read, and its claims do not expire", async ({ store, collection }) => {
    const since = new Date(Date.UTC(2026, 0, 2));
    const waits = { is_online: true, is_waiting_for_call: true, waiting_since: since };
    await collection.insertMany([
      { short_id: "waits", ...waits },
      { short_id: "unknown", is_online: true, is_waiting_for_call: true },
      { short_id: "session", ...waits, is_in_session: true },
      { short_id: "odd", ...waits, is_waiting_for_call: "true" },
      { short_id: "away", is_online: false, claimed_by: "Grace", is_waiting_for_call: true },
      { short_id: "theirs", is_online: true, claimed_by: "Grace" },
    ]);
    const read = async (shortId: string) => {
      const { is_waiting_for_call, waiting_since, claimed_by } = (await getVisitor(store, shortId))!;
      return [is_waiting_for_call, waiting_since, claimed_by];
    };
    assert.deepEqual(await read("waits"), [true, since.toISOString(), null]);
    assert.deepEqual(await read("unknown"), [true, null, null]);
    assert.deepEqual(await read("session"), [false, null, null]);
    assert.deepEqual(await read("odd"), [false, null, null]);
    assert.deepEqual(await read("away"), [true, null, null]);
    assert.equal(await store.countWaiting(), 2, "online");
    // Foyer's next write of the document stores the emptied attributes too.
    await store.updateVisitor("session", { name: "Ada" });
    await collection.updateOne({ short_id: "session" }, { $set: { is_in_session: false } });
    assert.deepEqual(await read("session"), [false, null, null]);
    const claim = { agent: "Linus", until: new Date(Date.now() + 60_000), takesOver: false };
    assert.equal((await store.claimVisitor("theirs", claim))?.refusal, "claimed");
    assert.equal(await store.endClaims(new Date(Date.now() + 120_000)), 0);
    assert.deepEqual(await read("theirs"), [false, null, "Grace"]);
    assert.equal((await store.claimVisitor("theirs", { ...claim, takesOver: true }))?.refusal, null);
    const document = (await collection.findOne({ short_id: "theirs" }))!;
    assert.deepEqual([document.claimed_by, document.foyer_claim_end], ["Linus", claim.until]);
    assert.equal(await store.endClaims(new Date(Date.now() + 120_000)), 1);
    assert.deepEqual(await read("theirs"), [false, null, null]);
  });

  test("visitors whose last_seen_at is text that is no time, and documents that are no visitors, are not counted", async ({ store, collection }) => {
    const now = new Date(Date.UTC(2026, 0, 2));
    const seen = (...times: unknown[]) =>
      times.map((last_seen_at, i) => ({ short_id: `${last_seen_at} ${i}`, last_seen_at }));
    await collection.insertMany([
      ...seen("yesterday", "3 days ago", "zzz", "2026", "9999", true, null, {}),
      ...seen("2026-01-01T12:00:00Z", "2026-01-01T12:00:00.123+00:00", new Date(Date.UTC(2026, 0, 1, 12))),
      ...seen("2025-12-20T12:00:00Z", "2025-12-20", new Date(Date.UTC(2025, 11, 20))),
      { short_id: "online", is_online: true },
      ...[{}, { short_id: "" }, { short_id: 5 }, { short_id: null }].map((document) => ({
        ...document,
        is_online: true,
        is_in_session: true,
        last_seen_at: now,
      })),
    ]);
    const counts = { online: 1, lastDay: 3, last30Days: 6, inSession: 0, waiting: 0 };
    assert.deepEqual(await store.countVisitors(now), counts);
    assert.equal(await store.countOnline(), 1);
    // Once these documents are gone, counting reads indexes alone.
    await collection.deleteMany({ short_id: { $not: { $gt: "" } } });
    assert.deepEqual(await store.countVisitors(now), counts);
  });
}
