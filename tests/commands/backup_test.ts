import assert from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { visitorOf } from "../store/contract.ts";
import { testInFolder } from "../support/folders.ts";
import { startMongo } from "../support/mongodb.ts";
import { freePort } from "../support/ports.ts";
import { fromSource, Process, runProcess } from "../support/processes.ts";
import { PATIENT } from "../support/waiting.ts";

const run = (folder: string, args: string[], environment: Record<string, string> = {}) =>
  runProcess(fromSource(folder, args, { SQLITE_PATH: "foyer.db", ...environment }));

testInFolder(
  "A backup of a store in use has all its visitors, and only this user can read it",
  async (folder) => {
    const lines = Array.from(
      { length: 50 },
      (_, i) => JSON.stringify({ short_id: `v${i}`, name: `Ada ${i}` }),
    );
    await Deno.writeTextFile(`${folder}/visitors.ndjson`, lines.join("\n"));
    const environment = { HOST: "127.0.0.1", PORT: `${freePort()}`, SQLITE_PATH: "foyer.db" };
    await using server = new Process(fromSource(folder, [], environment));
    await server.until(/Listening on/);
    assert.equal((await run(folder, ["import", "visitors.ndjson"])).code, 0);
    const { code, stdout, stderr } = await run(folder, ["backup", "copy.db"]);
    assert.deepEqual([code, stdout], [0, ""], stderr);
    assert.match(stderr, /^Wrote a copy of the embedded store in foyer\.db to copy\.db$/m);
    assert.equal((await Deno.stat(`${folder}/copy.db`)).mode! & 0o777, 0o600);
    const [whole, copy] = await Promise.all(["foyer.db", "copy.db"].map(async (SQLITE_PATH) => {
      const { stdout } = await run(folder, ["export"], { SQLITE_PATH });
      return stdout.trim().split("\n").sort();
    }));
    assert.equal(copy.length, 50);
    assert.deepEqual(copy, whole);
  },
);

testInFolder("A backup needs no permission that the executable does not have", async (folder) => {
  await openSqliteStore(`${folder}/foyer.db`, { use: "command" }).close();
  const { args, ...command } = fromSource(folder, ["backup", "copy.db"], { SQLITE_PATH: "foyer.db" });
  const rights = denoJson.tasks.compile.command.split(" ").filter((flag) =>
    /^--(allow-|no-prompt)/.test(flag)
  );
  const ofExecutable = args!.flatMap((arg) => arg === "-A" ? rights : arg);
  assert.ok(!ofExecutable.includes("-A") && ofExecutable.includes("--allow-write"));
  const { code, stderr } = await runProcess({ ...command, args: ofExecutable });
  assert.equal(code, 0, stderr);
  assert.ok((await Deno.stat(`${folder}/copy.db`)).size > 0);
});

testInFolder("A backup is written to the named file, whatever characters are in the name", async (folder) => {
  const name = "file:copy.db?mode=memory";
  await openSqliteStore(`${folder}/foyer.db`, { use: "command" }).close();
  assert.equal((await run(folder, ["backup", name])).code, 0);
  const { size, mode } = await Deno.stat(`${folder}/${name}`);
  assert.ok(size > 0);
  assert.equal(mode! & 0o777, 0o600);
});

testInFolder("A backup does not overwrite a file", async (folder) => {
  await openSqliteStore(`${folder}/foyer.db`, { use: "command" }).close();
  await Deno.writeTextFile(`${folder}/there.db`, "somebody's");
  const { code, stderr } = await run(folder, ["backup", "there.db"]);
  assert.equal(code, 1);
  assert.match(stderr, /^Cannot create "there\.db": it exists$/m);
  assert.equal(await Deno.readTextFile(`${folder}/there.db`), "somebody's");
  assert.equal((await run(folder, ["backup", "no/folder.db"])).code, 1);
});

testInFolder("A backup to a full disk says so, and leaves no file behind", async (folder) => {
  const store = openSqliteStore(`${folder}/foyer.db`, PATIENT);
  await store.putVisitors(
    Array.from({ length: 500 }, (_, i) => visitorOf({ short_id: `v${i}`, name: `N ${i}` })),
  );
  await store.close();
  const { program, args, ...command } = fromSource(folder, ["backup", "copy.db"], {
    SQLITE_PATH: "foyer.db",
  });
  const limited = "import os, resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); " +
    "resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000)); os.execv(sys.argv[1], sys.argv[1:])";
  const { code, stderr } = await runProcess({
    ...command,
    program: "python3",
    args: ["-c", limited, program, ...args!],
  });
  assert.equal(code, 1);
  assert.match(stderr, /^The embedded store does not answer: .+; no copy was made$/m);
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
  assert.deepEqual(names.filter((name) => name.startsWith("copy")), []);
});

testInFolder("A backup of MongoDB is refused, and mongodump is named", async (folder) => {
  await using mongo = await startMongo();
  const { code, stderr } = await run(folder, ["backup", "copy.db"], {
    MONGO_URI: mongo.uri,
    SQLITE_PATH: "",
  });
  assert.equal(code, 1);
  assert.match(stderr, /mongodump/);
});
