import { addUnindexed, startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import { testSearchContract } from "../search_contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { openIndexed, options } = await startCollections({ maxRead: 2 });

  testSearchContract("MongoDB with more unindexed documents than a search reads", async () => {
    const opened = await openIndexed();
    await addUnindexed(opened.collection, 3);
    return opened;
  }, options);
}
