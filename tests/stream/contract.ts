/**
 * The contract of streams, the same for every store.
 *
 * @module
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { type Streaming, streamingOver } from "../support/streams.ts";

const seen = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();

/** Visitors who are online; later ones in the list were seen more recently. */
const online = (...shortIds: string[]) =>
  shortIds.map((short_id, i) => ({
    short_id,
    is_online: true,
    last_seen_at: seen(i),
    name: `of ${short_id}`,
  }));

const idsOf = (visitors: { short_id?: string }[]) => visitors.map(({ short_id }) => short_id);

/** Registers every test, each with an empty store. */
export function testStreamContract(
  engine: string,
  open: () => Promise<{ store: VisitorStore } & AsyncDisposable>,
  options: Partial<Deno.TestDefinition> = {},
) {
  const test = (
    sentence: string,
    work: (app: Streaming, store: VisitorStore) => Promise<void>,
    environment: Record<string, string> = {},
  ) =>
    Deno.test({
      name: `${engine}: ${sentence}`,
      ...options,
      fn: async () => {
        await using opened = await open();
        await using app = streamingOver(opened.store, environment);
        await work(app, opened.store);
      },
    });

  test("without an id, a stream begins with the whole list and the counts", async (app) => {
    await app.put(...online("a", "b"), { short_id: "off" });
    const client = await app.stream();
    await app.until(() => client.dataOf("count").length > 0);
    // A first ping comes at a random time, on a busy machine even before the counts.
    const names = client.events.map(({ name }) => name).filter((name) => name !== "ping");
    assert.deepEqual(names.slice(0, 2), ["list", "count"]);
    assert.deepEqual(client.list, (await app.list()).visitors);
    assert.equal(client.dataOf("count")[0].online, 2);
    assert.match(client.lastId, /^[\w-]+:\d+$/);
    assert.ok(client.retry >= 1000);
  });

  test("an event is sent for each visitor who appears, changes, leaves, is removed or falls off the end", async (app) => {
    await app.put(...online("a", "b", "c"));
    const query = "?q=online&max_results=3";
    const { visitors, id } = await app.list(query);
    const client = await app.stream(`${query}&after=${id}`, {}, { visitors, id });

    const next = async (name: string) => {
      const before = client.dataOf(name).length;
      await app.until(() => client.dataOf(name).length > before);
      assert.deepEqual(client.list, (await app.list(query)).visitors);
      return client.dataOf(name).slice(before);
    };
    assert.equal(await app.change("b", { name: "Ada" }), 200);
    assert.equal((await next("visitor"))[0].name, "Ada");
    await app.put({ short_id: "d", is_online: true, last_seen_at: seen(9) });
    assert.deepEqual(await next("gone"), [{ short_id: "a" }]);
    assert.deepEqual(idsOf(client.list), ["d", "c", "b"]);
    await app.put({ short_id: "d", is_online: false, last_seen_at: seen(9) });
    assert.deepEqual(await next("gone"), [{ short_id: "d" }]);
    assert.equal(await app.remove("c"), 200);
    assert.deepEqual(await next("gone"), [{ short_id: "c" }]);
    assert.deepEqual(client.dataOf("list"), [], "the whole list is sent to nobody who has it");
    const counts = client.dataOf("count").map(({ online }) => online);
    assert.equal(counts[0], 3);
  });

  test("counts are sent when they change, whatever is searched for", async (app) => {
    await app.put(...online("a"));
    const client = await app.stream("?q=%23nobody");
    const last = () => client.dataOf("count").at(-1)?.online;
    await app.until(() => last() === 1);
    await app.put({ short_id: "b", is_online: true, last_seen_at: seen(9) });
    await app.until(() => last() === 2);
    await app.put({ short_id: "c", is_online: true, is_waiting_for_call: true, last_seen_at: seen(9) });
    await app.until(() => client.dataOf("count").at(-1)?.waiting === 1);
    assert.deepEqual(client.visitors.size, 0);
  });

  test("a write that does not change a visitor sends no event", async (app) => {
    await app.put(...online("a", "b"));
    const client = await app.stream();
    await app.until(() => client.dataOf("list").length === 1);
    await app.put(...online("a", "b"));
    await app.change("a", { name: "of a" });
    await app.put({ short_id: "c", is_online: true, last_seen_at: seen(9) });
    await app.until(() => client.visitors.size === 3);
    assert.deepEqual(idsOf(client.dataOf("visitor")), ["c"]);
  });

  test("an exact match appears in an empty search, and replaces matches with typos", async (app) => {
    await app.put({ short_id: "a", is_online: true, last_seen_at: seen(1), name: "Mueller" });
    const client = await app.stream("?q=muellre");
    await app.until(() => client.dataOf("list").length === 1);
    assert.deepEqual(idsOf(client.list), ["a"]);
    await app.put({ short_id: "b", last_seen_at: seen(1), name: "Muellre" });
    await app.until(() => client.visitors.has("b") && !client.visitors.has("a"));
    await app.change("b", { name: "Schmidt" });
    await app.until(() => client.visitors.has("a") && !client.visitors.has("b"));
  });

  test("a stream resumes after the state in Last-Event-ID or after", async (app) => {
    await app.put(...online("a", "b"));
    const first = await app.stream();
    await app.until(() => first.dataOf("list").length === 1);
    const { visitors, id } = await app.list();
    await first[Symbol.asyncDispose]();
    await app.change("a", { name: "Ada" });
    await app.put({ short_id: "c", is_online: true, last_seen_at: seen(9) });
    await app.remove("b");
    const ways: [query: string, headers: Record<string, string>][] = [
      [`?after=${first.lastId}`, {}],
      ["", { "Last-Event-ID": first.lastId }],
      // A browser reconnects with the same URL, so the header is newer.
      ["?after=other:1", { "Last-Event-ID": first.lastId }],
      [`?after=${id}`, { "Last-Event-ID": "" }],
    ];
    for (const [query, headers] of ways) {
      const client = await app.stream(query, headers, { visitors, id: first.lastId });
      await app.until(() => client.dataOf("visitor").length > 0);
      assert.deepEqual(client.dataOf("list"), [], query);
      assert.deepEqual(client.list, (await app.list()).visitors, query);
      assert.notEqual(client.lastId, first.lastId);
    }
  });

  test("a stream that cannot resume begins with the whole list", async (app) => {
    await app.put(...online("a", "b"));
    const { id } = await app.list();
    const other = (await app.list("?q=%23vip")).id;
    const [epoch, sequence] = id.split(":");
    const ids = [
      other,
      `other:${sequence}`,
      `${epoch}:${Number(sequence) + 1}`,
      `${epoch}:x`,
      epoch,
      "é 😀\0",
      "9".repeat(400),
    ];
    for (const after of ids) {
      const client = await app.stream(`?${new URLSearchParams({ after })}`);
      await app.until(() => client.events.length > 0);
      assert.equal(client.events[0].name, "list", after);
    }
  });

  test("a stream that is too far behind begins with the whole list", async (app, store) => {
    await app.put(...online("a", "b"));
    const follower = await app.stream();
    await app.until(() => follower.dataOf("list").length === 1);
    const { lastId } = follower;
    for (let i = 1; i <= 110; i++) {
      await store.updateVisitor("a", { name: `Ada ${i}` });
      await app.until(() => follower.dataOf("visitor").at(-1)?.name === `Ada ${i}`);
    }
    const client = await app.stream(`?after=${lastId}`);
    await app.until(() => client.events.length > 0);
    assert.equal(client.events[0].name, "list");
    assert.equal(client.list[1].name, "Ada 110");
  });

  test("events have no hidden attributes, and changes of these alone send none", async (app) => {
    await app.put(...online("a", "b"));
    const client = await app.stream();
    await app.until(() => client.dataOf("list").length === 1);
    await app.put({ ...online("a")[0], email: "ada@acme.com" });
    await app.put({ ...online("a")[0], email: "ada@acme.com", name: "Ada" });
    await app.until(() => client.dataOf("visitor").length > 0);
    assert.equal(client.dataOf("visitor").at(-1)!.name, "Ada");
    assert.ok(!JSON.stringify(client.events).includes("email"));
    assert.deepEqual(client.list, (await app.list()).visitors);
  }, { HIDDEN_ATTRIBUTES: "email" });

  test(
    "if clients cannot sort by the attributes they receive, every change sends the whole list",
    async (app) => {
      await app.put(...online("a", "b"));
      const client = await app.stream();
      const received = () => (client.dataOf("list").at(-1)?.visitors ?? []) as { short_id: string }[];
      await app.until(() => received().length === 2);
      assert.deepEqual(idsOf(received()), ["b", "a"]);
      await app.put({ short_id: "a", is_online: true, last_seen_at: seen(9), name: "of a" });
      await app.until(() => idsOf(received()).join() === "a,b");
      await app.put({ short_id: "c", is_online: true, last_seen_at: seen(5) });
      await app.until(() => idsOf(received()).join() === "a,c,b");
      assert.deepEqual(client.dataOf("visitor"), []);
    },
    { HIDDEN_ATTRIBUTES: "last_seen_at" },
  );

  const action = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("put" as const),
        short_id: fc.constantFrom(..."abcdefgh"),
        is_online: fc.boolean(),
        second: fc.nat({ max: 20 }),
        tags: fc.subarray(["#vip", "#new"]),
        name: fc.constantFrom("Ada", "Zoë Müller", "Muller", null),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("change" as const),
        short_id: fc.constantFrom(..."abcdefgh"),
        tags: fc.subarray(["#vip", "#new"]),
        name: fc.constantFrom("Ada", "Zoë Müller", "Mullre", null),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("remove" as const),
        short_id: fc.constantFrom(..."abcdefgh"),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("pass" as const), milliseconds: fc.nat({ max: 2000 }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("reconnect" as const), byHeader: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("reread" as const) }) },
  );

  const queries = ["", "?q=online&max_results=2", "?q=%23vip", "?q=-online&max_results=3", "?q=muller"];

  test("whatever happens, and whenever a client leaves and comes back, its list becomes the API's", async (app) => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...queries),
        fc.array(action, { maxLength: 25 }),
        async (query, actions) => {
          const separator = query === "" ? "?" : "&";
          let client = await app.stream(query);
          for (const action of actions) {
            switch (action.kind) {
              case "put": {
                const { short_id, is_online, second, tags, name } = action;
                await app.put({ short_id, is_online, tags, name, last_seen_at: seen(second) });
                break;
              }
              case "change":
                await app.change(action.short_id, { tags: action.tags, name: action.name });
                break;
              case "remove":
                await app.remove(action.short_id);
                break;
              case "pass":
                app.clock.skip(action.milliseconds);
                await new Promise((resolve) => setTimeout(resolve, 1));
                break;
              case "reconnect": {
                await client[Symbol.asyncDispose]();
                const from = { visitors: [...client.visitors.values()], id: client.lastId };
                client = action.byHeader
                  ? await app.stream(query, { "Last-Event-ID": from.id }, from)
                  : await app.stream(`${query}${separator}after=${from.id}`, {}, from);
                break;
              }
              case "reread": {
                await client[Symbol.asyncDispose]();
                const from = await app.list(query);
                client = await app.stream(`${query}${separator}after=${from.id}`, {}, from);
              }
            }
          }
          await app.until(async () => {
            const { visitors } = await app.list(query);
            return JSON.stringify(visitors) === JSON.stringify(client.list);
          });
          await client[Symbol.asyncDispose]();
        },
      ),
      { numRuns: 40 },
    );
  });
}
