import assert from "node:assert/strict";
import type { Visitor, VisitorChange } from "../../src/visitor/visitor.ts";
import type { Environment } from "../support/app.ts";
import { startCollections } from "../support/mongodb_collections.ts";
import { eventually, GRACE, servePresence, type TestPage } from "../support/presence.ts";
import { hasAllRights } from "../support/rights.ts";
import { type TwoStores, withTwoStores } from "../support/two_stores.ts";
import { until } from "../support/waiting.ts";

/** Longer than the interval at which waiting visitors are read, in milliseconds. */
const LOOK = 2500;

/** Changes a visitor in the database directly, like other software. */
type WriteDirectly = (shortId: string, fields: VisitorChange) => Promise<void>;

interface Stores {
  stores: TwoStores;
  writeDirectly: WriteDirectly;
}

type Server = Awaited<ReturnType<typeof servePresence>>;

async function overFile(work: (stores: Stores) => Promise<void>) {
  await withTwoStores(async (stores) => {
    // Only Foyer writes the embedded store's file, so there is no other software to imitate.
    const writeDirectly: WriteDirectly = async (shortId, fields) => {
      await stores[1].updateVisitor(shortId, fields);
    };
    await work({ stores, writeDirectly });
  });
}

async function patch(server: Server, shortId: string, change: VisitorChange): Promise<Visitor> {
  const answer = await server.ask(`/visitors/${shortId}`, {
    method: "PATCH",
    headers: { Authorization: "write key" },
    body: JSON.stringify(change),
  });
  assert.equal(answer.status, "ok");
  return answer.visitor;
}

const get = async (server: Server, shortId: string): Promise<Visitor> =>
  (await server.ask(`/visitors/${shortId}`)).visitor;

const waiting = async (server: Server) => (await server.ask("/usage")).usage.waiting;

/** Opens a web page whose visitor waits for a call. */
async function enterWaiting(server: Server) {
  const page = await server.enter();
  page.send({ type: "call", is_waiting: true });
  const call = await page.next("call");
  assert.equal(call.is_waiting, true);
  return { page, since: call.since! };
}

/** Waits until a web page receives that its visitor no longer waits. */
async function untilWaitEnds(server: Server, page: TestPage) {
  let call;
  do {
    server.clock.skip(LOOK);
    call = await page.next("call");
  } while (call.is_waiting);
  assert.equal(call.since, null);
}

function testCalls(engine: string, open: (work: (stores: Stores) => Promise<void>) => Promise<void>) {
  const test = (
    sentence: string,
    work: (server: Server, stores: Stores) => Promise<void>,
    environment: Environment = {},
  ) => {
    if (!hasAllRights) return;
    Deno.test({
      name: `${engine}: ${sentence}`,
      sanitizeOps: false,
      sanitizeResources: false,
      fn: () =>
        open(async (stores) => {
          await using server = await servePresence(stores.stores[0], environment);
          await work(server, stores);
        }),
    });
  };

  test("a visitor who asks for a call waits from then on, on all its web pages, until it cancels", async (server) => {
    const start = Date.now();
    const { page, since } = await enterWaiting(server);
    assert.ok(Date.parse(since) >= start && Date.parse(since) <= Date.now());
    const { is_waiting_for_call, waiting_since } = await get(server, page.shortId);
    assert.deepEqual([is_waiting_for_call, waiting_since], [true, since]);
    assert.equal(await waiting(server), 1);
    page.send({ type: "call", is_waiting: true });
    assert.equal((await page.next("call")).since, since, "asked for again");
    const second = await server.enter(page.token);
    assert.deepEqual(await second.next("call"), { type: "call", is_waiting: true, since });
    second.send({ type: "call", is_waiting: false });
    for (const one of [page, second]) {
      assert.deepEqual(await one.next("call"), { type: "call", is_waiting: false, since: null });
    }
    const visitor = await get(server, page.shortId);
    assert.deepEqual([visitor.is_waiting_for_call, visitor.waiting_since], [false, null]);
    assert.equal(await waiting(server), 0);
  });

  const ENDS: VisitorChange[] = [{ is_waiting_for_call: false }, { is_in_session: true }];
  for (const change of ENDS) {
    test(
      `the web pages receive that an agent ended the wait: ${JSON.stringify(change)}`,
      async (server, { stores }) => {
        await using other = await servePresence(stores[1]);
        for (const one of [server, other]) {
          const { page } = await enterWaiting(server);
          const { waiting_since } = await patch(one, page.shortId, change);
          assert.equal(waiting_since, null);
          await untilWaitEnds(server, page);
          assert.equal(await waiting(server), 0);
          await patch(server, page.shortId, { is_in_session: false });
          assert.equal((await get(server, page.shortId)).is_waiting_for_call, false, "for good");
          await page.close();
        }
      },
    );
  }

  test(
    "a session that other software writes ends the wait, which does not resume after the session",
    async (server, { writeDirectly }) => {
      const { page } = await enterWaiting(server);
      await writeDirectly(page.shortId, { is_in_session: true });
      const { is_waiting_for_call, waiting_since } = await get(server, page.shortId);
      assert.deepEqual([is_waiting_for_call, waiting_since], [false, null], "at once");
      assert.equal(await waiting(server), 0);
      await untilWaitEnds(server, page);
      await writeDirectly(page.shortId, { is_in_session: false });
      assert.equal((await get(server, page.shortId)).is_waiting_for_call, false);
      page.send({ type: "call", is_waiting: true });
      assert.equal((await page.next("call")).is_waiting, true);
    },
  );

  test("a visitor in a session cannot wait for a call, and its web page receives so", async (server) => {
    const page = await server.enter();
    await server.find("online");
    await patch(server, page.shortId, { is_in_session: true });
    page.send({ type: "call", is_waiting: true });
    assert.equal((await page.next("call")).is_waiting, false);
  });

  test(
    "a web page that reconnects receives that its visitor waits, from the same process and from another one",
    async (server, { stores }) => {
      await using other = await servePresence(stores[1]);
      const { page, since } = await enterWaiting(server);
      for (const one of [server, other]) {
        const back = await one.enter(page.token);
        assert.deepEqual(await back.next("call"), { type: "call", is_waiting: true, since });
      }
    },
  );

  test("a visitor who goes offline no longer waits, and its web page receives so when it reconnects", async (server) => {
    const { page } = await enterWaiting(server);
    await page.close();
    await until(async () => (await server.metrics.text()).body.includes("foyer_presence_connections 0"));
    assert.equal((await get(server, page.shortId)).is_waiting_for_call, true, "from page to page it stays");
    server.clock.skip(GRACE);
    const visitor = await server.find("-online");
    assert.deepEqual([visitor.is_waiting_for_call, visitor.waiting_since], [false, null]);
    assert.equal(await waiting(server), 0);
    const back = await server.enter(page.token);
    assert.equal((await back.next("call")).is_waiting, false);
  });

  test("a visitor who was removed and created again does not wait", async (server) => {
    const { page } = await enterWaiting(server);
    await server.ask(`/visitors/${page.shortId}`, {
      method: "DELETE",
      headers: { Authorization: "write key" },
    });
    server.clock.skip(LOOK);
    assert.notEqual((await page.next("welcome")).short_id, page.shortId);
    assert.equal((await page.next("call")).is_waiting, false);
    assert.equal((await server.find("online")).is_waiting_for_call, false);
  });

  test("the last ten web pages of a visitor are stored while it is online, and only their own route shows them", async (server) => {
    const start = Date.now();
    const page = await server.enter(undefined, "https://shop.example/?secret=1#x");
    const pages = async () => (await server.ask(`/visitors/${page.shortId}/pages`)).pages;
    const urls = async () => (await pages()).map(({ url }: { url: string }) => new URL(url).pathname);
    const show = async (...paths: string[]) => {
      for (const path of paths) page.send({ type: "page", url: `https://shop.example${path}?q=1` });
      await server.find(`url:${paths.at(-1)!.slice(1)}`);
    };
    await server.find("online");
    const [{ url, at }] = await pages();
    assert.equal(url, "https://shop.example/");
    assert.ok(Date.parse(at) >= start && Date.parse(at) <= Date.now());
    await show("/pricing", "/pricing", "/cart", "/pricing");
    assert.deepEqual(await urls(), ["/pricing", "/cart", "/pricing", "/"], "the newest first");
    const others = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `/page-${i}`);
    await show(...others);
    assert.deepEqual(await urls(), [...others.toReversed(), "/pricing", "/cart"]);
    const times = (await pages()).map(({ at }: { at: string }) => at);
    assert.deepEqual(times, times.toSorted().toReversed());
    assert.ok(!JSON.stringify(await get(server, page.shortId)).includes("page-7"));
    assert.equal((await server.ask("/visitors/nobody/pages")).error, "visitor_not_found");
    await page.close();
    await until(async () => (await server.metrics.text()).body.includes("foyer_presence_connections 0"));
    server.clock.skip(GRACE);
    await server.find("-online");
    assert.deepEqual(await pages(), []);
    const back = await server.enter(page.token, "https://shop.example/again");
    await server.find("url:again");
    assert.deepEqual(await urls(), ["/again"]);
    await back.close();
  });

  test("with STORE_QUERY web pages are stored with query and fragment", async (server) => {
    const page = await server.enter(undefined, "https://shop.example/?step=2#pay");
    await server.find("online");
    const { pages } = await server.ask(`/visitors/${page.shortId}/pages`);
    assert.equal(pages[0].url, "https://shop.example/?step=2#pay");
  }, { STORE_QUERY: "true" });

  for (const environment of [{ STORE_PAGES: "false" }, { HIDDEN_ATTRIBUTES: "last_url" }] as Environment[]) {
    test(`with ${JSON.stringify(environment)} no web page is shown`, async (server, { stores }) => {
      const page = await server.enter();
      const get = async (one: Server) => (await one.ask(`/visitors/${page.shortId}/pages`)).pages;
      await eventually(async () => (await server.ask("/visitors/list/latest")).visitors[0]);
      assert.deepEqual(await get(server), []);
      await using other = await servePresence(stores[1]);
      assert.equal((await get(other)).length, "STORE_PAGES" in environment ? 0 : 1);
      // Web pages that were stored earlier are not shown either.
      const second = await other.enter(page.token, "https://shop.example/seen");
      await other.find("url:seen");
      assert.ok((await get(other)).length > 0);
      assert.deepEqual(await get(server), []);
      await second.close();
    }, environment);
  }
}

testCalls("SQLite file", overFile);

if (hasAllRights) {
  const { open, openIndexed } = await startCollections();
  testCalls("MongoDB", async (work) => {
    await using one = await openIndexed();
    await using other = await open(one.collection.collectionName);
    await work({
      stores: [one.store, other.store],
      writeDirectly: async (shortId, fields) => {
        await one.collection.updateOne({ short_id: shortId }, { $set: fields });
      },
    });
  });
}
