/**
 * Programs from PyPI that tests use.
 *
 * @module
 */
import { join } from "node:path";
import { attempt } from "./processes.ts";

/**
 * A program of a package, in a virtual environment of a cache folder. It is installed the first time, by one process
 * at a time.
 *
 * @returns the program's path
 * @throws where it cannot be installed
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
