/**
 * `deno task bench`: compares Foyer's throughput with that of the bare runtime and the bare driver, in one run.
 *
 * Needs wrk. The MongoDB server is the one in `MONGO_BENCH_URI`, otherwise SecantusDB's Rust server if `secantusd-rs`
 * is on the PATH, otherwise the one that the tests use. The data stays in the folder for temporary files, for the next
 * run.
 *
 * @module
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { MongoClient } from "mongodb";
import denoJson from "../../deno.json" with { type: "json" };
import { freePort } from "../support/ports.ts";
import { fromExecutable, fromSource, Process } from "../support/processes.ts";
import { startServer } from "../support/server.ts";
import { tableOf } from "../support/table.ts";
import { type Engine, openEngine } from "./engine.ts";
import { type Load, load } from "./load.ts";
import { benchPresence } from "./presence.ts";
import { benchVisitors, shortIdOf } from "./visitors.ts";

const KEY = "bench";
const LATEST = ["/api/visitors/list/latest"];
const CONNECTIONS = 32;
const ONLINE = 5000;

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    visitors: { type: "string", default: "100000" },
    seconds: { type: "string", default: "4" },
    store: { type: "string", default: "embedded,mongodb" },
    part: { type: "string", default: "reads,presence" },
    connected: { type: "string", default: "15000" },
  },
});
const total = Number(options.visitors);
const seconds = Number(options.seconds);
const folder = join(Deno.env.get("TMPDIR") ?? "/tmp", `foyer-bench-${total}`);
await Deno.mkdir(folder, { recursive: true });

interface Row {
  what: string;
  load: Load;
  /** The 99th percentile of the response time with a single client, in milliseconds. */
  alone: number;
  /** The throughput relative to that of the bare runtime or driver. */
  share?: string;
  /** The server's memory after the run, in megabytes. */
  rss: number;
}

/** Values of visitors, to search for. */
const picked = pick();

console.log(
  `Foyer ${denoJson.version}, Deno ${Deno.version.deno}, ${navigator.hardwareConcurrency} cores; ` +
    `${total.toLocaleString("en")} visitors, ${ONLINE.toLocaleString("en")} online; ` +
    `${CONNECTIONS} connections, wrk, ${seconds} s each\n`,
);

const has = (part: string, store: string) => options.part.includes(part) && options.store.includes(store);
if (has("reads", "embedded")) await benchEmbedded();
if (has("reads", "mongodb")) await benchMongo();
if (has("presence", "embedded")) await benchPresenceOf("embedded");
if (has("presence", "mongodb")) await benchPresenceOf("mongodb");

async function benchEmbedded() {
  const path = join(folder, "foyer.db");
  await importOnce("embedded", { SQLITE_PATH: path });
  await using server = await serve({ SQLITE_PATH: path });
  const rest = server.rss();
  const rows = [
    ...await benchLists(server, path),
    await row(server, "one visitor", picked.ids.map((id) => `/api/visitors/${id}`)),
    ...await benchSearches(server, path),
  ];
  print(`Embedded store, SQLite ${sqliteVersion()}`, rows);
  console.log(`RSS at rest ${rest} MB, highest ${server.rss("VmHWM")} MB`);
  console.log(
    `200 dashboards, every 5 s, while 100 visitors a second are seen again: ${await dashboards(
      server,
      path,
    )}`,
  );
  console.log(`The executable's start to its first answer: ${await startOfExecutable(path)}\n`);
}

async function benchMongo() {
  await using mongo = await openEngine(join(folder, "secantusdb"), "bench");
  await importOnce("mongodb", { MONGO_URI: mongo.uri }, mongo);
  await using client = new MongoClient(mongo.uri);
  const visitors = client.db().collection("visitors");
  const { version } = await client.db().admin().serverInfo();
  const listOnce = () =>
    visitors.find({ is_online: true }, { projection: { foyer: 0 } }).sort({ last_seen_at: -1, short_id: 1 })
      .limit(100).toArray();
  // A server that has just started may take seconds for its first answers.
  while (await milliseconds(listOnce) > 500) await new Promise((resolve) => setTimeout(resolve, 500));
  const driverLists = await inFlight(listOnce);
  let next = 0;
  const driverOne = await inFlight(() =>
    visitors.findOne({ short_id: picked.ids[next++ % picked.ids.length] }, { projection: { foyer: 0 } })
  );

  await using server = await serve({ MONGO_URI: mongo.uri });
  await using stale = await serve({ MONGO_URI: mongo.uri, MAX_STALE_MS: "250" });
  const fresh = await writtenTo(mongo.uri, () => row(server, "latest, written to", LATEST));
  fresh.share = `${(fresh.load.rate / driverLists).toFixed(1)} × driver`;
  const one = await row(server, "one visitor", picked.ids.map((id) => `/api/visitors/${id}`));
  one.share = `${(one.load.rate / driverOne).toFixed(1)} × driver`;
  const staleRows = await benchLists(stale, mongo.uri);
  const rows = [
    fresh,
    ...staleRows.map((row) => ({ ...row, what: `${row.what}, MAX_STALE_MS=250` })),
    one,
    ...await benchSearches(server, mongo.uri),
  ];
  print(`MongoDB store, ${mongo.engine} ${version}, driver ${driverVersion()}`, rows);
  console.log(
    `The driver alone, ${CONNECTIONS} in flight: ${driverLists.toFixed(0)} lists, ${
      driverOne.toFixed(0)
    } findOne a second`,
  );
  console.log(`RSS, highest ${server.rss("VmHWM")} MB, ${stale.rss("VmHWM")} MB with MAX_STALE_MS=250`);
}

/** Measures presence, with a store of its own. */
async function benchPresenceOf(kind: "embedded" | "mongodb") {
  const own = await Deno.makeTempDir({ prefix: "foyer-bench-" });
  try {
    await using engine = kind === "mongodb" ? await openEngine(join(own, "secantusdb"), "presence") : null;
    const rows = await benchPresence({
      folder: own,
      store: engine === null ? { SQLITE_PATH: join(own, "foyer.db") } : { MONGO_URI: engine.uri },
      visitors: Number(options.connected),
      database: engine,
    });
    const over = engine === null ? "the embedded store" : `MongoDB, ${engine.engine}`;
    const views = Math.round(Number(options.connected) / 60);
    console.log(`${options.connected} visitors connected over ${over}, ${views} page views a second\n`);
    console.log(tableOf([["what", "seen", "bar"], ...rows]) + "\n");
  } finally {
    await Deno.remove(own, { recursive: true });
  }
}

/** Measures a list of 100 in three ways. The ceiling is measured next to each, since a machine's speed varies. */
async function benchLists(server: Server, target: string): Promise<Row[]> {
  const etag = (await server.get(LATEST[0])).headers.get("ETag")!;
  const rows: Row[] = [];
  const measure = async (what: string, headers: Record<string, string>, isWritten: boolean) => {
    const ceiling = await measureCeiling(server);
    const one = isWritten
      ? await writtenTo(target, () => row(server, what, LATEST, headers))
      : await row(server, what, LATEST, headers);
    const mean = (ceiling + await measureCeiling(server)) / 2;
    rows.push({ ...one, share: `${(one.load.rate / mean).toFixed(2)} of ${mean.toFixed(0)}` });
  };
  await measure("latest, unchanged, 304", { "If-None-Match": etag }, false);
  await measure("latest, written to", {}, true);
  await measure("latest, gzip, written to", { "Accept-Encoding": "gzip" }, true);
  return rows;
}

/** Measures searches while visitors are written, so that no result is cached. */
async function benchSearches(server: Server, target: string): Promise<Row[]> {
  const searches = Object.entries({
    "tag": ["#customer", "#newsletter", "#trial", "#vip", "#returning"],
    "e-mail": picked.emails,
    "lookup code": picked.codes,
    "text: a name": picked.names,
    "text: two words": picked.words,
    "text: nearly everybody": ["mail.example", "example.com", "il.ex", "ample.co"],
    "text: a typo": picked.typos,
  });
  return await writtenTo(target, async () => {
    const rows: Row[] = [];
    for (const [what, qs] of searches) {
      const paths = qs.map((q) => `/api/visitors/list/search?${new URLSearchParams({ q })}`);
      rows.push(await row(server, what, paths));
    }
    return rows;
  });
}

/** Runs a function while page views are written. */
async function writtenTo<T>(target: string, work: () => Promise<T>): Promise<T> {
  await using _ = new Process(fromSource(folder, [target, `${ONLINE}`], {}, "tests/bench/writer.ts"));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return await work();
}

/** Measures with many connections and with one. */
async function row(
  server: Server,
  what: string,
  paths: string[],
  headers: Record<string, string> = {},
): Promise<Row> {
  const request = { url: server.url, paths, headers: { Authorization: KEY, ...headers }, seconds };
  const alone = await load({ ...request, connections: 1 });
  const many = await load({ ...request, connections: CONNECTIONS });
  return { what, load: many, alone: alone.p99, rss: server.rss() };
}

function print(title: string, rows: Row[]) {
  console.log(`${title}. The ceiling is a bare Deno.serve with the body of latest.\n`);
  const cells = [
    ["", "a second", "share", "median ms", "p99 ms", "p99 ms alone", "RSS MB"],
    ...rows.map(({ what, load, alone, share = "", rss }) => [
      what,
      load.failed === 0 ? load.rate.toFixed(0) : `${load.rate.toFixed(0)} (${load.failed} failed)`,
      share,
      load.median.toFixed(1),
      load.p99.toFixed(1),
      alone.toFixed(1),
      `${rss}`,
    ]),
  ];
  console.log(tableOf(cells, 1));
  console.log();
}

interface Server extends AsyncDisposable {
  url: string;
  pid: number;
  get(path: string): Promise<Response>;
  /** The server's memory, in megabytes. */
  rss(field?: "VmRSS" | "VmHWM"): number;
}

async function serve(environment: Record<string, string>): Promise<Server> {
  const command = (settings: Record<string, string>) => fromSource(folder, [], settings);
  const process = await startServer(command, { REST_KEY: KEY, ...environment });
  return serverOf(process, process.port);
}

function serverOf(process: Process, port: number): Server {
  const url = `http://127.0.0.1:${port}`;
  const { pid } = process.child;
  return {
    url,
    pid,
    get: (path) => fetch(url + path, { headers: { Authorization: KEY } }),
    rss: (field) => process.memory(field),
    [Symbol.asyncDispose]: async () => void await process.stop("SIGTERM"),
  };
}

/** Measures how often per second the bare runtime can send the bytes of a list. */
async function measureCeiling(server: Server): Promise<number> {
  const file = join(folder, "latest.json");
  await Deno.writeFile(
    file,
    new Uint8Array(await (await server.get("/api/visitors/list/latest")).arrayBuffer()),
  );
  const port = freePort();
  await using process = new Process(fromSource(folder, [file, `${port}`], {}, "tests/bench/ceiling.ts"));
  await process.until(/Listening on/);
  const request = { url: `http://127.0.0.1:${port}`, paths: ["/"], connections: CONNECTIONS };
  // Warms the ceiling's server up, since Foyer is warm too.
  await load({ ...request, seconds: 1 });
  return (await load({ ...request, seconds })).rate;
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Measures how many queries per second the bare driver makes. */
async function inFlight(ask: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let answered = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    while (performance.now() - start < seconds * 1000) {
      await ask();
      answered++;
    }
  }));
  return answered / ((performance.now() - start) / 1000);
}

/** Measures a server's CPU time for dashboards that poll it, in percent of one core. */
async function dashboards(server: Server, target: string): Promise<string> {
  const poll = async (_: unknown, i: number) => {
    await new Promise((resolve) => setTimeout(resolve, i * 25));
    let etag = "";
    for (let polls = 0; polls < 4; polls++) {
      const headers: Record<string, string> = {
        Authorization: KEY,
        ...(etag === "" ? {} : { "If-None-Match": etag }),
      };
      const response = await fetch(server.url + LATEST[0], { headers });
      await response.arrayBuffer();
      etag = response.headers.get("ETag") ?? "";
      await new Promise((resolve) => setTimeout(resolve, 5000));
    }
  };
  return await writtenTo(target, async () => {
    const polls = Array.from({ length: 200 }, poll);
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const [start, before] = [performance.now(), cpuSeconds(server.pid)];
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    const used = (cpuSeconds(server.pid) - before) / ((performance.now() - start) / 1000);
    await Promise.all(polls);
    return `${(used * 100).toFixed(1)} % of one core`;
  });
}

function cpuSeconds(pid: number): number {
  // proc(5): utime and stime, the 12th and 13th after the program's name, in hundredths of a second.
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Measures the median of five starts of the executable that `deno task compile` made. */
async function startOfExecutable(path: string): Promise<string> {
  const program = new URL("../../foyer", import.meta.url).pathname;
  if (!await Deno.stat(program).then(() => true, () => false)) {
    return "not measured, run deno task compile first";
  }
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const port = freePort();
    const environment = { HOST: "127.0.0.1", PORT: `${port}`, REST_KEY: KEY, SQLITE_PATH: path };
    const start = performance.now();
    await using process = new Process(fromExecutable(program, folder, [], environment));
    const server = serverOf(process, port);
    while (!await server.get("/api/visitors/list/latest").then((response) => response.ok, () => false)) {
      if (performance.now() - start > 10_000) {
        return "not measured, the executable does not answer: is it of now?";
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    times.push(performance.now() - start);
  }
  return `${times.sort((a, b) => a - b)[2].toFixed(0)} ms, RSS ${await restOfExecutable(program, path)} MB`;
}

async function restOfExecutable(program: string, path: string): Promise<number> {
  const command = (settings: Record<string, string>) => fromExecutable(program, folder, [], settings);
  await using process = await startServer(command, { REST_KEY: KEY, SQLITE_PATH: path });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return process.memory();
}

/** Imports the visitors, unless an earlier run did so. */
async function importOnce(name: string, environment: Record<string, string>, engine?: Engine) {
  const done = join(folder, `${name}-imported`);
  if (engine?.isEmpty) await Deno.remove(done).catch(() => {});
  if (await Deno.stat(done).then(() => true, () => false)) return;
  console.log(`Importing into the ${name} store; the next run finds the visitors there`);
  const { program, args, ...options } = fromSource(folder, ["import", "-"], environment);
  const child = new Deno.Command(program, { args, ...options, stdin: "piped" }).spawn();
  const lines = function* () {
    for (const visitor of benchVisitors(total, ONLINE, new Date())) yield JSON.stringify(visitor) + "\n";
  };
  await ReadableStream.from(lines()).pipeThrough(new TextEncoderStream()).pipeTo(child.stdin);
  const { success } = await child.status;
  if (!success) throw new Error("The import failed");
  await Deno.writeTextFile(done, "");
}

/** Picks values to search for, spread over all visitors. */
function pick() {
  const found = { ids: [], emails: [], codes: [], names: [], words: [], typos: [] } as Record<
    string,
    string[]
  >;
  const every = Math.max(1, Math.floor(total / 1000));
  let number = 0;
  for (const { short_id, name, email, lookup_code } of benchVisitors(total, ONLINE, new Date(0))) {
    if (lookup_code !== null && number % 5 === 0) found.codes.push(String(lookup_code));
    if (number++ % every !== 0) continue;
    found.ids.push(String(short_id));
    if (name === null) continue;
    const [first, last] = String(name).split(" ");
    found.emails.push(String(email));
    found.names.push(last);
    found.words.push(`${first} ${last}`);
    // A typo: one letter is replaced by q, which is in no name.
    found.typos.push(last.slice(0, 2) + "q" + last.slice(3));
  }
  if (found.ids[0] !== shortIdOf(0)) throw new Error("The visitors are not those that were expected");
  return found;
}

function driverVersion(): string {
  return denoJson.imports.mongodb.split("@")[1];
}

function sqliteVersion(): string {
  using database = new DatabaseSync(":memory:");
  return String(database.prepare("SELECT sqlite_version() AS version").get()!.version);
}
