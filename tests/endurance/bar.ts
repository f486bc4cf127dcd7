/**
 * What a bar is measured with, and what comes of it.
 *
 * @module
 */
import { startMongo } from "../support/mongodb.ts";
import { type Command, runProcess } from "../support/processes.ts";
import { type Server, startServer } from "../support/server.ts";
import { benchVisitors } from "../bench/visitors.ts";

export const KEY = "endurance";

/** What a bar came to. */
export interface Outcome {
  seen: string;
  isMet: boolean;
}

/** What all bars are given. */
export interface Setup {
  /** Foyer's command line in a folder, from source or as an executable. */
  foyer(folder: string, args: string[], environment: Record<string, string>): Command;
  /** How many visitors the site has; one of twenty is online. */
  visitors: number;
}

/** Visitors as an import takes them, a line each. */
export function visitorLines(visitors: number): string {
  return Array.from(
    benchVisitors(visitors, visitors / 20, new Date()),
    (visitor) => JSON.stringify(visitor) + "\n",
  )
    .join("");
}

/** Fills a store with the visitors. */
export async function fill({ foyer, visitors }: Setup, folder: string, environment: Record<string, string>) {
  const { code, stderr } = await runProcess({
    ...foyer(folder, ["import", "-"], environment),
    input: visitorLines(visitors),
  });
  if (code !== 0) throw new Error(`The import failed: ${stderr}`);
}

/** A server with the key {@link KEY} over a store. */
export function serve(
  { foyer }: Setup,
  folder: string,
  environment: Record<string, string>,
): Promise<Server> {
  return startServer((settings) => foyer(folder, [], settings), { REST_KEY: KEY, ...environment });
}

/** A store with the visitors in it, by the environment that names it. */
export async function openStore(setup: Setup, folder: string, kind: string) {
  await using stack = new AsyncDisposableStack();
  const environment: Record<string, string> = kind === "embedded"
    ? { SQLITE_PATH: `${folder}/foyer.db` }
    : { MONGO_URI: stack.use(await startMongo()).uri };
  await fill(setup, folder, environment);
  const whole = stack.move();
  return { environment, [Symbol.asyncDispose]: () => whole.disposeAsync() };
}

/** Waits, in milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Of numbers the one that this share of them is below. */
export function quantile(numbers: number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
