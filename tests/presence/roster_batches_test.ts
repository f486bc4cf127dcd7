import assert from "node:assert/strict";
import { Tokens } from "../../src/presence/identity.ts";
import type { LookupCodes } from "../../src/presence/lookup_codes.ts";
import { ProcessWatch } from "../../src/presence/process_watch.ts";
import { Roster, type RosterOptions } from "../../src/presence/roster.ts";
import type { PresenceWrite } from "../../src/store/visitor_store.ts";
import { ManualClock } from "../support/clock.ts";

const PAGE = { send: () => {}, admitNewVisitor: () => true };

/** Opens a registry over a store that takes `cost` milliseconds per visitor with claims; records each write. */
function open(cost = 0) {
  const clock = new ManualClock();
  const written: PresenceWrite[][] = [];
  const store = {
    heartbeat: () => Promise.resolve({ isNew: true, counts: new Map() }),
    connectedTo: () => Promise.resolve(new Map(written.flat().map(({ shortId }) => [shortId, true]))),
    onlineWithoutConnection: () => Promise.resolve([]),
    writePresence: (_process: string, writes: PresenceWrite[]) => {
      written.push(writes);
      clock.advance(cost * writes.filter(({ claims }) => claims !== null).length);
      return Promise.resolve(writes.map(() => ({ exists: true, lookupCode: null })));
    },
  } as unknown as RosterOptions["store"];
  const log = (sentence: string) => assert.fail(sentence);
  const roster = new Roster({
    store,
    watch: new ProcessWatch({ store, log, clock }),
    codes: { subscribe: () => {}, take: () => null, giveBack: () => {} } as unknown as LookupCodes,
    tokens: new Tokens(["secret"]),
    log,
    grace: 1000,
    most: 10_000,
    storesPages: true,
    siteKey: "site key",
    clock,
  });
  /** Moves the clock, and waits until the work that this starts has ended. */
  const pass = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 50) {
      clock.advance(50);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
  };
  return { roster, written, pass };
}

Deno.test("Claims of one visitor are written at once and then every few seconds; page views are not delayed", async () => {
  const { roster, written, pass } = open();
  const visitor = roster.enter({ ...PAGE }, null, {});
  roster.claim(visitor, { name: "0" });
  await pass(100);
  assert.equal(written.at(-1)![0].claims!.name, "0");
  written.length = 0;
  for (let i = 1; i <= 5; i++) {
    roster.claim(visitor, { name: `${i}`, integration_ids: [`crm:${i}`] });
    roster.showPage(visitor, `https://shop.example/${i}`);
    await pass(500);
  }
  assert.ok(written.flat().length >= 4, `${written.flat().length} writes`);
  for (const { claims } of written.flat()) assert.equal(claims, null);
  written.length = 0;
  await pass(1000);
  const claimed = written.flat().filter(({ claims }) => claims !== null);
  assert.deepEqual(claimed.map(({ claims }) => [claims!.name, claims!.integration_ids!.length]), [["5", 5]]);
  await roster.close();
});

Deno.test("Delayed claims are written when the last web page closes, and at a stop", async () => {
  for (const isStop of [true, false]) {
    const { roster, written, pass } = open();
    const page = { ...PAGE };
    const visitor = roster.enter(page, null, {});
    roster.claim(visitor, { name: "first" });
    await pass(100);
    roster.claim(visitor, { name: "last" });
    if (isStop) await roster.close();
    else {
      roster.leave(page, visitor);
      await pass(600);
    }
    assert.equal(written.flat().at(-1)!.claims!.name, "last");
    if (!isStop) await roster.close();
  }
});

Deno.test("Expensive claims of many visitors are written in small batches, after the cheap changes", async () => {
  const { roster, written, pass } = open(10);
  const visitors = Array.from({ length: 100 }, () => roster.enter({ ...PAGE }, null, {}));
  await pass(100);
  written.length = 0;
  const other = roster.enter({ ...PAGE }, null, {});
  for (const visitor of visitors) roster.claim(visitor, { name: "x" });
  roster.showPage(other, "https://shop.example/");
  await pass(600);
  assert.equal(written[0].length, 1);
  assert.equal(written[0][0].change.last_url, "https://shop.example/");
  const sizes = written.slice(1).map((writes) => writes.length);
  assert.ok(sizes.length > 2 && sizes.every((size) => size <= 4), sizes.join());
  await pass(10_000);
  const claimed = written.flat().filter(({ claims }) => claims !== null);
  assert.equal(new Set(claimed.map(({ shortId }) => shortId)).size, 100, "none is lost");
  await roster.close();
});
