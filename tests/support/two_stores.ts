/**
 * Two stores over the same visitors, like those of two processes.
 *
 * @module
 */
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { inFolder } from "./folders.ts";

/** Two stores over the same visitors. */
export type TwoStores = [VisitorStore, VisitorStore];

/** Runs a function with two stores over one SQLite file, and closes them afterwards. */
export async function withTwoStores(work: (stores: TwoStores) => Promise<void>) {
  await inFolder(async (folder) => {
    const open = () => openSqliteStore(`${folder}/foyer.db`, { use: "command" });
    const stores: TwoStores = [open(), open()];
    try {
      await work(stores);
    } finally {
      for (const store of stores) await store.close();
    }
  });
}
