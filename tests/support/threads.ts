/**
 * The embedded store's threads, under the test runner.
 *
 * @module
 */
import { openSqliteStore } from "../../src/store/sqlite/store.ts";

let checked: Promise<void> | undefined;

/**
 * Starts a thread once. `deno test` checks the types of its module then, which may take longer than a request waits for
 * its store.
 */
export function checkThreads(): Promise<void> {
  return checked ??= startOne();
}

async function startOne() {
  const folder = await Deno.makeTempDir({ prefix: "foyer-test-" });
  const store = openSqliteStore(`${folder}/foyer.db`, { use: "command" });
  await store.countOnline();
  await store.close();
  await Deno.remove(folder, { recursive: true });
}
