/**
 * Tidying: what visitors are found by is put in order where that makes searches quicker.
 *
 * @module
 */
import type { VisitorStore } from "../store/visitor_store.ts";
import { type Background, startBackground, type Times } from "./background.ts";
import type { Log } from "./log.ts";

/** How many times as long as a step took the next one is waited for, since nobody is answered meanwhile. */
const REST = 10;

/** Tidies a store little by little: once it has answered for a minute, and then every ten minutes. */
export function startTidying(
  store: VisitorStore,
  log: Log,
  { first = 60_000, interval = 600_000, retry = 10_000 }: Partial<Times> = {},
): Background {
  return startBackground(
    async ({ isStopping, pause }) => {
      let start = performance.now();
      while (!isStopping() && await store.tidy?.()) {
        await pause(REST * (performance.now() - start));
        start = performance.now();
      }
    },
    log,
    "The store is not put in order yet",
    { first, interval, retry },
  );
}
