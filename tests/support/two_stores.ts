/**
 * Two stores over the same visitors, as two processes have them.
 *
 * @module
 */
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { inFolder } from "./folders.ts";

/** The stores of two processes over the same visitors. */
export type TwoStores = [VisitorStore, VisitorStore];

/** Opens two stores over one SQLite file, and closes them after the work. */
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
