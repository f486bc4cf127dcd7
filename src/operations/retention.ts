/**
 * Retention: visitors who have not been seen for long are removed.
 *
 * @module
 */
import { removeOfflineVisitors } from "../store/removal.ts";
import type { VisitorStore } from "../store/visitor_store.ts";
import type { Log } from "./log.ts";
import { OngoingFailure } from "./ongoing_failure.ts";

const DAY = 86_400_000;

/** How long this process is the one that removes, unless it says so again, in milliseconds. */
const LEASE = 60_000;

/** When visitors are looked for. */
export interface RetentionOptions {
  /** How often, in milliseconds. */
  interval?: number;
  /** How long after the database failed, in milliseconds. */
  retry?: number;
  /** Told of each removal. */
  onRemoved?: () => void;
}

/** Removes visitors until it is stopped. */
export interface Retention {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/**
 * Removes visitors that have been offline for longer than so many days: at once, and then every ten minutes. Of all
 * processes over one store, one at a time does so.
 */
export function startRetention(
  store: VisitorStore,
  days: number,
  log: Log,
  { interval = 600_000, retry = 10_000, onRemoved = () => {} }: RetentionOptions = {},
): Retention {
  const holder = crypto.randomUUID();
  const stopping = Promise.withResolvers<void>();
  let isStopping = false;
  const failure = new OngoingFailure(log, "Visitors are not removed yet");

  async function pause(milliseconds: number) {
    let timer;
    await Promise.race([
      stopping.promise,
      new Promise((resolve) => timer = setTimeout(resolve, milliseconds)),
    ]);
    clearTimeout(timer);
  }

  async function work() {
    while (!isStopping) {
      let wait = interval;
      try {
        const removed = await removeOfflineVisitors(store, {
          seenBefore: () => new Date(Date.now() - days * DAY),
          mayGoOn: async () => !isStopping && await store.takeLease("retention", holder, LEASE),
          onRemoved,
          pause,
        });
        if (removed > 0) log(`Removed ${removed} visitors not seen for ${days} days`);
        failure.end();
      } catch (error) {
        // Nothing of this may end the server, which answers all the same.
        failure.note(error);
        wait = retry;
      }
      await pause(wait);
    }
  }

  const working = work();
  return {
    async stop() {
      isStopping = true;
      stopping.resolve();
      await working;
      // Or a process that starts now would not remove anybody before its second look.
      await store.releaseLease("retention", holder).catch(() => {});
    },
  };
}
