import { startCollections } from "../support/mongodb_collections.ts";
import { hasAllRights } from "../support/rights.ts";
import { testStreamContract } from "./contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { openIndexed, options } = await startCollections();

  testStreamContract("MongoDB", () => openIndexed(), options);
}
