import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { testStreamContract } from "./contract.ts";

// A read whose caller no longer waits keeps the timer of its deadline until it ends.
const options = { sanitizeOps: false, sanitizeResources: false };

testStreamContract("SQLite", () => {
  const store = openSqliteStore(":memory:");
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => store.close() });
}, options);
