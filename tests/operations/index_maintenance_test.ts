import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { startIndexMaintenance } from "../../src/operations/index_maintenance.ts";
import { parseSearch } from "../../src/search/parse.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { StoreUnavailable, type VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { testInFolder } from "../support/folders.ts";
import { PATIENT, until } from "../support/waiting.ts";

const BATCH = 100;

/** Stores visitors in as many writes as an import would, of whom each has a name of its own. */
async function fill(store: VisitorStore, from: number, to: number) {
  for (let start = from; start < to; start += BATCH) {
    await store.putVisitors(
      Array.from(
        { length: BATCH },
        (_, i) => readVisitor({ short_id: `v${start + i}`, name: nameOf(start + i) })!,
      ),
    );
  }
}

function nameOf(number: number): string {
  return Array.from(String(number), (digit) => "abcdefghij"[Number(digit)]).join("") + "xyz";
}

async function found(store: VisitorStore, q: string): Promise<string[]> {
  return (await store.findVisitors(parseSearch(q), 1000, null)).visitors.map(({ shortId }) => shortId);
}

/** The number of index segments that a text search reads. */
function segmentsOf(path: string): number {
  using database = new DatabaseSync(path);
  return database.prepare("SELECT count(DISTINCT segid) AS segments FROM term_idx").get()!
    .segments as number;
}

/** Whether all segments but the largest are at most an eighth of the index: more are merged. */
function isMerged(path: string): boolean {
  using database = new DatabaseSync(path);
  const pages = database.prepare("SELECT count(*) AS pages FROM term_idx GROUP BY segid").all()
    .map((row) => row.pages as number);
  const total = pages.reduce((sum, count) => sum + count, 0);
  return total - Math.max(0, ...pages) <= total / 8;
}

const nothing = () => {};

testInFolder(
  "Index segments are merged while visitors can be found",
  async (folder) => {
    const path = join(folder, "foyer.db");
    const store = openSqliteStore(path, { use: "command" });
    await fill(store, 0, 3000);
    assert.ok(segmentsOf(path) > 1);
    let steps = 0;
    const watched: VisitorStore = Object.assign(Object.create(store), {
      findVisitors: store.findVisitors.bind(store),
      async maintainIndexes() {
        const isMore = await store.maintainIndexes!();
        steps++;
        assert.deepEqual(await found(store, nameOf(1234)), ["v1234"]);
        // Visitors are added, changed and removed meanwhile.
        if (steps === 1) await store.putVisitors([readVisitor({ short_id: "new", name: "newcomer" })!]);
        if (steps === 2) await store.updateVisitor("v2000", { name: "renamed" });
        if (steps === 3) await store.removeVisitor("v2001");
        return isMore;
      },
    });
    const maintenance = startIndexMaintenance(watched, nothing, { first: 0, interval: 5 });
    await until(() => steps > 5 && segmentsOf(path) <= 3);
    await maintenance.stop();
    assert.deepEqual(await found(store, "newcomer"), ["new"]);
    assert.deepEqual(await found(store, "renamed"), ["v2000"]);
    assert.deepEqual([await found(store, nameOf(2000)), await found(store, nameOf(2001))], [[], []]);
    for (let number = 0; number < 2000; number += 97) {
      assert.ok((await found(store, nameOf(number))).includes(`v${number}`));
    }
    await store.close();
  },
);

testInFolder("Merged segments are not merged again with a small new one", async (folder) => {
  const path = join(folder, "foyer.db");
  const store = openSqliteStore(path, { use: "command" });
  assert.equal(await store.maintainIndexes!(), false);
  await fill(store, 0, 6000);
  // A write that takes long is split by time, so the number of segments is not always the same.
  const filled = segmentsOf(path);
  while (await store.maintainIndexes!());
  const merged = segmentsOf(path);
  assert.ok(isMerged(path) && merged < filled, `${filled} segments, ${merged} after maintenance`);
  await store.putVisitors([readVisitor({ short_id: "new", name: "newcomer" })!]);
  const before = await store.version!();
  assert.equal(await store.maintainIndexes!(), false);
  assert.equal(segmentsOf(path), merged + 1);
  assert.equal(await store.version!(), before);
  await store.close();
});

testInFolder("Failed index maintenance is retried, and logged once", async (folder) => {
  const path = join(folder, "foyer.db");
  const filling = openSqliteStore(path, { use: "command" });
  await fill(filling, 0, 3000);
  await filling.close();
  const filled = segmentsOf(path);
  const store = openSqliteStore(path, { ...PATIENT, busyMilliseconds: 10 });
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  await assert.rejects(store.maintainIndexes!(), StoreUnavailable);
  const logged: string[] = [];
  const maintenance = startIndexMaintenance(store, (sentence) => logged.push(sentence), {
    first: 0,
    interval: 5,
    retry: 5,
  });
  await until(() => logged.length > 0);
  // Long enough for several failed runs.
  await new Promise((resolve) => setTimeout(resolve, 200));
  other.exec("ROLLBACK");
  await until(() => isMerged(path) && segmentsOf(path) < filled);
  await maintenance.stop();
  assert.deepEqual(logged, [
    "Index maintenance failed: The embedded store does not answer",
  ]);
  await store.close();
});
