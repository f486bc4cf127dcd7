import assert from "node:assert/strict";
import { hasAllRights } from "../../support/rights.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { BSON } = await import("mongodb");
  const { visitorOf } = await import("../../../src/store/mongodb/document.ts");
  const { KnownDocuments } = await import("../../../src/store/mongodb/known.ts");

  Deno.test("MongoDB: a document with the same bytes is the same one, and with others another", () => {
    const known = new KnownDocuments();
    const bytesOf = (document: Record<string, unknown>) => BSON.serialize(document);
    const ada = { short_id: "ada", name: "Zoë 李", last_seen_at: new Date(5), tags: ["#vip"] };
    const [first] = known.decode([bytesOf(ada)]);
    assert.deepEqual(first, ada);
    // In the midst of others, as the driver gives them.
    const whole = new Uint8Array([1, 2, 3, ...bytesOf(ada), 4, 5]);
    const [again, seen, other] = known.decode([
      whole.subarray(3, whole.length - 2),
      bytesOf({ ...ada, last_seen_at: new Date(6) }),
      bytesOf({ ...ada, name: "Zoë 杏" }),
    ]);
    assert.equal(again, first);
    assert.equal(visitorOf(again), visitorOf(first));
    assert.notEqual(visitorOf(seen), visitorOf(first));
    assert.equal(visitorOf(seen)?.last_seen_at, "1970-01-01T00:00:00.006Z");
    assert.equal(visitorOf(other)?.name, "Zoë 杏");
  });

  Deno.test("MongoDB: no more documents are kept than so many", () => {
    const known = new KnownDocuments();
    const bytesOf = (number: number) => BSON.serialize({ short_id: `v${number}` });
    const [first] = known.decode([bytesOf(0)]);
    for (let number = 1; number <= 3000; number++) known.decode([bytesOf(number)]);
    const [last] = known.decode([bytesOf(3000)]);
    assert.equal(known.decode([bytesOf(3000)])[0], last);
    const [again] = known.decode([bytesOf(0)]);
    assert.notEqual(again, first);
    assert.deepEqual(again, first);
  });
}
