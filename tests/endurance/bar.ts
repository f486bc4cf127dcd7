/**
 * The setup and the result of an endurance bar: a measurement with a limit that must be met.
 *
 * @module
 */
import { startMongo } from "../support/mongodb.ts";
import { type Command, runProcess } from "../support/processes.ts";
import { type Server, startServer } from "../support/server.ts";
import { benchVisitors } from "../bench/visitors.ts";

export const KEY = "endurance";

/** The result of a bar. */
export interface Outcome {
  seen: string;
  isMet: boolean;
}

/** The setup that all bars share. */
export interface Setup {
  /** Makes a command that runs Foyer in a folder, from source or as an executable. */
  foyer(folder: string, args: string[], environment: Record<string, string>): Command;
  /** The number of visitors in the store, one in twenty of whom is online. */
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

/** Starts a server with the key {@link KEY} over a store. */
export function serve(
  { foyer }: Setup,
  folder: string,
  environment: Record<string, string>,
): Promise<Server> {
  return startServer((settings) => foyer(folder, [], settings), { REST_KEY: KEY, ...environment });
}

/** Makes a store with the visitors, and returns the environment variables that name it. */
export async function openStore(setup: Setup, folder: string, kind: string) {
  await using stack = new AsyncDisposableStack();
  const environment: Record<string, string> = kind === "embedded"
    ? { SQLITE_PATH: `${folder}/foyer.db` }
    : { MONGO_URI: stack.use(await startMongo()).uri };
  await fill(setup, folder, environment);
  const whole = stack.move();
  return { environment, [Symbol.asyncDispose]: () => whole.disposeAsync() };
}

/** Waits for a number of milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A quantile of numbers, such as 0.99. */
export function quantile(numbers: number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
