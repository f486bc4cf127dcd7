/**
 * `deno task endure`: endurance tests of a real server process.
 *
 * `--only NAME` selects a bar, and may be repeated. The other options set durations and counts; by default they have
 * the bars' own numbers. `--executable PATH` tests the executable instead of the source. Runs only on Linux, since
 * memory is read from /proc. The process must be allowed some 10,000 open files.
 *
 * @module
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { inFolder } from "../support/folders.ts";
import { fromExecutable, fromSource } from "../support/processes.ts";
import { tableOf } from "../support/table.ts";
import type { Outcome, Setup } from "./bar.ts";
import { freeze, kills } from "./database_away.ts";
import { imports } from "./imports.ts";
import { processKilled } from "./process_killed.ts";
import { slowConnections } from "./slow_connections.ts";
import { soak } from "./soak.ts";
import { stops } from "./stops.ts";
import { manyStreams, stalledStream, streamsKilled } from "./streams.ts";
import { unauthenticated } from "./unauthenticated.ts";

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    only: { type: "string", multiple: true },
    executable: { type: "string" },
    /** The store of bars that can use either: `embedded` or `mongodb`. */
    store: { type: "string", default: "embedded" },
    visitors: { type: "string", default: "20000" },
    kills: { type: "string", default: "20" },
    "freeze-seconds": { type: "string", default: "30" },
    stops: { type: "string", default: "50" },
    imports: { type: "string", default: "50" },
    connections: { type: "string", default: "1000" },
    "slow-seconds": { type: "string", default: "60" },
    burst: { type: "string", default: "5000" },
    listeners: { type: "string", default: "1000" },
    "stream-seconds": { type: "string", default: "30" },
    "stalled-minutes": { type: "string", default: "10" },
    minutes: { type: "string", default: "20" },
    "settled-minutes": { type: "string", default: "5" },
    rate: { type: "string", default: "500" },
  },
});
const { store, executable } = options;
const number = (name: Exclude<keyof typeof options, "only">) => Number(options[name]);

const setup: Setup = {
  foyer: (folder, args, environment) =>
    executable === undefined
      ? fromSource(folder, args, environment)
      : fromExecutable(resolve(executable), folder, args, environment),
  visitors: number("visitors"),
};

interface Bar {
  what: string;
  run(folder: string): Promise<Outcome>;
}

const bars: Record<string, Bar> = {
  kills: {
    what: `MongoDB killed ${options.kills} times under load: answers within 3 s, right again within 5 s`,
    run: (folder) => kills(setup, folder, number("kills")),
  },
  freeze: {
    what: `MongoDB frozen for ${
      options["freeze-seconds"]
    } s under load: answers within 3 s, right again within 5 s`,
    run: (folder) => freeze(setup, folder, number("freeze-seconds")),
  },
  stops: {
    what: `SIGTERM under load, ${options.stops} times (${store}): no request lost, exit code 0 within 10 s`,
    run: (folder) => stops(setup, folder, number("stops"), store),
  },
  imports: {
    what: `foyer import killed ${options.imports} times: nothing acknowledged lost, the file sound`,
    run: (folder) => imports(setup, folder, number("imports")),
  },
  slow: {
    what:
      `Slow and idle connections, ${options.connections} each (${store}): a good client's p99 under 200 ms`,
    run: (folder) => slowConnections(setup, folder, number("connections"), number("slow-seconds"), store),
  },
  unauthenticated: {
    what: `${options.burst} requests without the key: no operation on MongoDB`,
    run: (folder) => unauthenticated(setup, folder, number("burst")),
  },
  process: {
    what: "one of two processes killed: its visitors offline within 60 s, but for those who came back",
    run: (folder) => processKilled(setup, folder),
  },
  streams: {
    what:
      `${options.listeners} listeners on 10 searches, 50 changes a second (${store}): lists read 10 times a ` +
      "second at most, 100 KB a listener, list/latest p99 under 50 ms, changes seen within 1.5 s, own 0.5 s",
    run: (folder) =>
      manyStreams(setup, folder, {
        listeners: number("listeners"),
        seconds: number("stream-seconds"),
        store,
      }),
  },
  stalled: {
    what: `A listener that never reads, ${
      options["stalled-minutes"]
    } minutes of changes (${store}): memory level`,
    run: (folder) => stalledStream(setup, folder, { minutes: number("stalled-minutes"), store }),
  },
  "streams-killed": {
    what:
      `Killed ${options.kills} times under clients that follow lists (${store}): theirs the API's within 3 s`,
    run: (folder) => streamsKilled(setup, folder, { kills: number("kills"), store }),
  },
  soak: {
    what:
      `${options.minutes} minutes at ${options.rate} requests a second (${store}): memory grows under 10 % ` +
      `after minute ${options["settled-minutes"]}`,
    run: (folder) =>
      soak(setup, folder, {
        minutes: number("minutes"),
        settled: number("settled-minutes"),
        rate: number("rate"),
        store,
      }),
  },
};

const names = options.only ?? Object.keys(bars);
const unknown = names.filter((name) => !Object.hasOwn(bars, name));
if (unknown.length > 0) throw new Error(`No such bar: ${unknown}, expected some of ${Object.keys(bars)}`);

const rows: string[][] = [];
let isMet = true;
for (const name of names) {
  const start = performance.now();
  console.log(`${name}: ${bars[name].what}`);
  let outcome: Outcome | undefined;
  try {
    await inFolder(async (folder) => void (outcome = await bars[name].run(folder)));
  } catch (error) {
    outcome = { seen: `could not be measured: ${(error as Error).message}`, isMet: false };
  }
  const verdict = outcome!.isMet ? "met" : "NOT MET";
  console.log(`  ${outcome!.seen}: ${verdict}, after ${((performance.now() - start) / 1000).toFixed(0)} s`);
  rows.push([bars[name].what, outcome!.seen, verdict]);
  isMet &&= outcome!.isMet;
}
console.log(`\n${tableOf([["what", "seen", "verdict"], ...rows])}`);
Deno.exit(isMet ? 0 : 1);
