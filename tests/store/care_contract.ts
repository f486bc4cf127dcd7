/**
 * What every store does with what it keeps of visitors online alone: who takes care of them, that they wait for a call,
 * and their last web pages.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { AgentClaim } from "../../src/store/agent_claim.ts";
import type { PresenceWrite, VisitorStore } from "../../src/store/visitor_store.ts";
import type { Visitor } from "../../src/visitor/visitor.ts";
import { caseOf, findAll, getVisitor, visitorOf } from "./contract.ts";

const SINCE = "2026-01-02T12:00:00.000Z";
const MINUTE = 60_000;

/** A claim that lasts for a number of minutes. */
const by = (agent: string, minutes = 5, takesOver = false): AgentClaim => ({
  agent,
  until: new Date(Date.now() + minutes * MINUTE),
  takesOver,
});

/** The end of a claim. */
const end = (agent: string): AgentClaim => ({ agent, until: null, takesOver: false });

const views = (...paths: string[]) =>
  paths.map((path, i) => ({ url: `https://acme.com${path}`, at: new Date(i * 1000).toISOString() }));

/** A presence write of a new visitor that waits for a call. */
const arrival = (shortId: string): PresenceWrite => ({
  shortId,
  isNew: true,
  change: { name: "Ada", is_waiting_for_call: true, waiting_since: SINCE, lookup_code: "4711" },
  isConnected: true,
  pages: views("/"),
});

const connection = (shortId: string, isConnected: boolean): PresenceWrite => ({
  shortId,
  isNew: false,
  change: {},
  isConnected,
});

const show = (shortId: string, ...paths: string[]): PresenceWrite => ({
  shortId,
  isNew: false,
  change: {},
  pages: views(...paths),
});

/** The state that is stored only while a visitor is online. */
async function careOf(store: VisitorStore, shortId: string) {
  const { claimed_by, is_waiting_for_call, waiting_since } = (await getVisitor(store, shortId))!;
  const pages = (await store.pagesOf(shortId))!.map(({ url }) => new URL(url).pathname);
  return { claimed_by, is_waiting_for_call, waiting_since, pages };
}

const KEPT = { claimed_by: "Grace", is_waiting_for_call: true, waiting_since: SINCE, pages: ["/"] };
const GONE = { claimed_by: null, is_waiting_for_call: false, waiting_since: null, pages: [] };

const claimedBy = async (store: VisitorStore, shortId: string) =>
  (await getVisitor(store, shortId))!.claimed_by;

/** Registers the contract for a store. */
export function testCareContract(...store: Parameters<typeof caseOf>) {
  const test = caseOf(...store);

  test("a visitor that has left its last process no longer waits, has no claim and no web pages", async (store) => {
    const ends: [sentence: string, leave: () => Promise<unknown>][] = [
      ["its page was closed", () => store.writePresence("p", [connection("ada", false)])],
      ["its process died", () => store.endConnections("p", 10)],
      ["it was removed, and came again", async () => {
        await store.removeVisitor("ada");
        await store.writePresence("p", [{ ...arrival("ada"), change: {}, pages: undefined }]);
      }],
      [
        "it asked for a call in the write by which it left",
        () => store.writePresence("p", [{ ...arrival("ada"), isNew: false, isConnected: false }]),
      ],
    ];
    for (const [sentence, leave] of ends) {
      await store.writePresence("p", [arrival("ada")]);
      assert.equal((await store.claimVisitor("ada", by("Grace")))?.refusal, null);
      assert.deepEqual(await careOf(store, "ada"), KEPT, sentence);
      await store.writePresence("q", [connection("ada", true)]);
      await store.writePresence("q", [connection("ada", false)]);
      assert.deepEqual(await careOf(store, "ada"), KEPT, "another process has it still");
      await leave();
      assert.deepEqual(await careOf(store, "ada"), GONE, sentence);
      assert.equal(await store.countWaiting(), 0);
      await store.writePresence("p", [connection("ada", true)]);
      assert.deepEqual(await careOf(store, "ada"), GONE, `${sentence}: it stays so`);
      assert.equal(await store.endClaims(new Date(Date.now() + 10 * MINUTE)), 0);
      await store.removeVisitor("ada");
    }
  });

  test("the result of a presence write says whether the visitor waits for a call", async (store) => {
    const written = async (write: PresenceWrite) => (await store.writePresence("p", [write]))[0].call;
    assert.deepEqual(await written(arrival("ada")), { isWaiting: true, since: SINCE });
    const nothing = { shortId: "ada", isNew: false, change: {} };
    assert.deepEqual(await written(nothing), { isWaiting: true, since: SINCE });
    const again = { is_waiting_for_call: true, waiting_since: "2026-02-02T12:00:00.000Z" };
    assert.deepEqual(await written({ ...nothing, change: again }), { isWaiting: true, since: SINCE });
    await store.updateVisitor("ada", { is_in_session: true });
    assert.deepEqual(await written(nothing), { isWaiting: false, since: null });
    assert.deepEqual(await written({ ...nothing, change: again }), { isWaiting: false, since: null });
    await store.updateVisitor("ada", { is_in_session: false });
    assert.deepEqual(await written(nothing), { isWaiting: false, since: null });
    assert.deepEqual(await written({ ...nothing, change: again }), {
      isWaiting: true,
      since: again.waiting_since,
    });
    assert.equal(await written({ ...nothing, shortId: "nobody" }), undefined);
  });

  test("the last ten web pages are stored in order, and sending them again changes nothing", async (store) => {
    await store.writePresence("p", [arrival("ada"), { ...arrival("bob"), pages: undefined }]);
    const paths = Array.from({ length: 13 }, (_, i) => `/${i}`);
    for (const _ of ["first", "second"]) {
      await store.writePresence("p", [show("ada", "/", ...paths)]);
      assert.deepEqual((await careOf(store, "ada")).pages, paths.slice(-10));
    }
    assert.deepEqual(await store.pagesOf("ada"), views("/", ...paths).slice(-10));
    const atOnce = ["/a", "/b"].map((path) => ({
      url: `https://acme.com${path}`,
      at: "2025-01-01T00:00:00.000Z",
    }));
    for (const _ of ["first", "second"]) {
      await store.writePresence("p", [{ ...show("bob"), pages: atOnce }]);
      assert.deepEqual(await store.pagesOf("bob"), atOnce);
    }
    await store.writePresence("p", [{ ...show("ada"), pages: [{ url: "https://acme.com/12", at: SINCE }] }]);
    assert.equal((await careOf(store, "ada")).pages.length, 10, "shown again, it stays one");
    assert.equal(await store.pagesOf("nobody"), null);
    assert.ok(!("pages" in (await getVisitor(store, "ada"))!));
    // An offline visitor has no web pages, even after a late write.
    await store.writePresence("p", [connection("ada", false)]);
    await store.writePresence("p", [show("ada", "/late")]);
    assert.deepEqual(await store.pagesOf("ada"), []);
  });

  test("only one of several agents can claim a visitor, renew the claim and end it, unless another takes the visitor over", async (store) => {
    await store.putVisitors([
      visitorOf({ short_id: "ada" }),
      visitorOf({ short_id: "away", is_online: false }),
    ]);
    const before = await getVisitor(store, "ada");
    const claim = async (request: AgentClaim, shortId = "ada") => {
      const { visitor, refusal } = (await store.claimVisitor(shortId, request))!;
      assert.deepEqual(visitor, await getVisitor(store, shortId));
      return refusal;
    };
    assert.equal(await claim(by("Grace")), null);
    assert.deepEqual(await getVisitor(store, "ada"), { ...before, claimed_by: "Grace" });
    assert.equal(await claim(by("Grace")), null, "renewed");
    assert.equal(await claim(by("Linus")), "claimed");
    assert.equal(await claim(end("Linus")), "claimed");
    assert.equal(await claimedBy(store, "ada"), "Grace");
    assert.equal(await claim(by("Linus", 5, true)), null);
    assert.equal(await claimedBy(store, "ada"), "Linus");
    assert.equal(await claim(end("Linus")), null);
    assert.equal(await claim(end("Linus")), null);
    assert.deepEqual(await getVisitor(store, "ada"), before);
    assert.equal(await claim(by("Grace"), "away"), "offline");
    assert.equal(await claim(end("Grace"), "away"), null);
    assert.equal(await store.claimVisitor("nobody", by("Grace")), null);
    assert.equal(await store.claimVisitor("nobody", end("Grace")), null);
    const agents = Array.from({ length: 8 }, (_, i) => `agent ${i}`);
    const results = await Promise.all(agents.map((agent) => store.claimVisitor("ada", by(agent))));
    const winners = agents.filter((_, i) => results[i]!.refusal === null);
    assert.deepEqual([await claimedBy(store, "ada")], winners, "of those who come at the same moment");
  });

  test("an empty claimed_by, which other software may write, blocks no claim", async (store) => {
    await store.putVisitors([visitorOf({ short_id: "ada", claimed_by: "" })]);
    assert.equal((await store.claimVisitor("ada", by("Grace")))?.refusal, null);
    assert.equal(await claimedBy(store, "ada"), "Grace");
  });

  test("a claim ends when it expires without a renewal, and another agent may claim the visitor at once", async (store) => {
    const shortIds = ["ada", "bob", "cid", "dan"];
    await store.putVisitors(shortIds.map((short_id) => visitorOf({ short_id })));
    for (const shortId of shortIds) await store.claimVisitor(shortId, by("Grace", 1));
    await store.claimVisitor("bob", by("Grace", 5));
    await store.claimVisitor("cid", end("Grace"));
    assert.equal(await store.endClaims(new Date()), 0);
    assert.equal(await store.endClaims(new Date(Date.now() + 2 * MINUTE)), 2);
    assert.deepEqual(await Promise.all(shortIds.map((shortId) => claimedBy(store, shortId))), [
      null,
      "Grace",
      null,
      null,
    ]);
    assert.equal(await store.endClaims(new Date(Date.now() + 6 * MINUTE)), 1);
    assert.equal(await claimedBy(store, "bob"), null);
    // The claim has expired, but no process has ended it yet.
    await store.claimVisitor("ada", by("Grace", -1));
    assert.equal((await store.claimVisitor("ada", by("Linus")))?.refusal, null);
    assert.equal(await store.endClaims(new Date()), 0);
    assert.equal(await claimedBy(store, "ada"), "Linus");
  });

  test("a change does not touch the claim, and a claim touches nothing else, even at the same time", async (store) => {
    await store.writePresence("p", [arrival("ada")]);
    for (let round = 0; round < 8; round++) {
      await Promise.all([
        store.updateVisitor("ada", { nickname: `nick ${round}` }),
        store.claimVisitor("ada", by(`agent ${round}`, 5, true)),
        store.writePresence("p", [{ ...show("ada", `/${round}`), change: { last_url: `/${round}` } }]),
        store.updateVisitor("ada", { is_waiting_for_call: round % 2 === 0 }),
      ]);
      const { nickname, claimed_by, last_url, is_waiting_for_call } = (await getVisitor(store, "ada"))!;
      assert.deepEqual([nickname, claimed_by, last_url, is_waiting_for_call], [
        `nick ${round}`,
        `agent ${round}`,
        `/${round}`,
        round % 2 === 0,
      ]);
    }
    const ended = await Promise.all([
      store.updateVisitor("ada", { is_in_session: true }),
      store.updateVisitor("ada", { is_waiting_for_call: true }),
    ]);
    assert.ok(ended[0]!.is_in_session);
    const { is_in_session, is_waiting_for_call, waiting_since } = (await getVisitor(store, "ada"))!;
    assert.deepEqual([is_in_session, is_waiting_for_call, waiting_since], [true, false, null]);
  });

  test("an import leaves the claim, the call and the web pages of connected visitors alone", async (store) => {
    await store.writePresence("p", [arrival("ada")]);
    await store.claimVisitor("ada", by("Grace"));
    const copies: Partial<Visitor>[] = [
      {},
      { claimed_by: "Linus", is_waiting_for_call: false, waiting_since: null },
      { is_in_session: true },
      { is_online: false, last_url: "https://acme.com/older" },
    ];
    for (const copy of copies) {
      await store.putVisitors([visitorOf({ short_id: "ada", nickname: "A", ...copy })]);
      assert.deepEqual(await careOf(store, "ada"), KEPT, JSON.stringify(copy));
      assert.equal((await getVisitor(store, "ada"))!.nickname, "A");
    }
    assert.equal(await store.endClaims(new Date(Date.now() + 6 * MINUTE)), 1);
  });

  test("an imported claim lasts as long as any other, and does not replace an existing claim", async (store) => {
    const imported = visitorOf({ short_id: "ada", claimed_by: "Grace" });
    await store.putVisitors([imported]);
    assert.deepEqual(await getVisitor(store, "ada"), imported);
    assert.equal((await store.claimVisitor("ada", by("Linus")))?.refusal, "claimed");
    await store.claimVisitor("ada", by("Linus", 5, true));
    for (const claimed_by of ["Grace", null]) {
      await store.putVisitors([visitorOf({ short_id: "ada", claimed_by })]);
      assert.equal(await claimedBy(store, "ada"), "Linus");
    }
    await store.putVisitors([visitorOf({ short_id: "ada", is_online: false })]);
    assert.equal(await claimedBy(store, "ada"), null, "nobody's while it is offline");
    await store.putVisitors([visitorOf({ short_id: "bob", claimed_by: "Grace" })]);
    assert.ok(await store.endClaims(new Date(Date.now() + 6 * MINUTE)) >= 1);
    assert.equal(await claimedBy(store, "bob"), null);
  });

  test("after events in any order, calls and claims are as the last event of each says", async (store) => {
    type Model = Pick<Visitor, "is_online" | "is_in_session" | "is_waiting_for_call" | "claimed_by">;
    const steps: Record<string, { do: () => Promise<unknown>; then: (model: Model) => void }> = {
      connect: {
        do: () => store.writePresence("p", [connection("ada", true)]),
        then: (model) => model.is_online = true,
      },
      leave: {
        do: () => store.writePresence("p", [connection("ada", false)]),
        then: (model) =>
          Object.assign(model, { is_online: false, is_waiting_for_call: false, claimed_by: null }),
      },
      request: {
        do: () => store.updateVisitor("ada", { is_waiting_for_call: true }),
        then: (model) => model.is_waiting_for_call = !model.is_in_session,
      },
      cancel: {
        do: () => store.updateVisitor("ada", { is_waiting_for_call: false }),
        then: (model) => model.is_waiting_for_call = false,
      },
      session: {
        do: () => store.updateVisitor("ada", { is_in_session: true }),
        then: (model) => Object.assign(model, { is_in_session: true, is_waiting_for_call: false }),
      },
      end: {
        do: () => store.updateVisitor("ada", { is_in_session: false }),
        then: (model) => model.is_in_session = false,
      },
      claim: {
        do: () => store.claimVisitor("ada", by("Grace")),
        then: (model) => model.claimed_by = model.is_online ? model.claimed_by ?? "Grace" : null,
      },
      take: {
        do: () => store.claimVisitor("ada", by("Linus", 5, true)),
        then: (model) => model.claimed_by = model.is_online ? "Linus" : null,
      },
      release: {
        do: () => store.claimVisitor("ada", end("Grace")),
        then: (model) => model.claimed_by = model.claimed_by === "Grace" ? null : model.claimed_by,
      },
    };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 14 }),
        async (names) => {
          await store.removeVisitor("ada");
          await store.putVisitors([visitorOf({ short_id: "ada", is_online: false })]);
          const model: Model = {
            is_online: false,
            is_in_session: false,
            is_waiting_for_call: false,
            claimed_by: null,
          };
          for (const name of names) {
            await steps[name].do();
            steps[name].then(model);
            const visitor = (await getVisitor(store, "ada"))!;
            const { is_online, is_in_session, is_waiting_for_call, claimed_by } = visitor;
            assert.deepEqual(
              { is_online, is_in_session, is_waiting_for_call, claimed_by },
              model,
              `${names}`,
            );
            assert.equal(visitor.waiting_since !== null, is_waiting_for_call);
          }
          assert.equal(await store.countWaiting(), Number(model.is_online && model.is_waiting_for_call));
          assert.deepEqual(await findAll(store, "online"), model.is_online ? ["ada"] : []);
        },
      ),
      { numRuns: 25, seed: 5, endOnFailure: true },
    );
  });
}
