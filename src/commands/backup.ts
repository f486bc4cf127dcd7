/**
 * `foyer backup FILE`: copies the embedded store. Copying its file alone would lose changes that are still in the
 * write-ahead log.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { openConfiguredLog } from "../operations/log.ts";
import { openStore } from "../store/open.ts";
import { StoreUnavailable } from "../store/visitor_store.ts";
import { printError } from "./print.ts";

/**
 * Copies the store to a new file that no other user may read (mode 0600). A server may use the store meanwhile.
 *
 * @returns the exit code: 0, or 1 if no copy was made
 */
export async function backup(config: Config, path: string): Promise<number> {
  const store = await openStore(config.store, "command", openConfiguredLog(config), {
    mayCreate: false,
  });
  try {
    if (store.backup === undefined) {
      printError("A backup of MongoDB is made by its own tool, mongodump");
      return 1;
    }
    if (!createFile(path)) return 1;
    try {
      await store.backup(path);
    } catch (error) {
      // SQLite leaves its journal behind if the disk is full.
      for (const file of [path, `${path}-journal`]) await Deno.remove(file).catch(() => {});
      throw error;
    }
    printError(`Wrote a copy of ${store.description} to ${path}`);
    return 0;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    printError(`${error.message}; no copy was made`);
    return 1;
  } finally {
    await store.close();
  }
}

function createFile(path: string): boolean {
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
    return true;
  } catch (error) {
    const reason = error instanceof Deno.errors.AlreadyExists ? "it exists" : (error as Error).name;
    printError(`Cannot create ${JSON.stringify(path)}: ${reason}`);
    return false;
  }
}
