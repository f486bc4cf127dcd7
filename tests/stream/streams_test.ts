import assert from "node:assert/strict";
import { appWith } from "../support/app.ts";
import { SkippingClock } from "../support/clock.ts";
import { StreamClient } from "../support/streams.ts";

const seen = (second: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString();

/** Visitors who are online, the last one seen last. */
const online = (...shortIds: string[]) =>
  shortIds.map((short_id, i) => ({
    short_id,
    is_online: true,
    last_seen_at: seen(i),
    name: `of ${short_id}`,
  }));

async function withStreams(
  documents: Record<string, unknown>[],
  use: (app: Awaited<ReturnType<typeof open>>) => Promise<void>,
  environment: Record<string, string> = {},
) {
  const app = await open(documents, environment);
  try {
    await use(app);
  } finally {
    for (const client of app.clients) await client[Symbol.asyncDispose]();
    await app.store.close();
  }
}

async function open(documents: Record<string, unknown>[], environment: Record<string, string>) {
  const clock = new SkippingClock();
  const app = await appWith(documents, { REST_WRITE_KEY: "write key", ...environment }, clock);
  const clients: StreamClient[] = [];
  const stream = async (query = "", headers: Record<string, string> = {}, from = {}) => {
    const client = new StreamClient(await app.ask(`/api/visitors/list/stream${query}`, headers), from);
    clients.push(client);
    return client;
  };
  const list = async (query = "") => {
    const response = await app.ask(`/api/visitors/list/search${query}`);
    return { visitors: (await response.json()).visitors, id: response.headers.get("X-Stream-Id")! };
  };
  const change = async (shortId: string, change: Record<string, unknown>) => {
    const body = JSON.stringify(change);
    const response = await app.ask(
      `/api/visitors/${shortId}`,
      { Authorization: "write key" },
      "PATCH",
      body,
    );
    assert.equal(response.status, 200);
  };
  const remove = async (shortId: string) =>
    await app.ask(`/api/visitors/${shortId}`, { Authorization: "write key" }, "DELETE");
  return { ...app, clock, clients, stream, list, change, remove };
}

Deno.test("A stream begins with the whole list and the counts, where no state is named", () =>
  withStreams(online("a", "b"), async ({ stream, list }) => {
    const client = await stream();
    await client.until(({ events }) => events.length >= 2);
    assert.deepEqual(client.events.map(({ name }) => name), ["list", "count"]);
    assert.deepEqual(client.list, (await list()).visitors);
    assert.equal(client.dataOf("count")[0].online, 2);
    assert.ok(client.retry >= 1000);
  }));

Deno.test("Who appears, changes, leaves, is removed or falls off the end is an event", () =>
  withStreams(online("a", "b", "c"), async ({ stream, list, change, remove, put, clock }) => {
    const query = "?q=online&max_results=3";
    const { visitors, id } = await list(query);
    const client = await stream(`${query}&after=${id}`, {}, { visitors, id });
    await client.until(({ events }) => events.length > 0);
    assert.deepEqual(client.dataOf("list"), []);

    const next = async (name: string) => {
      const before = client.dataOf(name).length;
      clock.skip(2000);
      await client.until(() => client.dataOf(name).length > before);
      assert.deepEqual(client.list, (await list(query)).visitors);
      return client.dataOf(name).slice(before);
    };
    await change("b", { name: "Ada" });
    assert.equal((await next("visitor"))[0].name, "Ada");
    await put([{ short_id: "d", is_online: true, last_seen_at: seen(9) }]);
    assert.deepEqual(await next("gone"), [{ short_id: "a" }]);
    assert.equal(client.list[0].short_id, "d");
    await put([{ short_id: "d", is_online: false, last_seen_at: seen(9) }]);
    assert.deepEqual(await next("gone"), [{ short_id: "d" }]);
    await remove("c");
    assert.deepEqual(await next("gone"), [{ short_id: "c" }]);
    assert.deepEqual(client.dataOf("list"), []);
  }));
