import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { LATEST, parseSearch } from "../../src/search/parse.ts";
import { shareReads } from "../../src/store/shared_reads.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { until } from "../support/waiting.ts";
import { visitorOf } from "./contract.ts";

/** A store's methods as an object's own properties. */
function boundTo(store: VisitorStore): VisitorStore {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(store)) as (keyof VisitorStore)[];
  const methods = names.map((name) => [name, (store[name] as CallableFunction).bind(store)]);
  return { description: store.description, ...Object.fromEntries(methods) };
}

/** A real store whose reads are counted; while they are held, they end only when released. */
function openCounted({ version = false } = {}) {
  const store = openSqliteStore(":memory:");
  const asked: string[] = [];
  let gate = Promise.resolve();
  const counted: VisitorStore = {
    ...boundTo(store),
    async findVisitors(query, limit, after) {
      asked.push(JSON.stringify(query));
      await gate;
      return await store.findVisitors(query, limit, after);
    },
    async getVisitors(shortIds) {
      asked.push(shortIds.join(" "));
      await gate;
      return await store.getVisitors(shortIds);
    },
    version: version ? () => store.version!() : undefined,
  };
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    return () => {
      gate = Promise.resolve();
      resolve();
    };
  };
  /** Stops holding further reads; those held already stay held. */
  const release = () => void (gate = Promise.resolve());
  return { store: counted, asked, hold, release, [Symbol.asyncDispose]: () => store.close() };
}

/** Waits until the store has received a number of queries, which takes a turn of the event loop. */
function asking({ asked }: { asked: string[] }, count: number): Promise<void> {
  return until(() => asked.length >= count);
}

Deno.test("A hundred concurrent requests for the same list take two queries, and none gets a result older than itself", async () => {
  await using opened = openCounted();
  const reads = shareReads(opened.store);
  const letGo = opened.hold();
  const first = reads.findVisitors(LATEST, 10, null);
  const others = Array.from({ length: 99 }, () => reads.findVisitors(LATEST, 10, null));
  await opened.store.putVisitors([visitorOf({ short_id: "a" })]);
  letGo();
  await first;
  for (const page of await Promise.all(others)) assert.deepEqual(page.visitors.map((v) => v.shortId), ["a"]);
  assert.equal(opened.asked.length, 2);
  assert.equal(new Set(await Promise.all(others)).size, 1, "they share one object");
});

Deno.test("Different queries get different results", async () => {
  await using opened = openCounted({ version: true });
  await opened.store.putVisitors(
    ["a", "b", "c"].map((short_id) => visitorOf({ short_id, name: `N${short_id}` })),
  );
  const reads = shareReads(opened.store, { maxStale: 5000 });
  const { next } = await reads.findVisitors(LATEST, 1, null);
  const ids = async (...question: Parameters<typeof reads.findVisitors>) =>
    (await reads.findVisitors(...question)).visitors.map(({ shortId }) => shortId).join(" ");
  for (let times = 0; times < 2; times++) {
    assert.equal(await ids(LATEST, 1, null), "a");
    assert.equal(await ids(LATEST, 2, null), "a b");
    assert.equal(await ids(LATEST, 1, next), "b");
    assert.equal(await ids(parseSearch("nc"), 1, null), "c");
    assert.equal(await ids(parseSearch("id:nc"), 1, null), "");
  }
});

Deno.test("If the store's version is unchanged, the last result is reused; a write ends that", async () => {
  await using opened = openCounted({ version: true });
  const reads = shareReads(opened.store);
  const first = await reads.findVisitors(LATEST, 10, null);
  assert.equal(await reads.findVisitors(LATEST, 10, null), first);
  assert.equal(opened.asked.length, 1);
  await opened.store.putVisitors([visitorOf({ short_id: "a" })]);
  assert.equal((await reads.findVisitors(LATEST, 10, null)).visitors.length, 1);
  assert.equal(opened.asked.length, 2);
});

Deno.test("If the store has no version, every request queries again, unless maxStale allows an older result", async () => {
  await using opened = openCounted();
  const [fresh, stale] = [shareReads(opened.store), shareReads(opened.store, { maxStale: 5000 })];
  await fresh.findVisitors(LATEST, 10, null);
  await fresh.findVisitors(LATEST, 10, null);
  assert.equal(opened.asked.length, 2);
  await stale.findVisitors(LATEST, 10, null);
  await stale.findVisitors(LATEST, 10, null);
  assert.equal(opened.asked.length, 3);
});

Deno.test("With maxStale, requests during a query get its result, unless this process has written since", async () => {
  await using opened = openCounted();
  const reads = shareReads(opened.store, { maxStale: 5000 });
  const ask = () => reads.findVisitors(LATEST, 10, null);
  const letGo = opened.hold();
  const early = [ask(), ask()];
  await asking(opened, 1);
  early.push(ask());
  await new Promise((resolve) => setImmediate(() => setTimeout(resolve)));
  await opened.store.putVisitors([visitorOf({ short_id: "a" })]);
  reads.forget();
  const late = [ask(), ask()];
  await new Promise((resolve) => setImmediate(() => setTimeout(resolve)));
  letGo();
  assert.equal(new Set(await Promise.all(early)).size, 1);
  const [page, same] = await Promise.all(late);
  assert.deepEqual(page.visitors.map(({ shortId }) => shortId), ["a"]);
  assert.equal(same, page);
  assert.equal(opened.asked.length, 2);
  assert.equal(await ask(), page);
});

Deno.test("With maxStale, a result that is nearly too old is refreshed in the background while it is still used", async () => {
  await using opened = openCounted();
  const sources: string[] = [];
  const reads = shareReads(opened.store, { maxStale: 5000, onRead: (source) => sources.push(source) });
  const ask = async () => (await reads.findVisitors(LATEST, 10, null)).visitors.length;
  const { now } = performance;
  let later = 0;
  performance.now = () => now.call(performance) + later;
  try {
    const letGo = opened.hold();
    const first = ask();
    await asking(opened, 1);
    later += 100;
    letGo();
    assert.equal(await first, 0);
    await opened.store.putVisitors([visitorOf({ short_id: "a" })]);
    later += 4500;
    assert.equal(await ask(), 0);
    assert.deepEqual(sources, ["database", "cached"]);
    later += 300;
    const hold = opened.hold();
    assert.deepEqual([await ask(), await ask()], [0, 0]);
    assert.deepEqual(sources.slice(2), ["cached", "database", "cached"], "once for all, and nobody waits");
    hold();
    await new Promise((resolve) => setImmediate(() => setTimeout(resolve)));
    assert.equal(await ask(), 1);
    later += 5001;
    await opened.store.putVisitors([visitorOf({ short_id: "b" })]);
    assert.equal(await ask(), 2, "what is too old serves nobody");
  } finally {
    performance.now = now;
  }
});

Deno.test("A failed read is not cached, and the next request queries again", async () => {
  await using opened = openCounted();
  const reads = shareReads({
    ...opened.store,
    findVisitors: (...question) =>
      opened.asked.length === 0
        ? (opened.asked.push("failed"), Promise.reject(new Error("broken")))
        : opened.store.findVisitors(...question),
  }, { maxStale: 5000 });
  await assert.rejects(reads.findVisitors(LATEST, 1, null), /broken/);
  assert.deepEqual((await reads.findVisitors(LATEST, 1, null)).visitors, []);
});

Deno.test("Lookups by short id that arrive during a query share the next one, each with its own result", async () => {
  await using opened = openCounted();
  await opened.store.putVisitors(["a", "b", "c"].map((short_id) => visitorOf({ short_id })));
  const reads = shareReads(opened.store);
  const letGo = opened.hold();
  const first = reads.getVisitor("a");
  await asking(opened, 1);
  const others = ["b", "nobody", "c", "b"].map((shortId) => reads.getVisitor(shortId));
  letGo();
  assert.equal((await first)?.shortId, "a");
  assert.deepEqual((await Promise.all(others)).map((visitor) => visitor?.shortId), [
    "b",
    undefined,
    "c",
    "b",
  ]);
  assert.deepEqual(opened.asked, ["a", "b nobody c b"]);
});

Deno.test("A request that arrives during a slow query starts another one in time, which later requests share", async () => {
  await using opened = openCounted();
  await opened.store.putVisitors([visitorOf({ short_id: "a" })]);
  const reads = shareReads(opened.store);
  const letGo = opened.hold();
  const slow = reads.findVisitors(LATEST, 10, null);
  await asking(opened, 1);
  // Later queries are not slow.
  const waiting = [reads.findVisitors(LATEST, 10, null), reads.findVisitors(LATEST, 10, null)];
  opened.release();
  for (const { visitors } of await Promise.all(waiting)) assert.equal(visitors.length, 1);
  assert.equal(opened.asked.length, 2);
  letGo();
  assert.equal((await slow).visitors.length, 1);
});
