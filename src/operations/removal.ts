/**
 * Removal of many visitors, in batches that let requests through.
 *
 * @module
 */
import type { VisitorWrites } from "../store/visitor_store.ts";

/** The batch size in visitors; small, since the embedded store answers nothing else during a batch. */
const BATCH = 50;

/** The options of {@link removeOfflineVisitors}. */
export interface RemovalOptions {
  /** Returns the time before which removed visitors were last seen; `null` for any time. Called before each batch. */
  seenBefore?: () => Date | null;
  /** Whether to continue. Called before each batch. */
  mayGoOn?: () => Promise<boolean> | boolean;
  /** Called after each batch. */
  onRemoved: () => void;
  /** Waits for a number of milliseconds. */
  pause?: (milliseconds: number) => Promise<unknown>;
}

/**
 * Removes visitors who are offline, in batches. Each batch is followed by a pause as long as the batch took.
 *
 * @returns the number of removed visitors
 */
export async function removeOfflineVisitors(
  store: VisitorWrites,
  {
    seenBefore = () => null,
    mayGoOn = () => true,
    onRemoved,
    pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  }: RemovalOptions,
): Promise<number> {
  let removed = 0;
  while (await mayGoOn()) {
    const start = performance.now();
    const batch = await store.removeOffline(seenBefore(), BATCH);
    if (batch === 0) break;
    removed += batch;
    onRemoved();
    await pause(performance.now() - start);
  }
  return removed;
}
