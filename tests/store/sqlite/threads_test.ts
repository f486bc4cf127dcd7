import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseSearch } from "../../../src/search/parse.ts";
import { TimeBudgetOver } from "../../../src/store/sqlite/file.ts";
import { openFile } from "../../../src/store/sqlite/open.ts";
import { SqliteSearch } from "../../../src/store/sqlite/search.ts";
import { Session } from "../../../src/store/sqlite/session.ts";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import { Thread } from "../../../src/store/sqlite/threads.ts";
import { StoreUnavailable, type VisitorStore } from "../../../src/store/visitor_store.ts";
import type { Visitor } from "../../../src/visitor/visitor.ts";
import { testInFolder } from "../../support/folders.ts";
import { findAll, getVisitor, visitorOf } from "../contract.ts";
import { PATIENT } from "../../support/waiting.ts";

function testStore(sentence: string, work: (store: VisitorStore, path: string) => Promise<void>) {
  testInFolder(`SQLite threads: ${sentence}`, async (folder) => {
    const path = join(folder, "foyer.db");
    const store = openSqliteStore(path, PATIENT);
    try {
      await work(store, path);
    } finally {
      await store.close();
    }
  });
}

/** Visitors of whom each has one of two common bigrams; none has both. */
function visitors(total: number): Visitor[] {
  return Array.from({ length: total }, (_, i) =>
    visitorOf({
      short_id: `v${i}`,
      name: `${i % 2 === 0 ? "qo" : "wu"} ${
        Array.from(String(i), (digit) => "abcdefghij"[Number(digit)]).join("")
      }`,
    }));
}

/** Tells whether work is done. */
function watch(work: Promise<unknown>): { isDone: boolean } {
  const watched = { isDone: false };
  work.then(() => watched.isDone = true, () => {});
  return watched;
}

testInFolder("SQLite file: it is opened while another process writes all the time", async (folder) => {
  const path = join(folder, "foyer.db");
  const first = openSqliteStore(path, PATIENT);
  await first.putVisitors(visitors(1));
  using other = new DatabaseSync(path);
  other.exec("BEGIN IMMEDIATE");
  const second = openSqliteStore(path, { ...PATIENT, busyMilliseconds: 20 });
  assert.equal((await getVisitor(second, "v0"))?.short_id, "v0");
  other.exec("ROLLBACK");
  assert.equal((await second.updateVisitor("v0", { name: "Ada" }))?.name, "Ada");
  await second.close();
  await first.close();
});

testStore("the event loop answers while a search goes through everybody", async (store) => {
  await store.putVisitors(visitors(20_000));
  const search = store.findVisitors(parseSearch("qo wu"), 100, null);
  const watched = watch(search);
  assert.equal((await store.findVisitors(parseSearch("online"), 100, null)).visitors.length, 100);
  assert.equal((await getVisitor(store, "v7"))?.short_id, "v7");
  assert.ok(!watched.isDone, "others were answered first");
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  assert.deepEqual((await search).visitors, []);
  clearInterval(timer);
  assert.ok(ticks > 0, "timers run meanwhile");
});

testStore("the event loop answers while a name of a megabyte is stored", async (store) => {
  await store.putVisitors(visitors(1));
  const name = Array.from({ length: 100_000 }, (_, i) => `name ${i} `).join("").slice(0, 1_000_000);
  const change = store.updateVisitor("v0", { name });
  const watched = watch(change);
  assert.equal((await getVisitor(store, "v0"))?.short_id, "v0");
  assert.ok(!watched.isDone);
  assert.equal((await change)?.name, name);
  assert.equal((await getVisitor(store, "v0"))?.name, name);
  assert.deepEqual(await findAll(store, '"name 17 "'), ["v0"]);
  assert.deepEqual(await findAll(store, '"name 90000"'), []);
});

testStore("a long import holds up no other write", async (store) => {
  await store.putVisitors(visitors(10));
  const importing = store.putVisitors(visitors(20_000));
  const watched = watch(importing);
  assert.equal((await store.updateVisitor("v1", { nickname: "Ada" }))?.nickname, "Ada");
  const [presence] = await store.writePresence("p", [{
    shortId: "v2",
    isNew: false,
    change: { sdk: "web 1" },
  }]);
  assert.ok(presence.exists);
  assert.ok(!watched.isDone, "others have written first");
  await importing;
  assert.equal(await store.countOnline(), 20_000);
});

testStore("writes of one visitor happen in the order in which they are asked for", async (store) => {
  await store.putVisitors(visitors(1));
  const numbers = Array.from({ length: 50 }, (_, i) => i);
  const changed = await Promise.all(
    numbers.map((i) =>
      i % 2 === 0
        ? store.updateVisitor("v0", { nickname: `nick${i}` })
        : store.updateVisitor("v0", { call_name: `call${i}` })
    ),
  );
  for (const i of numbers) {
    assert.equal(changed[i]?.nickname, `nick${i - i % 2}`);
    assert.equal(changed[i]?.call_name, i === 0 ? null : `call${i - (i + 1) % 2}`);
  }
  assert.deepEqual(await getVisitor(store, "v0"), changed.at(-1));
});

testStore(
  "a call whose deadline is over is not begun, and the thread answers the next one",
  async (store, path) => {
    await store.putVisitors(visitors(3));
    const thread = new Thread({ path, busyMilliseconds: 100, isWriter: true });
    const late = thread.ask("updateVisitor", ["v0", { nickname: "late" }], Date.now() - 1);
    const next = thread.ask("updateVisitor", ["v0", { call_name: "next" }], Infinity);
    await assert.rejects(late, StoreUnavailable);
    assert.equal((await next)?.call_name, "next");
    assert.equal((await getVisitor(store, "v0"))?.nickname, null);
    await thread.close();
  },
);

testStore("a thread whose file cannot be opened says so, and is ready when it can", async (store, path) => {
  await store.putVisitors(visitors(3));
  const thread = new Thread({ path: `${path}-gone/foyer.db`, busyMilliseconds: 100, isWriter: false });
  await assert.rejects(thread.ask("countOnline", [], Infinity), StoreUnavailable);
  await Deno.mkdir(`${path}-gone`);
  await Deno.symlink(path, `${path}-gone/foyer.db`);
  assert.equal(await thread.ask("countOnline", [], Infinity), 3);
  await thread.close();
});

Deno.test("SQLite: a search ends when its time budget is over, and its connection can be used again", () => {
  const connection = openFile(":memory:", { busyMilliseconds: 0 });
  const session = new Session(connection);
  session.putVisitors(visitors(600));
  const search = new SqliteSearch(connection);
  for (const q of ["online", "qo wu", "qo", "url:x"]) {
    const asked = { query: parseSearch(q), limit: 1000, after: null };
    assert.throws(() => search.findPage(asked, Date.now() - 1), TimeBudgetOver, q);
    assert.ok(search.findPage(asked, Infinity), q);
  }
  assert.equal(session.updateVisitor("v1", { name: "Ada" })?.name, "Ada");
  connection.close();
});

testStore("a store is ready until it cannot do something, and again when it can", async (store, path) => {
  assert.ok(store.isReady());
  const impatient = openSqliteStore(path, { ...PATIENT, busyMilliseconds: 20 });
  const other = openFile(path, { busyMilliseconds: 20 });
  other.run("BEGIN IMMEDIATE");
  await assert.rejects(impatient.removeVisitor("nobody"), StoreUnavailable);
  assert.equal(impatient.isReady(), false);
  other.run("ROLLBACK");
  other.close();
  await impatient.removeVisitor("nobody");
  assert.ok(impatient.isReady());
  await impatient.close();
  assert.equal(impatient.isReady(), false);
});
