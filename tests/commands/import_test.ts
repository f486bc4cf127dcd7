import assert from "node:assert/strict";
import { importVisitors } from "../../src/commands/import.ts";
import { parseSearch } from "../../src/search/parse.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { StoreUnavailable, type VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor, type Visitor } from "../../src/visitor/visitor.ts";
import { appOver } from "../support/app.ts";
import { testInFolder } from "../support/folders.ts";
import { startCollections } from "../support/mongodb_collections.ts";
import { fromSource, Process, runProcess } from "../support/processes.ts";
import { hasAllRights } from "../support/rights.ts";
import { until } from "../support/waiting.ts";

const encoder = new TextEncoder();

async function* partsOf(...parts: string[]) {
  for (const part of parts) yield encoder.encode(part);
}

/** Imports a text, and returns the tally, the bad lines and the reported progress. */
async function importText(text: string, store: VisitorStore) {
  const bad: string[] = [];
  const progress: number[] = [];
  const tally = await importVisitors(partsOf(text), store, {
    onBad: (line, reason) => bad.push(`${line} ${reason}`),
    onStored: (stored) => progress.push(stored),
  });
  return { tally, bad, progress };
}

const allOf = (store: VisitorStore) => Array.fromAsync(store.allVisitors());

Deno.test("Every good line is stored, and every bad one reported with its line and reason", async () => {
  const store = openSqliteStore(":memory:");
  const lines = [
    '{"short_id":"a","name":"Zoë"}',
    "",
    "nonsense",
    "[1]",
    "7",
    "null",
    '"a"',
    "{}",
    '{"short_id":""}',
    '{"short_id":7}',
    '{"name":"Ada"}',
    '{"short_id":"b"',
    '{"short_id":"b"} {"short_id":"c"}',
    "{'short_id':'b'}",
    '  {"short_id":"d","tags":["#vip"]}  ',
  ];
  const { tally, bad } = await importText(lines.join("\r\n"), store);
  assert.deepEqual(bad, [
    "3 not valid JSON",
    "4 not a JSON object",
    "5 not a JSON object",
    "6 not a JSON object",
    "7 not a JSON object",
    "8 no string short_id",
    "9 no string short_id",
    "10 no string short_id",
    "11 no string short_id",
    "12 not valid JSON",
    "13 not valid JSON",
    "14 not valid JSON",
  ]);
  assert.deepEqual(tally, { stored: 2, bad: 12, droppedFields: 0, unusable: new Map() });
  assert.deepEqual(await allOf(store), [
    readVisitor({ short_id: "a", name: "Zoë" }),
    readVisitor({ short_id: "d", tags: ["#vip"] }),
  ]);
});

Deno.test("A JSON array of visitors can be imported too", async () => {
  const store = openSqliteStore(":memory:");
  const { tally, bad } = await importText('[\n{"short_id":"a"},\n7,\n{"short_id":"b"}\n]', store);
  assert.deepEqual([tally, bad], [{ stored: 2, bad: 1, droppedFields: 0, unusable: new Map() }, [
    "3 not a JSON object",
  ]]);
  assert.deepEqual((await allOf(store)).map(({ short_id }) => short_id), ["a", "b"]);
});

Deno.test("An import of nothing stores nothing", async () => {
  const store = openSqliteStore(":memory:");
  for (const text of ["", "\n", "[]"]) {
    assert.deepEqual((await importText(text, store)).tally, {
      stored: 0,
      bad: 0,
      droppedFields: 0,
      unusable: new Map(),
    });
  }
  assert.deepEqual(await allOf(store), []);
});

Deno.test("A visitor with values of wrong types is stored, and fields that are no attributes are dropped and counted", async () => {
  const store = openSqliteStore(":memory:");
  const document = {
    short_id: "a",
    _id: { $oid: "65" },
    name: 42,
    tags: "#vip",
    is_online: "yes",
    last_seen_at: 1767323045678,
    metadata: { plan: "pro", nested: {} },
    shoe_size: 38,
    constructor: "x",
    ["__proto__"]: 1,
  };
  const text = JSON.stringify(document).replace("{", '{"__proto__":{"name":"Eve"},');
  const { tally, bad } = await importText(text, store);
  assert.deepEqual([tally.stored, tally.droppedFields, bad], [1, 4, []]);
  assert.deepEqual(
    Array.from(tally.unusable, ([name, { reason }]) => `${name}: ${reason}`).sort(),
    [
      "is_online: text where a boolean belongs",
      "last_seen_at: a number, its unit is unknown",
      "metadata: a value in it is an object",
      "tags: text where a list belongs",
    ],
  );
  assert.deepEqual(await allOf(store), [
    readVisitor({ short_id: "a", name: "42", metadata: { plan: "pro" } }),
  ]);
});

Deno.test("Importing twice changes nothing, and a later record replaces the whole visitor", async () => {
  const store = openSqliteStore(":memory:");
  const text = '{"short_id":"a","name":"Zoë"}\n{"short_id":"b"}\n{"short_id":"a","email":"z@acme.com"}\n';
  const { tally } = await importText(text, store);
  assert.equal(tally.stored, 3, "each record is stored, one after the other");
  const once = await allOf(store);
  assert.deepEqual(once, [
    readVisitor({ short_id: "a", email: "z@acme.com" }),
    readVisitor({ short_id: "b" }),
  ]);
  await importText(text, store);
  assert.deepEqual(await allOf(store), once);
});

Deno.test("Unique ids that differ only in the last of many digits stay different", async () => {
  const store = openSqliteStore(":memory:");
  const text = '{"short_id":"a","unique_id":738529527931269425,"metadata":{"id":738529527931269425}}\n' +
    '{"short_id":"b","unique_id":738529527931269427,"metadata":{"id":{"$numberLong":"738529527931269427"}}}';
  await importText(text, store);
  const stored = (await allOf(store)).map(({ unique_id, metadata }) => [unique_id, metadata.id]);
  assert.deepEqual(stored, [
    ["738529527931269425", "738529527931269425"],
    ["738529527931269427", "738529527931269427"],
  ]);
});

Deno.test("A line of 4 MB is stored completely, whichever attribute is long", async () => {
  const store = openSqliteStore(":memory:");
  const size = 4 * 1024 * 1024 - 200;
  const records = [
    { short_id: "a", name: "x".repeat(size) },
    { short_id: "b", metadata: { note: "word ".repeat(size / 5) } },
    { short_id: "c", identities: Array.from({ length: size / 9 }, () => "4711é") },
    {
      short_id: "d",
      metadata: Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`key${i}`, i])),
    },
  ];
  const { tally } = await importText(records.map((record) => JSON.stringify(record)).join("\n"), store);
  assert.deepEqual([tally.stored, tally.unusable.size], [4, 0]);
  for await (const visitor of store.allVisitors()) {
    const record = records.find(({ short_id }) => short_id === visitor.short_id)!;
    assert.ok(JSON.stringify(visitor) === JSON.stringify(readVisitor(record)));
  }
  await store.close();
});

Deno.test("A line of 4 MB of any text does not delay the import, and its beginning can be searched for", async () => {
  const store = openSqliteStore(":memory:", { use: "command" });
  const size = 4 * 1024 * 1024 - 200;
  const many = (item: (i: number) => string) => {
    let text = "";
    for (let i = 0; text.length < size - 40; i++) text += (i === 0 ? "" : ",") + item(i);
    return text;
  };
  const lines = [
    `{"short_id":"identities","identities":[${many((i) => `"p${i}@example.com"`)}]}`,
    `{"short_id":"tags","tags":[${many((i) => `"#t${i}"`)}]}`,
    `{"short_id":"phones","is_online":true,"last_url":"https://a.com/?${
      many((i) => `${i % 10}-${1e6 + i}`)
    }"}`,
    `{"short_id":"id","unique_id":"${"x".repeat(size)}"}`,
    `{"short_id":"repeated",${many(() => '"name":"x"')}}`,
    `{"short_id":"deep","x":${"[".repeat(size / 2)}${"]".repeat(size / 2)}}`,
    `{"short_id":"deeper","name":${'{"$date":'.repeat(size / 10)}1${"}".repeat(size / 10)}}`,
    `{"short_id":"metadata","metadata":{"a":${"[".repeat(size / 2)}${"]".repeat(size / 2)}}}`,
  ];
  const { tally } = await importText(lines.join("\n"), store);
  assert.deepEqual([tally.stored, tally.bad], [lines.length, 0]);
  assert.deepEqual([...tally.unusable.keys()].sort(), ["metadata", "name"]);
  const finds: [q: string, found: string[]][] = [
    ["p7@example.com", ["identities"]],
    ["p7@exam", ["identities"]],
    ["#t999", ["tags"]],
    ["#t1000", []],
    ["p300000@example.com", []],
    ["url:7-1000007", ["phones"]],
    ["71000007", ["phones"]],
  ];
  for (const [q, found] of finds) {
    const { visitors } = await store.findVisitors(parseSearch(q), 10, null);
    assert.deepEqual(visitors.map(({ visitor }) => visitor.short_id), found, q);
  }
  await store.close();
});

testInFolder("Lines of megabytes need little memory, however many there are", async (folder) => {
  await using process = startImport(folder);
  const writer = process.child.stdin.getWriter();
  const note = "x".repeat(1024 * 1024);
  for (let i = 0; i < 300; i++) {
    await writer.write(encoder.encode(JSON.stringify({ short_id: `v${i}`, metadata: { note } }) + "\n"));
  }
  const peak = await peakMegabytes(process);
  await writer.close();
  assert.equal((await process.ended).code, 0);
  assert.match(process.stderr, /^Stored 300 visitors/m);
  assert.ok(peak < 500, `peak of ${Math.round(peak)} MB`);
});

Deno.test("Progress is reported as visitors are stored", async () => {
  const store = openSqliteStore(":memory:");
  const text = Array.from({ length: 2500 }, (_, i) => `{"short_id":"v${i}"}`).join("\n");
  const { tally, progress } = await importText(text, store);
  assert.equal(tally.stored, 2500);
  assert.equal(progress.at(-1), 2500);
  assert.ok(progress.length > 1, "in several batches");
  assert.deepEqual(progress, progress.toSorted((a, b) => a - b));
});

Deno.test("A visitor that the store refuses is a bad line", async () => {
  const real = openSqliteStore(":memory:");
  const store: VisitorStore = new Proxy(real, {
    get: (target, name) =>
      name === "putVisitors"
        ? () => Promise.resolve([{ shortId: "b", reason: "another document has this _id" }])
        : Reflect.get(target, name, target),
  });
  const { tally, bad } = await importText('{"short_id":"a"}\n\n{"short_id":"b"}', store);
  assert.deepEqual([tally, bad], [{ stored: 1, bad: 1, droppedFields: 0, unusable: new Map() }, [
    "3 another document has this _id",
  ]]);
});

/** Imitates a server without dates outside the years 1 to 9999: one of them makes the whole write fail. */
function withoutOddYears(store: VisitorStore): VisitorStore {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== "putVisitors") return typeof value === "function" ? value.bind(target) : value;
      return (visitors: Visitor[]) => {
        const isOdd = ({ last_seen_at }: Visitor) => last_seen_at !== null && !/^\d{4}-/.test(last_seen_at);
        if (!visitors.some(isOdd)) return target.putVisitors(visitors);
        return Promise.reject(Object.assign(new Error("S3cr3t: year 10000 is out of range"), { code: 2 }));
      };
    },
  });
}

async function importOddYears(real: VisitorStore) {
  const odd = [1, 700, 701, 1500];
  const text = Array.from(
    { length: 1500 },
    (_, i) =>
      JSON.stringify({
        short_id: `v${i + 1}`,
        last_seen_at: odd.includes(i + 1) ? "+010000-01-01T00:00:00Z" : "2026-01-02T03:04:05Z",
      }),
  ).join("\n");
  const { tally, bad } = await importText(text, withoutOddYears(real));
  assert.deepEqual(tally, { stored: 1496, bad: 4, droppedFields: 0, unusable: new Map() });
  assert.deepEqual(bad, odd.map((line) => `${line} the database refuses it (Error, code 2)`));
  const stored = new Set((await allOf(real)).map(({ short_id }) => short_id));
  assert.deepEqual([stored.size, odd.filter((line) => stored.has(`v${line}`))], [1496, []]);
}

Deno.test("SQLite: if a date makes a whole write fail, only its own line is refused", async () => {
  const store = openSqliteStore(":memory:");
  await importOddYears(store);
  await store.close();
});

if (hasAllRights) {
  const { test } = await startCollections();
  test("if a date makes a whole write fail, only its own line is refused", ({ store }) =>
    importOddYears(store));
}

Deno.test("An unavailable store stops the import, and the visitors stored so far are kept", async () => {
  const real = openSqliteStore(":memory:");
  let writes = 0;
  const store: VisitorStore = new Proxy(real, {
    get: (target, name) =>
      name === "putVisitors"
        ? (visitors: Parameters<VisitorStore["putVisitors"]>[0]) =>
          writes++ === 0 ? target.putVisitors(visitors) : Promise.reject(new StoreUnavailable("away"))
        : Reflect.get(target, name, target),
  });
  const text = Array.from({ length: 3000 }, (_, i) => `{"short_id":"v${i}"}`).join("\n");
  await assert.rejects(importText(text, store), StoreUnavailable);
  const stored = (await allOf(real)).length;
  assert.ok(stored > 0 && stored < 3000);
});

/** A command that runs Foyer with the store `visitors.db`. */
function foyer(folder: string, args: string[], environment: Record<string, string> = {}) {
  return fromSource(folder, args, { SQLITE_PATH: "visitors.db", ...environment });
}

/** An import whose input is still to come. */
function startImport(folder: string) {
  return new Process({ ...foyer(folder, ["import", "-"]), stdin: "piped" });
}

async function peakMegabytes({ child }: Process): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

function run(folder: string, args: string[], input = "", environment: Record<string, string> = {}) {
  return runProcess({ ...foyer(folder, args, environment), input });
}

const shortIdsIn = async (path: string) => {
  const store = openSqliteStore(path, { use: "command" });
  const visitors = await allOf(store);
  await store.close();
  return visitors.map(({ short_id }) => short_id);
};

testInFolder("foyer import reads a file, or standard input for -, and exits with 0", async (folder) => {
  await Deno.writeTextFile(
    `${folder}/visitors.ndjson`,
    '{"short_id":"a"}\n{"short_id":"b","shoe_size":38}\n',
  );
  const fromFile = await run(folder, ["import", "visitors.ndjson"]);
  assert.deepEqual(fromFile, {
    code: 0,
    stdout: "",
    stderr: "Stored 2 visitors, 0 bad lines, 1 unknown field dropped\n",
  });
  const fromInput = await run(folder, ["import", "-"], '[{"short_id":"c"}]');
  assert.deepEqual([fromInput.code, fromInput.stdout], [0, ""]);
  assert.deepEqual(await shortIdsIn(`${folder}/visitors.db`), ["a", "b", "c"]);
  assert.equal((await Deno.stat(`${folder}/visitors.db`)).mode! & 0o777, 0o600);
});

testInFolder(
  "Bad lines are reported on standard error without their content, and the exit code is 1",
  async (folder) => {
    const input = [
      '{"short_id":"a"}',
      '{"short_id":"S3cr3t","email":"jane@acme.com"',
      '{"name":"S3cr3t"}',
      '"S3cr3t jane"',
      '{"short_id":"b"}',
    ].join("\n");
    const { code, stdout, stderr } = await run(folder, ["import", "-"], input);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.deepEqual(stderr.split("\n").slice(0, 3), [
      "line 2: not valid JSON",
      "line 3: no string short_id",
      "line 4: not a JSON object",
    ]);
    assert.match(stderr, /^Stored 2 visitors, 3 bad lines/m);
    assert.doesNotMatch(stderr, /S3cr3t|jane/);
    assert.deepEqual(await shortIdsIn(`${folder}/visitors.db`), ["a", "b"]);
  },
);

/** Lines with unusable values, and with a repeated attribute. */
const UNUSABLE_LINES = [
  '{"short_id":"a","last_seen_at":"2026-01-02","is_online":true,"tags":["#vip"]}',
  '{"short_id":"b","last_seen_at":1767323045,"is_online":1,"tags":"#vip"}',
  '{"short_id":"c","last_seen_at":"soon","is_online":null,"email":["ada@acme.com"]}',
  '{"short_id":"d","name":"Ada","name" :"Eve","metadata":{"k":1,"k":2}}',
  '{"short_id":"e","name":"say \\"x\\":","metadata":{"name":"Ada","a b":1},"shoe_size":1,"shoe_size":2}',
].join("\n");

testInFolder(
  "Unusable values are counted by attribute, with the first line and the reason",
  async (folder) => {
    const { code, stderr } = await run(folder, ["import", "-"], UNUSABLE_LINES);
    assert.equal(code, 0);
    assert.deepEqual(stderr.trimEnd().split("\n"), [
      "is_online: 1 of 2 unusable, first in line 2: a number where a boolean belongs",
      "last_seen_at: 2 of 3 unusable, first in line 2: a number, its unit is unknown",
      "tags: 1 of 2 unusable, first in line 2: text where a list belongs",
      "email: 1 of 1 unusable, first in line 3: a list where text belongs",
      "name: 1 of 2 unusable, first in line 4: it occurs more than once, and the last value is used",
      "metadata: 1 of 2 unusable, first in line 4: it occurs more than once, and the last value is used",
      "Stored 5 visitors, 0 bad lines, 1 unknown field dropped",
    ]);
  },
);

testInFolder(
  "With --time-unit numbers are read as times, and with --strict unusable values make a line bad",
  async (folder) => {
    const args = ["import", "--strict", "--time-unit=s", "-"];
    const { code, stderr } = await run(folder, args, UNUSABLE_LINES);
    assert.equal(code, 1);
    assert.deepEqual(stderr.trimEnd().split("\n"), [
      "line 2: is_online: a number where a boolean belongs",
      "line 3: email: a list where text belongs",
      "line 4: name: it occurs more than once, and the last value is used",
      "Stored 2 visitors, 3 bad lines, 1 unknown field dropped",
    ]);
    const timed = await run(folder, ["import", "-", "--time-unit", "ms"], '{"short_id":"f","added_at":0}');
    assert.deepEqual([timed.code, timed.stderr.split("\n").length], [0, 2]);
    for (const unit of ["us", "", "S"]) {
      assert.equal((await run(folder, ["import", "-", `--time-unit=${unit}`], "")).code, 64);
    }
  },
);

testInFolder("An import that cannot begin says why", async (folder) => {
  await Deno.writeTextFile(`${folder}/foreign.db`, "this is no database, it is a text of some length");
  const good = '{"short_id":"a"}';
  const verdicts: [args: string[], environment: Record<string, string>, code: number, said: RegExp][] = [
    [["import"], {}, 64, /^Cannot do that, expected one of these:/],
    [["import", "a", "b"], {}, 64, /foyer import FILE/],
    [["imports", "a"], {}, 64, /foyer import FILE/],
    [["import", "-", "--force"], {}, 64, /foyer import FILE/],
    [["import", "nothing.ndjson"], {}, 1, /^Cannot read "nothing\.ndjson": NotFound$/m],
    [["import", "."], {}, 1, /^Cannot read "\."/],
    [["import", "-"], { PORT: "x" }, 78, /^PORT: given "x", expected /m],
    [
      ["import", "-"],
      { MONGO_URI: "mongodb://localhost" },
      78,
      /^SQLITE_PATH: given "visitors\.db" together/,
    ],
    [
      ["import", "-"],
      { SQLITE_PATH: "foreign.db" },
      78,
      /^SQLITE_PATH: given "foreign\.db" .*not a Foyer database/,
    ],
    [["import", "-"], { SQLITE_PATH: "no/folder/x.db" }, 78, /^SQLITE_PATH: given "no\/folder\/x\.db"/],
  ];
  await Promise.all(verdicts.map(async ([args, environment, code, said]) => {
    const answer = await run(folder, args, good, environment);
    assert.equal(answer.code, code, `${args.join(" ")}: ${answer.stderr}`);
    assert.match(answer.stderr, said);
    assert.equal(answer.stdout, "");
    assert.doesNotMatch(answer.stderr, /^\s+at /m, "no stack for what a person can put right");
  }));
  assert.equal(
    await Deno.readTextFile(`${folder}/foreign.db`),
    "this is no database, it is a text of some length",
  );
});

testInFolder("A server over the same store shows imported visitors at once", async (folder) => {
  const store = openSqliteStore(`${folder}/visitors.db`, { use: "command" });
  const { ask } = appOver(store);
  const idsNow = async () => {
    const response = await ask("/api/visitors/list/latest");
    return (await response.json()).visitors.map(({ short_id }: { short_id: string }) => short_id);
  };
  assert.deepEqual(await idsNow(), []);
  await using process = startImport(folder);
  const writer = process.child.stdin.getWriter();
  const batch = (from: number, is_online: boolean) =>
    Array.from({ length: 1000 }, (_, i) => JSON.stringify({ short_id: `v${from + i}`, is_online }) + "\n")
      .join("");
  await writer.write(encoder.encode(batch(0, true)));
  // The rest of the input is still to come.
  await until(async () => (await idsNow()).length > 0);
  await writer.write(encoder.encode(batch(0, false) + '{"short_id":"z","is_online":true}\n'));
  await writer.close();
  assert.equal((await process.ended).code, 0);
  assert.deepEqual(await idsNow(), ["z"]);
  await store.close();
});

testInFolder("An import of any length needs the same little memory", async (folder) => {
  await using process = startImport(folder);
  const writer = process.child.stdin.getWriter();
  // 200 MB: 20 batches of 1000 visitors, 10 kB each.
  const note = "x".repeat(10_000);
  for (let batch = 0; batch < 20; batch++) {
    let text = "";
    for (let i = 0; i < 1000; i++) {
      text += JSON.stringify({ short_id: `v${batch}-${i}`, name: `Zoë ${i}`, metadata: { note } }) + "\n";
    }
    await writer.write(encoder.encode(text));
  }
  const peak = await peakMegabytes(process);
  await writer.close();
  assert.equal((await process.ended).code, 0);
  assert.match(process.stderr, /^Stored 20,000 visitors/m);
  assert.ok(peak < 400, `peak of ${Math.round(peak)} MB`);
});
