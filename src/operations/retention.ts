/**
 * Retention: visitors who have not been seen for long are removed.
 *
 * @module
 */
import { removeOfflineVisitors } from "./removal.ts";
import type { Leases, VisitorWrites } from "../store/visitor_store.ts";
import { type Background, startBackground, type Times } from "./background.ts";
import type { Log } from "./log.ts";

const DAY = 86_400_000;

/** How long this process holds the lease, unless it renews it, in milliseconds. */
const LEASE = 60_000;

/** When visitors are looked for. */
export interface RetentionOptions extends Partial<Times> {
  /** Called after each removal. */
  onRemoved?: () => void;
}

/**
 * Removes visitors who have been offline for longer than so many days: at once, and then every ten minutes. Of all
 * processes over one store, one at a time does so.
 */
export function startRetention(
  store: VisitorWrites & Leases,
  days: number,
  log: Log,
  { first = 0, interval = 600_000, retry = 10_000, onRemoved = () => {} }: RetentionOptions = {},
): Background {
  const holder = crypto.randomUUID();

  const background = startBackground(
    async ({ isStopping, pause }) => {
      const removed = await removeOfflineVisitors(store, {
        seenBefore: () => new Date(Date.now() - days * DAY),
        mayGoOn: async () => !isStopping() && await store.takeLease("retention", holder, LEASE),
        onRemoved,
        pause,
      });
      if (removed > 0) log(`Removed ${removed} visitors not seen for ${days} days`);
    },
    log,
    "Visitors are not removed yet",
    { first, interval, retry },
  );
  return {
    async stop() {
      await background.stop();
      // Or a process that starts now would not remove anybody before its second look.
      await store.releaseLease("retention", holder).catch(() => {});
    },
  };
}
