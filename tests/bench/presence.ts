/**
 * Benchmarks of presence, compared with an echo server.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { fromSource, Process, runProcess } from "../support/processes.ts";
import { freePort } from "../support/ports.ts";
import { pause, quantile } from "../endurance/bar.ts";
import type { Engine } from "./engine.ts";
import type { Order, Report } from "./pages.ts";

/** How long page views are sent, and how long the database is unavailable, in milliseconds. */
const VIEWING = 60_000;
const AWAY = 60_000;

/** The time between two page views of one web page, in milliseconds. */
const VIEW_EVERY = 60_000;

/** The number of fuzzed messages. */
const FUZZED = 100_000;

/** The number of web pages that connect at the same time. */
const AT_ONCE = 100;

/** The setup of the benchmark. */
export interface PresenceBench {
  folder: string;
  /** The environment that names the store. */
  store: Record<string, string>;
  visitors: number;
  /** The database, which is killed; `null` for the embedded store. */
  database: Engine | null;
}

/** Measures presence with one store; returns a line for each measurement. */
export async function benchPresence(bench: PresenceBench): Promise<string[][]> {
  const { folder, visitors, store, database } = bench;
  const echo = await measureEcho(folder, visitors);
  const environment = {
    ...store,
    REST_KEY: "bench",
    SITE_KEY: "site",
    SECRET_KEY: "a secret of 32 characters or more",
    ALLOWED_ORIGINS: "*",
    CONNECTIONS_PER_ADDRESS: "0",
    NEW_VISITORS_PER_MINUTE: "0",
    LOG_LEVEL: "warning",
    HOST: "127.0.0.1",
    PORT: `${freePort()}`,
  };
  const url = `http://127.0.0.1:${environment.PORT}`;
  let server = await start(folder, environment, url);
  const rest = server.memory();
  await using pages = new Pages(folder, url);
  const rows: string[][] = [];
  try {
    const connect = await pages.obey({ do: "connect", count: visitors, atOnce: AT_ONCE });
    rows.push([
      "pages that connect a second, each welcomed",
      (visitors / connect.seconds).toFixed(0),
      "over 1,000",
    ]);
    const settled = await whenOnline(url, visitors);
    rows.push([
      "until all of them are in the API, after the last one connected",
      `${settled.toFixed(1)} s`,
      "",
    ]);
    const own = (server.memory() - rest) * 1024 / visitors;
    rows.push([
      "memory for each visitor above the echo server's",
      `${(own - echo.each).toFixed(1)} KB (${own.toFixed(1)} and ${echo.each.toFixed(1)})`,
      "under 12 KB",
    ]);

    await pages.obey({ do: "view", every: VIEW_EVERY });
    const polls = new Poller(url);
    const appear = await pages.obey({ do: "appear", rate: 10, time: VIEWING });
    const { p99, errors } = await polls.stop();
    rows.push(["list/latest meanwhile, p99", `${p99.toFixed(0)} ms, ${errors} errors`, "under 100 ms"]);
    rows.push([
      `from opening a page to its being in the API, p99 of ${appear.appeared}`,
      `${appear.p99!.toFixed(0)} ms`,
      "under 1,500 ms",
    ]);
    rows.push(["connections lost meanwhile", `${(await pages.obey({ do: "report" })).lost}`, "0"]);

    if (database?.kill !== undefined) rows.push(...await databaseAway(database, pages, url, visitors));

    await server.stop("SIGTERM");
    const again = performance.now();
    server = await start(folder, environment, url);
    const during = new Poller(url);
    const back = await pages.untilConnected(visitors, again);
    const { errors: after } = await during.stop();
    rows.push([
      "after a restart all are connected again",
      `${back.toFixed(1)} s, ${after} errors of the REST API`,
      "under 60 s, 0",
    ]);
    rows.push(["memory in the end, highest", `${server.memory("VmHWM")} MB`, ""]);
    rows.push([
      `${FUZZED.toLocaleString("en")} fuzzed messages`,
      await fuzz(),
      "no crash, no other visitor changed",
    ]);
  } finally {
    await server.stop("SIGKILL");
  }
  return rows;
}

/** Measures the echo server with as many connections, each of which has sent a message. */
async function measureEcho(folder: string, visitors: number): Promise<{ each: number; rate: number }> {
  const port = freePort();
  await using process = new Process(fromSource(folder, [`${port}`], {}, "tests/bench/echo.ts"));
  await process.until(/Listening on/);
  const rest = process.memory();
  await using pages = new Pages(folder, `http://127.0.0.1:${port}`, "echo");
  const { seconds } = await pages.obey({ do: "connect", count: visitors, atOnce: AT_ONCE });
  await pause(2000);
  return { each: (process.memory() - rest) * 1024 / visitors, rate: visitors / seconds };
}

async function databaseAway(database: Engine, pages: Pages, url: string, visitors: number) {
  const { lost } = await pages.obey({ do: "report" });
  await database.kill!();
  const closed = Math.floor(visitors / 20);
  await pages.obey({ do: "close", count: closed });
  await pause(AWAY);
  await database.restart!();
  const back = performance.now();
  await whenOnline(url, visitors - closed);
  const report = await pages.obey({ do: "report" });
  // Restores the number of connections for the next measurement.
  await pages.obey({ do: "connect", count: closed, atOnce: AT_ONCE });
  return [
    ["the database away for 60 s, connections lost", `${report.lost - lost}`, "0"],
    [
      `after its return all of ${visitors - closed} online and ${closed} gone are right`,
      `${((performance.now() - back) / 1000).toFixed(1)} s`,
      "within 10 s",
    ],
  ];
}

/** Runs the test of fuzzed messages with more messages. */
async function fuzz(): Promise<string> {
  const { code, stdout } = await runProcess({
    program: Deno.execPath(),
    args: ["test", "-A", "tests/presence/fuzz_test.ts"],
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { FUZZ_MESSAGES: `${FUZZED}`, NO_COLOR: "1" },
  });
  return code === 0 ? `neither (${/seed \d+/.exec(stdout)?.[0]})` : "FAILED";
}

/** Waits until a number of visitors are online, and returns the seconds that took. */
async function whenOnline(url: string, visitors: number): Promise<number> {
  const start = performance.now();
  while (performance.now() - start < 120_000) {
    const response = await fetch(`${url}/api/usage`, { headers: { Authorization: "bench" } });
    const { usage } = await response.json();
    if (usage?.visitors.online_now === visitors) return (performance.now() - start) / 1000;
    await pause(100);
  }
  return Infinity;
}

async function start(folder: string, environment: Record<string, string>, url: string): Promise<Process> {
  const process = new Process(fromSource(folder, [], environment));
  while (!await fetch(`${url}/live`).then(({ ok, body }) => body?.cancel().then(() => ok), () => false)) {
    assert.ok(!process.hasEnded, process.stderr);
    await pause(20);
  }
  return process;
}

/** The process with the web pages. */
class Pages extends Process {
  #reports = 0;

  constructor(folder: string, url: string, kind = "foyer") {
    const { program, args, ...options } = fromSource(folder, [url, kind], {}, "tests/bench/pages.ts");
    super({ program, args, ...options, stdin: "piped" });
  }

  async obey(order: Order): Promise<Report> {
    const writer = this.child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(JSON.stringify(order) + "\n"));
    writer.releaseLock();
    this.#reports++;
    while (this.stdout.split("\n").length <= this.#reports) {
      assert.ok(!this.hasEnded, this.stderr);
      await pause(20);
    }
    return JSON.parse(this.stdout.split("\n")[this.#reports - 1]);
  }

  /** Waits until a number of web pages are connected, and returns the seconds since a start time. */
  async untilConnected(count: number, since: number): Promise<number> {
    while (performance.now() - since < 120_000) {
      if ((await this.obey({ do: "report" })).connected >= count) return (performance.now() - since) / 1000;
      await pause(200);
    }
    return Infinity;
  }
}

/** A dashboard that sends ten requests a second, one after the other. */
class Poller {
  #times: number[] = [];
  #errors = 0;
  #isStopped = false;
  #work: Promise<void>;

  constructor(url: string) {
    this.#work = this.#poll(url);
  }

  async #poll(url: string) {
    while (!this.#isStopped) {
      const start = performance.now();
      const response = await fetch(`${url}/api/visitors/list/latest`, {
        headers: { Authorization: "bench" },
      });
      await response.arrayBuffer();
      if (!response.ok) this.#errors++;
      this.#times.push(performance.now() - start);
      await pause(100);
    }
  }

  async stop(): Promise<{ p99: number; errors: number }> {
    this.#isStopped = true;
    await this.#work;
    return { p99: quantile(this.#times, 0.99), errors: this.#errors };
  }
}
