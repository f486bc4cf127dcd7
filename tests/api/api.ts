/**
 * The API beside its description: schemathesis (https://schemathesis.readthedocs.io) makes requests of the
 * description, those that it allows and those that it does not, and checks all that it knows of the answers.
 *
 * It has a task of its own, `deno task test:api`, since it takes a minute, and its programs are installed from PyPI
 * the first time.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { sampleVisitors } from "../../src/commands/sample_visitors.ts";
import { EXAMPLE_VISITOR } from "../../src/rest/example.ts";
import { appWith } from "../support/app.ts";
import { inFolder } from "../support/folders.ts";
import { startMongo } from "../support/mongodb.ts";
import { freePort } from "../support/ports.ts";
import { fromSource, Process, runProcess } from "../support/processes.ts";
import { programFromPyPI } from "../support/pypi.ts";

const SCHEMATHESIS = "4.32.5";
const OPENAPI_SPEC_VALIDATOR = "0.9.0";

/** What schemathesis has to be told beside the description. */
const HOOKS = fileURLToPath(new URL("hooks.py", import.meta.url));

/** Visitors to read, change and remove: enough of them online that some are left in the end, and whom examples name. */
const INPUT = [
  ...sampleVisitors(new Date()).map((visitor) => ({ ...visitor, is_online: !visitor.is_online })),
  EXAMPLE_VISITOR,
].map((visitor) => JSON.stringify(visitor) + "\n").join("");

/**
 * Runs every check against a server of its own, over the store that the environment names.
 *
 * @param examples how many requests are made up for an operation, in each of several ways
 */
async function compare(
  folder: string,
  key: "reads" | "writes",
  examples: number,
  environment: Record<string, string>,
) {
  const program = await programFromPyPI("schemathesis", SCHEMATHESIS, "schemathesis");
  const imported = await runProcess({ ...fromSource(folder, ["import", "-"], environment), input: INPUT });
  assert.equal(imported.code, 0, imported.stderr);

  const port = freePort();
  await using server = new Process(
    fromSource(folder, [], {
      HOST: "127.0.0.1",
      PORT: `${port}`,
      REST_KEY: "reads",
      REST_WRITE_KEY: "writes",
      ...environment,
    }),
  );
  await server.until(/Listening on/);
  const { code, stdout, stderr } = await runProcess({
    program,
    args: [
      "run",
      `http://127.0.0.1:${port}/api/openapi.json`,
      ...["--url", `http://127.0.0.1:${port}/api`],
      ...["--header", `Authorization: ${key}`],
      ...["--checks", "all"],
      // It leaves out the operation that describes the API, unless a filter takes it.
      ...["--include-path-regex", "."],
      // Its answer does not end, and whatever reads all of it waits for half an hour: tests/stream reads it.
      ...["--exclude-operation-id", "streamVisitors"],
      ...["--max-examples", `${examples}`],
      // So that what fails once fails again.
      ...["--seed", "1"],
      ...["--generation-database", "none"],
      "--continue-on-failure",
    ],
    // It leaves its own files in the working directory.
    cwd: folder,
    env: { SCHEMATHESIS_HOOKS: HOOKS, PYTHONDONTWRITEBYTECODE: "1", PYTHONUTF8: "1", NO_COLOR: "1" },
  });
  assert.equal(code, 0, stdout + stderr);
  const summary = stdout.slice(stdout.search(/^=+ SUMMARY =+$/m));
  for (const phase of ["Examples", "Coverage", "Fuzzing", "Stateful"]) {
    assert.match(summary, new RegExp(`✅ ${phase}$`, "m"), stdout);
  }
  const [, selected, all] = /Selected: (\d+)\/(\d+)\n\s+Tested: \1\n/.exec(summary) ?? assert.fail(stdout);
  assert.equal(Number(selected), Number(all) - 1, "all but the one that is left out");
  assert.doesNotMatch(stdout, /Missing test data/);
  console.log(summary);
}

// Not passed over where rights are missing: this file is run for nothing else.

Deno.test("The description is valid OpenAPI", () =>
  inFolder(async (folder) => {
    // It says more of a document than schemathesis does, which makes the best of one.
    const program = await programFromPyPI(
      "openapi-spec-validator",
      OPENAPI_SPEC_VALIDATOR,
      "openapi-spec-validator",
    );
    for (const environment of [{}, { REST_WRITE_KEY: "writes", HIDDEN_ATTRIBUTES: "email,ip_address" }]) {
      const { ask } = await appWith([], environment);
      const path = `${folder}/openapi.json`;
      await Deno.writeTextFile(path, await (await ask("/api/openapi.json")).text());
      const { code, stdout, stderr } = await runProcess({ program, args: ["--schema", "3.1", path] });
      assert.equal(code, 0, stdout + stderr);
    }
  }));

// At once, since schemathesis and a server each use one core.
Deno.test("The API does what its description says", (t) =>
  inFolder(async (folder) => {
    await using mongo = await startMongo();
    const runs = [
      { name: "over the embedded store", key: "writes", examples: 60, environment: {} },
      { name: "over MongoDB", key: "writes", examples: 40, environment: { MONGO_URI: mongo.uri } },
      { name: "with a key that only reads", key: "reads", examples: 20, environment: {} },
    ] as const;
    await Promise.all(runs.map(async ({ name, key, examples, environment }) => {
      const own = `${folder}/${name}`;
      await Deno.mkdir(own);
      await t.step({
        name,
        fn: () => compare(own, key, examples, environment),
        // Deno runs steps concurrently only without sanitizers.
        ...{ sanitizeOps: false, sanitizeResources: false, sanitizeExit: false },
      });
    }));
  }));
