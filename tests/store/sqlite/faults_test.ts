import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import { StoreUnavailable, type VisitorStore } from "../../../src/store/visitor_store.ts";
import { appOver } from "../../support/app.ts";
import { testInFolder } from "../../support/folders.ts";
import { attempt, fromSource } from "../../support/processes.ts";
import { startServer } from "../../support/server.ts";
import { PATIENT, until } from "../../support/waiting.ts";
import { visitorOf } from "../contract.ts";

const ANSWERS_AGAIN = "The embedded store answers again";

/** A server's store over a file that tests damage and repair. */
class Site {
  /** The store's log. */
  log: string[] = [];
  store: VisitorStore;
  #app: ReturnType<typeof appOver>;

  constructor(readonly path: string) {
    this.store = openSqliteStore(path, { ...PATIENT, log: (sentence) => this.log.push(sentence) });
    this.#app = appOver(this.store, { REST_WRITE_KEY: "write" });
  }

  async ask(path: string, method = "GET", body?: unknown): Promise<number> {
    const response = await this.#app.app.request(path, {
      method,
      headers: { Authorization: "write" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    await response.body?.cancel();
    return response.status;
  }

  /** The statuses of reading a visitor, of changing it, and of `/ready`. */
  async statuses(name: string): Promise<[read: number, change: number, ready: number]> {
    const change = await this.ask("/api/visitors/a", "PATCH", { name });
    return [await this.ask("/api/visitors/a"), change, await this.ask("/ready")];
  }

  /** Waits until the store notices a failure, without any request. */
  async failure() {
    await until(() => this.log.length > 0);
    assert.equal(await this.ask("/ready"), 503);
  }

  /** Waits until the store has recovered, without any request. */
  async recovery() {
    await until(() => this.log.includes(ANSWERS_AGAIN));
    assert.equal(await this.ask("/ready"), 200);
  }

  async name(): Promise<string | null | undefined> {
    return (await this.store.getVisitors(["a"]))[0]?.visitor.name;
  }
}

/** The visitors in a file, as the next start reads them. */
async function nameIn(path: string): Promise<string | null | undefined> {
  const store = openSqliteStore(path, { use: "command" });
  const [visitor] = await store.getVisitors(["a"]);
  await store.close();
  return visitor?.visitor.name;
}

function test(sentence: string, work: (site: Site, copy: string) => Promise<void>) {
  testInFolder(`SQLite file: ${sentence}`, async (folder) => {
    const path = join(folder, "foyer.db");
    const first = openSqliteStore(path, PATIENT);
    const others = Array.from({ length: 200 }, (_, i) => visitorOf({ short_id: `v${i}`, name: `Name ${i}` }));
    await first.putVisitors([visitorOf({ short_id: "a", name: "copy" }), ...others]);
    const copy = join(folder, "copy.db");
    await first.backup!(copy);
    await first.close();
    const site = new Site(path);
    try {
      await until(async () => (await site.statuses("before")).every((status) => status === 200));
      await work(site, copy);
    } finally {
      await site.store.close();
    }
  });
}

test("while the file is removed changes are refused, and once it is back nothing is lost", async (site) => {
  const { path, log } = site;
  await Deno.rename(path, `${path}.away`);
  assert.deepEqual(await site.statuses("lost"), [200, 503, 503]);
  await Deno.rename(`${path}.away`, path);
  await site.recovery();
  assert.deepEqual(await site.statuses("after"), [200, 200, 200]);
  assert.deepEqual(log, ["The embedded store does not answer: the file was removed", ANSWERS_AGAIN]);
  await site.store.close();
  assert.equal(await nameIn(path), "after");
});

test("the removal of the file is logged without a request", async (site) => {
  await Deno.remove(site.path);
  await site.failure();
  await assert.rejects(site.store.updateVisitor("a", { name: "lost" }), StoreUnavailable);
});

test("another file in its place is served, without writes to the old one", async (site, copy) => {
  const { path, log } = site;
  await Deno.rename(copy, path);
  assert.equal(await site.ask("/api/visitors/a", "PATCH", { name: "lost" }), 503);
  await site.recovery();
  assert.equal(await site.name(), "copy");
  assert.deepEqual(await site.statuses("after"), [200, 200, 200]);
  assert.deepEqual(log, [
    "The embedded store does not answer: the file was replaced by another one",
    ANSWERS_AGAIN,
  ]);
  await site.store.close();
  assert.equal(await nameIn(path), "after");
});

test("a write-ahead log that was removed costs nothing that was stored", async (site) => {
  const { path, log } = site;
  await Deno.remove(`${path}-wal`);
  await site.recovery();
  assert.equal(await site.name(), "before");
  assert.deepEqual(await site.statuses("after"), [200, 200, 200]);
  assert.equal(log.length, 2, log.join());
  assert.match(log[0], /foyer\.db-wal, which belongs to the file, was removed$/);
  await site.store.close();
  assert.equal(await nameIn(path), "after");
});

testInFolder(
  "SQLite file: a write that was answered with an error is not done when the file is free again",
  async (folder) => {
    const path = join(folder, "foyer.db");
    const store = openSqliteStore(path, { deadline: 1000, busyMilliseconds: 800 });
    const visitor = visitorOf({ short_id: "a", name: "Ada", is_online: false });
    await store.putVisitors([visitor]);
    using other = new DatabaseSync(path);
    other.exec("BEGIN EXCLUSIVE");
    // The writing thread comes to the second one when the first one has waited, and to the others after the deadline.
    const given = [
      store.updateVisitor("a", { name: "Eve" }),
      store.removeOffline(null, 10),
      store.updateVisitor("a", { name: "Eve" }),
      store.removeVisitor("a"),
      store.putVisitors([visitorOf({ short_id: "b" })]),
      store.takeLease("work", "a", 60_000),
    ];
    for (const { status } of await Promise.allSettled(given)) assert.equal(status, "rejected");
    other.exec("ROLLBACK");
    // Writes are done in the order in which they were asked for.
    await until(() => store.putVisitors([visitorOf({ short_id: "later" })]).then(() => true, () => false));
    const stored = await store.getVisitors(["a", "b", "later"]);
    assert.deepEqual(stored.map((stored) => stored?.visitor.name), ["Ada", undefined, null]);
    assert.equal(await store.takeLease("work", "b", 1000), true);
    await store.close();
  },
);

test("while no user may write the file, it is read and changes are refused", async (site) => {
  const { path, log } = site;
  await Deno.chmod(path, 0o444);
  assert.deepEqual(await site.statuses("lost"), [200, 503, 503]);
  await Deno.chmod(path, 0o600);
  await site.recovery();
  assert.deepEqual(await site.statuses("after"), [200, 200, 200]);
  assert.deepEqual(log, ["The embedded store does not answer: the file is read-only", ANSWERS_AGAIN]);
});

test("a file that is read-only from the start is read", async ({ store, path }) => {
  await store.close();
  await Deno.chmod(path, 0o400);
  const site = new Site(path);
  assert.deepEqual(await site.statuses("lost"), [200, 503, 503]);
  assert.equal(await site.ask("/api/visitors/list/search?q=name"), 200);
  await Deno.chmod(path, 0o600);
  await site.recovery();
  assert.deepEqual(await site.statuses("after"), [200, 200, 200]);
  assert.deepEqual(site.log, ["The embedded store does not answer: the file is read-only", ANSWERS_AGAIN]);
  await site.store.close();
});

/** Overwrites the middle of a file with bytes that are no part of a database. */
async function damage(path: string) {
  using file = await Deno.open(path, { write: true });
  await file.seek(4096, Deno.SeekMode.Start);
  await file.write(new Uint8Array(32 * 1024).fill(0x5a));
}

const DAMAGES: [what: string, damage: (path: string) => Promise<void>, reason: RegExp][] = [
  ["overwritten", damage, /the file is damaged/],
  ["emptied", (path) => Deno.truncate(path), /the file is empty$/],
  ["cut off", (path) => Deno.truncate(path, 8192), /the file is damaged/],
];

for (const [what, damage, reason] of DAMAGES) {
  for (const isInPlace of [true, false]) {
    const how = isInPlace ? "written over it" : "put in its place";
    test(`one that is ${what} is used no more until a good one is ${how}`, async (site, copy) => {
      const { path, log } = site;
      await damage(path);
      await site.failure();
      assert.deepEqual(await site.statuses("lost"), [503, 503, 503]);
      if (isInPlace) await Deno.copyFile(copy, path);
      else await Deno.rename(copy, path);
      await site.recovery();
      assert.equal(await site.name(), "copy");
      assert.deepEqual(await site.statuses("after"), [200, 200, 200]);
      assert.equal(log.length, 2, log.join());
      assert.match(log[0], reason);
    });
  }

  // Not an empty file, since SQLite makes a new database of it.
  if (what === "emptied") continue;
  test(
    `one that was ${what} before the start is refused, or said to be damaged`,
    async ({ store, path }, copy) => {
      await store.close();
      await damage(path);
      let site;
      try {
        site = new Site(path);
      } catch (error) {
        assert.match((error as Error).message, /damaged|no database/);
        return;
      }
      await site.failure();
      assert.deepEqual(await site.statuses("lost"), [503, 503, 503]);
      await Deno.rename(copy, path);
      await site.recovery();
      assert.deepEqual(await site.statuses("after"), [200, 200, 200]);
      await site.store.close();
    },
  );
}

testInFolder(
  "SQLite file: a server whose file may not grow logs that, loses nothing and recovers once it may",
  async (folder) => {
    const path = join(folder, "foyer.db");
    await using server = await startServer((environment) => fromSource(folder, [], environment), {
      SQLITE_PATH: path,
      REST_KEY: "a key that reads",
      REST_WRITE_KEY: "a key that writes",
    });
    const other = openSqliteStore(path, { use: "command" });
    await other.putVisitors([visitorOf({ short_id: "a" })]);
    const ask = async (path: string, init?: RequestInit) => {
      const response = await fetch(server.url + path, init);
      await response.body?.cancel();
      return response.status;
    };
    const change = (name: string) =>
      ask("/api/visitors/a", {
        method: "PATCH",
        headers: { Authorization: "a key that writes" },
        body: JSON.stringify({ name }),
      });
    // At this limit the system sends SIGXFSZ, which would end a process that did not handle it, as Foyer does.
    const limitFiles = async (bytes: number) => {
      const limit =
        `import resource; resource.prlimit(${server.child.pid}, resource.RLIMIT_FSIZE, (${bytes}, -1))`;
      const { ok, text } = await attempt("python3", "-c", limit);
      assert.ok(ok, text);
    };
    await limitFiles(400_000);
    let stored = "";
    for (let i = 0; await change(`name ${i}`) === 200; i++) {
      assert.ok(i < 10_000);
      stored = `name ${i}`;
    }
    assert.equal(await ask("/ready"), 503);
    assert.equal((await other.getVisitors(["a"]))[0]?.visitor.name, stored);
    await other.close();

    await limitFiles(-1);
    await server.until(/The embedded store answers again/);
    assert.equal(await ask("/ready"), 200);
    assert.equal(await change("after"), 200);
    assert.equal(server.stderr.split("The embedded store does not answer").length, 2, server.stderr);
    await server.stop("SIGTERM");
    assert.equal(await nameIn(path), "after");
  },
);
