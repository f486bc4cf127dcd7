/**
 * The limits of streams: which requests are refused, and how long a stream lives.
 *
 * @module
 */
import assert from "node:assert/strict";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { StoreUnavailable, type VisitorStore } from "../../src/store/visitor_store.ts";
import { visitorOf } from "../store/contract.ts";
import { ManualClock } from "../support/clock.ts";
import { type Streaming, streamingOver } from "../support/streams.ts";

const PATH = "/api/visitors/list/stream";

const ADA = {
  short_id: "ada",
  is_online: true,
  last_seen_at: "2026-01-01T12:00:00.000Z",
  lookup_code: "4711",
};

/** Wraps a store so that a test can make it unavailable, and counts its reads of lists. */
function switchable(store: VisitorStore) {
  const state = { isAway: false, finds: 0 };
  const guarded = new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === "findVisitors") state.finds++;
        if (state.isAway && name !== "isReady") throw new StoreUnavailable("away");
        return value.apply(target, args);
      };
    },
  });
  return { state, guarded };
}

function test(
  sentence: string,
  work: (app: Streaming, state: { isAway: boolean; finds: number }) => Promise<void>,
  environment: Record<string, string> = {},
) {
  Deno.test(sentence, async () => {
    const store = openSqliteStore(":memory:");
    const { state, guarded } = switchable(store);
    await using app = streamingOver(guarded, environment);
    await app.put(ADA);
    await work(app, state);
    await app[Symbol.asyncDispose]();
    await store.close();
  });
}

const assertError = async (response: Response, status: number, error: string) => {
  assert.equal(response.status, status);
  assert.equal(response.headers.get("Content-Type"), "application/json");
  assert.equal((await response.json()).error, error);
  if (status === 503) assert.ok(Number(response.headers.get("Retry-After")) >= 1);
};

test("A request that a search refuses is refused by a stream too, before it begins", async ({ ask, app }) => {
  for (const query of ["?max_results=0", "?max_results=x", `?q=${"x".repeat(257)}`, "?q=a&search=b"]) {
    const [search, stream] = [await ask(`/api/visitors/list/search${query}`), await ask(PATH + query)];
    assert.equal(stream.status, 400);
    assert.deepEqual(await stream.json(), await search.json());
  }
  await assertError(await app.request(PATH), 401, "invalid_api_key");
  await assertError(await ask(PATH, {}, "POST"), 405, "method_not_allowed");
});

test("search is another name of q, and more than 1000 visitors count as 1000", async ({ stream, list }) => {
  const client = await stream("?search=4711&max_results=10000");
  await client.until(({ events }) => events.length > 0);
  assert.deepEqual(client.list, (await list("?q=4711")).visitors);
});

test("More streams than MAX_STREAMS are refused until one ends", async (app) => {
  const clients = [await app.stream(), await app.stream("?q=%23vip")];
  await assertError(await app.ask(PATH), 503, "too_many_streams");
  await assertError(await app.ask(PATH, {}, "HEAD").then(() => app.ask(PATH)), 503, "too_many_streams");
  assert.equal((await app.ask("/api/visitors/list/latest")).status, 200);
  await clients[0][Symbol.asyncDispose]();
  await app.stream();
}, { MAX_STREAMS: "2" });

test("MAX_STREAMS holds for simultaneous requests, too", async (app) => {
  const responses = await Promise.all(Array.from({ length: 20 }, () => app.ask(PATH)));
  assert.equal(responses.filter(({ status }) => status === 200).length, 5);
  for (const { body } of responses) await body!.cancel();
}, { MAX_STREAMS: "5" });

test("Once the server stops, streams end and none begins", async (app) => {
  const clients = [await app.stream(), await app.stream(), await app.stream("?q=%23vip")];
  app.health.isStopping = true;
  const ended = app.streams.end(1000);
  await assertError(await app.ask(PATH), 503, "stopping");
  await app.until(() => clients.every(({ hasEnded }) => hasEnded));
  await ended;
});

test("A stream lives for half an hour at most, and streams end at different times", async (app) => {
  const clients = await Promise.all(Array.from({ length: 30 }, () => app.stream()));
  const ended = () => clients.filter(({ hasEnded }) => hasEnded).length;
  app.clock.skip(26 * 60_000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(ended(), 0);
  app.clock.skip(2.5 * 60_000);
  await app.until(() => ended() > 0);
  assert.ok(ended() < 30, "not all at once");
  app.clock.skip(2 * 60_000);
  await app.until(() => ended() === 30);
});

test("A client is sent a ping every 15 seconds", async (app) => {
  const client = await app.stream();
  const pings = client.dataOf("ping").length;
  await app.until(() => client.dataOf("ping").length > pings);
  assert.deepEqual(client.dataOf("ping")[0], {});
});

test("Each stream of a search by lookup code that finds nobody counts as a guess", async (app) => {
  for (let i = 0; i < 3; i++) await app.stream(`?q=000${i}`);
  await assertError(await app.ask(`${PATH}?q=0004`), 429, "too_many_requests");
  await assertError(await app.ask("/api/visitors/list/search?q=4711"), 429, "too_many_requests");
  // A stream counts once, however often its list is read.
  app.clock.skip(58_000);
  await assertError(await app.ask(`${PATH}?q=4711`), 429, "too_many_requests");
  app.clock.skip(2000);
  const client = await app.stream("?q=4711");
  await client.until(({ visitors }) => visitors.has("ada"));
  // Opening the stream again after a minute is another guess.
  app.clock.skip(60_000);
  await app.until(() => client.hasEnded);
}, { LOOKUP_MISSES_PER_MINUTE: "3" });

test("A stream counts as one request for a key's RATE_LIMIT", async (app) => {
  await app.stream();
  await assertError(await app.ask("/api/visitors/list/latest"), 429, "too_many_requests");
  app.clock.skip(1000);
  assert.equal((await app.ask("/api/visitors/list/latest")).status, 200);
}, { RATE_LIMIT: "1" });

test(
  "While the database is unavailable no stream begins, and open streams continue once it answers again",
  async (app, state) => {
    const client = await app.stream();
    await client.untilStarted();
    state.isAway = true;
    await assertError(await app.ask(`${PATH}?q=%23vip`), 503, "database_unavailable");
    const pings = client.dataOf("ping").length;
    await app.until(() => client.dataOf("ping").length > pings);
    await assertError(await app.ask(PATH), 503, "database_unavailable");
    state.isAway = false;
    await app.put({ ...ADA, name: "Ada" });
    await app.until(() => client.dataOf("visitor").at(-1)?.name === "Ada");
    assert.ok(!client.hasEnded);
    await app.stream();
  },
);

test(
  "A list is read at most once a second however many streams follow it, and only after writes",
  async (app, state) => {
    const queries = ["", "?q=%23vip", "?q=online&max_results=5"];
    const clients = await Promise.all(
      queries.flatMap((q) => Array.from({ length: 20 }, () => app.stream(q))),
    );
    await Promise.all(clients.map((client) => client.untilStarted()));
    /** Lets seconds pass and a little more, in which work is done ten times a second. */
    const pass = async (seconds: number, work: (step: number) => Promise<void>) => {
      state.finds = 0;
      const start = app.clock.now();
      for (let step = 0; step < seconds * 10; step++) {
        await work(step);
        app.clock.skip(100);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      return { readings: state.finds, seconds: Math.ceil((app.clock.now() - start) / 1000) };
    };
    const quiet = await pass(5, async () => {});
    assert.ok(quiet.readings <= queries.length, `${quiet.readings} readings while nothing was written`);
    const busy = await pass(10, (step) => app.put({ ...ADA, name: `Ada ${step}` }));
    assert.ok(busy.readings <= busy.seconds * queries.length, JSON.stringify(busy));
    assert.ok(busy.readings >= 3 * queries.length, JSON.stringify(busy));
    const own = await pass(
      10,
      async (step) => assert.equal(await app.change("ada", { name: `A ${step}` }), 200),
    );
    assert.ok(own.readings <= own.seconds * queries.length, JSON.stringify(own));
  },
);

Deno.test("Writes of this process are sent at once, without reading the list", async () => {
  const store = openSqliteStore(":memory:");
  const { state, guarded } = switchable(store);
  const clock = new ManualClock();
  await using app = streamingOver(guarded, {}, clock);
  await app.put(ADA);
  const client = await app.stream("?q=online&max_results=2");
  await client.untilStarted();
  state.finds = 0;
  const changes: [work: () => Promise<unknown>, isSeen: () => boolean][] = [
    [() => app.change("ada", { name: "Ada" }), () => client.visitors.get("ada")!.name === "Ada"],
    [() => app.store.putVisitors([visitorOf({ short_id: "b" })]), () => client.visitors.has("b")],
    [() => app.store.putVisitors([visitorOf({ short_id: "c" })]), () => !client.visitors.has("ada")],
    [() => app.remove("b"), () => !client.visitors.has("b")],
  ];
  // All changes together take less than the second after which the list would be read.
  for (const [work, isSeen] of changes) {
    await work();
    clock.skip(200);
    await client.until(isSeen);
  }
  assert.equal(state.finds, 0);
  // Who comes after "c" is unknown until the next read.
  assert.deepEqual([...client.visitors.keys()], ["c"]);
  await app.until(() => client.visitors.has("ada"));
  assert.deepEqual(client.list, (await app.list("?q=online&max_results=2")).visitors);
  await app[Symbol.asyncDispose]();
  await store.close();
});
