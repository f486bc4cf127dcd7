import assert from "node:assert/strict";
import { join } from "node:path";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import { testInFolder } from "../../support/folders.ts";
import { visitorOf } from "../contract.ts";
import { PATIENT } from "../../support/waiting.ts";

const SUFFIXES = ["", "-wal", "-shm"];

/** Opens a store; returns the modes of its files while it is open, and what it logged. */
async function modesOf(path: string, file = path) {
  const log: string[] = [];
  const store = openSqliteStore(path, { ...PATIENT, log: (sentence) => log.push(sentence) });
  await store.putVisitors([visitorOf({ short_id: "a" })]);
  const modes = SUFFIXES.map((suffix) => (Deno.statSync(file + suffix).mode! & 0o777).toString(8));
  await store.close();
  return { modes, log };
}

const PRIVATE = { modes: ["600", "600", "600"], log: [] };

const MADE: [how: string, make: (path: string, folder: string) => string][] = [
  ["a new file", (path) => path],
  ["a link that leads to no file yet", (path, folder) => {
    const target = join(folder, "elsewhere.db");
    Deno.symlinkSync(target, path);
    return target;
  }],
  ["a link to a link", (path, folder) => {
    const target = join(folder, "elsewhere.db");
    Deno.symlinkSync(target, `${path}.link`);
    Deno.symlinkSync(`${path}.link`, path);
    return target;
  }],
  ["an empty file that others may read", (path) => {
    Deno.writeFileSync(path, new Uint8Array(), { mode: 0o666 });
    Deno.chmodSync(path, 0o666);
    return path;
  }],
  ["a link to such a file", (path, folder) => {
    const target = join(folder, "elsewhere.db");
    Deno.writeFileSync(target, new Uint8Array());
    Deno.chmodSync(target, 0o644);
    Deno.symlinkSync(target, path);
    return target;
  }],
];

for (const [how, make] of MADE) {
  testInFolder(
    `SQLite file: of ${how} its owner alone has rights on the database and its side files`,
    async (folder) => {
      const path = join(folder, "foyer.db");
      const file = make(path, folder);
      assert.deepEqual(await modesOf(path, file), PRIVATE);
      assert.deepEqual(await modesOf(path, file), PRIVATE, "when it is opened again");
    },
  );
}

testInFolder(
  "SQLite file: a warning names the rights that other users have, and its command removes them",
  async (folder) => {
    const path = join(folder, "Ada's foyer.db");
    await modesOf(path);
    await Deno.chmod(path, 0o640);
    const { modes, log } = await modesOf(path);
    assert.deepEqual(modes, ["640", "640", "640"]);
    assert.equal(log.length, 1);
    for (const suffix of SUFFIXES) assert.ok(log[0].includes(`${path}${suffix} (mode 640)`), log[0]);
    const store = openSqliteStore(path, { use: "command" });
    const [, command] = /`(chmod .*)`$/.exec(log[0])!;
    const { code } = await new Deno.Command("sh", { args: ["-c", command] }).output();
    assert.equal(code, 0);
    await store.close();
    assert.deepEqual(await modesOf(path), PRIVATE);
  },
);
