/**
 * Removing many visitors while others ask for theirs.
 *
 * @module
 */
import type { VisitorWrites } from "../store/visitor_store.ts";

/** Visitors that are removed at once: few, since the embedded store answers nobody meanwhile. */
const BATCH = 50;

/** How visitors are removed. */
export interface RemovalOptions {
  /** Those offline and last seen before this time, asked for anew each time; `null`: whenever they were seen. */
  seenBefore?: () => Date | null;
  /** Whether to go on, asked before each batch. */
  mayGoOn?: () => Promise<boolean> | boolean;
  /** Told of each batch. */
  onRemoved: () => void;
  /** Waits so many milliseconds. */
  pause?: (milliseconds: number) => Promise<unknown>;
}

/**
 * Removes the visitors that are offline, a batch at a time. In between others have the store for themselves, as long
 * as the batch had it.
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
