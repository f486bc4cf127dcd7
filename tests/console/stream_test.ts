import assert from "node:assert/strict";
import { Api } from "../../src/console/client/api.js";
import { RestOfList } from "../../src/console/client/rest_of_list.js";
import { ListStream } from "../../src/console/client/stream.js";
import { VisitorList } from "../../src/console/client/visitor_list.js";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { hasAllRights } from "../support/rights.ts";
import { streamingOver } from "../support/streams.ts";

// deno-lint-ignore no-explicit-any -- messages as the console's scripts pass them
type Message = any;

const seen = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
const online = (short_id: string, seconds: number, more = {}) => ({
  short_id,
  is_online: true,
  last_seen_at: seen(seconds),
  ...more,
});

/** The console's API client for an application, without a server. */
function clientOf(ask: (path: string, headers: Record<string, string>) => Promise<Response>) {
  return new Api("key", async (url, init) => {
    const { pathname, search } = new URL(String(url));
    const path = pathname.slice(pathname.indexOf("/api/")) + search;
    // The types of Deno 2.6 have neither property.
    const { headers, signal } = init as { headers: Record<string, string>; signal: AbortSignal };
    const response = await ask(path, headers);
    return new Response(response.body!.pipeThrough(new TransformStream(), { signal }), response);
  });
}

/** Follows a list, and applies the messages like the console. */
function follow(api: Api, q = "") {
  const list = new VisitorList();
  const messages: Message[] = [];
  const receive = (message: Message) => {
    messages.push(message);
    if (message.type === "list") list.replace(message.visitors);
    else if (message.type === "more") list.append(message.visitors);
    else if (message.type === "visitor") list.put(message.visitor);
    else if (message.type === "gone") list.remove(message.shortId);
  };
  const rest = new RestOfList({ api, q, receive });
  const stream = new ListStream({
    api,
    q,
    after: null,
    receive: (message) => rest.take(message),
    pace: 0.02,
  });
  return {
    list,
    messages,
    rest,
    ids: () => list.visitors().map(({ short_id }) => short_id).sort().join(" "),
    async [Symbol.asyncDispose]() {
      stream.close();
      rest.close();
      await stream.ended;
    },
  };
}

const test = (
  sentence: string,
  work: (app: ReturnType<typeof streamingOver>) => Promise<void>,
  environment = {},
) =>
  Deno.test({
    name: `The console's stream: ${sentence}`,
    ignore: !hasAllRights,
    fn: async () => {
      const store = openSqliteStore(":memory:");
      await using app = streamingOver(store, environment);
      await work(app);
    },
  });

test("it reads the list once, and then receives only changes", async (app) => {
  await app.put(online("a", 1), online("b", 2));
  const asked: string[] = [];
  await using client = follow(clientOf((path, headers) => {
    asked.push(path);
    return app.ask(path, headers);
  }));
  await app.until(() => client.ids() === "a b");
  await app.put(online("c", 3), online("a", 4, { name: "Ada" }), { short_id: "b", is_online: false });
  await app.until(() => client.ids() === "a c");
  assert.equal(client.list.get("a")!.visitor.name, "Ada");
  await app.until(() => client.messages.some(({ type, online }) => type === "count" && online === 2));
  assert.match(asked[0], /^\/api\/visitors\/list\/latest\?/);
  assert.match(asked[1], /^\/api\/visitors\/list\/stream\?.*after=/);
  assert.equal(asked.length, 2);
  assert.equal(client.messages.filter(({ type }) => type === "list").length, 1);
});

test("it resumes after a lost connection, and misses no change", async (app) => {
  await app.put(online("a", 1));
  const ends: AbortController[] = [];
  await using client = follow(clientOf(async (path, headers) => {
    const response = await app.ask(path, headers);
    if (!path.includes("/stream")) return response;
    const end = new AbortController();
    ends.push(end);
    const body = response.body!.pipeThrough(new TransformStream(), { signal: end.signal });
    return new Response(body, response);
  }));
  await app.until(() => client.ids() === "a");
  for (let round = 0; round < 3; round++) {
    await app.until(() => ends.length === round + 1);
    ends[round].abort();
    await app.put(online(`new-${round}`, round + 2));
    await app.until(() => client.ids().includes(`new-${round}`));
  }
  assert.equal(client.messages.filter(({ type }) => type === "list").length, 1);
  assert.ok(client.messages.some(({ type }) => type === "lost"));
});

test("it does not retry after a wrong key, a disabled API or an invalid search", async (app) => {
  for (
    const [q, key, code] of [["", "wrong", "invalid_api_key"], ["x".repeat(300), "key", "invalid_parameter"]]
  ) {
    let count = 0;
    await using client = follow(
      clientOf((path, headers) => {
        count++;
        return app.ask(path, { ...headers, Authorization: key });
      }),
      q,
    );
    await app.until(() => client.messages.some(({ type }) => type === "refused"));
    assert.equal(client.messages.at(-1).code, code);
    assert.equal(count, 1);
  }
});

test("it receives the whole list if the server does not know its id, as after a restart", async (app) => {
  await app.put(online("a", 1));
  await using client = follow(clientOf(async (path, headers) => {
    const response = await app.ask(path, headers);
    if (path.includes("/stream")) return response;
    const changed = new Headers(response.headers);
    changed.set("X-Stream-Id", "another-epoch:7");
    return new Response(response.body, { status: response.status, headers: changed });
  }));
  await app.until(() => client.messages.filter(({ type }) => type === "list").length === 2);
  assert.equal(client.ids(), "a");
});

test("it requests few visitors until there are more, and then misses nobody", async (app) => {
  await app.put(...Array.from({ length: 98 }, (_, i) => online(`v${i}`, -i)));
  const asked: string[] = [];
  await using client = follow(clientOf((path, headers) => {
    asked.push(path);
    return app.ask(path, headers);
  }));
  await app.until(() => client.list.size === 98 && asked.length === 2);
  for (let i = 0; i < 10; i++) await app.put(online(`new-${i}`, i + 1));
  await app.until(() => client.list.size === 108);
  await app.put(online("last", 20), { ...online("v97", -97), is_online: false });
  await app.until(() => client.list.get("v97")?.leftAt !== null && client.list.size === 108);
  const sizes = asked.map((path) => new URLSearchParams(path.split("?")[1]).get("max_results"));
  assert.deepEqual(sizes, ["100", "100", "1000", "1000"]);
});

test("if more visitors are online than a stream can follow, the others are listed too", async (app) => {
  const all = Array.from({ length: 2100 }, (_, i) => online(`v${i}`, -i));
  await app.put(...all);
  await using client = follow(clientOf((path, headers) => app.ask(path, headers)));
  await app.until(() => client.list.size === 2100);
  // In the order of the API's result pages.
  assert.deepEqual(
    client.list.rows().map(({ visitor }) => visitor.short_id),
    all.map(({ short_id }) => short_id),
  );
  // A new visitor pushes another one off the end of the stream; that one stays listed.
  await app.put(online("new", 1));
  await app.until(() => client.list.get("new") !== undefined);
  assert.equal(client.list.size, 2101);
  assert.equal(client.list.get("v999")!.leftAt, null);
  // A visitor that the stream follows leaves.
  await app.put({ ...online("v5", -5), is_online: false });
  await app.until(() => client.list.get("v5") === undefined || client.list.get("v5")!.leftAt !== null);
  // One of the other visitors does something, and the stream follows it.
  await app.put(online("v2000", 2, { name: "Ada" }));
  await app.until(() => client.list.get("v2000")!.visitor.name === "Ada");
});
