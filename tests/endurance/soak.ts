/**
 * A long run with requests that hardly ever repeat, during which memory must not grow.
 *
 * @module
 */
import { fromSource, Process } from "../support/processes.ts";
import { openStore, type Outcome, pause, quantile, serve, type Setup } from "./bar.ts";
import type { Paced } from "./paced.ts";

/** The limit: memory must grow by less than this fraction. */
const GROWTH = 0.1;

/** The parameters of a soak. */
export interface SoakOptions {
  minutes: number;
  /** The minute from which memory must not grow any more. */
  settled: number;
  /** Requests a second. */
  rate: number;
  store: string;
}

/** Sends requests at a steady rate from another process, while page views are written. */
export async function soak(
  setup: Setup,
  folder: string,
  { minutes, settled, rate, store }: SoakOptions,
): Promise<Outcome> {
  if (minutes <= settled) throw new Error(`A soak is longer than the ${settled} minutes in which it settles`);
  await using filled = await openStore(setup, folder, store);
  await using server = await serve(setup, folder, filled.environment);
  const { MONGO_URI, SQLITE_PATH } = filled.environment;
  const script = (name: string, ...args: string[]) => {
    const { program, args: all = [], ...options } = fromSource(folder, args, {}, `tests/${name}.ts`);
    // The client has a low priority, so that it does not take CPU time from the server.
    return new Process({ ...options, program: "nice", args: ["-n", "10", program, ...all] });
  };
  await using _ = script("bench/writer", MONGO_URI ?? SQLITE_PATH, `${setup.visitors / 20}`);
  const seconds = minutes * 60;
  await using load = script("endurance/paced", server.url, `${setup.visitors}`, `${rate}`, `${seconds}`);

  const warnings: string[] = [];
  /** The memory samples of each minute, in megabytes. */
  const samples: number[][] = [];
  const start = performance.now();
  while (!load.hasEnded) {
    const minute = Math.floor((performance.now() - start) / 60_000);
    if (samples[minute] === undefined) {
      if (minute > 0) console.log(`  minute ${minute}: RSS ${mean(samples[minute - 1])} MB`);
      samples[minute] = [];
    }
    samples[minute].push(server.memory());
    // The log has a line per request, which would fill this process's memory: only warnings and errors are kept.
    warnings.push(...server.stderr.split("\n").filter((line) => /"level":"(warning|error)"/i.test(line)));
    server.stderr = "";
    await Promise.race([load.ended, pause(2000)]);
  }
  const highest = server.memory("VmHWM");
  if (!(await load.ended).success) throw new Error(`The load failed: ${load.stderr}`);
  const { sent, held, otherwise, times }: Paced = JSON.parse(load.stdout);
  const [before, after] = [mean(samples[settled]), mean(samples[minutes - 1])];
  const growth = after / before - 1;
  const reached = sent / seconds;
  return {
    seen: `${sent.toLocaleString("en")} requests, ${reached.toFixed(0)} a second, median ` +
      `${quantile(times, 0.5)} ms, p99 ${quantile(times, 0.99)} ms; ${held} held back, ` +
      `answered otherwise: ${otherwise.join(", ") || "none"}; warnings: ${
        warnings.slice(0, 3).join(", ") || "none"
      }; RSS ${before} MB in minute ${settled + 1}, ` +
      `${after} MB in minute ${minutes}, ${(growth * 100).toFixed(1)} % more, highest ${highest} MB`,
    isMet: growth < GROWTH && reached > 0.95 * rate && otherwise.length === 0,
  };
}

function mean(numbers: number[]): number {
  return Math.round(numbers.reduce((sum, number) => sum + number, 0) / numbers.length);
}
