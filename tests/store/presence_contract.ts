/**
 * What every store does with what a process writes of a visitor while its web pages come, say something and go.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { caseOf, findAll, getVisitor, visitorOf } from "./contract.ts";
import { ADA, arrival, connect, isOnline, leave, SEEN, update, write, writeAll } from "./presence_writes.ts";

/** Searches that find the visitor of {@link ADA} while it is online. */
const FINDS_ADA = [
  "",
  "ada",
  "lovelace",
  "ada@acme.com",
  "#vip",
  "id:user-1",
  "ip:192.0.2.7",
  "integration_id:crm:1",
  "url:pricing",
  "4711",
  "4711 #vip",
  "4711 #vip online",
];

/** Registers the contract for a store. */
export function testPresenceContract(...store: Parameters<typeof caseOf>) {
  const test = caseOf(...store);

  test("a visitor that connects is online, and found by everything that its web page says", async (store) => {
    assert.deepEqual(await writeAll(store, "p", []), []);
    await write(store, "p", arrival("ada"));
    const expected = readVisitor({ short_id: "ada", ...ADA, is_online: true });
    assert.deepEqual(await getVisitor(store, "ada"), expected);
    for (const q of FINDS_ADA) assert.deepEqual(await findAll(store, q), ["ada"], q);
    assert.equal(await store.countOnline(), 1);
    // The same write again, as after a lost reply.
    await write(store, "p", arrival("ada"));
    assert.deepEqual(await getVisitor(store, "ada"), expected);
    assert.deepEqual((await Array.fromAsync(store.allVisitors())).length, 1);
  });

  test("a page view changes the URL, and no index key of another attribute", async (store) => {
    await write(store, "p", arrival("ada"));
    const view = { last_url: "https://shop.example.com/cart", last_seen_at: "2026-01-02T12:00:05.000Z" };
    for (const _ of ["first", "second"]) {
      await write(store, "p", update("ada", view));
      assert.deepEqual(
        await getVisitor(store, "ada"),
        readVisitor({ short_id: "ada", ...ADA, ...view, is_online: true }),
      );
      for (const q of FINDS_ADA) {
        assert.deepEqual(await findAll(store, q), q === "url:pricing" ? [] : ["ada"], q);
      }
      assert.deepEqual(await findAll(store, "url:cart"), ["ada"]);
    }
  });

  test("a visitor whose page says something new is found by that, and no longer by what it said before", async (store) => {
    await write(store, "p", arrival("ada"));
    const change = {
      name: "Grace Hopper",
      identities: ["grace@navy.mil"],
      email: null,
      unique_id: null,
      tags: ["#new"],
      lookup_code: "0815",
      integration_ids: [],
      metadata: {},
    };
    for (const _ of ["first", "second"]) {
      await write(store, "p", update("ada", change));
      const expected = readVisitor({ short_id: "ada", ...ADA, ...change, is_online: true });
      assert.deepEqual(await getVisitor(store, "ada"), expected);
      for (const q of ["hopper", "grace@navy.mil", "#new", "0815", "0815 #new", "url:pricing"]) {
        assert.deepEqual(await findAll(store, q), ["ada"], q);
      }
      for (
        const q of [
          "lovelace",
          "ada@acme.com",
          "#vip",
          "4711",
          "id:user-1",
          "integration_id:crm:1",
          "4711 #new",
        ]
      ) {
        assert.deepEqual(await findAll(store, q), [], q);
      }
    }
  });

  test("claims are applied to the visitor as it is at the time of the write", async (store) => {
    const claims = { integration_ids: ["chat:2"], identities: ["Ada", "b@acme.com"] };
    await write(store, "p", { ...arrival("ada"), claims: { identities: ["a@acme.com"] } });
    assert.equal((await getVisitor(store, "ada"))?.email, "a@acme.com");
    await store.updateVisitor("ada", { integration_ids: ["crm:1"] });
    for (const _ of ["first", "second"]) {
      await write(store, "p", { ...update("ada", { unique_id: "2" }), claims });
      const { integration_ids, email, is_online, unique_id } = (await getVisitor(store, "ada"))!;
      assert.deepEqual({ integration_ids, email, is_online, unique_id }, {
        integration_ids: ["crm:1", "chat:2"],
        email: "b@acme.com",
        is_online: true,
        unique_id: "2",
      });
      assert.deepEqual(await findAll(store, "b@acme.com"), ["ada"]);
      assert.deepEqual(await findAll(store, "integration_id:chat:2"), ["ada"]);
      assert.deepEqual(await findAll(store, "a@acme.com"), []);
    }
    // A write that only closes the last page.
    await write(store, "p", { ...leave("ada", {}), claims });
    assert.equal(await isOnline(store, "ada"), false);
    await write(store, "p", { ...connect("ada"), claims: {} });
    assert.equal(await isOnline(store, "ada"), true);
  });

  test("a visitor that is online keeps its lookup code, and any other gets the offered one", async (store) => {
    const offer = async (shortId: string, offeredCode: string | null, isNew = false) => {
      const [{ call: _, ...result }] = await store.writePresence("p", [
        { ...connect(shortId), isNew, offeredCode },
      ]);
      const stored = (await getVisitor(store, shortId))?.lookup_code ?? null;
      assert.deepEqual(result, { exists: stored !== null || offeredCode === null, lookupCode: stored });
      return stored;
    };
    assert.equal(await offer("ada", "4711", true), "4711");
    assert.equal(await offer("ada", "4712"), "4711");
    assert.equal(await offer("ada", null), "4711");
    await write(store, "p", leave("ada", {}));
    assert.equal(await offer("ada", "4713"), "4713");
    assert.deepEqual(await store.writePresence("p", [{ ...connect("nobody"), offeredCode: "4714" }]), [
      { exists: false, lookupCode: null },
    ]);
    assert.deepEqual(await findAll(store, "4711"), []);
    assert.deepEqual(await findAll(store, "4713"), ["ada"]);
  });

  test("nothing is written for a visitor that does not exist, and a removed one is created again only with isNew", async (store) => {
    const claims = { name: "Claimed" };
    const writes = [
      update("view", { last_seen_at: SEEN }),
      update("searched", { name: "Ada" }),
      { ...update("claimed", {}), claims },
      update("nothing", {}),
      connect("connecting"),
      connect("connecting-and-more", ADA),
      leave("leaving"),
      leave("leaving-and-more", ADA),
      arrival("new"),
      connect("there", { last_seen_at: SEEN }),
    ];
    await write(store, "p", arrival("there"));
    for (const _ of ["first", "second"]) {
      const results = await writeAll(store, "p", writes);
      assert.deepEqual(
        results,
        writes.map(({ shortId }) => ["new", "there"].includes(shortId)),
      );
      assert.deepEqual((await findAll(store, "online")).sort(), ["new", "there"]);
      assert.deepEqual(await findAll(store, "-online"), []);
    }
    assert.equal(await store.removeVisitor("there"), true);
    assert.deepEqual(await writeAll(store, "p", writes.slice(-1)), [false]);
    assert.equal(await getVisitor(store, "there"), null);
    assert.equal(await store.endConnections("p", 10), 1, "with a visitor its connections are gone");
    await write(store, "p", arrival("there", { name: "Anew" }));
    assert.deepEqual(
      await getVisitor(store, "there"),
      readVisitor({ short_id: "there", name: "Anew", is_online: true }),
    );
  });

  test("a new visitor that has disconnected already is created, and is offline", async (store) => {
    await write(store, "p", { ...leave("left", ADA), isNew: true });
    await write(store, "p", update("other", { name: "Ada" }, true));
    assert.deepEqual((await findAll(store, "ada -online")).sort(), ["left", "other"]);
    assert.equal((await getVisitor(store, "left"))?.lookup_code, null);
    assert.equal(await store.countOnline(), 0);
  });

  test("is_online that other software wrote stays, unless a connection changes it", async (store) => {
    await write(store, "p", arrival("ada"));
    await store.updateVisitor("ada", { is_online: false });
    await write(store, "p", update("ada", { last_seen_at: "2026-01-02T13:00:00.000Z" }));
    assert.equal(await isOnline(store, "ada"), false);
    await write(store, "p", connect("ada", { is_online: false }));
    assert.equal(await isOnline(store, "ada"), true, "the connection tells");
    await write(store, "p", leave("ada", { is_online: true }));
    assert.equal(await isOnline(store, "ada"), false);
  });

  test("an import of connected visitors leaves them online, with their lookup codes", async (store) => {
    const copies = (await Promise.all(["here", "left", "other"].map(async (shortId) => {
      await write(store, "p", arrival(shortId));
      return (await getVisitor(store, shortId))!;
    }))).map((visitor) => ({ ...visitor, name: "Copy", lookup_code: "0001" }));
    await write(store, "p", leave("left"), leave("other"));
    for (const is_online of [false, true]) {
      assert.deepEqual(await store.putVisitors(copies.map((copy) => ({ ...copy, is_online }))), []);
      const [here, left] = await Promise.all(["here", "left"].map((id) => getVisitor(store, id)));
      assert.deepEqual(here, { ...copies[0], is_online: true, lookup_code: "4711" });
      assert.deepEqual(left, { ...copies[1], is_online }, "of others is taken what the copy says");
      assert.equal(await isOnline(store, "here"), true);
      assert.deepEqual(await findAll(store, "4711"), ["here"]);
      assert.deepEqual((await findAll(store, "copy")).sort(), ["here", "left", "other"]);
    }
    await store.putVisitors(copies.map((copy) => ({ ...copy, is_online: false, lookup_code: null })));
    assert.equal(await store.removeOffline(null, 10), 2);
    await write(store, "p", leave("here"));
    assert.equal(await isOnline(store, "here"), false);
    assert.deepEqual(await findAll(store, "4711"), []);
    await store.putVisitors([{ ...copies[0], is_online: false, lookup_code: null }]);
    await write(store, "p", connect("here", { lookup_code: "0002" }));
    assert.deepEqual(await findAll(store, "0002"), ["here"]);
  });

  test("imports while visitors connect and disconnect end no connection", async (store) => {
    const names = Array.from({ length: 20 }, (_, i) => `v${i}`);
    await writeAll(store, "p", names.map((shortId) => arrival(shortId)));
    const copies = names.map((shortId) => visitorOf({ short_id: shortId, name: "Copy", is_online: false }));
    for (let round = 0; round < 6; round++) {
      const isConnected = round % 2 === 1;
      await Promise.all([
        store.putVisitors(copies),
        writeAll(store, "p", names.map((shortId) => ({ shortId, isNew: true, change: {}, isConnected }))),
      ]);
      assert.deepEqual((await findAll(store, "online")).sort(), isConnected ? names.toSorted() : []);
    }
    assert.equal((await Array.fromAsync(store.allVisitors())).length, 20);
  });

  test("writes of the API and of a page at the same time are both kept", async (store) => {
    await write(store, "p", arrival("ada"));
    for (let round = 0; round < 10; round++) {
      await Promise.all([
        store.updateVisitor("ada", { nickname: `nick${round}` }),
        write(store, "p", {
          ...update("ada", { name: `Ada ${round}`, last_url: `/p${round}` }),
          claims: { integration_ids: ["crm:1"] },
        }),
        store.updateVisitor("ada", { call_name: `call${round}` }),
        write(store, "q", connect("ada", { last_seen_at: SEEN })),
      ]);
      const { nickname, call_name, name, last_url, integration_ids } = (await getVisitor(store, "ada"))!;
      assert.deepEqual([nickname, call_name, name, last_url, integration_ids], [
        `nick${round}`,
        `call${round}`,
        `Ada ${round}`,
        `/p${round}`,
        ["crm:1"],
      ]);
      for (const q of [nickname!, call_name!, `"${name}"`, "integration_id:crm:1"]) {
        assert.deepEqual(await findAll(store, q), ["ada"], q);
      }
    }
  });

  test("a page that connects again undoes nothing that the API writes at the same time", async (store) => {
    await write(store, "p", arrival("ada"));
    for (let round = 0; round < 10; round++) {
      const name = `Countess ${round}`;
      const before = (await getVisitor(store, "ada"))!;
      // The page repeats its claims, while it is unknown whether the API's change comes before or after them.
      await Promise.all([
        store.updateVisitor("ada", { name }),
        write(
          store,
          `p${round}`,
          connect("ada", { email: before.email, tags: before.tags, last_seen_at: SEEN }),
        ),
      ]);
      assert.deepEqual(await findAll(store, `"${name}" #vip ada@acme.com online`), ["ada"]);
      const { name: found } = (await getVisitor(store, "ada"))!;
      await Promise.all([
        store.updateVisitor("ada", { name: `Duchess ${round}` }),
        write(store, "q", connect("ada", { name: found, last_url: `/${round}` })),
      ]);
      const { name: last } = (await getVisitor(store, "ada"))!;
      assert.deepEqual(await findAll(store, `"${last}"`), ["ada"], "it is found by the name it has");
    }
  });

  test("many visitors are written in one call, and other calls are answered meanwhile", async (store) => {
    const writes = Array.from({ length: 300 }, (_, i) => arrival(`v${i}`, { name: `Name${i}` }));
    let isWritten = false;
    const writing = writeAll(store, "p", writes).then((areThere) => {
      isWritten = true;
      return areThere;
    });
    let answers = 0;
    while (!isWritten) {
      await getVisitor(store, "v0");
      answers++;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assert.ok((await writing).every((isThere) => isThere));
    assert.ok(answers > 2, `${answers}`);
    assert.equal(await store.countOnline(), 300);
    const gone = writes.filter((_, i) => i % 7 === 0);
    for (const { shortId } of gone) await store.removeVisitor(shortId);
    const areThere = await writeAll(store, "p", writes.map(({ shortId }) => leave(shortId)));
    assert.deepEqual(areThere, writes.map((_, i) => i % 7 !== 0));
    assert.equal(await store.countOnline(), 0);
  });
}
