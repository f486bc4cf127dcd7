/**
 * The embedded store's worker threads under the test runner.
 *
 * @module
 */
import { openSqliteStore } from "../../src/store/sqlite/store.ts";

let checked: Promise<void> | undefined;

/**
 * Starts a worker thread once. `deno test` then type-checks the worker's module, which may take longer than a request
 * waits for the store.
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
