/**
 * Programs from PyPI that tests use.
 *
 * @module
 */
import { join } from "node:path";
import { attempt } from "./processes.ts";

/**
 * Finds a program of a PyPI package in a cached virtual environment; installs the package at the first use. A lock
 * ensures that one process at a time does so.
 *
 * @returns the program's path
 * @throws {Error} the package cannot be installed
 */
export async function programFromPyPI(name: string, version: string, program: string): Promise<string> {
  const cache = Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") ?? ".", ".cache");
  const folder = join(cache, "foyer-tests", `${name}-${version}`);
  const path = join(folder, "bin", program);
  const done = join(folder, "installed");
  await Deno.mkdir(join(cache, "foyer-tests"), { recursive: true });
  using lock = await Deno.open(`${folder}.lock`, { create: true, write: true });
  await lock.lock(true);
  if (await exists(done)) return path;
  await Deno.remove(folder, { recursive: true }).catch(() => {});
  for (
    const command of [
      ["python3", "-m", "venv", folder],
      [join(folder, "bin", "pip"), "install", "--quiet", "--pre", `${name}==${version}`],
    ]
  ) {
    const { ok, text } = await attempt(...command as [string, ...string[]]);
    if (!ok) throw new Error(`${command.join(" ")} failed\n${text}`);
  }
  await Deno.writeTextFile(done, "");
  return path;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
