import assert from "node:assert/strict";
import denoJson from "../../deno.json" with { type: "json" };
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { testInFolder } from "../support/folders.ts";
import { freePort, untilRefused } from "../support/ports.ts";
import { fromSource, Process, runProcess } from "../support/processes.ts";
import { until } from "../support/waiting.ts";

const KEY = "S3cr3t key";
const headers = { Authorization: KEY };

/** A command that runs Foyer, listening on 127.0.0.1. */
function foyer(folder: string, args: string[], environment: Record<string, string> = {}) {
  return fromSource(folder, args, { HOST: "127.0.0.1", ...environment });
}

/** Starts a server, and waits until it listens; it ends with the test at the latest. */
async function start(folder: string, args: string[], environment: Record<string, string> = {}) {
  const port = freePort();
  const server = new Process(foyer(folder, args, { PORT: String(port), ...environment }));
  await server.until(/Listening on/);
  return Object.assign(server, { port, url: `http://127.0.0.1:${port}` });
}

/** Starts a server with an option that the configuration does not offer, see `test_server.ts`. */
function startWith(folder: string, option: string, more: Record<string, string> = {}) {
  const port = freePort();
  const environment = {
    HOST: "127.0.0.1",
    PORT: String(port),
    SQLITE_PATH: "foyer.db",
    REST_KEY: KEY,
    ...more,
  };
  const server = new Process(fromSource(folder, [option], environment, "tests/commands/test_server.ts"));
  return Object.assign(server, { port, url: `http://127.0.0.1:${port}` });
}

testInFolder(
  "The command line shows its version and help, and names the commands after a wrong one",
  async (folder) => {
    const help = /^Foyer [^]*foyer import FILE[^]*foyer export[^]*REST_KEY/;
    const version = new RegExp(`^${denoJson.version.replaceAll(".", "\\.")}\n$`);
    const nothing = /^$/;
    const usage = /^Cannot do that, expected one of these:\n\nFoyer /;
    const verdicts: [args: string[], code: number, stdout: RegExp, stderr: RegExp][] = [
      [["--help"], 0, help, nothing],
      [["-h"], 0, help, nothing],
      [["import", "--help"], 0, help, nothing],
      [["--version"], 0, version, nothing],
      [["-v"], 0, version, nothing],
      [["frobnicate"], 64, nothing, usage],
      [["serve", "now"], 64, nothing, usage],
      [["--frobnicate"], 64, nothing, usage],
      [[""], 78, nothing, /^PORT: /],
    ];
    await Promise.all(verdicts.map(async ([args, code, stdout, stderr]) => {
      // PORT is wrong, which only matters to a command that serves.
      const answer = await runProcess(foyer(folder, args, { PORT: "x" }));
      assert.equal(answer.code, code, args.join(" "));
      assert.match(answer.stdout, stdout, args.join(" "));
      assert.match(answer.stderr, stderr, args.join(" "));
    }));
  },
);

testInFolder(
  "With a wrong configuration the server exits with 78, a line for each variable and no secret",
  async (folder) => {
    const wrong = {
      PORT: "70000",
      BASE_ENDPOINT: "https://user:S3cr3t@acme.com",
      REST_KEY: "S3cr3té",
      MONGO_URI: "mongo://user:S3cr3t@localhost",
      HOST: "a b",
      HIDDEN_ATTRIBUTES: "short_id",
      WATCH_LINK: "https://user:S3cr3t@acme.com/",
    };
    const { code, stdout, stderr } = await runProcess(foyer(folder, [], wrong));
    assert.deepEqual([code, stdout], [78, ""]);
    const lines = stderr.trimEnd().split("\n");
    assert.deepEqual(lines.map((line) => line.split(":")[0]).sort(), Object.keys(wrong).sort());
    for (const line of lines) assert.match(line, /^[A-Z_]+: given .+, expected .+/);
    assert.doesNotMatch(stderr, /S3cr3t/);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), [], "nothing was made");
  },
);

testInFolder(
  "If a store cannot be opened, or an address not listened on, the server exits with 78",
  async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    await Deno.writeTextFile(`${folder}/foreign.db`, "this is no database");
    const verdicts: [environment: Record<string, string>, said: RegExp][] = [
      [{ PORT: String(taken.addr.port) }, /^PORT: given \d+ \(AddrInUse\), expected a free port/m],
      [
        { ADMIN_PORT: String(taken.addr.port) },
        /^ADMIN_PORT: given \d+ \(AddrInUse\), expected a free port/m,
      ],
      [
        { ADMIN_PORT: String(freePort()), ADMIN_HOST: "203.0.113.1" },
        /^ADMIN_HOST: given "203\.0\.113\.1", expected/m,
      ],
      [{ HOST: "203.0.113.1" }, /^HOST: given "203\.0\.113\.1", expected an address of this machine/m],
      [{ HOST: "256.1.1.1" }, /^HOST: given "256\.1\.1\.1", expected an address of this machine/m],
      [{ HOST: "nowhere.invalid" }, /^HOST: given "nowhere\.invalid", expected an address of this machine/m],
      [{ SQLITE_PATH: "foreign.db" }, /^SQLITE_PATH: given "foreign\.db" \(.*not a Foyer database\)/m],
      [{ SQLITE_PATH: "no/folder.db" }, /^SQLITE_PATH: given "no\/folder\.db"/m],
      [{ MONGO_URI: "mongodb://user:S3cr3t@[bad" }, /^MONGO_URI: given a value that is not shown/m],
      [{ MONGO_URI: "mongodb://user:S3cr3t@localhost/?x=1" }, /^MONGO_URI: given a value that is not shown/m],
      [{ MONGO_URI: "mongodb://user:S3cr3t@localhost/a.b" }, /^MONGO_URI: given a value that is not shown/m],
      [
        { MONGO_URI: "mongodb://localhost/?tls=true&tlsCertificateKeyFilePassword=S3cr3t" },
        /^MONGO_URI: given a value that is not shown \(.*tlsCertificateKeyFilePassword/m,
      ],
    ];
    await Promise.all(verdicts.map(async ([environment, said], i) => {
      const own: Record<string, string> = environment.MONGO_URI ? {} : { SQLITE_PATH: `${i}.db` };
      const { code, stderr } = await runProcess(foyer(folder, ["serve"], {
        PORT: String(freePort()),
        ...own,
        ...environment,
      }));
      assert.equal(code, 78, `${JSON.stringify(environment)}: ${stderr}`);
      assert.match(stderr, said);
      assert.doesNotMatch(stderr, /S3cr3t|^\s+at /m);
    }));
  },
);

testInFolder(
  "foyer and foyer serve answer over HTTP, and the log says which store is used",
  async (folder) => {
    const verdicts: [
      args: string[],
      environment: Record<string, string>,
      said: RegExp[],
      unsaid: RegExp[],
    ][] = [
      [[], { REST_KEY: KEY }, [
        /"warning","message":"Using the embedded store in foyer\.db, since neither MONGO_URI nor/,
      ], [
        /disabled/,
      ]],
      [["serve"], { REST_KEY: KEY, SQLITE_PATH: "own.db" }, [
        /"info","message":"Using the embedded store in own\.db"/,
      ], [
        /Warning/,
      ]],
      [["serve"], { SQLITE_PATH: "own2.db" }, [/The REST API is disabled: set REST_KEY/], [/"warning"/]],
      [[], {
        REST_KEY: KEY,
        MONGO_URI: "mongodb://user:S3cr3t@127.0.0.1:1/crm",
        MONGO_COLLECTION: "people",
      }, [
        /"info","message":"Using collection crm\.people of MongoDB at 127\.0\.0\.1:1"/,
      ], [/embedded/]],
    ];
    await Promise.all(verdicts.map(async ([args, environment, said, unsaid]) => {
      await using server = await start(folder, args, environment);
      const statusOf = async (path: string, init?: RequestInit) => {
        const response = await fetch(server.url + path, init);
        await response.text();
        return response.status;
      };
      assert.equal(await statusOf("/live"), 200);
      const isMongo = "MONGO_URI" in environment;
      assert.equal(await statusOf("/ready"), isMongo ? 503 : 200);
      const expected = environment.REST_KEY ? (isMongo ? 503 : 200) : 404;
      assert.equal(await statusOf("/api/visitors/list/latest", { headers }), expected);
      assert.equal(await statusOf("/api/visitors/list/latest"), environment.REST_KEY ? 401 : 404);
      assert.equal((await server.stop("SIGTERM")).code, 0, server.stderr);
      for (const line of said) assert.match(server.stderr, line);
      for (const line of [...unsaid, /S3cr3t/]) assert.doesNotMatch(server.stderr, line);
      for (const line of server.stderr.trimEnd().split("\n")) {
        assert.match(JSON.parse(line).time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, line);
      }
    }));
    assert.equal((await Deno.stat(`${folder}/foyer.db`)).mode! & 0o777, 0o600);
  },
);

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const) {
  testInFolder(
    `On ${signal} a request in flight is finished, no other is accepted, and the exit code is 0`,
    async (folder) => {
      // 60 MB, more than sockets buffer: the answer is still being sent when the signal arrives.
      const store = openSqliteStore(`${folder}/foyer.db`, { use: "command" });
      const note = "x".repeat(60_000);
      await store.putVisitors(
        Array.from(
          { length: 1000 },
          (_, i) => readVisitor({ short_id: `v${i}`, is_online: true, metadata: { note } })!,
        ),
      );
      await store.close();
      await using server = await start(folder, [], { REST_KEY: KEY });
      const response = await fetch(`${server.url}/api/visitors/list/latest?max_results=1000`, {
        headers: { ...headers, "Accept-Encoding": "identity" },
      });
      assert.equal(response.status, 200);
      server.child.kill(signal);
      await server.until(new RegExp(`Stopping on ${signal}`));
      await untilRefused(server.port);
      assert.ok(!server.hasEnded, "it waits for the request in flight");
      assert.equal((await response.json()).visitors.length, 1000);
      const { code, signal: endedBy } = await server.ended;
      assert.deepEqual([code, endedBy], [0, null]);
      assert.deepEqual(
        (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name),
        ["foyer.db"],
        "a store that was closed leaves no side files",
      );
    },
  );
}

testInFolder("An idle keep-alive connection does not delay a stop", async (folder) => {
  await using server = await start(folder, []);
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await connection.write(new TextEncoder().encode("GET /live HTTP/1.1\r\nHost: x\r\n\r\n"));
  assert.ok(await connection.read(new Uint8Array(1000)));
  assert.equal((await server.stop("SIGTERM")).code, 0);
});

testInFolder("ADMIN_PORT opens a second listener, for health and metrics without a key", async (folder) => {
  const adminPort = freePort();
  await using server = await start(folder, [], { REST_KEY: KEY, ADMIN_PORT: String(adminPort) });
  await server.until(new RegExp(`Listening on 127\\.0\\.0\\.1 port ${adminPort} for operators`));
  const verdicts: [path: string, main: number, admin: number][] = [
    ["/live", 200, 200],
    ["/ready", 200, 200],
    ["/metrics", 404, 200],
    ["/api/visitors/list/latest", 200, 404],
  ];
  for (const [path, main, admin] of verdicts) {
    for (const [port, status] of [[server.port, main], [adminPort, admin]]) {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
      await response.text();
      assert.equal(response.status, status, `${path} on ${port === adminPort ? "ADMIN_PORT" : "PORT"}`);
    }
  }
  assert.equal((await server.stop("SIGTERM")).code, 0);
});

testInFolder("Without ADMIN_PORT there is one listener", async (folder) => {
  await using server = await start(folder, []);
  assert.equal((await server.stop("SIGTERM")).code, 0);
  assert.doesNotMatch(server.stderr, /for operators/);
});

testInFolder(
  "After a stop signal /ready is 503, and requests are still answered, with Connection: close",
  async (folder) => {
    const adminPort = freePort();
    await using server = startWith(folder, "farewell", { ADMIN_PORT: String(adminPort) });
    await server.until(/for operators/);
    const ready = async (port: number) => {
      const response = await fetch(`http://127.0.0.1:${port}/ready`);
      return { status: response.status, error: (await response.json()).error };
    };
    for (const port of [server.port, adminPort]) assert.equal((await ready(port)).status, 200);
    server.child.kill("SIGTERM");
    await until(async () => (await ready(adminPort)).status !== 200);
    // A connection of its own, since `fetch` would reuse a kept-alive one.
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const request = `GET /api/visitors/list/latest HTTP/1.1\r\nHost: x\r\nAuthorization: ${KEY}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(request));
    let answer = "";
    for await (const text of connection.readable.pipeThrough(new TextDecoderStream())) {
      answer += text;
      // The client closes the connection after the answer.
      if (answer.endsWith("]}")) break;
    }
    assert.match(answer, /^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n[^]*"visitors":\[\]\}$/i);
    for (const port of [server.port, adminPort]) {
      assert.deepEqual(await ready(port), { status: 503, error: "stopping" });
    }
    assert.equal((await server.ended).code, 0, server.stderr);
  },
);

for (const [failure, error] of [["rejection", "TypeError"], ["string", "string"]]) {
  testInFolder(
    `After an unhandled rejection (${failure}) the server continues, and its message is not logged`,
    async (folder) => {
      await using server = startWith(folder, failure);
      await server.until(/A promise was rejected and no code handled it/);
      const response = await fetch(`${server.url}/api/visitors/list/latest`, { headers });
      assert.deepEqual(await response.json(), { status: "ok", visitors: [] });
      assert.equal((await server.stop("SIGTERM")).code, 0, server.stderr);
      const lines = server.stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
      const [logged] = lines.filter(({ level }) => level === "error");
      assert.equal(logged.error, error);
      if (error === "TypeError") assert.match(logged.frames, /test_server\.ts/);
      assert.doesNotMatch(server.stderr + server.stdout, /S3cr3t/);
    },
  );
}

testInFolder(
  "After an uncaught error the server closes its store and exits with 1, and the message is not logged",
  async (folder) => {
    await using server = startWith(folder, "error");
    assert.equal((await server.ended).code, 1, server.stderr);
    const lines = server.stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
    const [logged] = lines.filter(({ level }) => level === "error");
    assert.deepEqual([logged.message, logged.error], [
      "An error was thrown and no code caught it",
      "TypeError",
    ]);
    assert.equal(lines.at(-1).message, "Stopping on an error that no code caught");
    assert.doesNotMatch(server.stderr + server.stdout, /S3cr3t/);
    const left = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assert.deepEqual(left, ["foyer.db"], "a store that was closed leaves no side files");
  },
);

testInFolder(
  "A command that fails unexpectedly exits with 1, and the message is not logged",
  async (folder) => {
    await using server = startWith(folder, "failure");
    assert.equal((await server.ended).code, 1, server.stderr);
    assert.match(
      server.stderr,
      /"level":"error","message":"The command failed","error":"TypeError","frames":"at /,
    );
    assert.doesNotMatch(server.stderr + server.stdout, /S3cr3t/);
  },
);
