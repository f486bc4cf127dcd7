/**
 * The executable, compiled by the very command of `deno task compile` and started as an operator would: in a
 * folder of its own, without Deno and with no other environment than what a test sets.
 *
 * It has a task of its own, `deno task test:executable`, since compiling downloads Deno's runtime. Two environment
 * variables help where that cannot be had: `DENO_COMPILER`, the Deno that compiles, and Deno's own `DENORT_BIN`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import denoJson from "../../deno.json" with { type: "json" };
import { VARIABLES } from "../../src/config.ts";
import { ATTRIBUTE_NAMES } from "../../src/visitor/visitor.ts";
import { inFolder } from "../support/folders.ts";
import { startMongo } from "../support/mongodb.ts";
import { freePort, untilRefused } from "../support/ports.ts";
import { eventually, PRESENCE, TestPage } from "../support/presence.ts";
import { type Command, Process, runProcess } from "../support/processes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KEY = "S3cr3t key";
const headers = { Authorization: KEY };

/** What stands between `deno compile` and where it writes. */
const [, , ...COMPILE_FLAGS] = denoJson.tasks.compile.command
  .replace(/ --output foyer main\.ts$/, "")
  .split(" ");

/** Those of them that say what the executable may do. */
const RIGHTS = COMPILE_FLAGS.filter((flag) => /^--(allow|ignore|no)-/.test(flag));

let builds: string;
let executable: string;

Deno.test.beforeAll(async () => {
  builds = await Deno.makeTempDir({ prefix: "foyer-build-" });
  executable = await compile("main.ts", "foyer");
});

Deno.test.afterAll(() => Deno.remove(builds, { recursive: true }));

/** Compiles a program as the task does, but for where it goes. */
async function compile(program: string, name: string, flags = COMPILE_FLAGS): Promise<string> {
  const output = `${builds}/${name}`;
  const compiler = Deno.env.get("DENO_COMPILER") || Deno.execPath();
  const { code, stderr } = await runProcess({
    program: compiler,
    args: ["compile", ...flags, "--output", output, program],
    cwd: ROOT,
  });
  assert.equal(code, 0, `${compiler} cannot compile ${program}: ${stderr}`);
  return output;
}

/** A test in a folder that holds nothing but the executable, and is gone after it. */
function testInFolder(sentence: string, work: (folder: string) => Promise<void>) {
  const withExecutable = async (folder: string) => {
    // A link costs nothing, and to the program it is where it lives.
    await Deno.link(executable, `${folder}/foyer`);
    await work(folder);
  };
  // Not passed over where rights are missing: this file is run for nothing else.
  Deno.test(sentence, () => inFolder(withExecutable, builds));
}

interface Start {
  args?: string[];
  environment?: Record<string, string>;
  /** The working directory, the executable's own folder unless said. */
  cwd?: string;
  input?: string;
  uid?: number;
}

/** The executable, with nothing in its environment but what is given. */
function foyer(folder: string, { args = [], environment = {}, cwd = folder, input, uid }: Start): Command {
  return { program: `${folder}/foyer`, args, cwd, clearEnv: true, env: environment, input, uid };
}

/** Runs a command to its end. */
function run(folder: string, start: Start) {
  return runProcess(foyer(folder, start));
}

/** A server that listens; it ends with the test at the latest. */
async function serve(folder: string, start: Start) {
  const port = freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = new Process(foyer(folder, {
    ...start,
    environment: { HOST: "127.0.0.1", PORT: `${port}`, ...start.environment },
  }));
  await server.until(/Listening on/);
  /** Asks for the list, and says the status and the visitors' short ids. */
  const list = async (init: RequestInit = { headers }, query = ""): Promise<[number, string[]]> => {
    const response = await fetch(`${url}/api/visitors/list/latest${query}`, init);
    const { visitors = [] } = await response.json();
    return [response.status, visitors.map((visitor: { short_id: string }) => visitor.short_id)];
  };
  return Object.assign(server, { url, list });
}

const INPUT = [
  {
    short_id: "zoe",
    name: "Zoë Müller",
    is_online: true,
    last_seen_at: "2026-01-02T03:04:05.678Z",
    ip_address: "2001:db8::1",
    tags: ["#customer"],
    metadata: { plan: "team", seats: 3, paid: true },
  },
  { short_id: "łukasz", is_online: true, last_seen_at: "2026-01-02T03:04:04.000Z", identities: ["Łukasz"] },
  { short_id: "away", is_online: false },
].map((visitor) => JSON.stringify(visitor) + "\n").join("");

/** Imports, serves and exports again in one store. */
async function useStore(folder: string, environment: Record<string, string>, said: RegExp) {
  const imported = await run(folder, { args: ["import", "-"], environment, input: INPUT });
  assert.deepEqual([imported.code, imported.stdout], [0, ""], imported.stderr);
  assert.match(imported.stderr, /^Stored 3 visitors, 0 bad lines, 0 unknown fields dropped/m);

  await using server = await serve(folder, { environment: { REST_KEY: KEY, ...environment } });
  assert.deepEqual(await server.list(), [200, ["zoe", "łukasz"]], server.stderr);
  assert.deepEqual(await server.list({ headers: { Authorization: `Bearer ${KEY}` } }, "?max_results=1"), [
    200,
    ["zoe"],
  ]);
  assert.deepEqual(await server.list({}), [401, []]);
  assert.deepEqual(await server.list({ headers: { Authorization: "another key" } }), [401, []]);
  for (const path of ["/live", "/ready"]) {
    const response = await fetch(server.url + path);
    assert.deepEqual([response.status, await response.json()], [200, { status: "ok" }]);
  }
  const { code, signal } = await server.stop("SIGTERM");
  assert.deepEqual([code, signal], [0, null], server.stderr);
  assert.match(server.stderr, said);
  assert.match(server.stderr, /Stopping on SIGTERM/);
  for (const line of server.stderr.trimEnd().split("\n")) {
    assert.match(
      line,
      /^\{"time":"[^"]+Z","level":"\w+","message":"[A-Z]/,
      "the log is Foyer's own sentences",
    );
  }
  assert.equal(server.stdout, "", "the log goes to standard error");

  const exported = await run(folder, { args: ["export"], environment });
  assert.equal(exported.code, 0, exported.stderr);
  const visitors = exported.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(visitors.map(({ short_id }) => short_id).sort(), ["away", "zoe", "łukasz"]);
  for (const visitor of visitors) assert.deepEqual(Object.keys(visitor), ATTRIBUTE_NAMES);
  for (const line of INPUT.trimEnd().split("\n")) {
    const given = JSON.parse(line);
    const kept = visitors.find(({ short_id }) => short_id === given.short_id);
    assert.deepEqual({ ...kept, ...given }, kept, "every attribute is intact");
  }
  const again = await run(folder, { args: ["import", "-"], environment, input: exported.stdout });
  assert.equal(again.code, 0, again.stderr);
  assert.equal((await run(folder, { args: ["export"], environment })).stdout, exported.stdout);
}

testInFolder(
  "It serves, imports and exports in the embedded store, for whoever has the key",
  async (folder) => {
    await useStore(folder, {}, /"warning","message":"Using the embedded store in foyer\.db/);
    const environment = { SQLITE_PATH: "copy.db" };
    const { code, stderr } = await run(folder, { args: ["backup", "copy.db"] });
    assert.equal(code, 0, stderr);
    const { stdout: copy } = await run(folder, { args: ["export"], environment });
    assert.equal(copy, (await run(folder, { args: ["export"] })).stdout);
    await Deno.remove(`${folder}/copy.db`);
    const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
    assert.deepEqual(names, ["foyer", "foyer.db"]);
    assert.equal((await Deno.stat(`${folder}/foyer.db`)).mode! & 0o777, 0o600);
  },
);

testInFolder("It serves, imports and exports in MongoDB, for whoever has the key", async (folder) => {
  await using mongo = await startMongo();
  await useStore(folder, {
    MONGO_URI: mongo.uri,
    // The driver writes to standard error where it can read this variable.
    MONGODB_LOG_ALL: "trace",
  }, /Using collection \w+\.visitors of MongoDB at /);
  assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["foyer"]);
});

testInFolder("It answers --help and --version, and 64 to what it does not know", async (folder) => {
  const help = await run(folder, { args: ["--help"] });
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  for (const word of ["foyer import FILE", "foyer export", ...Object.keys(VARIABLES)]) {
    assert.ok(help.stdout.includes(word), word);
  }
  const version = await run(folder, { args: ["--version"] });
  assert.deepEqual(version, { code: 0, stdout: `${denoJson.version}\n`, stderr: "" });
  // Deno's own options are none of the executable's.
  for (const args of [["frobnicate"], ["import"], ["--allow-run"], ["-A"], ["eval", "1"]]) {
    const { code, stdout, stderr } = await run(folder, { args });
    assert.deepEqual([code, stdout], [64, ""], args.join(" "));
    assert.match(stderr, /^Cannot do that, expected one of these:/);
  }
});

testInFolder(
  "A wrong configuration stops it with 78, a line for each variable and no secret",
  async (folder) => {
    const environment = {
      PORT: "70000",
      BASE_ENDPOINT: "support.acme.com",
      REST_KEY: "S3cr3té",
      MONGO_URI: "mongo://user:S3cr3t@localhost",
      HIDDEN_ATTRIBUTES: "short_id",
      WATCH_LINK: "https://acme.com/watch",
    };
    const { code, stdout, stderr } = await run(folder, { environment });
    assert.deepEqual([code, stdout], [78, ""]);
    const lines = stderr.trimEnd().split("\n");
    assert.deepEqual(lines.map((line) => line.split(":")[0]).sort(), Object.keys(environment).sort());
    for (const line of lines) assert.match(line, /^[A-Z_]+: given .+, expected .+/);
    assert.doesNotMatch(stderr, /S3cr3t/);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["foyer"]);
  },
);

testInFolder("It reads the .env beside it, not another, and the environment wins", async (folder) => {
  const cwd = `${folder}/elsewhere`;
  await Deno.mkdir(cwd);
  await Deno.writeTextFile(`${cwd}/.env`, "REST_KEY=elsewhere\nPORT=x\n");
  await Deno.writeTextFile(`${folder}/.env`, `# ours\nREST_KEY="${KEY}"\nSQLITE_PATH=beside.db\nPORT=x\n`);
  {
    await using server = await serve(folder, { cwd });
    assert.deepEqual(await server.list(), [200, []]);
    assert.match(server.stderr, /Using the embedded store in beside\.db"/);
  }
  await using server = await serve(folder, { cwd, environment: { REST_KEY: "the environment's" } });
  assert.deepEqual(await server.list(), [401, []]);
  assert.deepEqual(await server.list({ headers: { Authorization: "the environment's" } }), [200, []]);
});

testInFolder("A .env that cannot be read counts as absent, which is a warning", async (folder) => {
  const environment = { REST_KEY: KEY, SQLITE_PATH: ":memory:" };
  await Deno.mkdir(`${folder}/.env`);
  {
    await using server = await serve(folder, { environment });
    assert.deepEqual(await server.list(), [200, []], "a folder");
    assert.match(server.stderr, /"warning","message":"Ignored [^"]*\.env: it cannot be read \(/);
  }
  await Deno.remove(`${folder}/.env`);
  await Deno.writeTextFile(`${folder}/.env`, "REST_KEY=unread\nHIDDEN_ATTRIBUTES=wrong\n", { mode: 0 });
  // Root reads whatever its mode is, so somebody else has to try.
  const uid = Deno.uid() === 0 ? 65534 : undefined;
  for (const path of [builds, folder]) await Deno.chmod(path, 0o755);
  await using server = await serve(folder, { environment, uid });
  assert.deepEqual(await server.list(), [200, []], "another user's file");
  assert.match(server.stderr, /"warning","message":"Ignored [^"]*\.env: it cannot be read \(/);
});

testInFolder("A relative SQLITE_PATH counts from the working directory", async (folder) => {
  const cwd = `${folder}/data`;
  await Deno.mkdir(cwd);
  const environment = { SQLITE_PATH: "own.db" };
  const { code, stderr } = await run(folder, { args: ["import", "-"], environment, cwd, input: INPUT });
  assert.equal(code, 0, stderr);
  assert.ok((await Deno.stat(`${cwd}/own.db`)).isFile);
  const { stdout } = await run(folder, { args: ["export"], environment: { SQLITE_PATH: "data/own.db" } });
  assert.equal(stdout.trimEnd().split("\n").length, 3);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  testInFolder(
    `On ${signal} a request in flight is finished, no other taken, and it exits with 0`,
    async (folder) => {
      // 20 MB, of which an unread connection holds little: the answer is still under way when the signal comes.
      const metadata = { note: "x".repeat(20_000) };
      const input = Array.from(
        { length: 1000 },
        (_, i) => JSON.stringify({ short_id: `v${i}`, is_online: true, metadata }) + "\n",
      ).join("");
      assert.equal((await run(folder, { args: ["import", "-"], input })).code, 0);
      await using server = await serve(folder, { environment: { REST_KEY: KEY } });
      const { hostname, port, host } = new URL(server.url);
      const address = { hostname, port: Number(port) };
      using connection = await Deno.connect(address);
      await connection.write(new TextEncoder().encode(
        "GET /api/visitors/list/latest?max_results=1000 HTTP/1.1\r\n" +
          `Host: ${host}\r\nAuthorization: ${KEY}\r\n\r\n`,
      ));
      const begin = new Uint8Array(12);
      await connection.read(begin);
      assert.equal(new TextDecoder().decode(begin), "HTTP/1.1 200");
      server.child.kill(signal);
      await server.until(new RegExp(`Stopping on ${signal}`));
      await untilRefused(Number(port));
      assert.ok(!server.hasEnded, "it waits for the request in flight");
      const [, body] = (await new Response(connection.readable).text()).split("\r\n\r\n");
      assert.equal(JSON.parse(body).visitors.length, 1000);
      const { code, signal: endedBy } = await server.ended;
      assert.deepEqual([code, endedBy], [0, null], server.stderr);
    },
  );
}

testInFolder(
  "Pages connect to it with the SDK that it sends, and their visitors are in the API",
  async (folder) => {
    const environment = { ...PRESENCE, REST_KEY: KEY, STORE_IP: "false" };
    await using server = await serve(folder, { environment });
    const { host } = new URL(server.url);
    const sdk = await fetch(`${server.url}/sdk.js`);
    assert.match(await sdk.text(), /"ws:\/\/localhost:\d+\/connect"/);
    const page = await TestPage.open(host);
    page.hello();
    const { short_id } = await page.next("welcome");
    await eventually(async () => String((await server.list())[1]).includes(short_id) || undefined);
    await page.close();
  },
);

testInFolder("It holds the console and the documentation, with all that their pages load", async (folder) => {
  await using server = await serve(folder, { environment: { REST_KEY: KEY } });
  const read = async (path: string) => {
    const response = await fetch(new URL(path, server.url));
    assert.equal(response.status, 200, path);
    return await response.text();
  };
  for (const [page, words] of [["/", []], ["/api/docs", ["invalid_site_key", "X-Stream-Id"]]] as const) {
    const html = await read(page);
    for (const word of words) assert.ok(html.includes(word), word);
    const paths = new Set(Array.from(html.matchAll(/(?:href|src)="(\/[^"]+)"/g), ([, path]) => path));
    assert.ok(paths.size > 5);
    for (const path of paths) {
      const text = await read(path);
      if (!path.endsWith(".js")) continue;
      for (const [, imported] of text.matchAll(/\bfrom\s*"(\.[^"]+)"/g)) {
        await read(new URL(imported, `${server.url}${path}`).pathname);
      }
    }
  }
});

Deno.test("It holds the packages of deno.lock that it needs, and none that tests alone need", async () => {
  const packagesOf = async (path: string): Promise<Record<string, unknown>> =>
    JSON.parse(await Deno.readTextFile(`${ROOT}/${path}`)).npm;
  const [all, held] = [await packagesOf("deno.lock"), await packagesOf("src/executable.lock")];
  for (const [name, entry] of Object.entries(held)) assert.deepEqual(entry, all[name], name);
  for (const name of Object.keys(denoJson.scopes["./tests/"])) {
    assert.ok(Object.keys(all).some((other) => other.startsWith(`${name}@`)), name);
    assert.ok(!Object.keys(held).some((other) => other.startsWith(`${name}@`)), name);
  }
});

Deno.test("Its rights are the network, files and the variables of the configuration, and nothing else", () => {
  assert.deepEqual(RIGHTS.toSorted(), [
    `--allow-env=${Object.keys(VARIABLES).join(",")}`,
    "--allow-net",
    "--allow-read",
    "--allow-write",
    // Any other variable looks unset: the MongoDB driver asks for some, and a refusal would stop it.
    "--ignore-env",
    // A file in the shared temporary folder must not be taken for its compiled code.
    "--no-code-cache",
    // A right that it lacks is an error, never a question on a terminal.
    "--no-prompt",
  ]);
});

Deno.test("With its rights no program runs, no library loads, no code is imported and no other variable is read", async () => {
  await Deno.writeTextFile(
    `${builds}/probe.ts`,
    `
    const [url] = Deno.args;
    const attempt = async (work: () => unknown) => {
      try {
        return await work();
      } catch (error) {
        return (error as Error).name;
      }
    };
    console.log(JSON.stringify({
      run: await attempt(() => new Deno.Command("true").output()),
      ffi: await attempt(() => Deno.dlopen("libc.so.6", {})),
      import: await attempt(() => import(url)),
      sys: await attempt(() => Deno.hostname()),
      named: await attempt(() => Deno.env.get("REST_KEY")),
      unnamed: await attempt(() => Deno.env.get("UNNAMED") ?? null),
      all: await attempt(() => Deno.env.toObject()),
      granted: (["run", "ffi", "import", "sys", "env", "net", "read", "write"] as const)
        .filter((name) => Deno.permissions.querySync({ name }).state === "granted"),
    }));
    `,
  );
  const probe = await compile(`${builds}/probe.ts`, "probe", RIGHTS);
  let requests = 0;
  await using web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    requests++;
    return new Response("export default 1", { headers: { "Content-Type": "text/javascript" } });
  });
  const { stdout, stderr } = await runProcess({
    program: probe,
    args: [`http://127.0.0.1:${web.addr.port}/code.js`],
    clearEnv: true,
    env: { REST_KEY: "named", UNNAMED: "unnamed", PATH: Deno.env.get("PATH")! },
  });
  assert.deepEqual(JSON.parse(stdout), {
    run: "NotCapable",
    ffi: "NotCapable",
    import: "TypeError",
    sys: "NotCapable",
    named: "named",
    unnamed: null,
    all: { REST_KEY: "named" },
    granted: ["net", "read", "write"],
  }, stderr);
  assert.equal(requests, 0, "code is not even asked for");
});
