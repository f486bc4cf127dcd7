/**
 * What every store keeps of visitors, counts and removes, and its leases; and what all contracts of stores share.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { LATEST, parseSearch, type SearchQuery } from "../../src/search/parse.ts";
import type { Position } from "../../src/visitor/list_order.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { ATTRIBUTE_NAMES, readVisitor, type Visitor } from "../../src/visitor/visitor.ts";

/** The noon that the contracts' visitors' times are relative to, in milliseconds since 1970. */
export const NOON = Date.UTC(2026, 0, 2, 12);

/** A visitor with these attributes; by default online, and last seen a second before noon. */
export function visitorOf(attributes: Record<string, unknown>): Visitor {
  return readVisitor({ is_online: true, last_seen_at: new Date(NOON - 1000), ...attributes })!;
}

/** The short ids of all matches, read by pages of this size; fails if a page has a next one without being full. */
export function findAll(store: VisitorStore, q: string, size = 1000): Promise<string[]> {
  return findAllOf(store, q === "" ? LATEST : parseSearch(q), size);
}

/** As `findAll`, for a parsed search. */
export async function findAllOf(store: VisitorStore, query: SearchQuery, size: number): Promise<string[]> {
  const ids: string[] = [];
  let after: Position | null = null;
  do {
    const page = await store.findVisitors(query, size, after);
    assert.ok(page.next === null || page.visitors.length === size, "a page with a next one is full");
    assert.ok(page.visitors.length <= size, "a page is no longer than asked for");
    ids.push(...page.visitors.map(({ visitor }) => visitor.short_id));
    assert.ok(ids.length < 10_000, `pages that come to an end, not ${ids.slice(0, 20)}…`);
    after = page.next;
  } while (after !== null);
  return ids;
}

/** The visitor with a short id. */
export async function getVisitor(store: VisitorStore, shortId: string): Promise<Visitor | null> {
  const [stored] = await store.getVisitors([shortId]);
  if (stored === null) return null;
  assert.equal(stored.shortId, shortId);
  assert.deepEqual(JSON.parse(stored.json), stored.visitor);
  return stored.visitor;
}

/** Opens a new, empty store for a case. */
export type OpenStore = () => Promise<{ store: VisitorStore } & AsyncDisposable>;

/** Registers a case of a contract for a store. */
export function caseOf(name: string, openStore: OpenStore, options: Partial<Deno.TestDefinition> = {}) {
  return (sentence: string, work: (store: VisitorStore) => Promise<void>) =>
    Deno.test({
      ...options,
      name: `${name}: ${sentence}`,
      fn: async () => {
        await using opened = await openStore();
        await work(opened.store);
      },
    });
}

/** Registers the contract for a store. */
export function testStoreContract(...store: Parameters<typeof caseOf>) {
  const test = caseOf(...store);

  test("as many offline visitors are removed as the limit says, and none that is online", async (store) => {
    const day = 86_400_000;
    await store.putVisitors([
      ...Array.from(
        { length: 5 },
        (_, i) => ({ short_id: `old${i}`, is_online: false, last_seen_at: new Date(NOON - 40 * day + i) }),
      ),
      { short_id: "recent", is_online: false, last_seen_at: new Date(NOON - 20 * day) },
      { short_id: "edge", is_online: false, last_seen_at: new Date(NOON - 30 * day) },
      { short_id: "never", is_online: false, last_seen_at: null },
      { short_id: "still", is_online: true, last_seen_at: new Date(NOON - 90 * day) },
    ].map(visitorOf));
    const left = async () =>
      (await Array.fromAsync(store.allVisitors())).map(({ short_id }) => short_id).sort();
    const before = new Date(NOON - 30 * day);
    assert.equal(await store.removeOffline(before, 2), 2);
    assert.equal((await left()).length, 7);
    assert.equal(await store.removeOffline(before, 100), 3);
    assert.deepEqual(await left(), ["edge", "never", "recent", "still"]);
    assert.equal(await store.removeOffline(before, 100), 0);
    assert.equal(await store.removeOffline(null, 100), 3);
    assert.deepEqual(await left(), ["still"]);
    assert.equal(await store.removeOffline(null, 100), 0);
  });

  test("visitors are counted", async (store) => {
    const hour = 3_600_000;
    await store.putVisitors([
      { short_id: "now", is_in_session: true, is_waiting_for_call: true },
      { short_id: "waits", is_waiting_for_call: true },
      {
        short_id: "yesterday",
        is_online: false,
        last_seen_at: new Date(NOON - 24 * hour),
        is_in_session: true,
      },
      { short_id: "before", is_online: false, last_seen_at: new Date(NOON - 24 * hour - 1) },
      { short_id: "month", is_online: false, last_seen_at: new Date(NOON - 30 * 24 * hour) },
      { short_id: "long", is_online: false, last_seen_at: new Date(NOON - 31 * 24 * hour) },
      { short_id: "never", is_online: false, last_seen_at: null, is_waiting_for_call: true },
    ].map(visitorOf));
    const counts = { online: 2, lastDay: 3, last30Days: 5, inSession: 2, waiting: 1 };
    assert.deepEqual(await store.countVisitors(new Date(NOON)), counts);
    assert.deepEqual([await store.countOnline(), await store.countWaiting()], [2, 1]);
    await store.updateVisitor("now", { is_in_session: false });
    await store.removeVisitor("yesterday");
    const fewer = { online: 2, lastDay: 2, last30Days: 4, inSession: 0, waiting: 1 };
    assert.deepEqual(await store.countVisitors(new Date(NOON)), fewer);
    await store.updateVisitor("now", { is_waiting_for_call: true });
    assert.equal(await store.countWaiting(), 2);
    await store.updateVisitor("waits", { is_in_session: true });
    assert.equal(await store.countWaiting(), 1);
  });

  test("a lease has one holder at a time, until it expires", async (store) => {
    assert.equal(await store.takeLease("work", "a", 60_000), true);
    assert.equal(await store.takeLease("work", "b", 60_000), false);
    assert.equal(await store.takeLease("work", "a", 60_000), true, "renewed");
    assert.equal(await store.takeLease("other", "b", 60_000), true);
    assert.equal(await store.takeLease("work", "a", -1000), true);
    const takers = await Promise.all(
      ["b", "c", "d"].map((holder) => store.takeLease("work", holder, 60_000)),
    );
    assert.deepEqual(takers.filter((isHeld) => isHeld), [true], "one of those who come at the same moment");
  });

  test("metadata with any keys is read back as it was stored", async (store) => {
    const keys = [
      "__proto__",
      "a.b",
      "$set",
      "$",
      "",
      ".",
      "constructor",
      "é",
      "0",
      "_bsontype",
      "$ref",
      "a\0b",
    ];
    const visitors = keys.map((key, i) =>
      visitorOf({ short_id: `m${i}`, metadata: Object.fromEntries([[key, "x"]]) })
    );
    assert.deepEqual(await store.putVisitors(visitors), []);
    for (const [i, key] of keys.entries()) {
      const found = await getVisitor(store, `m${i}`);
      assert.equal(JSON.stringify(found?.metadata), JSON.stringify(visitors[i].metadata), key);
      assert.ok(Object.hasOwn(found!.metadata, key), key);
    }
  });

  test("any metadata is read back as it was stored, changed or claimed", async (store) => {
    const key = fc.oneof(
      fc.string({ unit: "binary", maxLength: 5 }),
      fc.constantFrom(
        "$ref",
        "$id",
        "$db",
        "_bsontype",
        "toBSON",
        "a.b",
        "\0",
        "__proto__",
        "constructor",
        "k",
        "v",
      ),
    );
    const value = fc.oneof(
      fc.string({ unit: "binary", maxLength: 5 }),
      fc.double({ noNaN: true }),
      fc.boolean(),
    );
    const metadata = fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true })
      // Any values that JSON can represent.
      .map((object) => JSON.parse(JSON.stringify(object)) as Visitor["metadata"])
      .map((object) => visitorOf({ short_id: "any", metadata: object }).metadata);
    const stored = async () => JSON.stringify((await getVisitor(store, "any"))?.metadata);
    await fc.assert(
      fc.asyncProperty(metadata, metadata, metadata, async (put, changed, claimed) => {
        await store.removeVisitor("any");
        assert.deepEqual(await store.putVisitors([visitorOf({ short_id: "any", metadata: put })]), []);
        assert.equal(await stored(), JSON.stringify(put));
        const visitor = await store.updateVisitor("any", { metadata: changed });
        assert.equal(JSON.stringify(visitor?.metadata), JSON.stringify(changed));
        assert.equal(await stored(), JSON.stringify(changed));
        await store.removeVisitor("any");
        for (const isNew of [true, false]) {
          const write = {
            shortId: "any",
            isNew,
            change: {},
            claims: { metadata: claimed },
            isConnected: isNew,
          };
          const [{ exists }] = await store.writePresence("p", [write]);
          assert.ok(exists);
          assert.equal(await stored(), JSON.stringify(claimed));
        }
      }),
      { numRuns: 30 },
    );
  });

  test("every attribute comes back as it was stored", async (store) => {
    const whole = readVisitor({
      ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [name, `${name} é "'\\ \u{1f600}\0`])),
      short_id: "whole",
      added_at: "1969-12-31T23:59:59.999Z",
      last_seen_at: "2026-01-02T03:04:05.678Z",
      identities: ["", "a", "a", "\n"],
      integration_ids: ["a:b"],
      tags: ["#x"],
      is_online: true,
      is_supported: false,
      is_waiting_for_call: true,
      metadata: { text: "é", zero: 0, negative: -1.5, large: 1e300, yes: true, no: false },
    })!;
    await store.putVisitors([whole, visitorOf({ short_id: "bare", last_seen_at: null })]);
    const all = (await Array.fromAsync(store.allVisitors())).sort((a, b) => a.short_id < b.short_id ? -1 : 1);
    assert.deepEqual(all, [visitorOf({ short_id: "bare", last_seen_at: null }), whole]);
    assert.deepEqual(await getVisitor(store, "whole"), whole);
    assert.equal(JSON.stringify(await getVisitor(store, "whole")), JSON.stringify(whole));
  });
}
