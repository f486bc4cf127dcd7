import assert from "node:assert/strict";
import { startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import { findAll, getVisitor } from "../contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { ObjectId } = await import("mongodb");
  const { test } = await startCollections();

  test("a document without a non-empty string short_id is no visitor", async ({ store, collection }) => {
    const documents = [{}, { short_id: "" }, { short_id: 5 }, { short_id: null }, { short_id: ["a"] }, {
      short_id: {},
    }];
    await collection.insertMany(
      [...documents, ...documents].map((document) => ({
        ...document,
        is_online: true,
        last_seen_at: new Date(),
        name: "Ada",
      })),
    );
    await collection.insertMany(documents.map((document) => ({ ...document, name: "Ada" })));
    await collection.insertOne({ short_id: "real", is_online: true, name: "Ada" });
    for (const q of ["", "ada", "a", "online", "-online ada"]) {
      assert.deepEqual(await findAll(store, q, 1), q.startsWith("-") ? [] : ["real"], q);
    }
    for (const id of ["", "5", "null"]) assert.equal(await getVisitor(store, id), null);
    assert.equal((await Array.fromAsync(store.allVisitors())).length, 1);
  });

  test("dates come first, all others after them by short id, and paging reaches everybody once", async ({ store, collection }) => {
    const odd = [
      "2026-01-01T00:00:00Z",
      "yesterday",
      5,
      null,
      true,
      {},
      [new Date()],
      [],
      [1],
      new ObjectId(),
    ];
    await collection.insertMany([
      ...odd.map((last_seen_at, i) => ({ short_id: `odd${i}`, is_online: true, last_seen_at, name: "Ada" })),
      { short_id: "odd-missing", is_online: true, name: "Ada" },
      { short_id: "older", is_online: true, last_seen_at: new Date(0), name: "Ada" },
      { short_id: "newer", is_online: true, last_seen_at: new Date(), name: "Ada" },
      ...[false, 1, "true", null, [true], {}].map((is_online, i) => ({
        short_id: `off${i}`,
        is_online,
        name: "Ada",
      })),
      { short_id: "off-dated", last_seen_at: new Date(), name: "Ada" },
    ]);
    const online = ["newer", "older", "odd-missing", ...odd.map((_, i) => `odd${i}`)];
    const offline = ["off-dated", "off0", "off1", "off2", "off3", "off4", "off5"];
    for (const size of [1, 2, 3, 1000]) {
      assert.deepEqual(await findAll(store, "", size), online, `list/latest by pages of ${size}`);
      assert.deepEqual(await findAll(store, "-online", size), offline, `-online by pages of ${size}`);
      for (const q of ["ada", "a"]) {
        assert.deepEqual(await findAll(store, q, size), [...online, ...offline], `${q} by pages of ${size}`);
      }
    }
  });

  test("repeated short ids are all listed, and the first in order is the one by id", async ({ store, collection }) => {
    const at = new Date(1_700_000_000_000);
    const same = { short_id: "same", is_online: true, last_seen_at: at, tags: ["#t"] };
    await collection.insertMany([
      ...[1, 2, 3, 4, 5].map((n) => ({ ...same, name: `Ada ${n}` })),
      { ...same, last_seen_at: new Date(at.getTime() + 1), name: "Ada newest" },
      { ...same, is_online: false, last_seen_at: new Date(), name: "Ada offline" },
      { ...same, short_id: "other", name: "Ada" },
    ]);
    const expected = ["same", "other", "same", "same", "same", "same", "same"];
    for (const size of [1, 2, 3, 4, 1000]) {
      assert.deepEqual((await findAll(store, "", size)).sort(), expected.toSorted(), `by pages of ${size}`);
      assert.equal((await findAll(store, "#t", size)).length, 8, `by pages of ${size}`);
    }
    assert.equal((await getVisitor(store, "same"))?.name, "Ada newest");
  });

  test("documents that are no visitors do not hide visitors seen at the same moment", async ({ store, collection }) => {
    const on = { is_online: true, last_seen_at: new Date(1_700_000_000_000) };
    const none = [{}, { short_id: 1 }, { short_id: 2 }, { short_id: null }, { short_id: { a: 1 } }, {
      short_id: ["b"],
    }];
    await collection.insertMany([
      ...none.map((document) => ({ ...document, ...on })),
      ...none.map((document) => ({ ...document, is_online: true })),
      ...["a", "b", "c"].map((short_id) => ({ short_id, ...on })),
      ...[1, 2, 3].map((n) => ({ short_id: `array${n}`, is_online: true, last_seen_at: [new Date()] })),
      ...[1, 2, 3].map((n) => ({ short_id: "s", ...on, is_online: n === 2 ? [true] : true })),
    ]);
    for (const size of [1, 2, 3, 1000]) {
      const found = await findAll(store, "", size);
      assert.deepEqual(found, ["a", "b", "c", "s", "s", "array1", "array2", "array3"], `by pages of ${size}`);
    }
  });

  const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1000);
  const now = { is_online: true, last_seen_at: at(0) };
  /** Documents among which paging once repeated or skipped visitors, and the visitors in list order. */
  const HARD_TO_PAGE: [what: string, documents: Record<string, unknown>[], expected: string[]][] = [
    ["arrays of dates, which are no dates", [
      ...["x1", "x2", "x3"].map((short_id) => ({ short_id, is_online: true, last_seen_at: [at(9), at(-9)] })),
      { short_id: "b", is_online: true, last_seen_at: at(2) },
      { short_id: "c", is_online: true, last_seen_at: at(1) },
    ], ["b", "c", "x1", "x2", "x3"]],
    ["an array of dates on both sides", [
      { short_id: "x", is_online: true, last_seen_at: [at(9), at(-9)] },
      ...["a", "b", "c", "d"].map((short_id, i) => ({ short_id, is_online: true, last_seen_at: at(5 - i) })),
    ], ["a", "b", "c", "d", "x"]],
    ["an array of true, which is not online", [
      ...[true, [true], true, [true], true, [true], true].map((is_online) => ({
        ...now,
        short_id: "s",
        is_online,
      })),
      { ...now, short_id: "t" },
    ], ["s", "s", "s", "s", "t"]],
    [
      "no short id",
      [{}, {}, {}, ...["a", "b", "c"].map((short_id) => ({ short_id }))]
        .map((document) => ({ ...now, ...document })),
      ["a", "b", "c"],
    ],
    ["numbers as short ids", [1, 2, 3, "a", "b", "c"].map((short_id) => ({ ...now, short_id })), [
      "a",
      "b",
      "c",
    ]],
    ["objects as short ids", [{ a: 1 }, { a: 2 }, "a", "b"].map((short_id) => ({ ...now, short_id })), [
      "a",
      "b",
    ]],
    [
      "arrays as short ids",
      [["x"], ["m", "x"], ["a"], "b", "c", "n", "z"]
        .map((short_id) => ({ ...now, short_id })),
      ["b", "c", "n", "z"],
    ],
    [
      "arrays as short ids and no dates",
      [["x"], ["m", "x"], ["a"], "b", "c", "n", "z"]
        .map((short_id) => ({ is_online: true, short_id })),
      ["b", "c", "n", "z"],
    ],
  ];
  for (const [what, documents, expected] of HARD_TO_PAGE) {
    test(`paging reaches everybody once beside ${what}`, async ({ store, collection }) => {
      // Each document gets its own _id, since the table may contain the same object several times.
      await collection.insertMany(documents.map((document) => ({ ...document, nickname: "Ada" })));
      for (const q of ["", "ada online", "a online"]) {
        for (const size of [1, 2, 3, 1000]) {
          assert.deepEqual(
            await findAll(store, q, size),
            expected,
            `${JSON.stringify(q)} by pages of ${size}`,
          );
        }
      }
    });
  }

  test("a date that JavaScript cannot hold counts as none", async ({ store, collection }) => {
    class FarDate extends Date {
      override getTime() {
        return 9e15;
      }
    }
    const written = await collection.insertOne({
      short_id: "far",
      is_online: true,
      last_seen_at: new FarDate(),
    })
      .then(() => true, () => false);
    await collection.insertOne({ short_id: "near", ...now });
    // Some servers refuse such a date.
    for (const size of [1, 1000]) {
      assert.deepEqual(await findAll(store, "", size), written ? ["near", "far"] : ["near"]);
    }
    if (written) assert.equal((await getVisitor(store, "far"))?.last_seen_at, null);
  });
}
