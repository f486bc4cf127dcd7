import assert from "node:assert/strict";
import { hasAllRights } from "./support/rights.ts";

Deno.test("plain `deno test` says what `deno test -A` adds", () => {
  assert.equal(Deno.permissions.querySync({ name: "run" }).state === "granted", hasAllRights);
  if (hasAllRights) return;
  console.log("Not run without -A: MongoDB, the embedded store's files, servers, the command line");
});
