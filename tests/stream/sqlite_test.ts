import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { testStreamContract } from "./contract.ts";

// A reading that nobody waits for any more keeps the timer of its deadline until it is done.
const options = { sanitizeOps: false, sanitizeResources: false };

testStreamContract("SQLite", () => {
  const store = openSqliteStore(":memory:");
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => store.close() });
}, options);
