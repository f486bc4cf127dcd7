import assert from "node:assert/strict";
import { hasAllRights } from "../../support/rights.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { BSON } = await import("mongodb");
  const { DocumentCache } = await import("../../../src/store/mongodb/document_cache.ts");

  const bytesOf = (document: Record<string, unknown>) => BSON.serialize(document);

  Deno.test("MongoDB: documents with the same bytes are the same object, with different bytes different objects", () => {
    const cache = new DocumentCache();
    const ada = { short_id: "ada", name: "Zoë 李", last_seen_at: new Date(5), tags: ["#vip"] };
    const first = cache.read(bytesOf(ada));
    // A view into a larger buffer, as the driver passes documents.
    const whole = new Uint8Array([1, 2, 3, ...bytesOf(ada), 4, 5]);
    assert.equal(cache.read(whole.subarray(3, whole.length - 2)), first);
    const [seen, other] = [{ ...ada, last_seen_at: new Date(6) }, { ...ada, name: "Zoë 杏" }]
      .map((document) => cache.read(bytesOf(document)).visitor?.visitor);
    assert.equal(first.visitor?.visitor.name, "Zoë 李");
    assert.equal(seen?.last_seen_at, "1970-01-01T00:00:00.006Z");
    assert.equal(other?.name, "Zoë 杏");
  });

  Deno.test("MongoDB: the cache of documents is bounded", () => {
    const cache = new DocumentCache();
    const read = (number: number) => cache.read(bytesOf({ short_id: `v${number}` }));
    const first = read(0);
    for (let number = 1; number <= 3000; number++) read(number);
    assert.equal(read(3000), read(3000));
    assert.notEqual(read(0), first);
    assert.deepEqual(read(0).position, first.position);
  });
}
