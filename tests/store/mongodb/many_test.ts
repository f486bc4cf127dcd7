import { addUnindexed, startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import { testStoreContract } from "../contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { openIndexed, options } = await startCollections();

  testStoreContract("MongoDB with many unindexed documents", async () => {
    const opened = await openIndexed();
    await addUnindexed(opened.collection);
    return opened;
  }, options);
}
