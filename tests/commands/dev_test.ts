import assert from "node:assert/strict";
import { startSampleLife } from "../../src/commands/sample_life.ts";
import { sampleVisitors } from "../../src/commands/sample_visitors.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { PresenceWrite, VisitorStore } from "../../src/store/visitor_store.ts";
import { ATTRIBUTE_NAMES, type Visitor } from "../../src/visitor/visitor.ts";
import { testInFolder } from "../support/folders.ts";
import { freePort } from "../support/ports.ts";
import { fromSource, Process, runProcess } from "../support/processes.ts";
import { until } from "../support/waiting.ts";

Deno.test("There are 200 sample visitors, plausible and varied, and the same on every start", () => {
  const now = new Date("2026-01-02T03:04:05.678Z");
  const visitors = sampleVisitors(now);
  assert.deepEqual(sampleVisitors(now), visitors);
  assert.equal(visitors.length, 200);
  for (const name of ["short_id", "lookup_code"] as const) {
    const values = visitors.map((visitor) => visitor[name]).filter((value) => value !== null);
    assert.equal(new Set(values).size, values.length, `${name} is nobody else's`);
  }
  const online = visitors.filter((visitor) => visitor.is_online);
  assert.ok(online.length > 10 && online.length < 190, "some are online");
  const text = JSON.stringify(visitors);
  for (const script of ["Latin", "Greek", "Cyrillic", "Arabic", "Hebrew", "Han", "Hangul", "Devanagari"]) {
    assert.match(text, new RegExp(`\\p{Script=${script}}`, "u"));
  }
  for (const visitor of visitors) {
    assert.deepEqual(Object.keys(visitor), ATTRIBUTE_NAMES);
    assert.ok(visitor.added_at! <= visitor.last_seen_at! && visitor.last_seen_at! <= now.toISOString());
    assert.match(visitor.lookup_code ?? "0000", /^[0-9]{4}$/);
    // Addresses reserved for examples: RFC 2606, 5737 and 3849.
    assert.match(visitor.email ?? "a@example.com", /@example\.(com|org|net)$/);
    assert.match(visitor.ip_address!, /^(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$|^2001:db8:/);
    for (const tag of visitor.tags) assert.match(tag, /^#\w+$/);
  }
  for (const name of ["email", "lookup_code", "unique_id", "nickname", "call_name", "integration"] as const) {
    assert.ok(
      visitors.some((visitor) => visitor[name] !== null) &&
        visitors.some((visitor) => visitor[name] === null),
    );
  }
});

/** Runs the sample visitors until a number of events have happened, and counts each kind. */
async function liveThrough(store: VisitorStore, events: number) {
  let happened = 0;
  const deeds: PresenceWrite[] = [];
  const watched = new Proxy(store, {
    get(target, name) {
      if (name === "findVisitors") happened++;
      if (name === "writePresence") {
        return (process: string, writes: PresenceWrite[]) => {
          if (happened > 0) deeds.push(...writes);
          return target.writePresence(process, writes);
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const life = await startSampleLife(watched, assert.fail, { interval: 0 });
  await until(() => happened >= events);
  await life.stop();
  return deeds;
}

Deno.test("Sample visitors arrive, move, ask for a call, are called and leave, and some are always online", async () => {
  const store = openSqliteStore(":memory:");
  const [zoe, ...others] = sampleVisitors(new Date());
  const mine = { ...zoe, short_id: "mine", is_online: true, is_waiting_for_call: false };
  const removed = others[3].short_id;
  await store.putVisitors([zoe, ...others, mine]);
  await store.removeVisitor(removed);
  await store.updateVisitor(others[0].short_id, { name: "Renamed" });
  const deeds = [...await liveThrough(store, 200), ...await liveThrough(store, 200)];
  assert.ok(deeds.some(({ isConnected }) => isConnected === false), "somebody leaves");
  for (
    const [name, value] of [
      ["is_online", true],
      ["is_waiting_for_call", true],
      ["is_in_session", true],
      ["is_in_session", false],
    ] as const
  ) assert.ok(deeds.some(({ change }) => change[name] === value), `${name} becomes ${value}`);
  assert.ok(deeds.filter(({ pages }) => pages?.length === 1).length > 200, "most of it is moves");

  const [stillZoe, renamed, stillMine, gone] = await store.getVisitors([
    zoe.short_id,
    others[0].short_id,
    "mine",
    removed,
  ]);
  // The first one, whom the README shows, is unchanged except for its times.
  assert.deepEqual({ ...stillZoe!.visitor, last_seen_at: zoe.last_seen_at }, zoe);
  assert.equal(renamed!.visitor.name, "Renamed");
  assert.deepEqual(stillMine!.visitor, mine);
  assert.equal(gone, null);
  const visitors = await Array.fromAsync(store.allVisitors());
  const online = visitors.filter(({ is_online }) => is_online);
  assert.ok(online.length > 30 && online.length < 50, `${online.length} online`);
  const waiting = online.filter(({ is_waiting_for_call }) => is_waiting_for_call);
  assert.ok(waiting.length > 1 && waiting.length < 10, `${waiting.length} wait`);
  for (const visitor of visitors) {
    const { short_id, is_online, is_waiting_for_call, is_in_session, lookup_code, waiting_since } = visitor;
    assert.equal(is_waiting_for_call, waiting_since !== null);
    if (short_id === "mine" || !is_online) assert.deepEqual(await store.pagesOf(short_id), []);
    else assert.equal((await store.pagesOf(short_id))!.at(-1)!.url, visitor.last_url);
    if (is_online) assert.match(lookup_code!, /^[0-9]{4}$/);
    else assert.ok(!is_waiting_for_call && !is_in_session && lookup_code === null);
  }
  await store.close();
});

/** The line that `deno task dev` prints last. */
const CURL = /^ +curl .*$/m;

/** A command that runs `deno task dev` in a folder. */
function devIn(folder: string, environment: Record<string, string>, args: string[] = []) {
  return fromSource(folder, args, environment, "src/commands/dev.ts");
}

/** Runs `deno task dev`, and passes its output to a function. */
async function dev<T>(
  folder: string,
  environment: Record<string, string>,
  work: (printed: () => string, port: number) => Promise<T>,
  args: string[] = [],
): Promise<{ result: T; printed: string }> {
  const port = freePort();
  await using process = new Process(devIn(folder, { PORT: String(port), ...environment }, args));
  const printed = () => process.stderr + process.stdout;
  await process.until(CURL, "stdout");
  const result = await work(printed, port);
  assert.equal((await process.stop("SIGINT")).code, 0, printed());
  return { result, printed: printed() };
}

/** Runs the printed curl command in a shell, and returns the answer. */
async function paste(printed: string) {
  const [line] = CURL.exec(printed)!;
  const { code, stdout } = await runProcess({ program: "bash", args: ["-c", line] });
  assert.equal(code, 0, line);
  return JSON.parse(stdout);
}

testInFolder(
  "deno task dev serves 200 sample visitors and prints a line that works when pasted",
  async (folder) => {
    const first = await dev(folder, {}, async (printed, port) => {
      const list = await paste(printed());
      const response = await fetch(`http://127.0.0.1:${port}/api/visitors/list/search?q=muller`, {
        headers: { Authorization: "development-key" },
      });
      const { visitors: [{ short_id, watch_link }] } = await response.json();
      // The link leads to a web page of the demo shop.
      assert.equal(watch_link, `http://localhost:${port}/demo/watch/${short_id}`);
      const page = await fetch(watch_link.replace("localhost", "127.0.0.1"));
      assert.match(await page.text(), new RegExp(`would watch visitor ${short_id}<`));
      assert.equal(page.headers.get("Content-Type"), "text/html; charset=utf-8");
      return list;
    });
    assert.equal(first.result.status, "ok");
    assert.ok(first.result.visitors.length > 0);
    assert.match(first.printed, /Filled the empty store with 200 sample visitors/);
    assert.match(first.printed, /the embedded store in foyer-dev\.db/);
    assert.match(first.printed, /Listening on 127\.0\.0\.1 port/);
    assert.doesNotMatch(first.printed, /Warning|disabled/);

    const second = await dev(folder, {}, (printed) => paste(printed()), ["--still"]);
    assert.doesNotMatch(second.printed, /Filled/, "a store with visitors is left as it is");
    const third = await dev(folder, {}, (printed) => paste(printed()), ["--still"]);
    // The links contain the port, which differs.
    const withoutLinks = (list: { visitors: object[] }) =>
      list.visitors.map((visitor) => ({ ...visitor, watch_link: null }));
    assert.deepEqual(withoutLinks(third.result), withoutLinks(second.result), "with --still nobody moves");
  },
);

testInFolder(
  "The web pages of deno task dev work, and the terminal shows their URLs",
  async (folder) => {
    const { printed } = await dev(folder, {}, async (printed, port) => {
      const here = `http://127.0.0.1:${port}`;
      for (const url of [`${here}/\n`, `${here}/demo\n`, `${here}/api/docs\n`]) {
        assert.ok(printed().includes(url), url);
      }
      assert.match(printed(), /development-key, or development-write-key/);
      const seen: Visitor[][] = [];
      const stateOf = ({ short_id, last_seen_at }: Visitor) => `${short_id} ${last_seen_at}`;
      await until(async () => {
        seen.push((await paste(printed())).visitors);
        const [then, now] = [seen[0], seen.at(-1)!].map((visitors) => new Set(visitors.map(stateOf)));
        return [...now].filter((state) => !then.has(state)).length >= 3 &&
          seen.at(-1)!.some(({ is_waiting_for_call }) => is_waiting_for_call);
      });
    });
    assert.doesNotMatch(printed, /"level":"(warning|error)"/);
  },
);

testInFolder("deno task dev uses the file that an earlier version of Foyer wrote", async (folder) => {
  const earlier = await Deno.open(new URL("../store/sqlite/earlier/schema-6.db.gz", import.meta.url));
  await Deno.writeFile(
    `${folder}/foyer-dev.db`,
    earlier.readable.pipeThrough(new DecompressionStream("gzip")),
  );
  const { result, printed } = await dev(folder, {}, (printed) => paste(printed()));
  assert.ok(result.visitors.length > 0);
  assert.match(printed, /Rebuilding the embedded store/);
  assert.doesNotMatch(printed, /Filled/);
});

testInFolder(
  "deno task dev uses the variables that are set, and does not print a key that is set",
  async (folder) => {
    const { printed } = await dev(
      folder,
      { REST_KEY: "S3cr3t", SQLITE_PATH: "own.db", BASE_ENDPOINT: "https://acme.com/caf%C3%A9" },
      async (printed, port) => {
        assert.equal((await paste(printed())).error, "invalid_api_key");
        const response = await fetch(`http://127.0.0.1:${port}/caf%C3%A9/api/visitors/list/latest`, {
          headers: { Authorization: "S3cr3t" },
        });
        assert.ok((await response.json()).visitors.length > 0);
      },
    );
    assert.match(printed, /\/caf%C3%A9\/api\/visitors\/list\/latest/);
    assert.match(printed, /the embedded store in own\.db/);
    assert.doesNotMatch(printed, /S3cr3t/);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["own.db"]);
  },
);

testInFolder("With MONGO_URI no sample visitors are created", async (folder) => {
  const { result, printed } = await dev(
    folder,
    { MONGO_URI: "mongodb://user:S3cr3t@127.0.0.1:1/foyer" },
    (printed) => paste(printed()),
  );
  assert.equal(result.error, "database_unavailable");
  assert.match(printed, /Using collection foyer\.visitors of MongoDB at 127\.0\.0\.1:1/);
  assert.doesNotMatch(printed, /Filled|sample|embedded|S3cr3t/);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), [], "nor a file");
});

testInFolder("With a wrong configuration deno task dev exits with 78", async (folder) => {
  const { code, stderr } = await runProcess(devIn(folder, { HOST: "a b" }));
  assert.equal(code, 78);
  assert.match(stderr, /^HOST: given "a b", expected /);
});
