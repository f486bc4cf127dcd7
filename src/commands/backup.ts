/**
 * `foyer backup FILE`: a copy of the embedded store. A copy of its file alone would lack what is still in the write-ahead
 * log.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { openConfiguredLog } from "../operations/log.ts";
import { openStore } from "../store/open.ts";
import { StoreUnavailable } from "../store/visitor_store.ts";
import { printError } from "./print.ts";

/**
 * Writes a copy of the store into a new file that no other user may read (mode 0600), also while a server uses the store.
 *
 * @returns the exit code: 0, or 1 where there is no copy
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
      // SQLite leaves its journal behind where the disk is full.
      for (const file of [path, `${path}-journal`]) await Deno.remove(file).catch(() => {});
      throw error;
    }
    printError(`Wrote a copy of ${store.description} to ${path}`);
    return 0;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    printError(`${error.message}; there is no copy`);
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
