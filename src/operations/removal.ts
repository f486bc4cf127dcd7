/**
 * Removing many visitors while others ask for theirs.
 *
 * @module
 */
import type { VisitorWrites } from "../store/visitor_store.ts";

/** Visitors in one batch: few, since the embedded store answers nothing else while it removes them. */
const BATCH = 50;

/** How visitors are removed. */
export interface RemovalOptions {
  /** Returns, for each batch, the time before which removed visitors were last seen; `null`: at any time. */
  seenBefore?: () => Date | null;
  /** Whether to go on, called before each batch. */
  mayGoOn?: () => Promise<boolean> | boolean;
  /** Called after each batch. */
  onRemoved: () => void;
  /** Waits so many milliseconds. */
  pause?: (milliseconds: number) => Promise<unknown>;
}

/**
 * Removes the visitors who are offline, in batches. After each one others have the store for as long as the batch took.
 *
 * @returns how many
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
