import assert from "node:assert/strict";
import { testInFolder } from "../support/folders.ts";
import { startMongo } from "../support/mongodb.ts";
import { fromSource, runProcess } from "../support/processes.ts";

testInFolder(
  "Reindexing adds search fields to documents that other software wrote, and reports it",
  async (folder) => {
    await using mongo = await startMongo();
    const { MongoClient } = await import("mongodb");
    await using client = new MongoClient(mongo.uri);
    const visitors = client.db().collection("visitors");
    await visitors.insertMany([{ short_id: "a", name: "Ada" }, { short_id: "b" }, { name: "no visitor" }]);
    const reindex = () => runProcess(fromSource(folder, ["reindex"], { MONGO_URI: mongo.uri }));
    const first = await reindex();
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /^Gave 2 visitors search fields$/m);
    assert.equal(await visitors.countDocuments({ "foyer.keys": { $exists: true } }), 2);
    assert.match((await reindex()).stderr, /^Gave 0 visitors search fields$/m);
  },
);

testInFolder("The embedded store needs no reindexing", async (folder) => {
  const { code, stderr } = await runProcess(fromSource(folder, ["reindex"], { SQLITE_PATH: "visitors.db" }));
  assert.deepEqual([code, stderr], [0, "Gave 0 visitors search fields\n"]);
});

testInFolder("A reindexing that cannot finish says why", async (folder) => {
  const { code, stderr } = await runProcess(
    fromSource(folder, ["reindex"], { SQLITE_PATH: "no/folder.db" }),
  );
  assert.equal(code, 78);
  assert.match(stderr, /^SQLITE_PATH: /);
});
