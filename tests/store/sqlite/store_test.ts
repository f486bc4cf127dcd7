import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { parseSearch } from "../../../src/search/parse.ts";
import { withTypos } from "../../../src/search/typo.ts";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import { StoreRebuilding, StoreRefused, StoreUnavailable } from "../../../src/store/visitor_store.ts";
import { checkThreads } from "../../support/threads.ts";
import { testInFolder } from "../../support/folders.ts";
import { hasAllRights } from "../../support/rights.ts";
import { runProcess } from "../../support/processes.ts";
import { testCareContract } from "../care_contract.ts";
import { findAll, getVisitor, testStoreContract, visitorOf } from "../contract.ts";
import { testPresenceContract } from "../presence_contract.ts";
import { writeAll } from "../presence_writes.ts";
import { testProcessesContract } from "../processes_contract.ts";
import { testSearchContract } from "../search_contract.ts";
import { PATIENT, until } from "../../support/waiting.ts";

const openInMemory = () => {
  const store = openSqliteStore(":memory:");
  return Promise.resolve({ store, [Symbol.asyncDispose]: () => store.close() });
};
testSearchContract("SQLite", openInMemory);
testStoreContract("SQLite", openInMemory);
testPresenceContract("SQLite", openInMemory);
testProcessesContract("SQLite", openInMemory);
testCareContract("SQLite", openInMemory);

const openInFile = async () => {
  await checkThreads();
  const folder = await Deno.makeTempDir({ prefix: "foyer-test-" });
  const store = openSqliteStore(join(folder, "foyer.db"), { use: "command" });
  return {
    store,
    [Symbol.asyncDispose]: async () => {
      await store.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
};
if (hasAllRights) {
  testSearchContract("SQLite file", openInFile);
  testStoreContract("SQLite file", openInFile);
  testPresenceContract("SQLite file", openInFile);
  testProcessesContract("SQLite file", openInFile);
  testCareContract("SQLite file", openInFile);
}

function testFile(sentence: string, work: (path: string) => Promise<void>) {
  testInFolder(`SQLite file: ${sentence}`, (folder) => work(join(folder, "foyer.db")));
}

testFile("it is readable by its owner alone, and so are the files beside it", async (path) => {
  const store = openSqliteStore(path, { use: "command" });
  await store.putVisitors([visitorOf({ short_id: "a" })]);
  for (const file of [path, `${path}-wal`, `${path}-shm`]) {
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600, file);
  }
  await store.close();
});

testFile("its visitors are there when it is opened again", async (path) => {
  const first = openSqliteStore(path, { use: "command" });
  await first.putVisitors([visitorOf({ short_id: "a", name: "Ada" })]);
  await first.close();
  const second = openSqliteStore(path, { use: "command" });
  assert.deepEqual(await findAll(second, "ada"), ["a"]);
  await second.close();
});

testFile("an import beside a server is seen at once", async (path) => {
  const [server, importing] = [
    openSqliteStore(path, { use: "command" }),
    openSqliteStore(path, { use: "command" }),
  ];
  assert.deepEqual(await findAll(server, ""), []);
  await importing.putVisitors([visitorOf({ short_id: "a" })]);
  assert.deepEqual(await findAll(server, ""), ["a"]);
  await server.close();
  await importing.close();
});

testFile("what another process stores is seen at once", async (path) => {
  const server = openSqliteStore(path, { use: "command" });
  assert.deepEqual(await findAll(server, ""), []);
  const program = `
    import { openSqliteStore } from ${
    JSON.stringify(import.meta.resolve("../../../src/store/sqlite/store.ts"))
  };
    import { readVisitor } from ${JSON.stringify(import.meta.resolve("../../../src/visitor/visitor.ts"))};
    const store = openSqliteStore(${JSON.stringify(path)}, { use: "command" });
    await store.putVisitors([readVisitor({ short_id: "a", is_online: true })]);
    await store.close();`;
  const script = `${path}.ts`;
  await Deno.writeTextFile(script, program);
  const { code, stderr } = await runProcess({
    program: Deno.execPath(),
    args: ["run", "-A", "--config", fileURLToPath(import.meta.resolve("../../../deno.json")), script],
  });
  assert.equal(code, 0, stderr);
  assert.deepEqual(await findAll(server, ""), ["a"]);
  await server.close();
});

testFile(
  "searches by URL and cached lists are never older than another process's write",
  async (path) => {
    const [one, other] = [
      openSqliteStore(path, { use: "command" }),
      openSqliteStore(path, { use: "command" }),
    ];
    for (const [number, writer] of [other, one, other, one].entries()) {
      const on = (page: string) => ({
        short_id: "ada",
        is_online: true,
        last_url: `https://acme.com/${page}`,
      });
      await writer.putVisitors([visitorOf({ ...on(`basket${number}`), nickname: `nick${number}` })]);
      for (const store of [one, other]) {
        assert.deepEqual(await findAll(store, `basket${number}`), ["ada"]);
        assert.deepEqual(await findAll(store, `basket${number - 1}`), []);
        assert.equal((await getVisitor(store, "ada"))?.nickname, `nick${number}`);
        const { visitors } = await store.findVisitors(parseSearch("online"), 10, null);
        assert.deepEqual(visitors.map(({ visitor }) => visitor.nickname), [`nick${number}`]);
      }
      // A new visitor with the short id of a removed one has nothing of it, even if SQLite reuses its row id.
      await writer.removeVisitor("ada");
      for (const store of [one, other]) assert.equal(await getVisitor(store, "ada"), null);
    }
    await Promise.all([one.close(), other.close()]);
  },
);

testFile(
  "reads are answered while another process writes, and a write that must wait too long is unavailable",
  async (path) => {
    const store = openSqliteStore(path, { ...PATIENT, busyMilliseconds: 100 });
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
  ["a folder", (path) => Deno.mkdirSync(path), /cannot be opened/],
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

Deno.test("SQLite: words that very many visitors have are found in order, wherever the visitors with all of them are", async () => {
  const store = openSqliteStore(":memory:");
  const total = 42_000;
  for (let start = 0; start < total; start += 3000) {
    await store.putVisitors(Array.from({ length: 3000 }, (_, i) => {
      const number = start + i;
      return visitorOf({
        short_id: `v${number}`,
        is_online: false,
        last_seen_at: new Date(1_700_000_000_000 - number * 1000),
        // Half of the visitors have each word; only the oldest five have both.
        name: number >= total - 5 ? "alpha omega" : number % 2 === 0 ? "alpha" : "omega",
        nickname: `${number >= total - 3000 ? "few" : ""} ${number >= total - 6000 ? "some" : ""}`,
        tags: ["#all"],
      });
    }));
  }
  const first = async (q: string, size: number) =>
    (await store.findVisitors(parseSearch(q), size, null)).visitors.map(({ shortId }) => shortId);
  const oldest = Array.from({ length: 5 }, (_, i) => `v${total - 5 + i}`);
  assert.deepEqual(await first("alpha", 3), ["v0", "v2", "v4"]);
  assert.deepEqual(await first("#all om", 3), ["v1", "v3", "v5"]);
  for (const q of ["alpha omega", "al eg #all", "omega alpha -online"]) {
    assert.deepEqual(await findAll(store, q, 2), oldest);
  }
  assert.deepEqual(await first("alpha online", 3), []);
  for (const [word, count] of [["few", 3000], ["some", 6000]] as const) {
    const ofThese = Array.from({ length: count / 2 - 2 }, (_, i) => `v${total - count + 2 * i}`).slice(
      0,
      900,
    );
    assert.deepEqual(await first(`${word} alpha`, 900), ofThese, word);
    assert.deepEqual(await first(`alphq some ${word}`, 3), [], "by no typo unless that is asked for");
    const typo = await store.findVisitors(withTypos(parseSearch(`alphq ${word}`))!, 900, null);
    assert.deepEqual(typo.visitors.map(({ shortId }) => shortId), ofThese, word);
  }
  await store.close();
});

Deno.test("SQLite: a search finds visitors by name and by URL, and each of them once", async () => {
  const store = openSqliteStore(":memory:");
  // The first ones have the word in their name and in their URL, the others in their URL alone.
  const visitors = Array.from({ length: 2500 }, (_, i) =>
    visitorOf({
      short_id: `v${String(i).padStart(4, "0")}`,
      is_online: true,
      last_seen_at: new Date(1_800_000_000_000 - i).toISOString(),
      last_url: "https://acme.com/gamma",
      name: i < 1500 ? "gamma" : "delta",
    }));
  await store.putVisitors(visitors);
  const all = visitors.map(({ short_id }) => short_id);
  assert.deepEqual(await findAll(store, "gamma", 1000), all);
  await store.close();
});

Deno.test("SQLite: a search of very many words, each one typo away from very many others, is answered", async () => {
  const store = openSqliteStore(":memory:");
  const letters = Array.from("abcdefghijklmnopqrstuvwxyz");
  const like = letters.flatMap((letter) =>
    [0, 1, 2, 3].map((i) => Array.from("abcd").with(i, letter).join(""))
  );
  await store.putVisitors(like.map((name) => visitorOf({ short_id: name, name, is_online: true })));
  const words = like.filter((word) => word.startsWith("abc"));
  // Each of these words is one typo away from each of the others.
  const query = withTypos(parseSearch([...words, ...words].join(" ")))!;
  const { visitors } = await store.findVisitors(query, 1000, null);
  const all = new Set(visitors.map(({ shortId }) => shortId));
  assert.deepEqual(all, new Set(words));
  await store.close();
});

testFile("a page view touches no index of what is searched", async (path) => {
  const store = openSqliteStore(path, { use: "command" });
  const change = { name: "Ada", email: "ada@acme.com", tags: ["#vip"], last_url: "/a", lookup_code: "4711" };
  await writeAll(store, "p", [{ shortId: "ada", isNew: true, change, isConnected: true }]);
  const readIndexes = () => {
    using database = new DatabaseSync(path);
    return ["term_data", "typo", "connection"].map((table) => {
      const statement = database.prepare(`SELECT * FROM ${table}`);
      statement.setReadBigInts(true);
      return statement.all();
    });
  };
  const before = readIndexes();
  assert.ok(before.every((rows) => rows.length > 0));
  const view = { last_url: "/b", last_seen_at: "2026-01-02T12:00:00.000Z" };
  assert.deepEqual(await writeAll(store, "p", [{ shortId: "ada", isNew: false, change: view }]), [true]);
  assert.deepEqual(readIndexes(), before);
  assert.deepEqual(await findAll(store, "url:b"), ["ada"]);
  await store.updateVisitor("ada", { name: "Eve" });
  assert.notDeepEqual(readIndexes(), before);
  await store.close();
});

testFile("words that nobody has any more are gone after index maintenance", async (path) => {
  const store = openSqliteStore(path, { use: "command" });
  const [ada, eve] = ["ada", "eve"].map((short_id) =>
    visitorOf({ short_id, name: `${short_id} Lovelace`, email: `${short_id}@secret.example`, tags: ["#vip"] })
  );
  await store.putVisitors([ada, eve]);
  const words = async () => {
    while (await store.maintainIndexes!());
    using database = new DatabaseSync(path);
    return database.prepare("SELECT DISTINCT word FROM typo ORDER BY word").all().map(({ word }) => word);
  };
  assert.deepEqual(await words(), ["ada", "eve", "example", "lovelace", "secret"]);
  await store.updateVisitor("eve", { name: "Eve Byron", email: null });
  assert.deepEqual(await words(), ["ada", "byron", "eve", "example", "lovelace", "secret"]);
  await store.removeVisitor("ada");
  assert.deepEqual(await words(), ["byron", "eve"]);
  await store.removeVisitor("eve");
  assert.deepEqual(await words(), []);
  using database = new DatabaseSync(path);
  for (const table of ["visitor", "document", "connection"]) {
    assert.equal(database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()!.rows, 0, table);
  }
  await store.close();
});

/** Opens a store, and waits until its file is rebuilt if that is necessary. */
async function openWhole(path: string, log: (sentence: string) => void = () => {}) {
  const store = openSqliteStore(path, { ...PATIENT, log });
  await until(() => store.isReady());
  return store;
}

// Files of earlier versions, each with the same 31 visitors; in the later one a visitor is connected.
for (const name of ["schema-6", "without-listing"]) {
  testFile(`one of an earlier version is rebuilt, ${name}`, async (path) => {
    const earlier = new URL(`earlier/${name}.db.gz`, import.meta.url);
    const bytes = (await Deno.open(earlier)).readable.pipeThrough(new DecompressionStream("gzip"));
    await Deno.writeFile(path, bytes, { mode: 0o600 });
    for (const times of ["first", "second"]) {
      const logged: string[] = [];
      const store = await openWhole(path, (sentence) => logged.push(sentence));
      assert.deepEqual(
        logged,
        times === "first"
          ? ["Rebuilding the embedded store for this version of Foyer, 31 visitors are left"]
          : [],
      );
      const connected = name === "schema-6" && times === "first" ? ["n\0ul"] : [];
      assert.deepEqual(
        await store.connectedTo("earlier"),
        new Map(connected.map((shortId) => [shortId, true])),
      );
      assert.equal(await store.endConnections("earlier", 10), connected.length);
      const visitors = await Array.fromAsync(store.allVisitors());
      assert.equal(visitors.length, 31, `${times} time`);
      const online = visitors.filter(({ is_online }) => is_online).map(({ short_id }) => short_id);
      assert.deepEqual((await findAll(store, "", 7)).sort(), online.sort());
      for (const visitor of visitors) {
        assert.deepEqual(await getVisitor(store, visitor.short_id), visitor);
        const named = visitor.identities[0] ?? visitor.name;
        if (named) assert.ok((await findAll(store, `"${named}"`)).includes(visitor.short_id), named);
      }
      assert.ok((await findAll(store, "zoe muller")).includes("n\0ul"));
      const { inSession } = await store.countVisitors(new Date());
      assert.equal(inSession, visitors.filter(({ is_in_session }) => is_in_session).length);
      assert.equal(await store.takeLease("work", times, -1), true);
      assert.equal((await store.updateVisitor("n\0ul", { name: "Zoë Müller" }))?.short_id, "n\0ul");
      const connecting = { shortId: "n\0ul", isNew: false, change: {}, isConnected: true };
      assert.deepEqual(await writeAll(store, "p", [connecting]), [true]);
      assert.ok((await findAll(store, "online")).includes("n\0ul"));
      assert.equal(await store.endConnections("p", 10), 1);
      assert.ok((await findAll(store, "-online")).includes("n\0ul"));
      await store.close();
    }
  });
}

/** Makes a file as another version of Foyer would, with other attributes in another order. */
async function makeOther(path: string, total: number) {
  const store = openSqliteStore(path, { use: "command" });
  await store.putVisitors(
    Array.from(
      { length: total },
      (_, i) => visitorOf({ short_id: `v${i}`, name: `Ada${i}`, tags: ["#vip"] }),
    ),
  );
  await store.close();
  changeDatabase(
    path,
    `UPDATE attributes SET names = 'short_id,shoe_size,tags,name,last_seen_at,is_online';
     UPDATE document SET attributes = json_quote('v' || (id - 1)) || char(10) || '38' || char(10) || '["#vip"]' ||
       char(10) || json_quote('Ada' || (id - 1)) || char(10) || '"2026-01-02T11:59:59.000Z"' || char(10) || 'true'`,
  );
}

testFile("the visitors of a Foyer that had other attributes get those of this one", async (path) => {
  await makeOther(path, 3);
  for (let times = 0; times < 2; times++) {
    const store = await openWhole(path);
    assert.deepEqual(
      await getVisitor(store, "v1"),
      visitorOf({ short_id: "v1", name: "Ada1", tags: ["#vip"] }),
    );
    assert.deepEqual(await findAll(store, "#vip ada online"), ["v0", "v1", "v2"]);
    await store.close();
  }
});

testFile("while a file is rebuilt requests are unavailable, and a command waits", async (path) => {
  await makeOther(path, 1500);
  const store = openSqliteStore(path, PATIENT);
  assert.equal(store.isReady(), false);
  await assert.rejects(getVisitor(store, "v1"), StoreRebuilding);
  await assert.rejects(store.updateVisitor("v1", { name: "Ada" }), StoreRebuilding);
  const command = openSqliteStore(path, { use: "command" });
  assert.equal((await Array.fromAsync(command.allVisitors())).length, 1500);
  await Promise.all([store.close(), command.close()]);
});

testFile("a rebuild that was cut off continues, also by a Foyer with other attributes", async (path) => {
  await makeOther(path, 3200);
  const program = `
    import { openSqliteStore } from ${
    JSON.stringify(import.meta.resolve("../../../src/store/sqlite/store.ts"))
  };
    openSqliteStore(${JSON.stringify(path)}, { log: console.log });`;
  await Deno.writeTextFile(`${path}.ts`, program);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", fileURLToPath(import.meta.resolve("../../../deno.json")), `${path}.ts`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const countLeft = () => {
    using database = new DatabaseSync(path);
    const isBegun =
      database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'unbuilt0'").get() !== undefined;
    return isBegun ? Number(database.prepare("SELECT count(*) AS left FROM unbuilt0").get()!.left) : 3200;
  };
  await until(() => countLeft() < 3200);
  child.kill("SIGKILL");
  await child.status;
  const left = countLeft();
  assert.ok(left > 0 && left < 3200, `${left} visitors are left`);
  // The attributes change again, so that documents that are stored already must be rebuilt once more.
  changeDatabase(path, "UPDATE attributes SET names = replace(names, 'nickname', 'pet_name')");
  const store = await openWhole(path);
  assert.equal((await Array.fromAsync(store.allVisitors())).length, 3200);
  assert.equal(await store.countOnline(), 3200);
  for (const id of ["v0", "v3199"]) {
    assert.deepEqual(await findAll(store, `${id.replace("v", "ada")} #vip`), [id]);
  }
  await store.close();
});
