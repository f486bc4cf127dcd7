/**
 * `foyer check`: checks the configuration, the connection to the store, and the rights to read and write it.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { openStore } from "../store/open.ts";
import { StoreUnavailable, type VisitorStore } from "../store/visitor_store.ts";
import { LATEST } from "../search/parse.ts";
import { openConfiguredLog } from "../operations/log.ts";
import { print } from "./print.ts";

/** The duration of the lease that tests whether the store can be written, in milliseconds. */
const LEASE = 1000;

/**
 * Checks everything without serving, and prints one line per result to standard output. Prints and changes no visitor's
 * data.
 *
 * @returns the exit code: 0, or 1 if the store cannot be used
 * @throws {ConfigurationError} the store cannot be opened as configured
 */
export async function check(config: Config): Promise<number> {
  print("Configuration: ok");
  const store = await openStore(config.store, "command", openConfiguredLog(config));
  try {
    print(`Store: ${store.description}`);
    const isReadable = await attempt("Reading", () => store.findVisitors(LATEST, 1, null));
    if (!isReadable) return 1;
    return await attempt("Writing", () => writeLease(store)) ? 0 : 1;
  } finally {
    await store.close();
  }
}

async function writeLease(store: VisitorStore) {
  const holder = crypto.randomUUID();
  const name = `check by ${holder}`;
  await store.takeLease(name, holder, LEASE);
  await store.releaseLease(name, holder);
}

async function attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    print(`${what}: ok`);
    return true;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    print(`${what}: failed. ${error.message}`);
    return false;
  }
}
