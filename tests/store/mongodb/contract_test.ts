import { startCollections } from "../../support/mongodb_collections.ts";
import { hasAllRights } from "../../support/rights.ts";
import { testCareContract } from "../care_contract.ts";
import { testStoreContract } from "../contract.ts";
import { testPresenceContract } from "../presence_contract.ts";
import { testProcessesContract } from "../processes_contract.ts";
import { testSearchContract } from "../search_contract.ts";

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { open, openIndexed, options } = await startCollections();

  testSearchContract("MongoDB", () => open(), options);
  testStoreContract("MongoDB", () => open(), options);
  testPresenceContract("MongoDB", () => openIndexed(), options);
  testProcessesContract("MongoDB", () => openIndexed(), options);
  testCareContract("MongoDB", () => openIndexed(), options);
}
