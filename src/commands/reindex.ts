/**
 * `foyer reindex`: adds search fields to documents that other software wrote, or renews outdated ones.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { openConfiguredLog } from "../operations/log.ts";
import { openStore } from "../store/open.ts";
import { StoreUnavailable } from "../store/visitor_store.ts";
import { count, Progress } from "./progress.ts";

/**
 * Updates the search fields of every visitor.
 *
 * @returns the exit code: 0, or 1 if some documents could not be updated, or the run is incomplete
 */
export async function reindex(config: Config): Promise<number> {
  const store = await openStore(config.store, "command", openConfiguredLog(config));
  const progress = new Progress();
  try {
    const { written, missed } = await store.reindex((looked, total) =>
      progress.show(looked, "document", total)
    );
    progress.report(`Gave ${count(written, "visitor")} search fields`);
    if (missed === 0) return 0;
    progress.report(`${count(missed, "visitor")} changed at that moment; run it again for them`);
    return 1;
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    progress.report(error.message);
    progress.report("The reindexing stopped; run it again to finish it");
    return 1;
  } finally {
    await store.close();
  }
}
