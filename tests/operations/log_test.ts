import assert from "node:assert/strict";
import { encodeCursor } from "../../src/rest/cursor.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { testInFolder } from "../support/folders.ts";
import { freePort } from "../support/ports.ts";
import { fromSource, Process } from "../support/processes.ts";
import { until } from "../support/waiting.ts";

/** A long key, since a short one would cause a warning. */
const KEY = "a key of the tests";

/** The command that runs `foyer serve`, and the URL at which it then listens. */
function server(folder: string, environment: Record<string, string> = {}) {
  const [port, adminPort] = [freePort(), freePort()];
  const command = fromSource(folder, ["serve"], {
    HOST: "127.0.0.1",
    PORT: String(port),
    ADMIN_PORT: String(adminPort),
    REST_KEY: KEY,
    SQLITE_PATH: environment.MONGO_URI ? "" : "foyer.db",
    ...environment,
  });
  return { command, url: `http://127.0.0.1:${port}`, adminUrl: `http://127.0.0.1:${adminPort}` };
}

/** Sends a request, and reads the whole answer. */
async function ask(url: string, init?: RequestInit) {
  const response = await fetch(url, init);
  return { status: response.status, text: `${[...response.headers]} ${await response.text()}` };
}

async function untilItAnswers(url: string) {
  await until(() => fetch(`${url}/live`).then(async (response) => await response.text() !== "", () => false));
}

testInFolder("Unless standard error is a terminal, each event is a line of JSON", async (folder) => {
  const { command, url } = server(folder);
  await using process = new Process(command);
  await process.until(/for operators/);
  const headers = { "Authorization": KEY, "X-Request-Id": "call-42", "X-Forwarded-For": "6.6.6.6" };
  assert.equal((await ask(`${url}/api/visitors/aB3?x=1`, { headers })).status, 404);
  assert.equal((await process.stop("SIGTERM")).code, 0);
  assert.equal(process.stdout, "");
  const lines = process.stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  const sentences = lines.map(({ message }) => message);
  assert.deepEqual(sentences.map((sentence) => sentence.replace(/port \d+/, "port N")), [
    "Using the embedded store in foyer.db",
    `Listening on 127.0.0.1 port N for ${url.replace("127.0.0.1", "localhost")}`,
    "Listening on 127.0.0.1 port N for operators",
    "Request",
    "Stopping on SIGTERM",
  ]);
  for (const { time, level } of lines) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(level, "info");
  }
  const { time: _time, milliseconds, ...request } = lines[3];
  assert.ok(milliseconds >= 0);
  assert.deepEqual(request, {
    level: "info",
    message: "Request",
    request: "call-42",
    method: "GET",
    route: "/api/visitors/{short_id}",
    status: 404,
    client: "127.0.0.1",
  });
});

testInFolder("LOG_LEVEL leaves out events of lower levels", async (folder) => {
  // One warning at the start, about the default store, and one for each request that the database fails.
  const verdicts: [level: string, shown: string[]][] = [
    ["debug", ["info", "warning"]],
    ["info", ["info", "warning"]],
    ["warning", ["warning"]],
    ["error", []],
  ];
  await Promise.all(verdicts.map(async ([level, shown]) => {
    await Deno.mkdir(`${folder}/${level}`);
    const { command, url } = server(`${folder}/${level}`, { LOG_LEVEL: level, SQLITE_PATH: "" });
    await using process = new Process(command);
    await untilItAnswers(url);
    assert.equal((await process.stop("SIGTERM")).code, 0);
    const lines = process.stderr.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
    assert.deepEqual([...new Set(lines.map(({ level }) => level))].sort(), shown, level);
  }));
});

testInFolder("On a terminal each event is a readable line", async (folder) => {
  const { command, url } = server(folder, { SQLITE_PATH: "" });
  // The shell prints the process id, since `script` does not forward signals.
  const line = ["echo pid=$$; exec", command.program, ...command.args!].join(" ");
  await using process = new Process({ ...command, program: "script", args: ["-qefc", line, "/dev/null"] });
  await process.until(/for operators/, "stdout");
  assert.equal((await ask(`${url}/live`, { headers: { "X-Request-Id": "call-42" } })).status, 200);
  await process.until(/call-42/, "stdout");
  Deno.kill(Number(/pid=(\d+)/.exec(process.stdout)![1]), "SIGTERM");
  assert.equal((await process.ended).code, 0);
  const [, ...lines] = process.stdout.trimEnd().split(/\r?\n/);
  assert.equal(lines.length, 5, process.stdout);
  const readable = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Za-z]/;
  for (const line of lines) assert.match(line, readable);
  assert.match(lines[0], /Z warning: Using the embedded store in foyer\.db, since/);
  assert.match(
    lines[3],
    /Z Request request=call-42 method=GET route=\/live status=200 milliseconds=[0-9.]+ client=127\.0\.0\.1$/,
  );
  assert.match(lines[4], /Z Stopping on SIGTERM$/);
});

/** A text in everything that must not be logged. */
const SECRET = "S3cr3t";

const SECRETS = {
  REST_KEY: `${SECRET}-read`,
  REST_WRITE_KEY: `${SECRET}-write`,
  REST_KEY_PREVIOUS: `${SECRET}-previous`,
  LOG_LEVEL: "debug",
};

/** A visitor with the secret in all its strings. */
const VISITOR = {
  short_id: `${SECRET}-id`,
  call_name: SECRET,
  email: `${SECRET}@acme.com`,
  identities: [SECRET],
  integration_ids: [`crm:${SECRET}`],
  ip_address: "198.51.100.77",
  is_online: true,
  last_url: `https://acme.com/${SECRET}`,
  metadata: { [SECRET]: SECRET },
  name: SECRET,
  tags: [`#${SECRET}`],
  unique_id: SECRET,
};

/** Requests with the secret in all their parts; some succeed, some are refused. */
function secretRequests(): [path: string, init: RequestInit][] {
  const position = { online: true, lastSeenAt: null, shortId: SECRET, tie: null };
  const cursor = encodeCursor({ position, typos: false }, SECRET);
  const paths = [
    "/api/visitors/list/latest",
    `/api/visitors/list/search?q=${SECRET}`,
    `/api/visitors/list/search?q=${SECRET}@acme.com`,
    `/api/visitors/list/search?q=id:${SECRET}%20ip:198.51.100.77`,
    `/api/visitors/list/search?q=${SECRET}&cursor=${cursor}`,
    `/api/visitors/list/search?q=${SECRET}x&cursor=${cursor}`,
    `/api/visitors/list/search?q=${SECRET}&cursor=${SECRET}`,
    `/api/visitors/list/search?q=${SECRET}&max_results=${SECRET}`,
    `/api/visitors/list/search?q=${SECRET.repeat(100)}`,
    `/api/visitors/${SECRET}`,
    `/api/visitors/${SECRET}-id`,
    `/api/visitors/${SECRET}-id/pages?${SECRET}`,
    `/api/visitors/${SECRET}%zz`,
    `/api/${SECRET}`,
    `/${SECRET}/${SECRET}?${SECRET}=${SECRET}`,
    `/live?${SECRET}`,
    "/api/usage",
    `/api/visitors?all=${SECRET}`,
  ];
  const bodies = [
    JSON.stringify({ name: SECRET, email: `${SECRET}@acme.com`, metadata: { [SECRET]: SECRET } }),
    JSON.stringify({ watch_link: `javascript:${SECRET}` }),
    JSON.stringify({ tags: SECRET }),
    JSON.stringify({ metadata: { [SECRET]: [SECRET] } }),
    JSON.stringify({ name: `${SECRET}\ud800` }),
    `{"name":"${SECRET}`,
    SECRET,
    SECRET.repeat(20_000),
  ];
  const claims = [
    { agent: SECRET },
    { agent: `${SECRET}\n` },
    { agent: { [SECRET]: SECRET } },
    { agent: SECRET.repeat(100), take_over: SECRET },
  ];
  const headers = {
    "Authorization": `Bearer ${SECRETS.REST_WRITE_KEY}`,
    "Cookie": SECRET,
    "Referer": `https://acme.com/${SECRET}`,
    "User-Agent": SECRET,
    "X-Forwarded-For": SECRET,
    "X-Request-Id": `${SECRET} ${SECRET}`,
    [`X-${SECRET}`]: SECRET,
  };
  const keys = [SECRETS.REST_KEY, SECRETS.REST_KEY_PREVIOUS, `Basic ${btoa(SECRET)}`, `${SECRET}-wrong`];
  return [
    ...paths.flatMap((path) =>
      ["GET", "HEAD", "DELETE", SECRET.toUpperCase()].filter((method) =>
        method !== "DELETE" || !path.endsWith("-id")
      )
        .map((method): [string, RequestInit] => [path, { method, headers }])
    ),
    ...keys.map((key): [string, RequestInit] => [paths[0], { headers: { ...headers, Authorization: key } }]),
    ...bodies.flatMap((body) =>
      [VISITOR.short_id, SECRET].map((shortId): [string, RequestInit] => [
        `/api/visitors/${shortId}`,
        { method: "PATCH", headers, body },
      ])
    ),
    ...claims.flatMap((claim) =>
      ["PUT", "DELETE"].map((method): [string, RequestInit] => [
        `/api/visitors/${VISITOR.short_id}/claim`,
        { method, headers, body: JSON.stringify(claim) },
      ])
    ),
  ];
}

/**
 * Sends all secret requests, and returns the texts of the answers, except for answers with visitors, which may contain
 * the secret.
 */
async function errorAnswers(url: string): Promise<string[]> {
  const texts: string[] = [];
  for (const [path, init] of secretRequests()) {
    const { status, text } = await ask(url + path, init);
    if (status >= 400) texts.push(`${status} ${text}`);
  }
  return texts;
}

function assertNoSecrets(texts: string[]) {
  for (const text of texts) {
    assert.doesNotMatch(text, new RegExp(`${SECRET}|${btoa(SECRET)}|198\\.51\\.100`, "i"));
  }
}

testInFolder(
  "No output contains a key, search or visitor's data, even when the store's file is damaged",
  async (folder) => {
    const path = `${folder}/foyer.db`;
    // Opened as a command, which waits longer for its thread to start on a busy machine.
    const store = openSqliteStore(path, { use: "command" });
    await store.putVisitors([readVisitor(VISITOR)!]);
    await store.close();
    const { command, url, adminUrl } = server(folder, { ...SECRETS, SQLITE_PATH: "foyer.db" });
    await using process = new Process(command);
    await process.until(/for operators/);
    const answers = await errorAnswers(url);
    assert.ok(answers.length > 40);

    // Another process writes to the file, which invalidates the server's cached pages, and then destroys it.
    const other = openSqliteStore(path, { use: "command" });
    await other.putVisitors([readVisitor({ short_id: "other" })!]);
    const { size } = await Deno.stat(path);
    using file = await Deno.open(path, { write: true });
    await file.write(new TextEncoder().encode(SECRET.repeat(size / SECRET.length)));
    answers.push(...await errorAnswers(url));
    assert.ok(answers.some((text) => text.startsWith("503 ")), "the file is broken indeed");
    assert.ok(!answers.some((text) => text.startsWith("500 ")), "which is 503 wherever it is noticed");
    answers.push((await ask(`${adminUrl}/metrics`)).text);

    // The server's closing fails as well, as expected; the test's own connection must close.
    await process.stop("SIGTERM");
    await other.close().catch(() => {});
    assert.match(process.stderr, /"status":503/);
    assertNoSecrets([process.stdout, ...process.stderr.split("\n"), ...answers]);
  },
);

testInFolder(
  "No output contains a secret while MongoDB is unavailable, not even its password",
  async (folder) => {
    const { command, url, adminUrl } = server(folder, {
      ...SECRETS,
      MONGO_URI: `mongodb://${SECRET}-user:${SECRET}-password@127.0.0.1:1/crm?authSource=admin`,
    });
    await using process = new Process(command);
    await process.until(/for operators/);
    // Sent at once, since each one waits until its deadline.
    const answers = await Promise.all(
      secretRequests().slice(0, 40).map(async ([path, init]) => (await ask(url + path, init)).text),
    );
    answers.push((await ask(`${adminUrl}/metrics`)).text, (await ask(`${url}/ready`)).text);
    await process.stop("SIGTERM");
    assert.match(process.stderr, /"status":503/);
    assertNoSecrets([process.stdout, ...process.stderr.split("\n"), ...answers]);
  },
);

for (const reader of ["goes away", "stops reading"] as const) {
  testInFolder(
    `A reader of standard error that ${reader} does not keep the server from answering`,
    async (folder) => {
      const { command: { program, ...options }, url } = server(folder);
      const child = new Deno.Command(program, { ...options, stdin: "null", stdout: "null", stderr: "piped" })
        .spawn();
      try {
        await untilItAnswers(url);
        if (reader === "goes away") await child.stderr.cancel();
        // Lines of about 270 bytes, together more than the pipe and the buffers at both ends hold.
        const headers = { "X-Request-Id": "x".repeat(128) };
        for (let i = 0; i < 40; i++) {
          const answers = await Promise.all(
            Array.from({ length: 25 }, () => ask(`${url}/live`, { headers })),
          );
          assert.ok(answers.every(({ status }) => status === 200));
        }
        child.kill("SIGTERM");
        assert.equal((await child.status).code, 0);
        if (reader === "goes away") return;
        // All lines that were read are whole, except for the last.
        const lines = (await new Response(child.stderr).text()).split("\n").slice(0, -1);
        for (const line of lines) assert.equal(JSON.parse(line).level, "info");
      } finally {
        try {
          child.kill("SIGKILL");
        } catch {
          // The process has ended already.
        }
        await child.status;
      }
    },
  );
}
