/**
 * Expiry of agents' claims: a claim that was not renewed is ended in the store, whichever process created it.
 *
 * @module
 */
import type { AgentClaims } from "../store/visitor_store.ts";
import { type Background, startBackground, type Times } from "./background.ts";
import type { Log } from "./log.ts";

/**
 * The least pause, as a multiple of how long the last run took: without its index, the query reads all documents.
 */
const REST = 20;

/** The options of {@link startClaimEnds}. */
export interface ClaimEndsOptions extends Partial<Times> {
  /** Called after claims were ended. */
  onEnded?: () => void;
}

/**
 * Ends expired claims every two seconds. Each process does so: taking a lease would cost as much as the query.
 */
export function startClaimEnds(
  store: AgentClaims & { isReady(): boolean },
  log: Log,
  { first = 2000, interval = 2000, retry = 10_000, onEnded = () => {} }: ClaimEndsOptions = {},
): Background {
  return startBackground(
    async ({ pause }) => {
      if (!store.isReady()) return;
      const start = performance.now();
      if (await store.endClaims(new Date()) > 0) onEnded();
      await pause(Math.max(0, REST * (performance.now() - start) - interval));
    },
    log,
    "Agents' claims do not end yet",
    { first, interval, retry },
  );
}
