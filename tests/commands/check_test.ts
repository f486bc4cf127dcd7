import assert from "node:assert/strict";
import { testInFolder } from "../support/folders.ts";
import { startOwnMongo } from "../support/mongodb.ts";
import { freePort } from "../support/ports.ts";
import { fromSource, Process, runProcess } from "../support/processes.ts";

const check = (folder: string, environment: Record<string, string>) =>
  runProcess(fromSource(folder, ["check"], { HOST: "127.0.0.1", ...environment }));

testInFolder("A check of a good installation reports success, and serves nothing", async (folder) => {
  const { code, stdout } = await check(folder, { SQLITE_PATH: "foyer.db" });
  assert.deepEqual([code, stdout.split("\n")], [0, [
    "Configuration: ok",
    "Store: the embedded store in foyer.db",
    "Reading: ok",
    "Writing: ok",
    "",
  ]]);
});

testInFolder("A check of a wrong configuration exits like a start", async (folder) => {
  const { code, stdout, stderr } = await check(folder, { PORT: "x", SQLITE_PATH: "no/folder.db" });
  assert.deepEqual([code, stdout], [78, ""]);
  assert.match(stderr, /^PORT: /m);
  const store = await check(folder, { SQLITE_PATH: "no/folder.db" });
  assert.equal(store.code, 78);
  assert.match(store.stderr, /^SQLITE_PATH: /m);
});

testInFolder("A check reports that a user may not write, and shows no password", async (folder) => {
  await using mongo = await startOwnMongo({ administrator: { name: "admin", password: "adm1n" } });
  const { MongoClient } = await import("mongodb");
  const uriOf = (user: string, source: string) =>
    mongo.uri.replace("//", `//${user}@`) + `?authSource=${source}`;
  await using client = new MongoClient(uriOf("admin:adm1n", "admin"));
  const database = client.db();
  await database.collection("visitors").insertOne({ short_id: "a" });
  const reader = {
    createUser: "reader",
    pwd: "S3cret",
    roles: [{ role: "read", db: database.databaseName }],
  };
  await database.command(reader);
  const { code, stdout, stderr } = await check(folder, {
    MONGO_URI: uriOf("reader:S3cret", database.databaseName),
  });
  assert.equal(code, 1, stdout + stderr);
  assert.match(stdout, /^Reading: ok$/m);
  assert.match(stdout, /^Writing: failed\. MongoDB forbids the operation/m);
  assert.doesNotMatch(stdout + stderr, /S3cret/);
});

testInFolder(
  "foyer health asks a running server, for containers without a shell",
  async (folder) => {
    const environment = { HOST: "0.0.0.0", PORT: `${freePort()}`, SQLITE_PATH: "foyer.db" };
    const health = () => runProcess(fromSource(folder, ["health"], environment));
    const before = await health();
    assert.deepEqual([before.code, before.stdout], [
      1,
      `Not ready: nothing answers on port ${environment.PORT}\n`,
    ]);
    await using server = new Process(fromSource(folder, [], environment));
    await server.until(/Listening on/);
    const { code, stdout } = await health();
    assert.deepEqual([code, stdout], [0, "Ready\n"]);
  },
);
