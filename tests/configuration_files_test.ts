import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readConfig, readEnvironment } from "../src/config.ts";
import { configurationFiles } from "./support/configuration.ts";
import { testInFolder } from "./support/folders.ts";
import { hasAllRights } from "./support/rights.ts";

if (hasAllRights) {
  Deno.test("README, .env.example and the compile task name every variable as it is declared", () => {
    for (const { path, text, expected } of configurationFiles()) {
      assert.equal(text, expected, `${path} is out of date: run \`deno task config\``);
    }
  });
}

testInFolder("A copy of .env.example is a configuration that works", async (folder) => {
  await Deno.copyFile(fileURLToPath(new URL("../.env.example", import.meta.url)), `${folder}/.env`);
  await Deno.chmod(`${folder}/.env`, 0o600);
  const { values, warnings } = readEnvironment(folder);
  assert.equal(readConfig(values).baseEndpoint, "https://support.example.com/cobrowsing");
  assert.deepEqual(warnings, []);
});
