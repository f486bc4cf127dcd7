import { addNoVisitors, startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import { testStoreContract } from "../contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { openIndexed, options } = await startCollections();

  for (const [how, isSimple] of [["", undefined], [", asked as MongoDB is", false]] as const) {
    testStoreContract(`MongoDB with many documents${how}`, async () => {
      const opened = await openIndexed(isSimple);
      await addNoVisitors(opened.collection);
      return opened;
    }, options);
  }
}
