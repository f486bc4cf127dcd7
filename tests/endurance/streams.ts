/**
 * Streams of lists: very many of them, one whose client does not read, and a server that is killed.
 *
 * @module
 */
import { openStore as openStoreOf } from "../../src/store/open.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { benchVisitors } from "../bench/visitors.ts";
import { freePort } from "../support/ports.ts";
import type { Server } from "../support/server.ts";
import { FollowingClient, StreamClient } from "../support/streams.ts";
import { KEY, openStore, type Outcome, pause, quantile, serve, type Setup } from "./bar.ts";

const WRITE_KEY = "endurance writes";

const headers = { Authorization: WRITE_KEY };

/** Ten searches of all kinds. */
const SEARCHES = [
  "",
  "#customer",
  "#vip online",
  "-online #trial",
  "berlin",
  "anna",
  "chrome online",
  "url:pricing",
  "ben #newsletter",
  "nobody-has-this",
];

/** The limits: list reads a second, KB per listener, and milliseconds. */
const [MAX_ASKED, MAX_MEMORY, MAX_P99, SEEN_WITHIN, OWN_SEEN_WITHIN] = [10, 100, 50, 1500, 500];

/** Changes a second. */
const RATE = 50;

/** Starts a server with the visitors, and opens its store from this process too. */
async function start(setup: Setup, folder: string, kind: string) {
  const filled = await openStore(setup, folder, kind);
  // A restarted server uses the same ports.
  const [port, adminPort] = [freePort(), freePort()];
  const environment = {
    ...filled.environment,
    PORT: `${port}`,
    ADMIN_PORT: `${adminPort}`,
    REST_WRITE_KEY: WRITE_KEY,
  };
  const { SQLITE_PATH: path, MONGO_URI: uri } = filled.environment;
  const store = await openStoreOf(
    uri === undefined
      ? { kind: "sqlite", path, isChosen: true }
      : { kind: "mongodb", uri, collection: "visitors" },
    "command",
    () => {},
  );
  const metric = async (pattern: RegExp) => {
    const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    return Number(pattern.exec(text)?.[1] ?? 0);
  };
  return {
    store,
    port,
    api: `http://127.0.0.1:${port}/api`,
    metric,
    serve: () => serve(setup, folder, environment),
    async [Symbol.asyncDispose]() {
      await store.close();
      await filled[Symbol.asyncDispose]();
    },
  };
}

/** Changes visitors from this process, one after the other; each change contains its time. */
class Changes {
  #isGoing = true;
  #going: Promise<void>;

  constructor(store: VisitorStore, visitors: number) {
    this.#going = this.#go(store, visitors);
  }

  async #go(store: VisitorStore, visitors: number) {
    const all = [...benchVisitors(visitors, visitors / 20, new Date())].slice(0, 1000);
    for (let i = 0; this.#isGoing; i = (i + 1) % all.length) {
      const due = performance.now() + 1000 / RATE;
      const now = new Date().toISOString();
      const document = {
        ...all[i],
        is_online: true,
        last_seen_at: now,
        nickname: `other ${performance.now()}`,
      };
      // A database under load may refuse a change; the next one follows.
      await store.putVisitors([readVisitor(document)!]).catch(() => {});
      await pause(Math.max(0, due - performance.now()));
    }
  }

  async stop() {
    this.#isGoing = false;
    await this.#going;
  }
}

const streamUrl = (port: number, q: string) =>
  `http://127.0.0.1:${port}/api/visitors/list/stream?${new URLSearchParams({ q })}`;

/** Opens a stream whose data is read and dropped. */
async function listenTo(port: number, q: string): Promise<Deno.Conn> {
  const connection = await request(port, q);
  const buffer = new Uint8Array(64 * 1024);
  (async () => {
    while (await connection.read(buffer) !== null);
  })().catch(() => {});
  return connection;
}

async function request(port: number, q: string): Promise<Deno.Conn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const { pathname, search } = new URL(streamUrl(port, q));
  const head = `GET ${pathname}${search} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${KEY}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  return connection;
}

/** The median memory of a server over a few seconds, in megabytes. */
async function memoryOf(server: Server): Promise<number> {
  const seen: number[] = [];
  for (let i = 0; i < 10; i++) {
    await pause(300);
    seen.push(server.memory());
  }
  return quantile(seen, 0.5);
}

/** Collects the delays with which a client receives changes, in milliseconds. */
function watch(client: StreamClient, kind: "own" | "other"): number[] {
  const delays: number[] = [];
  client.onEvent = ({ name, data }) => {
    const [whose, at] = String(name === "visitor" && data.nickname).split(" ");
    if (whose === kind) delays.push(performance.now() - Number(at));
  };
  return delays;
}

/** Very many listeners on ten searches. */
export async function manyStreams(
  setup: Setup,
  folder: string,
  { listeners, seconds, store }: { listeners: number; seconds: number; store: string },
): Promise<Outcome> {
  await using site = await start(setup, folder, store);
  await using server = await site.serve();
  const latest = `${site.api}/visitors/list/latest`;
  const getLatest = async () => {
    const start = performance.now();
    await (await fetch(latest, { headers })).arrayBuffer();
    return performance.now() - start;
  };
  const changes = new Changes(site.store, setup.visitors);
  // Reads the lists first, so that the memory for that is not attributed to the listeners.
  const first: Deno.Conn[] = [];
  for (const q of SEARCHES) first.push(await listenTo(site.port, q));
  for (let i = 0; i < 100; i++) await getLatest();
  await pause(5000);
  const before = await memoryOf(server);
  const connections: Deno.Conn[] = [];
  for (let i = first.length; i < listeners - 2; i++) {
    connections.push(await listenTo(site.port, SEARCHES[i % SEARCHES.length]));
  }
  const [others, own] = await Promise.all(
    ["", "#vip"].map(async (q) => new StreamClient(await fetch(streamUrl(site.port, q), { headers }))),
  );
  const [otherDelays, ownDelays] = [watch(others, "other"), watch(own, "own")];
  await pause(5000);

  const finds = () =>
    site.metric(/foyer_database_operations_total\{operation="find_visitors",outcome="ok"\} (\d+)/);
  const open = await site.metric(/^foyer_streams_open (\d+)$/m);
  const [askedBefore, startedAt] = [await finds(), performance.now()];
  await pause(seconds * 1000);
  const asked = (await finds() - askedBefore) / ((performance.now() - startedAt) / 1000);
  const memory = (await memoryOf(server) - before) * 1024 / (listeners - first.length);

  const times: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    times.push(await getLatest());
    await pause(50);
  }
  await changes.stop();
  // Changes through the server itself, one after the other, while nothing else happens.
  const shortId = own.list[0].short_id;
  const answeredAfter: number[] = [];
  for (let i = 0; i < 40; i++) {
    const sent = performance.now();
    const body = JSON.stringify({ nickname: `own ${sent}` });
    const response = await fetch(`${site.api}/visitors/${shortId}`, { method: "PATCH", headers, body });
    await response.body?.cancel();
    answeredAfter.push(performance.now() - sent);
    await pause(250 + 600 * Math.random());
  }
  await pause(1000);
  for (const connection of [...first, ...connections]) connection.close();
  await Promise.all([others[Symbol.asyncDispose](), own[Symbol.asyncDispose]()]);
  const p99 = quantile(times, 0.99);
  const [seen, ownSeen] = [Math.max(...otherDelays), Math.max(...ownDelays)];
  return {
    seen:
      `${open} open; lists read ${asked.toFixed(1)} times a second, ${memory.toFixed(0)} KB a listener, ` +
      `list/latest p50 ${quantile(times, 0.5).toFixed(0)} ms, p99 ${
        p99.toFixed(0)
      } ms; a change is seen within ` +
      `${quantile(otherDelays, 0.5).toFixed(0)} ms, ${
        seen.toFixed(0)
      } at the most (${otherDelays.length} seen), ` +
      `the server's own within ${quantile(ownDelays, 0.5).toFixed(0)} ms, ${
        ownSeen.toFixed(0)
      } at the most ` +
      `(${ownDelays.length} of 40, which were answered within ${Math.max(...answeredAfter).toFixed(0)} ms)`,
    isMet: open === listeners && asked <= MAX_ASKED && memory <= MAX_MEMORY && p99 <= MAX_P99 &&
      seen <= SEEN_WITHIN && ownSeen <= OWN_SEEN_WITHIN && ownDelays.length === 40,
  };
}

/** Tests a client that never reads, while its list changes. */
export async function stalledStream(
  setup: Setup,
  folder: string,
  { minutes, store }: { minutes: number; store: string },
): Promise<Outcome> {
  await using site = await start(setup, folder, store);
  await using server = await site.serve();
  const changes = new Changes(site.store, setup.visitors);
  using _silent = await request(site.port, "");
  const seen: number[] = [];
  for (let minute = 0; minute < minutes; minute++) {
    await pause(57_000);
    seen.push(await memoryOf(server));
  }
  await changes.stop();
  // The first third is left out, since any server's memory grows in its first minutes.
  const growth = seen.at(-1)! - seen[Math.floor(seen.length / 3)];
  return {
    seen: `${seen.join(", ")} MB, minute by minute`,
    isMet: growth <= 10,
  };
}

/** Kills and restarts the server, while clients follow its lists. */
export async function streamsKilled(
  setup: Setup,
  folder: string,
  { kills, store }: { kills: number; store: string },
): Promise<Outcome> {
  await using site = await start(setup, folder, store);
  let server = await site.serve();
  const { api } = site;
  const queries = SEARCHES.map((q) => `?${new URLSearchParams({ q })}`);
  const clients = queries.flatMap((query) =>
    Array.from({ length: 3 }, () => new FollowingClient(api, query, headers, 500))
  );
  let slowest = 0;
  for (let kill = 0; kill < kills; kill++) {
    const changes = new Changes(site.store, setup.visitors);
    await pause(500 + 2000 * Math.random());
    await server.stop("SIGKILL");
    await pause(1000 * Math.random());
    server = await site.serve();
    await pause(1000);
    await changes.stop();
    const quiet = performance.now();
    for (const [i, query] of queries.entries()) {
      const { visitors } = await (await fetch(`${api}/visitors/list/search${query}`, { headers })).json();
      const isSame = (client: FollowingClient) => JSON.stringify(client.list) === JSON.stringify(visitors);
      const followers = clients.slice(i * 3, i * 3 + 3);
      while (!followers.every(isSame) && performance.now() - quiet < 20_000) await pause(100);
    }
    slowest = Math.max(slowest, performance.now() - quiet);
  }
  const connected = clients.reduce((sum, client) => sum + client.connected, 0);
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await server[Symbol.asyncDispose]();
  return {
    seen: `${clients.length} clients connected ${connected} times; all lists are the API's ` +
      `${slowest.toFixed(0)} ms after the last change, at the most`,
    isMet: slowest <= 3000,
  };
}
