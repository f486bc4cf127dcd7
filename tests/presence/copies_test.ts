import assert from "node:assert/strict";
import { importVisitors } from "../../src/commands/import.ts";
import type { Log } from "../../src/operations/log.ts";
import { ProcessWatch } from "../../src/presence/process_watch.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import type { Visitor } from "../../src/visitor/visitor.ts";
import { ManualClock } from "../support/clock.ts";
import { testInFolder } from "../support/folders.ts";
import { startCollections } from "../support/mongodb_collections.ts";
import { eventually, GRACE, PRESENCE, servePresence } from "../support/presence.ts";
import { fromSource, runProcess } from "../support/processes.ts";
import { hasAllRights } from "../support/rights.ts";
import { type TwoStores, withTwoStores } from "../support/two_stores.ts";
import { until } from "../support/waiting.ts";

/** The time within which a visitor without a connection is marked offline, in milliseconds. */
const MINUTE = 60_000;

const quiet: Log = () => {};

/** Opens two stores over the same data: the server's, and that of a command or another process. */
type OpenBoth = (work: (stores: TwoStores) => Promise<void>) => Promise<void>;

/** Imports copies of visitors, like `foyer import`. */
async function importCopies(store: VisitorStore, copies: Partial<Visitor>[], siteKey = PRESENCE.SITE_KEY) {
  const lines = copies.map((copy) => `${JSON.stringify(copy)}\n`).join("");
  const { stored, bad } = await importVisitors(
    new Blob([lines]).stream(),
    store,
    { onBad: (line, reason) => assert.fail(`${line} ${reason}`), onStored: () => {} },
    { siteKey },
  );
  assert.deepEqual({ stored, bad }, { stored: copies.length, bad: 0 });
}

/** Opens a web page, and waits until its visitor is written with a lookup code. */
async function enter(server: Awaited<ReturnType<typeof servePresence>>) {
  const page = await server.enter();
  const visitor = await eventually(async () => {
    const { visitor } = await server.ask(`/visitors/${page.shortId}`);
    return visitor?.lookup_code ? visitor as Visitor : undefined;
  });
  return { page, visitor, code: visitor.lookup_code! };
}

function testCopies(engine: string, openBoth: OpenBoth) {
  const test = (sentence: string, work: Parameters<OpenBoth>[0]) => {
    if (!hasAllRights) return;
    Deno.test({
      name: `${engine}: ${sentence}`,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => openBoth(work),
    });
  };

  test("a visitor connected while an older copy is imported stays online, and is not removed", async ([store, other]) => {
    await using server = await servePresence(store);
    const { page, visitor, code } = await enter(server);
    const copy = {
      ...visitor,
      is_online: false,
      lookup_code: null,
      last_seen_at: "2026-01-02T00:00:00.000Z",
    };
    // The command may know the site key or not, and the copy may contain only the name.
    for (const siteKey of [PRESENCE.SITE_KEY, "another key"]) {
      for (
        const older of [copy, { ...copy, is_online: true, lookup_code: "0001" }, { short_id: page.shortId }]
      ) {
        await importCopies(other, [older], siteKey);
        const { is_online, lookup_code } = (await server.ask(`/visitors/${page.shortId}`)).visitor;
        assert.deepEqual({ is_online, lookup_code }, { is_online: true, lookup_code: code });
      }
    }
    assert.equal(
      (await server.ask("/visitors?all=true", {
        method: "DELETE",
        headers: { Authorization: "write key" },
      })).count,
      0,
    );
    page.send({ type: "page", url: "https://shop.example/cart" });
    await server.find("url:cart");
    await page.close();
    await until(async () => (await server.metrics.text()).body.includes("foyer_presence_connections 0"));
    server.clock.skip(GRACE);
    assert.equal((await server.find("-online")).lookup_code, null);
    await importCopies(other, [visitor], "another key");
    server.clock.skip(MINUTE);
    assert.equal((await server.find("-online")).lookup_code, null);
  });

  test("a visitor who was marked offline is online again after a page view, or by its connection alone", async ([store]) => {
    await using server = await servePresence(store);
    const { page, code } = await enter(server);
    const isOnline = async (is_online: boolean) =>
      assert.equal((await server.find(is_online ? "online" : "-online")).short_id, page.shortId);
    await store.updateVisitor(page.shortId, { is_online: false, lookup_code: null });
    await isOnline(false);
    page.send({ type: "page", url: "https://shop.example/cart" });
    await isOnline(true);
    assert.equal((await server.find("url:cart")).lookup_code, code);
    await store.updateVisitor(page.shortId, { is_online: false, lookup_code: null });
    server.clock.skip(MINUTE);
    await isOnline(true);
    assert.equal((await server.find("online")).lookup_code, code);
  });

  test("visitors of an imported copy are offline at once, or soon after the server reads them", async ([store, other]) => {
    const online = { is_online: true, lookup_code: "4711", last_seen_at: "2026-01-02T03:04:05.678Z" };
    const ofSite = { ...online, api_key: PRESENCE.SITE_KEY, sdk: "web 1.0.0" };
    await importCopies(other, [{ ...ofSite, short_id: "known" }]);
    assert.equal((await other.getVisitors(["known"]))[0]!.visitor.is_online, false);
    const many = Array.from({ length: 600 }, (_, i) => ({ ...ofSite, short_id: `copy ${i}` }));
    await importCopies(other, many, "another key");
    // Visitors whom other software wrote stay as they are.
    const others = [
      { ...online, short_id: "no-sdk", api_key: PRESENCE.SITE_KEY },
      { ...ofSite, short_id: "other-site", api_key: "another key" },
      { ...online, short_id: "nothing-else" },
    ];
    await importCopies(other, others);
    assert.equal(await other.countOnline(), 603);
    await using server = await servePresence(store);
    const page = await server.enter();
    server.clock.skip(MINUTE);
    await until(async () => await other.countOnline() === 4);
    const { visitors } = await server.ask("/visitors/list/latest");
    assert.deepEqual(
      visitors.map(({ short_id }: Visitor) => short_id).sort(),
      [page.shortId, ...others.map(({ short_id }) => short_id)].sort(),
    );
    assert.equal((await other.lookupCodesInUse(["4711"])).has("4711"), true);
    for (const { short_id, lookup_code, is_online } of await Array.fromAsync(other.allVisitors())) {
      if (/^(copy|known)/.test(short_id)) assert.deepEqual([is_online, lookup_code], [false, null]);
    }
  });

  test("connections in a copy that this process does not have are ended", async ([store, other]) => {
    await using server = await servePresence(store);
    const { page } = await enter(server);
    const [process] = await other.connectedProcesses();
    await other.writePresence(process, [
      { shortId: "ghost", isNew: true, change: { lookup_code: "4711" }, isConnected: true },
    ]);
    assert.equal(await other.countOnline(), 2);
    server.clock.skip(MINUTE);
    await until(async () => await other.countOnline() === 1);
    assert.equal((await server.find("online")).short_id, page.shortId);
    assert.equal((await other.getVisitors(["ghost"]))[0]!.visitor.lookup_code, null);
  });

  test("connections to a process that is not registered are ended, and no others", async ([store, other]) => {
    const clock = new ManualClock();
    const said: string[] = [];
    const watch = new ProcessWatch({ store, log: (sentence) => said.push(sentence), clock });
    const connect = (shortId: string) => ({ shortId, isNew: true, change: {}, isConnected: true });
    await other.heartbeat("registered", 1);
    await other.writePresence("registered", [connect("both"), connect("theirs")]);
    await other.writePresence("unknown", [connect("both"), connect("copy"), connect("copy 2")]);
    await store.writePresence(watch.process, [connect("ours")]);
    watch.start();
    await eventually(async () => await other.countOnline() === 3);
    assert.deepEqual((await other.connectedProcesses()).sort(), ["registered", watch.process].sort());
    await until(() => said.length > 0);
    await watch.stop();
    assert.deepEqual(said, [
      "Another process sends no heartbeats any more: ended 3 visitors' connections to it",
    ]);
  });
}

testCopies("SQLite", withTwoStores);

if (hasAllRights) {
  const { open, openIndexed } = await startCollections();
  testCopies("MongoDB", async (work) => {
    await using first = await openIndexed();
    await using second = await open(first.collection.collectionName);
    await work([first.store, second.store]);
  });

  testInFolder(
    "After foyer import and foyer backup, nobody without a connection is online",
    async (folder) => {
      const path = `${folder}/foyer.db`;
      const run = async (args: string[], file = path) => {
        const { code, stdout, stderr } = await runProcess(
          fromSource(folder, args, { ...PRESENCE, SQLITE_PATH: file }),
        );
        assert.equal(code, 0, stderr);
        return stdout;
      };
      const store = openSqliteStore(path, { use: "command" });
      try {
        await using server = await servePresence(store);
        const { page, code } = await enter(server);
        await Deno.writeTextFile(`${folder}/copy.ndjson`, await run(["export"]));
        await run(["backup", `${folder}/backup.db`]);
        await run(["import", `${folder}/copy.ndjson`]);
        assert.equal((await server.find("online")).lookup_code, code);
        await run(["import", `${folder}/copy.ndjson`], `${folder}/new.db`);
        for (const name of ["new", "backup"]) {
          const copy = openSqliteStore(`${folder}/${name}.db`, { use: "command" });
          try {
            await using restored = await servePresence(copy, {}, quiet);
            await restored.find(name === "new" ? "-online" : "online");
            // A connection is ended only after its process sent no heartbeats for a while.
            for (let passed = 0; passed < MINUTE; passed += 5000) {
              restored.clock.skip(5000);
              await copy.heartbeat("another", passed);
            }
            const visitor = await restored.find("-online");
            assert.deepEqual([visitor.short_id, visitor.lookup_code], [page.shortId, null]);
          } finally {
            await copy.close();
          }
        }
      } finally {
        await store.close();
      }
    },
  );
}
