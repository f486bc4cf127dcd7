/**
 * Retention: removes visitors who were last seen longer ago than `RETENTION_DAYS`.
 *
 * @module
 */
import { removeOfflineVisitors } from "./removal.ts";
import type { Leases, VisitorWrites } from "../store/visitor_store.ts";
import { type Background, startBackground, type Times } from "./background.ts";
import type { Log } from "./log.ts";

const DAY = 86_400_000;

/** How long the lease lasts without renewal, in milliseconds. */
const LEASE = 60_000;

/** The options of {@link startRetention}. */
export interface RetentionOptions extends Partial<Times> {
  /** Called after each removal. */
  onRemoved?: () => void;
}

/**
 * Removes visitors who have been offline for longer than `days`: at once, and then every ten minutes. A lease ensures
 * that one process at a time does so.
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
      // Otherwise a process that starts now could remove nobody in its first run.
      await store.releaseLease("retention", holder).catch(() => {});
    },
  };
}
