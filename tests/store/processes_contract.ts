/**
 * What every store knows of processes: who is connected to which, whose connections end when one has died, their
 * heartbeats and leases, and the lookup codes that they may not give again.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { caseOf, findAll, getVisitor, visitorOf } from "./contract.ts";
import { ADA, arrival, connect, isOnline, leave, SEEN, write, writeAll } from "./presence_writes.ts";

/** Registers the contract for a store. */
export function testProcessesContract(...store: Parameters<typeof caseOf>) {
  const test = caseOf(...store);

  test("a visitor that is connected to two processes is online until both connections end", async (store) => {
    await write(store, "p", arrival("ada"));
    await write(store, "q", connect("ada"));
    const lastSeen = { last_seen_at: "2026-01-02T13:00:00.000Z" };
    for (const _ of ["first", "second"]) {
      await write(store, "p", leave("ada", lastSeen));
      assert.equal(await isOnline(store, "ada"), true);
      assert.deepEqual(await findAll(store, "4711"), ["ada"]);
    }
    for (const _ of ["first", "second"]) {
      await write(store, "q", leave("ada", { name: "Ada, who left" }));
      assert.deepEqual(
        await getVisitor(store, "ada"),
        readVisitor({
          short_id: "ada",
          ...ADA,
          ...lastSeen,
          name: "Ada, who left",
          lookup_code: null,
          is_online: false,
        }),
      );
      assert.equal(await isOnline(store, "ada"), false);
      for (const q of ["4711", "4711 #vip", "4711 online"]) assert.deepEqual(await findAll(store, q), [], q);
      assert.deepEqual(await findAll(store, "left #vip"), ["ada"]);
    }
    await write(store, "q", connect("ada", { lookup_code: "0001" }));
    assert.deepEqual(await findAll(store, "0001 #vip"), ["ada"]);
  });

  test("ending a process's connections ends none of other processes, and makes no other visitor offline", async (store) => {
    await store.putVisitors([visitorOf({ short_id: "imported", lookup_code: "1111" })]);
    const names = Array.from({ length: 12 }, (_, i) => `v${String(i).padStart(2, "0")}`);
    await writeAll(store, "dead", names.map((shortId) => arrival(shortId)));
    await writeAll(store, "alive", [
      ...names.slice(0, 3).map((shortId) => connect(shortId)),
      arrival("w"),
    ]);
    assert.equal(await store.endConnections("nobody", 100), 0);
    assert.deepEqual([...(await store.connectedTo("dead")).keys()].sort(), names);
    assert.deepEqual([...(await store.connectedTo("nobody")).keys()], []);
    let ended = 0;
    for (let count; (count = await store.endConnections("dead", 5)) > 0;) {
      assert.ok(count <= 5, `${count}`);
      ended += count;
    }
    assert.equal(ended, 12);
    assert.deepEqual([...(await store.connectedTo("dead")).keys()], []);
    assert.deepEqual([...(await store.connectedTo("alive")).keys()].sort(), [...names.slice(0, 3), "w"]);
    assert.deepEqual((await findAll(store, "online")).sort(), ["imported", ...names.slice(0, 3), "w"]);
    assert.deepEqual(await findAll(store, "1111"), ["imported"]);
    assert.deepEqual((await findAll(store, "4711")).sort(), [...names.slice(0, 3), "w"]);
    assert.deepEqual((await findAll(store, "ada -online")).sort(), names.slice(3));
    await writeAll(store, "alive", names.slice(0, 3).map((shortId) => leave(shortId)));
    assert.deepEqual((await findAll(store, "online")).sort(), ["imported", "w"]);
  });

  test("web SDK visitors that are online without a connection are listed, and no others", async (store) => {
    const sdk = { api_key: "site key", sdk: "web 1.0.0", is_online: true };
    await store.putVisitors([
      visitorOf({ short_id: "restored", ...sdk, lookup_code: "4711" }),
      visitorOf({ short_id: "n\0ul", ...sdk, last_seen_at: "unreadable" }),
      visitorOf({ short_id: "offline", ...sdk, is_online: false }),
      visitorOf({ short_id: "other-site", ...sdk, api_key: "other key" }),
      visitorOf({ short_id: "other-software", ...sdk, sdk: null }),
    ]);
    await write(store, "p", arrival("here", { api_key: "site key", sdk: "web 1.0.0" }));
    assert.deepEqual((await store.onlineWithoutConnection("site key")).sort(), ["n\0ul", "restored"]);
    assert.deepEqual(await store.connectedTo("p"), new Map([["here", true]]));
    await write(store, "p", leave("restored"), leave("n\0ul"));
    assert.deepEqual(await store.onlineWithoutConnection("site key"), []);
    assert.deepEqual(await findAll(store, "4711"), []);
    assert.deepEqual((await findAll(store, "online")).sort(), ["here", "other-site", "other-software"]);
    await store.updateVisitor("here", { is_online: false });
    assert.deepEqual(await store.connectedTo("p"), new Map([["here", false]]));
    assert.deepEqual(await store.onlineWithoutConnection("site key"), []);
  });

  test("all processes with connections are listed, registered or not", async (store) => {
    assert.deepEqual(await store.connectedProcesses(), []);
    await store.heartbeat("p", 1);
    await store.heartbeat("nobody's", 1);
    await write(store, "p", arrival("a"), arrival("b"));
    await write(store, "q", connect("b"), arrival("c"));
    assert.deepEqual((await store.connectedProcesses()).sort(), ["p", "q"]);
    await write(store, "q", leave("b"), leave("c"));
    assert.deepEqual(await store.connectedProcesses(), ["p"]);
  });

  test("a visitor that connects elsewhere while a dead process's connections are ended stays online", async (store) => {
    const names = Array.from({ length: 20 }, (_, i) => `v${i}`);
    await writeAll(store, "dead", names.map((shortId) => arrival(shortId)));
    await Promise.all([
      (async () => {
        while (await store.endConnections("dead", 3) > 0);
      })(),
      ...names.map(async (shortId) => {
        await write(store, "alive", connect(shortId));
        await write(store, "alive", connect(shortId, { lookup_code: "0001" }));
      }),
    ]);
    assert.deepEqual((await findAll(store, "0001 online")).sort(), names.toSorted());
    assert.equal(await store.endConnections("dead", 100), 0);
    assert.equal(await store.endConnections("alive", 100), 20);
    assert.equal(await store.countOnline(), 0);
  });

  test("after concurrent writes of several processes, the last write of each has its effect", async (store) => {
    const processes = ["p", "q", "r", "s"];
    await write(store, "p", arrival("ada"), leave("ada"));
    for (let round = 0; round < 12; round++) {
      await Promise.all(processes.map(async (process, i) => {
        for (let step = 0; step < 3; step++) {
          const isConnected = step === 2 ? (round >> i) % 2 === 1 : (round + step + i) % 2 === 0;
          const change = step === 1 ? { name: `Ada ${process}${round}` } : { last_seen_at: SEEN };
          await write(store, process, { shortId: "ada", isNew: false, change, isConnected });
        }
      }));
      assert.equal(await isOnline(store, "ada"), round !== 0, `round ${round}`);
      await Promise.all(processes.map((process) => write(store, process, leave("ada"))));
      assert.equal(await isOnline(store, "ada"), false, `round ${round}`);
    }
  });

  test("a visitor that several processes create at once is one visitor, connected to all of them", async (store) => {
    const names = Array.from({ length: 20 }, (_, i) => `v${i}`);
    const processes = ["p", "q", "r"];
    await Promise.all(processes.map(async (process) => {
      const areThere = await writeAll(store, process, names.map((shortId) => arrival(shortId)));
      assert.ok(areThere.every((isThere) => isThere));
    }));
    for (const process of processes) {
      assert.deepEqual((await findAll(store, "")).sort(), names.toSorted());
      for (const shortId of names) assert.ok(await isOnline(store, shortId));
      await writeAll(store, process, names.map((shortId) => leave(shortId)));
    }
    assert.deepEqual(await findAll(store, ""), []);
  });

  test("processes see each other's heartbeats, and a forgotten one gets isNew once", async (store) => {
    assert.deepEqual(await store.heartbeat("p", 1), { isNew: true, counts: new Map() });
    assert.deepEqual(await store.heartbeat("p", 2), { isNew: false, counts: new Map() });
    assert.deepEqual(await store.heartbeat("q", 1), { isNew: true, counts: new Map([["p", 2]]) });
    assert.deepEqual(await store.heartbeat("p", 3), { isNew: false, counts: new Map([["q", 1]]) });
    await store.forgetProcess("p");
    await store.forgetProcess("p");
    assert.deepEqual(await store.heartbeat("q", 2), { isNew: false, counts: new Map() });
    assert.deepEqual(await store.heartbeat("p", 4), { isNew: true, counts: new Map([["q", 2]]) });
    assert.deepEqual(await store.heartbeat("p", 5), { isNew: false, counts: new Map([["q", 2]]) });
    // Forgetting a process does not affect leases.
    assert.ok(await store.takeLease("process r", "holder", 60_000));
    assert.deepEqual((await store.heartbeat("p", 6)).counts, new Map([["q", 2]]));
  });

  test("a released lease is free, and no process can release another's", async (store) => {
    await store.releaseLease("work", "a");
    assert.ok(await store.takeLease("work", "a", 60_000));
    await store.releaseLease("work", "b");
    await store.releaseLease("other work", "a");
    assert.equal(await store.takeLease("work", "b", 60_000), false);
    await store.releaseLease("work", "a");
    assert.ok(await store.takeLease("work", "b", 60_000));
  });

  test("only lookup codes of visitors online are in use", async (store) => {
    assert.deepEqual(await store.lookupCodesInUse([]), new Set());
    await store.putVisitors([
      visitorOf({ short_id: "imported", lookup_code: "0001" }),
      visitorOf({ short_id: "offline", lookup_code: "0002", is_online: false }),
      visitorOf({ short_id: "0006" }),
    ]);
    await write(
      store,
      "p",
      arrival("here", { lookup_code: "0003" }),
      arrival("left", { lookup_code: "0004" }),
    );
    await write(store, "p", leave("left"));
    const codes = Array.from({ length: 10_000 }, (_, i) => String(i).padStart(4, "0"));
    assert.deepEqual([...await store.lookupCodesInUse(codes)].sort(), ["0001", "0003"]);
    assert.deepEqual(await store.lookupCodesInUse(["0002", "0004", "0005"]), new Set());
  });
}
