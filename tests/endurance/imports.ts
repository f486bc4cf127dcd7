/**
 * An import into the embedded store is killed, many times.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { shortIdOf } from "../bench/visitors.ts";
import { type Command, Process, runProcess } from "../support/processes.ts";
import { type Outcome, pause, type Setup, visitorLines } from "./bar.ts";

/** Kills an import many times, each time at another moment and with a new file. */
export async function imports(setup: Setup, folder: string, times: number): Promise<Outcome> {
  const file = `${folder}/visitors.ndjson`;
  await Deno.writeTextFile(file, visitorLines(setup.visitors));
  const foyer = (path: string) => setup.foyer(folder, ["import", file], { SQLITE_PATH: path });

  /** Milliseconds of an import that is not killed; the first one may be slow. */
  let whole = Infinity;
  for (const path of [`${folder}/first.db`, `${folder}/second.db`]) {
    const start = performance.now();
    const { code, stderr } = await runProcess(foyer(path));
    if (code !== 0) throw new Error(`The import failed: ${stderr}`);
    whole = Math.min(whole, performance.now() - start);
  }

  let [acknowledged, beforeTheEnd] = [0, 0];
  const wrong: string[] = [];
  for (let i = 0; i < times; i++) {
    const path = `${folder}/killed-${i}.db`;
    const stored = await killed(foyer(path), whole * Math.random());
    if (stored < setup.visitors) beforeTheEnd++;
    acknowledged += stored;
    const missing = await missingOf(path, stored);
    if (missing > 0) wrong.push(`${missing} of ${stored} acknowledged are missing`);
    wrong.push(...defectsOf(path));

    const again = await runProcess(foyer(path));
    if (again.code !== 0) wrong.push(`the second import: ${again.stderr}`);
    const left = await missingOf(path, setup.visitors);
    if (left > 0) wrong.push(`${left} are missing after the second import`);
    wrong.push(...defectsOf(path));
    await Deno.remove(path);
  }
  return {
    seen:
      `${times} killed within ${(whole / 1000).toFixed(1)} s, ${beforeTheEnd} of them before the end of ` +
      `${setup.visitors.toLocaleString("en")} visitors; ${acknowledged.toLocaleString("en")} visitors ` +
      `acknowledged; ${
        wrong.length === 0 ? "none lost, every file sound, every second import complete" : wrong.join("; ")
      }`,
    isMet: wrong.length === 0 && beforeTheEnd > 0,
  };
}

/**
 * Runs an import and kills it after a while. An import shows its progress only on a terminal, which util-linux's
 * `script` provides.
 *
 * @returns the number of stored visitors that the import reported last
 */
async function killed({ program, args = [], ...options }: Command, after: number): Promise<number> {
  const words = [program, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  await using terminal = new Process({
    ...options,
    program: "script",
    args: ["--quiet", "--flush", "--command", `echo "$$ runs"; exec ${words.join(" ")}`, "/dev/null"],
    env: { ...options.env, SHELL: "/bin/sh" },
  });
  await terminal.until(/\d+ runs/, "stdout");
  await pause(after);
  try {
    Deno.kill(Number(/(\d+) runs/.exec(terminal.stdout)![1]), "SIGKILL");
  } catch (error) {
    // The import had ended already.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await terminal.ended;
  const shown = [...terminal.stdout.matchAll(/([\d,]+) visitors/g)];
  return Number(shown.at(-1)?.[1].replaceAll(",", "") ?? 0);
}

/** Opens the store, and counts how many of the first visitors are missing. */
async function missingOf(path: string, first: number): Promise<number> {
  const store = openSqliteStore(path);
  try {
    const visitors = await store.getVisitors(Array.from({ length: first }, (_, number) => shortIdOf(number)));
    return visitors.filter((visitor) => visitor === null).length;
  } finally {
    await store.close();
  }
}

/** The defects that SQLite's integrity check finds in a file. */
function defectsOf(path: string): string[] {
  using database = new DatabaseSync(path);
  return database.prepare("PRAGMA integrity_check").all().map((row) => String(row.integrity_check))
    .filter((sentence) => sentence !== "ok");
}
