import assert from "node:assert/strict";
import { startRetention } from "../../src/operations/retention.ts";
import { shareReads } from "../../src/store/shared_reads.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { StoreUnavailable, type VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { until } from "../support/waiting.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ago = (milliseconds: number) => new Date(Date.now() - milliseconds);

const nothing = () => {};

async function storeWith(documents: Record<string, unknown>[]): Promise<VisitorStore> {
  const store = openSqliteStore(":memory:");
  await store.putVisitors(documents.map((document) => readVisitor(document)!));
  return store;
}

async function shortIdsOf(store: VisitorStore): Promise<string[]> {
  return (await Array.fromAsync(store.allVisitors())).map(({ short_id }) => short_id).sort();
}

/** Wraps a store; calls back at each lease and each removal, which a test may replace. */
function watch(
  store: VisitorStore,
  on: { takeLease?: () => void; removeOffline?: (seenBefore: Date | null, most: number) => void },
): VisitorStore {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        await (on as Record<PropertyKey, ((...args: unknown[]) => unknown) | undefined>)[name]?.(...args);
        return value.apply(target, args);
      };
    },
  });
}

const CROWD = [
  { short_id: "online", is_online: true, last_seen_at: ago(0) },
  { short_id: "online-for-long", is_online: true, last_seen_at: ago(40 * DAY) },
  { short_id: "online-never-seen", is_online: true },
  { short_id: "just-left", last_seen_at: ago(0) },
  { short_id: "within", last_seen_at: ago(30 * DAY - HOUR) },
  { short_id: "beyond", last_seen_at: ago(30 * DAY + HOUR) },
  { short_id: "long-ago", last_seen_at: ago(400 * DAY) },
  { short_id: "before-1970", last_seen_at: new Date(-DAY) },
  { short_id: "in-future", last_seen_at: ago(-DAY) },
  { short_id: "never-seen" },
];

Deno.test("Only visitors who are offline and were last seen before the period are removed", async () => {
  const store = await storeWith(CROWD);
  const logged: string[] = [];
  const retention = startRetention(store, 30, (sentence) => logged.push(sentence));
  await until(() => logged.length > 0);
  await retention.stop();
  assert.deepEqual(logged, ["Removed 3 visitors not seen for 30 days"]);
  const gone = ["beyond", "long-ago", "before-1970"];
  assert.deepEqual(
    await shortIdsOf(store),
    CROWD.map(({ short_id }) => short_id).filter((short_id) => !gone.includes(short_id)).sort(),
  );
  assert.equal((await store.findVisitors([{ kind: "online", online: false }], 100, null)).visitors.length, 4);
});

Deno.test("Visitors are removed in batches, and no answer is stale after a batch", async () => {
  const store = await storeWith(
    Array.from({ length: 250 }, (_, i) => ({ short_id: `v${i}`, last_seen_at: ago(2 * DAY) })),
  );
  const reads = shareReads(store, { maxStale: 60_000 });
  const offline = async () =>
    (await reads.findVisitors([{ kind: "online", online: false }], 1000, null)).visitors.length;
  assert.equal(await offline(), 250);
  const batches: number[] = [];
  const left: Promise<number>[] = [];
  const logged: string[] = [];
  const retention = startRetention(
    watch(store, { removeOffline: (_, most) => void batches.push(most) }),
    1,
    (sentence) => logged.push(sentence),
    { onRemoved: () => (reads.forget(), void left.push(offline())) },
  );
  await until(() => logged.length > 0);
  await retention.stop();
  assert.deepEqual(batches, [50, 50, 50, 50, 50, 50]);
  // Further visitors may already be removed at the time of a request, but never fewer than after the batch.
  const most = [200, 150, 100, 50, 0];
  const counts = await Promise.all(left);
  assert.equal(counts.length, most.length);
  assert.ok(counts.every((count, i) => count <= most[i]), `${counts}`);
  assert.deepEqual(logged, ["Removed 250 visitors not seen for 1 days"]);
});

Deno.test("Removal is repeated at intervals", async () => {
  const store = await storeWith([]);
  const retention = startRetention(store, 1, nothing, { interval: 10 });
  for (const short_id of ["a", "b", "c"]) {
    await store.putVisitors([readVisitor({ short_id, last_seen_at: ago(2 * DAY) })!]);
    await until(async () => (await shortIdsOf(store)).length === 0);
  }
  await retention.stop();
  await store.putVisitors([readVisitor({ short_id: "d", last_seen_at: ago(2 * DAY) })!]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(await shortIdsOf(store), ["d"], "once stopped nobody is removed");
});

Deno.test("One of several processes removes visitors, and another takes over after it ends", async () => {
  const store = await storeWith([{ short_id: "a", last_seen_at: ago(2 * DAY) }]);
  assert.ok(await store.takeLease("retention", "another process", 300));
  let asked = 0;
  const removers = new Set<number>();
  const retentions = [1, 2, 3].map((process) =>
    startRetention(
      watch(store, { takeLease: () => void asked++, removeOffline: () => void removers.add(process) }),
      1,
      nothing,
      { interval: 10 },
    )
  );
  await until(() => asked >= 6);
  if (removers.size === 0) {
    assert.deepEqual(await shortIdsOf(store), ["a"], "the other process has the lease");
  }
  await until(async () => (await shortIdsOf(store)).length === 0);
  const asksBefore = asked;
  await until(() => asked >= asksBefore + 9);
  assert.equal(removers.size, 1, "and keeps it");
  await Promise.all(retentions.map((retention) => retention.stop()));
});

Deno.test("A process that starts once another has stopped removes visitors at once", async () => {
  const store = await storeWith([]);
  for (const short_id of ["a", "b"]) {
    await store.putVisitors([readVisitor({ short_id, last_seen_at: ago(2 * DAY) })!]);
    const retention = startRetention(store, 1, nothing);
    await until(async () => (await shortIdsOf(store)).length === 0);
    await retention.stop();
  }
});

Deno.test("If the database fails, removal is retried, and the failure is logged once", async () => {
  const verdicts: [error: unknown, said: RegExp, level: string][] = [
    [
      new StoreUnavailable("The database is away"),
      /^Visitors are not removed yet: The database is away$/,
      "warning",
    ],
    [new TypeError("S3cr3t"), /^Visitors are not removed yet: something went wrong$/, "error"],
    ["S3cr3t", /^Visitors are not removed yet: something went wrong$/, "error"],
  ];
  for (const [error, said, level] of verdicts) {
    for (const failing of ["takeLease", "removeOffline"]) {
      const store = await storeWith([{ short_id: "a", last_seen_at: ago(2 * DAY) }]);
      const logged: { sentence: string; level?: string; details?: unknown }[] = [];
      let failures = 0;
      const fail = () => {
        if (failures++ < 5) throw error;
      };
      const retention = startRetention(
        watch(store, { [failing]: fail }),
        1,
        (sentence, level, details) => logged.push({ sentence, level, details }),
        { retry: 1 },
      );
      await until(async () => (await shortIdsOf(store)).length === 0);
      await until(() => logged.length > 1);
      await retention.stop();
      assert.match(logged[0].sentence, said);
      assert.equal(logged[0].level, level);
      assert.deepEqual(logged.slice(1).map(({ sentence }) => sentence), [
        "Removed 1 visitors not seen for 1 days",
      ]);
      assert.doesNotMatch(JSON.stringify(logged), /S3cr3t/);
    }
  }
});

Deno.test("A stop waits only for the batch in progress", async () => {
  const store = await storeWith(
    Array.from({ length: 300 }, (_, i) => ({ short_id: `v${i}`, last_seen_at: ago(2 * DAY) })),
  );
  const began = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const slow = watch(store, {
    removeOffline: () => {
      began.resolve();
      return mayEnd.promise;
    },
  });
  const retention = startRetention(slow, 1, nothing);
  await began.promise;
  let hasStopped = false;
  const stopping = retention.stop().then(() => hasStopped = true);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(!hasStopped);
  mayEnd.resolve();
  await stopping;
  assert.equal((await shortIdsOf(store)).length, 250);
  // A stop does not wait for the pause between two runs, or after a failure.
  const idle = startRetention(await storeWith([]), 1, nothing);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await idle.stop();
  await store.close();
  const failing = startRetention(store, 1, nothing);
  await new Promise((resolve) => setTimeout(resolve, 20));
  await failing.stop();
});
