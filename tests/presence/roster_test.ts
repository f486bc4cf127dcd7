import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { Log } from "../../src/operations/log.ts";
import { BLOCKS, CodeBlocks, LookupCodes } from "../../src/presence/lookup_codes.ts";
import { ProcessWatch } from "../../src/presence/process_watch.ts";
import { openMongoStore } from "../../src/store/mongodb/store.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { testInFolder } from "../support/folders.ts";
import { startOwnMongo } from "../support/mongodb.ts";
import { ManualClock } from "../support/clock.ts";
import { eventually, GRACE, servePresence } from "../support/presence.ts";
import { hasAllRights } from "../support/rights.ts";
import { withTwoStores } from "../support/two_stores.ts";
import { PATIENT, until } from "../support/waiting.ts";

/** Runs a function with an in-memory store. */
async function withStore(work: (store: VisitorStore) => Promise<void>) {
  const store = openSqliteStore(":memory:");
  try {
    await work(store);
  } finally {
    await store.close();
  }
}

/** Registers a test with two servers over one file, like two processes. */
function testOfTwo(
  sentence: string,
  work: (servers: Awaited<ReturnType<typeof servePresence>>[]) => Promise<void>,
) {
  if (!hasAllRights) return;
  Deno.test(sentence, () =>
    withTwoStores(async (stores) => {
      // Makes the stores start their writer threads: before that, web pages would get their codes a little later.
      for (const store of stores) await store.releaseLease("none", "nobody");
      await using one = await servePresence(stores[0]);
      await using other = await servePresence(stores[1]);
      await work([one, other]);
    }));
}

type Server = Awaited<ReturnType<typeof servePresence>>;

/** A metric: connected web pages, visitors with unwritten changes, or visitors in the registry. */
type Shown = "connections" | "waiting" | "visitors";

/** Whether a server's metric is 0. */
async function hasNo({ metrics }: Server, what: Shown): Promise<boolean> {
  return new RegExp(`^foyer_presence_${what} 0$`, "m").test((await metrics.text()).body);
}

/** Waits until a server's metric is 0. */
const untilNo = (server: Server, what: Shown) => until(() => hasNo(server, what));

testOfTwo("A visitor with pages at two processes is online until both have lost it", async ([one, other]) => {
  const first = await one.enter();
  await one.find("online");
  const second = await other.enter(first.token);
  assert.equal(second.shortId, first.shortId);
  assert.equal(
    (await second.next("lookup_code")).lookup_code,
    first.code,
    "and its code is the same everywhere",
  );
  await first.close();
  await untilNo(one, "connections");
  one.clock.skip(GRACE);
  await untilNo(one, "visitors");
  const visitor = await one.find("online");
  assert.equal(visitor.lookup_code, first.code);
  await second.close();
  await untilNo(other, "connections");
  other.clock.skip(GRACE);
  assert.equal((await other.find("-online")).short_id, first.shortId);
});

testOfTwo("A page that comes to another process each time never flickers", async ([one, other]) => {
  let [last, page] = [one, await one.enter()];
  await one.find("online");
  for (const server of [other, one, other]) {
    await page.close();
    page = await server.enter(page.token);
    // The code is sent once the connection is written.
    await page.next("lookup_code");
    await untilNo(last, "connections");
    last.clock.skip(GRACE);
    await until(async () => {
      assert.equal((await server.ask("/visitors/list/latest")).visitors.length, 1);
      return await hasNo(last, "visitors");
    });
    assert.equal((await server.ask("/visitors/list/latest")).visitors.length, 1);
    last = server;
  }
});

testOfTwo("Two processes give no code to two visitors", async ([one, other]) => {
  const pages = await Promise.all(
    [one, other].flatMap((server) => Array.from({ length: 50 }, () => server.enter())),
  );
  const codes = pages.map(({ code }) => code);
  assert.equal(new Set(codes).size, 100);
});

const quiet: Log = () => {};

/** Makes a process watch with a listener. */
function watchOf(options: ConstructorParameters<typeof ProcessWatch>[0], onConnectionsEnded: () => void) {
  const watch = new ProcessWatch(options);
  watch.subscribe({ onConnectionsEnded });
  return watch;
}

Deno.test("Only the connections of a process without heartbeats are ended, by another process", async () => {
  await withStore(async (store) => {
    const clock = new ManualClock();
    const options = { store, log: quiet, interval: 5000, patience: 30_000, clock };
    const forgotten: string[] = [];
    const watches = ["a", "b", "c"].map((name) => watchOf(options, () => forgotten.push(name)));
    const [a, b, c] = watches;
    let alive = watches.length;
    /** Moves the clock until each watch has sent its next heartbeat. */
    const pass = async () => {
      clock.advance(5000);
      await until(() => clock.waiting === alive);
    };
    for (const watch of watches) watch.start();
    await until(() => clock.waiting === alive);
    const change = { last_seen_at: "2026-01-02T03:04:05.678Z" };
    for (const [watch, shortIds] of [[a, ["1", "2"]], [b, ["2", "3"]]] as const) {
      const writes = shortIds.map((shortId) => ({ shortId, isNew: true, change, isConnected: true }));
      await store.writePresence(watch.process, writes);
    }
    await a.stop();
    alive--;
    const online = async () => {
      const visitors = await store.getVisitors(["1", "2", "3"]);
      return visitors.filter((stored) => stored!.visitor.is_online).map((stored) => stored!.shortId).join("");
    };
    for (let i = 0; i < 6; i++) await pass();
    assert.equal(await online(), "123", "30 seconds without a heartbeat are not too long");
    for (let i = 0; i < 2; i++) await pass();
    await until(async () => await online() === "23");
    for (let i = 0; i < 20; i++) await pass();
    assert.equal(await online(), "23");
    assert.deepEqual(forgotten, []);
    await b.stop();
    await c.stop();
  });
});

Deno.test("A process that was wrongly considered dead records its connections again", async () => {
  await withStore(async (store) => {
    let forgotten = 0;
    const watch = watchOf({ store, log: quiet, interval: 20 }, () => forgotten++);
    watch.start();
    await eventually(() => watch.isRegistered || undefined);
    await store.forgetProcess(watch.process);
    await eventually(() => forgotten > 0 || undefined);
    await watch.stop();
    assert.equal(forgotten, 1);
  });
});

Deno.test("10,000 visitors online have 10,000 codes; the next visitor gets the oldest one", async () => {
  await withStore(async (store) => {
    let ready = Promise.withResolvers<void>();
    const codes = new LookupCodes({ store, holder: "a process", secret: "secret", log: quiet });
    codes.subscribe({ onCodesReady: () => ready.resolve() });
    codes.start();
    const take = async (): Promise<string> => {
      for (;;) {
        const code = codes.take();
        if (code !== null) return code;
        ready = Promise.withResolvers<void>();
        await ready.promise;
      }
    };
    const taken: string[] = [];
    for (let i = 0; i < 10_000; i++) taken.push(await take());
    assert.equal(new Set(taken).size, 10_000);
    for (const code of taken) assert.match(code, /^[0-9]{4}$/);
    assert.equal(await take(), taken[0]);
    assert.equal(await take(), taken[1]);
    await codes.close();
  });
});

/** Takes codes, and writes a visitor online for each. */
async function giveCodes(store: VisitorStore, codes: LookupCodes, count: number, process: string) {
  const given: string[] = [];
  await until(() => {
    for (let code; given.length < count && (code = codes.take()) !== null;) given.push(code);
    return Promise.resolve(given.length === count);
  });
  const writes = given.map((lookup_code) => ({
    shortId: `${process} ${lookup_code}`,
    isNew: true,
    change: { lookup_code },
    isConnected: true,
  }));
  await store.writePresence(process, writes);
  return given;
}

Deno.test("Another process can give out returned codes, and many processes give out no code twice", async () => {
  await withStore(async (store) => {
    const clock = new ManualClock();
    const open = (holder: string) => {
      const codes = new LookupCodes({ store, holder, secret: "secret", log: quiet, clock });
      codes.start();
      return codes;
    };
    const first = open("first");
    const gone = await giveCodes(store, first, 5000, "first");
    await store.writePresence(
      "first",
      gone.slice(500).map((code) => ({
        shortId: `first ${code}`,
        isNew: false,
        change: {},
        isConnected: false,
      })),
    );
    for (const code of gone.slice(500)) first.giveBack(code);
    // The last code was given out longer ago than a lease.
    clock.advance(61_000);
    const others = Array.from({ length: 10 }, (_, i) => open(`process ${i}`));
    const given = gone.slice(0, 500);
    for (const [i, codes] of others.entries()) {
      given.push(...await giveCodes(store, codes, 500, `process ${i}`));
    }
    assert.equal(given.length, 5500);
    assert.equal(new Set(given).size, 5500);
    await Promise.all([first, ...others].map((codes) => codes.close()));
  });
});

Deno.test("Up to 10,000 visitors online at many processes each have a code of their own", async () => {
  await withStore(async (store) => {
    const clock = new ManualClock();
    const codes = new CodeBlocks("secret").all.toSorted(() => Math.random() - 0.5);
    const connect = (process: string, some: string[]) =>
      store.writePresence(
        process,
        some.map((lookup_code) => ({
          shortId: `${process} ${lookup_code}`,
          isNew: true,
          change: { lookup_code },
          isConnected: true,
        })),
      );
    const theirs = codes.slice(0, 9000);
    await connect("crowd", theirs);
    const given = new Set(theirs);
    // Each process keeps more codes ready than it needs, so that they have to share.
    const processes = Array.from({ length: 5 }, (_, i) => {
      const codes = new LookupCodes({ store, holder: `process ${i}`, secret: "secret", log: quiet, clock });
      codes.start();
      return { name: `process ${i}`, codes, count: 0 };
    });
    await until(async () => {
      for (const process of processes) {
        const some: string[] = [];
        for (let code; process.count < 200 && (code = process.codes.take()) !== null; process.count++) {
          assert.ok(!given.has(code), `${code} is somebody else's`);
          given.add(code);
          some.push(code);
        }
        if (some.length > 0) await connect(process.name, some);
      }
      clock.advance(500);
      return given.size === 10_000;
    });
    await Promise.all(processes.map(({ codes }) => codes.close()));
  });
});

Deno.test("The codes next to a visitor's code are in use no more often than by chance", () => {
  for (const secret of ["one", "another", "a third"]) {
    const blocks = new CodeBlocks(secret);
    assert.equal(new Set(blocks.all).size, 10_000);
    for (const count of [100, 5000]) {
      const online = new Set(blocks.all.slice(0, count).map(Number));
      const steps = Array.from({ length: 100 }, (_, i) => i + 1).concat([250, 400, 1000]);
      let met = 0;
      for (const code of online) for (const step of steps) if (online.has((code + step) % 10_000)) met++;
      const share = met / online.size / steps.length;
      assert.ok(Math.abs(share - count / 10_000) < 0.01, `${secret}: ${share} of ${count}`);
    }
  }
});

Deno.test("A code of a visitor online is given to nobody else, even if other software wrote it", async () => {
  await withStore(async (store) => {
    // Another process leases all blocks but two.
    for (let block = 2; block < BLOCKS; block++) {
      await store.takeLease(`lookup codes ${block} of ${BLOCKS}`, "other", 60_000);
    }
    const blocks = new CodeBlocks("secret");
    const own = [...blocks.of(0), ...blocks.of(1)];
    const had = own.slice(5, -5);
    await store.writePresence(
      "other software",
      had.map((lookup_code) => ({
        shortId: `v${lookup_code}`,
        isNew: true,
        change: { lookup_code },
        isConnected: true,
      })),
    );
    const codes = new LookupCodes({ store, holder: "a process", secret: "secret", log: quiet });
    codes.start();
    const taken = new Set<string>();
    await until(() => {
      for (let code; taken.size < 10 && (code = codes.take()) !== null;) taken.add(code);
      return taken.size === 10;
    });
    assert.deepEqual([...taken].sort(), [...own.slice(0, 5), ...own.slice(-5)].sort());
    assert.equal(codes.take(), null, "others have the rest, and no code is given twice");
    await codes.close();
  });
});

testInFolder("Writes that a database lost in an outage are written again", async (folder) => {
  const path = `${folder}/foyer.db`;
  const store = openSqliteStore(path, { ...PATIENT, busyMilliseconds: 20 });
  // This connection locks the file, so that nobody else can write.
  using rival = new DatabaseSync(path);
  try {
    const said: string[] = [];
    await using server = await servePresence(
      store,
      { OFFLINE_GRACE: "0" },
      (sentence) => void said.push(sentence),
    );
    const [stays, left] = [await server.enter(), await server.enter()];
    await left.close();
    const [{ process, id }] = await eventually(async () => {
      if ((await server.ask("/usage")).usage?.visitors.online_now !== 1) return undefined;
      const rows = rival.prepare("SELECT process, id FROM connection").all();
      return rows.length === 1 ? rows : undefined;
    });
    rival.exec("BEGIN IMMEDIATE");
    stays.send({ type: "page", url: "https://shop.example/next" });
    await eventually(() => said.some((sentence) => /is not written yet/.test(sentence)) || undefined);
    rival.exec("DELETE FROM connection");
    rival.prepare("INSERT INTO connection (process, id) SELECT ?, id FROM visitor WHERE id <> ?").run(
      process,
      id,
    );
    rival.exec("COMMIT");
    await eventually(async () => {
      const shortIds = [...(await store.connectedTo(String(process))).keys()];
      return shortIds.length === 1 && shortIds[0] === stays.shortId || undefined;
    });
    assert.equal((await server.find("online")).last_url, "https://shop.example/next");
    assert.notEqual(left.shortId, stays.shortId);
  } finally {
    await store.close();
  }
});

if (hasAllRights) {
  Deno.test("While the database is unavailable web pages stay connected, and their changes are written later", async () => {
    await using mongo = await startOwnMongo();
    const store = openMongoStore({ uri: mongo.uri, collection: "visitors", use: "request", log: quiet });
    try {
      await using server = await servePresence(store, {}, quiet);
      const [stays, goes] = [await server.enter(), await server.enter()];
      await eventually(async () =>
        (await server.ask("/usage")).usage?.visitors.online_now === 2 || undefined
      );
      await mongo.kill();
      const say = () => {
        stays.messages.length = 0;
        stays.send({ type: "page", url: "https://shop.example/meanwhile" });
        stays.update({ name: "Ada" });
        stays.update({ tags: ["#vip"] });
      };
      say();
      await goes.close();
      const comes = await server.enter();
      await new Promise((resolve) => setTimeout(resolve, 3000));
      assert.equal(stays.socket.readyState, WebSocket.OPEN);
      await mongo.restart();
      const visitor = await eventually(async () => {
        // A killed database may have lost acknowledged writes: then the page sends everything again, like the SDK.
        const welcome = stays.messages.find((message) => message.type === "welcome");
        if (welcome !== undefined) {
          stays.shortId = welcome.short_id;
          say();
        }
        return (await server.ask("/visitors/list/search?q=ada")).visitors?.[0];
      });
      assert.deepEqual(visitor.tags, ["#vip"]);
      assert.equal(visitor.last_url, "https://shop.example/meanwhile");
      const online = await eventually(async () => {
        const { visitors } = await server.ask("/visitors/list/latest");
        return visitors?.length === 2 ? visitors : undefined;
      });
      const shortIds = online.map(({ short_id }: { short_id: string }) => short_id);
      assert.deepEqual(shortIds.sort(), [stays.shortId, comes.shortId].sort());
    } finally {
      await store.close();
    }
  });
}
