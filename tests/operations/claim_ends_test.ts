import assert from "node:assert/strict";
import { startClaimEnds } from "../../src/operations/claim_ends.ts";
import { StoreUnavailable } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { appOver } from "../support/app.ts";
import { startCollections } from "../support/mongodb_collections.ts";
import { hasAllRights } from "../support/rights.ts";
import { type TwoStores, withTwoStores } from "../support/two_stores.ts";
import { until } from "../support/waiting.ts";

type OpenBoth = (work: (stores: TwoStores) => Promise<void>) => Promise<void>;

const SOON = { first: 0, interval: 10, retry: 10 };

function testClaimEnds(engine: string, openBoth: OpenBoth) {
  const test = (sentence: string, work: Parameters<OpenBoth>[0]) => {
    if (!hasAllRights) return;
    Deno.test({
      name: `${engine}: ${sentence}`,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () => openBoth(work),
    });
  };

  test("a claim expires on every process, even if the process that created it is gone", async ([store, gone]) => {
    await gone.putVisitors([readVisitor({ short_id: "ada", is_online: true })!]);
    const { ask, reads } = appOver(store);
    /** The agents in the list and in the visitor; the claim may end between the two reads. */
    const shown = async () => {
      const { visitors } = await (await ask("/api/visitors/list/latest")).json();
      const { visitor } = await (await ask("/api/visitors/ada")).json();
      return [visitors[0].claimed_by, visitor.claimed_by];
    };
    const claim = { agent: "Grace", until: new Date(Date.now() + 300), takesOver: false };
    await gone.claimVisitor("ada", claim);
    assert.deepEqual(await shown(), ["Grace", "Grace"]);
    await gone.close();
    const ends = startClaimEnds(store, assert.fail, { ...SOON, onEnded: reads.forget });
    try {
      await until(async () => (await shown()).every((agent) => agent === null));
      assert.ok(Date.now() >= claim.until.getTime());
    } finally {
      await ends.stop();
    }
  });

  test("if the database does not answer, the work is retried, and the failure is logged once", async ([store]) => {
    let asked = 0;
    const failing = new Proxy(store, {
      get: (target, name) =>
        name === "endClaims"
          ? () => Promise.reject(new StoreUnavailable(`gone for ${++asked > 0 ? "a while" : ""}`))
          : name === "isReady"
          ? () => true
          : Reflect.get(target, name, target),
    });
    const log: string[] = [];
    const ends = startClaimEnds(failing, (sentence) => log.push(sentence), SOON);
    await until(() => asked > 3);
    await ends.stop();
    assert.deepEqual(log, ["Agents' claims do not end yet: gone for a while"]);
  });
}

testClaimEnds("SQLite file", withTwoStores);

if (hasAllRights) {
  const { open, openIndexed } = await startCollections();
  testClaimEnds("MongoDB", async (work) => {
    await using one = await openIndexed();
    await using other = await open(one.collection.collectionName);
    await work([one.store, other.store]);
  });
}
