/**
 * Index maintenance in the background, for stores whose searches it makes faster.
 *
 * @module
 */
import type { StoreMaintenance } from "../store/visitor_store.ts";
import { type Background, startBackground, type Times } from "./background.ts";
import type { Log } from "./log.ts";

/** The pause between two steps, as a multiple of the last step's duration: searches have priority. */
const REST = 10;

/** Maintains a store's indexes step by step: a minute after the start, and then every ten minutes. */
export function startIndexMaintenance(
  store: StoreMaintenance,
  log: Log,
  { first = 60_000, interval = 600_000, retry = 10_000 }: Partial<Times> = {},
): Background {
  return startBackground(
    async ({ isStopping, pause }) => {
      let start = performance.now();
      while (!isStopping() && await store.maintainIndexes?.()) {
        await pause(REST * (performance.now() - start));
        start = performance.now();
      }
    },
    log,
    "Index maintenance failed",
    { first, interval, retry },
  );
}
