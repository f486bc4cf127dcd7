import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { testStreamContract } from "./contract.ts";

testStreamContract("SQLite", () => {
  const store = openSqliteStore(":memory:");
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => store.close() });
});
