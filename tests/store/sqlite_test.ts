import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { StoreRefused, StoreUnavailable } from "../../src/store/visitor_store.ts";
import { hasAllRights } from "../support/rights.ts";
import { findAll, testStoreContract, visitorOf } from "./contract.ts";

testStoreContract("SQLite", () => {
  const store = openSqliteStore(":memory:");
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => store.close() });
});

async function inFolder(work: (path: string) => Promise<void>) {
  const folder = await Deno.makeTempDir({ prefix: "foyer-sqlite-" });
  try {
    await work(join(folder, "foyer.db"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function testFile(sentence: string, work: (path: string) => Promise<void>) {
  if (hasAllRights) Deno.test(`SQLite file: ${sentence}`, () => inFolder(work));
}

testFile("it is readable by its owner alone, and so are the files beside it", async (path) => {
  const store = openSqliteStore(path);
  await store.putVisitors([visitorOf({ short_id: "a" })]);
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600, file);
  }
  await store.close();
});

testFile("its visitors are there when it is opened again", async (path) => {
  const first = openSqliteStore(path);
  await first.putVisitors([visitorOf({ short_id: "a", name: "Ada" })]);
  await first.close();
  const second = openSqliteStore(path);
  assert.deepEqual(await findAll(second, "ada"), ["a"]);
  await second.close();
});

testFile("an import beside a server is seen at once", async (path) => {
  const [server, importing] = [openSqliteStore(path), openSqliteStore(path)];
  assert.deepEqual(await findAll(server, ""), []);
  await importing.putVisitors([visitorOf({ short_id: "a" })]);
  assert.deepEqual(await findAll(server, ""), ["a"]);
  await server.close();
  await importing.close();
});

testFile(
  "reading goes on while another writes, and writing that must wait too long is unavailable",
  async (path) => {
    const store = openSqliteStore(path, 100);
    await store.putVisitors([visitorOf({ short_id: "a" })]);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    assert.deepEqual(await findAll(store, ""), ["a"]);
    await assert.rejects(store.putVisitors([visitorOf({ short_id: "b" })]), StoreUnavailable);
    other.exec("ROLLBACK");
    other.close();
    await store.putVisitors([visitorOf({ short_id: "b" })]);
    await store.close();
  },
);

const REFUSED: [what: string, make: (path: string) => void, sentence: RegExp][] = [
  [
    "a file of another kind",
    (path) => Deno.writeTextFileSync(path, "no database ".repeat(1000)),
    /not a Foyer database/,
  ],
  [
    "another program's database",
    (path) => changeDatabase(path, "CREATE TABLE theirs (a)"),
    /not a Foyer database/,
  ],
  [
    "another program's empty database",
    (path) => changeDatabase(path, "PRAGMA user_version = 3"),
    /not a Foyer database/,
  ],
  [
    "a newer Foyer's database",
    (path) => {
      openSqliteStore(path).close();
      changeDatabase(path, "PRAGMA user_version = 99");
    },
    /schema version 99, and this Foyer knows up to \d+/,
  ],
  ["a folder", (path) => Deno.mkdirSync(path), /cannot be read and written/],
];

function changeDatabase(path: string, sql: string) {
  using database = new DatabaseSync(path);
  database.exec(sql);
}

for (const [what, make, sentence] of REFUSED) {
  testFile(`${what} is refused and left as it was`, async (path) => {
    make(path);
    const before = (await Deno.stat(path)).isFile ? await Deno.readFile(path) : null;
    assert.throws(
      () => openSqliteStore(path),
      (error) => error instanceof StoreRefused && sentence.test(error.message),
    );
    if (before !== null) assert.deepEqual(await Deno.readFile(path), before);
  });
}

testFile("a folder that is not there is refused", (path) => {
  assert.throws(() => openSqliteStore(join(path, "nowhere.db")), {
    name: "StoreRefused",
    message: /cannot be made/,
  });
  return Promise.resolve();
});
