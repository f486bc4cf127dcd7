import assert from "node:assert/strict";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { ATTRIBUTE_NAMES, readVisitor } from "../../src/visitor/visitor.ts";
import { testInFolder } from "../support/folders.ts";
import { fromSource, runProcess } from "../support/processes.ts";

/** Runs a shell script in a folder, in which `foyer` runs Foyer with the store `visitors.db`. */
function shell(folder: string, script: string, environment: Record<string, string> = {}) {
  const foyer = fromSource(folder, [], { SQLITE_PATH: "visitors.db", ...environment });
  // The script's arguments are the command that runs Foyer.
  const start = 'set -o pipefail; words=("$@"); foyer() { "${words[@]}" "$@"; };';
  return runProcess({
    ...foyer,
    program: "bash",
    args: ["-c", `${start} ${script}`, "bash", foyer.program, ...foyer.args!],
  });
}

/** Registers a test that needs all rights, in a folder whose `visitors.db` contains some visitors. */
function testWith(
  documents: Record<string, unknown>[],
  sentence: string,
  work: (folder: string) => Promise<void>,
) {
  testInFolder(sentence, async (folder) => {
    const store = openSqliteStore(`${folder}/visitors.db`, { use: "command" });
    await store.putVisitors(documents.map((document) => readVisitor(document)!));
    await store.close();
    await work(folder);
  });
}

const FULL = {
  ...Object.fromEntries(ATTRIBUTE_NAMES.map((name) => [name, `${name} "é" 東京 😀 \n\0\\`])),
  short_id: "aB3\n",
  added_at: "2026-01-02T03:04:05.678Z",
  last_seen_at: "2026-01-03T03:04:05.678Z",
  identities: ["Zoë", "a\nb", ""],
  integration_ids: ["acme:1"],
  tags: ["#vip"],
  is_in_session: true,
  is_online: true,
  is_supported: false,
  is_waiting_for_call: true,
  js_configuration: true,
  metadata: { plan: "pro", seats: 4, rate: 0.1, trial: false, "": "", "a.b": 1e21 },
};

testWith(
  [FULL, { short_id: "b" }],
  "An export is NDJSON with every attribute, hidden ones too",
  async (folder) => {
    const { code, stdout, stderr } = await shell(folder, "foyer export", {
      HIDDEN_ATTRIBUTES: "email,tags",
    });
    assert.deepEqual([code, stderr], [0, ""]);
    const lines = stdout.split("\n");
    assert.equal(lines.pop(), "", "the last line ends as well");
    assert.deepEqual(lines.map((line) => JSON.parse(line)), [
      readVisitor(FULL),
      readVisitor({ short_id: "b" }),
    ]);
    assert.deepEqual(Object.keys(JSON.parse(lines[0])), ATTRIBUTE_NAMES);
  },
);

testWith(
  [FULL, { short_id: "b" }],
  "An export can be imported again, with every attribute intact",
  async (folder) => {
    const { code, stdout } = await shell(
      folder,
      "foyer export > first && SQLITE_PATH=copy.db foyer import - < first && SQLITE_PATH=copy.db foyer export",
    );
    assert.equal(code, 0);
    assert.equal(stdout, await Deno.readTextFile(`${folder}/first`));
  },
);

testWith([], "An export of an empty store is empty", async (folder) => {
  assert.deepEqual(await shell(folder, "foyer export"), { code: 0, stdout: "", stderr: "" });
});

const many = Array.from(
  { length: 3000 },
  (_, i) => ({ short_id: `v${i}`, metadata: { note: "x".repeat(500) } }),
);

testWith(many, "An export does not fail if its reader closes the pipe, as head does", async (folder) => {
  const { code, stdout, stderr } = await shell(folder, "foyer export | head -n 1");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(JSON.parse(stdout).short_id, "v0");
  const whole = await shell(folder, "foyer export | wc -l");
  assert.equal(Number(whole.stdout), 3000);
});

testWith(
  [FULL, { short_id: "b" }],
  "A read-only store can be exported, and is not changed",
  async (folder) => {
    const whole = await shell(folder, "foyer export");
    await Deno.chmod(`${folder}/visitors.db`, 0o400);
    assert.deepEqual(await shell(folder, "foyer export"), whole);
    const { code, stdout } = await shell(folder, "foyer check");
    assert.equal(code, 1);
    assert.match(stdout, /^Reading: ok\nWriting: failed\. .*the file is read-only$/m);
    assert.equal((await shell(folder, "foyer backup copy.db")).code, 0);
    assert.equal((await shell(folder, "SQLITE_PATH=copy.db foyer export")).stdout, whole.stdout);
  },
);

testWith(many, "An export to a full disk fails, and says so", async (folder) => {
  const { code, stderr } = await shell(folder, "foyer export > /dev/full");
  assert.deepEqual([code, stderr], [
    1,
    "Cannot write to standard output (ENOSPC); the export is incomplete\n",
  ]);
});

testWith([], "An export that cannot begin says why", async (folder) => {
  await Deno.writeTextFile(`${folder}/foreign.db`, "this is no database");
  const verdicts: [script: string, code: number, said: RegExp][] = [
    ["foyer export visitors.ndjson", 64, /^Cannot do that/],
    ["foyer exports", 64, /^Cannot do that/],
    ["PORT=0 foyer export", 78, /^PORT: given "0", expected /m],
    ["SQLITE_PATH=none.db foyer export", 78, /^SQLITE_PATH: given "none\.db" .*there is no such file/],
    [
      "SQLITE_PATH=none.db foyer backup copy.db",
      78,
      /^SQLITE_PATH: given "none\.db" .*there is no such file/,
    ],
    ["SQLITE_PATH=foreign.db foyer export", 78, /^SQLITE_PATH: given "foreign\.db" .*not a Foyer database/],
  ];
  await Promise.all(verdicts.map(async ([script, code, said]) => {
    const answer = await shell(folder, script);
    assert.deepEqual([answer.code, answer.stdout], [code, ""], script);
    assert.match(answer.stderr, said, script);
  }));
});
