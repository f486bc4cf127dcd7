import assert from "node:assert/strict";
import fc from "fast-check";
import { exportLines } from "../../src/commands/export.ts";
import { importVisitors } from "../../src/commands/import.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { ATTRIBUTE_NAMES, ATTRIBUTES, readVisitor, type Visitor } from "../../src/visitor/visitor.ts";
import { startCollections } from "../support/mongodb_collections.ts";
import { hasAllRights } from "../support/rights.ts";

/** Texts that a database, a driver or a file format may misinterpret. */
const ODD = [
  "",
  " ",
  "null",
  "0042",
  "738529527931269425",
  "2026-11-28T10:00:00Z",
  '{"$oid":"65a1b2c3d4e5f60718293a4b"}',
  "a\nb\r\n",
  "\0",
  "\u2028\ufeff",
  "\ud800",
  "😀",
  "$ref",
  "$numberLong",
  "_bsontype",
  "__proto__",
  "constructor",
  "a.b",
];
const text = fc.oneof(
  fc.constantFrom(...ODD),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);
const metadata = fc.dictionary(
  text,
  fc.oneof(text, fc.boolean(), fc.double(), fc.integer(), fc.bigInt(), fc.constant({ $numberInt: "1" })),
  { maxKeys: 5, noNullPrototype: true },
);
const OF_KIND = {
  text: fc.oneof(text, fc.integer(), fc.double(), fc.boolean(), fc.bigInt()),
  time: fc.date({ min: new Date("0001-01-01T00:00:00Z"), max: new Date("9999-12-31T23:59:59.999Z") }),
  list: fc.array(text, { maxLength: 4 }),
  flag: fc.boolean(),
  metadata,
};

/**
 * Visitors with random values for all attributes but `claimed_by`, which is not exported, since claims expire.
 */
const visitors = fc.uniqueArray(
  fc.record({
    ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [name, OF_KIND[ATTRIBUTES[name].kind]])),
    short_id: text.filter((value) => value !== ""),
    claimed_by: fc.constant(null),
    watch_link: fc.oneof(fc.webUrl({ withQueryParameters: true }), text),
  }, { requiredKeys: ["short_id"] }).map((document) => readVisitor(document)!),
  { selector: ({ short_id }) => short_id, maxLength: 40 },
);

/** The JSON of all visitors of a store. */
async function sentBy(store: VisitorStore): Promise<string[]> {
  return (await Array.fromAsync(store.allVisitors())).map((visitor) => JSON.stringify(visitor)).sort();
}

async function copy(from: VisitorStore, to: VisitorStore) {
  const encoder = new TextEncoder();
  const input = async function* () {
    for await (const line of exportLines(from)) yield encoder.encode(line);
  };
  const onBad = (line: number, reason: string) => assert.fail(`line ${line}: ${reason}`);
  const tally = await importVisitors(input(), to, { onBad, onStored: () => {} }, { isStrict: true });
  assert.deepEqual([tally.bad, tally.droppedFields, tally.unusable.size], [0, 0, 0]);
}

async function empty(store: VisitorStore) {
  for (const { short_id } of await Array.fromAsync(store.allVisitors())) await store.removeVisitor(short_id);
}

/** Stores visitors in the first store, and copies them from each to the next one. */
async function sendThrough(stores: VisitorStore[], given: Visitor[]) {
  for (const store of stores) await empty(store);
  assert.deepEqual(await stores[0].putVisitors(given), []);
  const expected = given.map((visitor) => JSON.stringify(visitor)).sort();
  assert.deepEqual(await sentBy(stores[0]), expected);
  for (const [i, store] of stores.entries()) {
    if (i === 0) continue;
    await copy(stores[i - 1], store);
    assert.deepEqual(await sentBy(store), expected);
  }
}

Deno.test("SQLite: an export, imported into another store, has the same visitors", async () => {
  const [a, b] = [openSqliteStore(":memory:"), openSqliteStore(":memory:")];
  await fc.assert(fc.asyncProperty(visitors, (given) => sendThrough([a, b], given)), { numRuns: 30 });
  await Promise.all([a.close(), b.close()]);
});

if (hasAllRights) {
  const { open } = await startCollections();
  Deno.test({
    name: "SQLite and MongoDB: an export, imported into the other store and back, has the same visitors",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using a = await open();
      await using b = await open();
      const [c, d] = [openSqliteStore(":memory:"), openSqliteStore(":memory:")];
      await fc.assert(
        fc.asyncProperty(visitors, (given) => sendThrough([c, a.store, d, b.store], given)),
        { numRuns: 5 },
      );
      await Promise.all([c.close(), d.close()]);
    },
  });
}
