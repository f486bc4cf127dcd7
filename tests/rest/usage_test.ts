import assert from "node:assert/strict";
import { appWith } from "../support/app.ts";

const HOUR = 3_600_000;
const ago = (hours: number) => new Date(Date.now() - hours * HOUR);

const DOCUMENTS = [
  { short_id: "now", is_online: true, is_in_session: true, last_seen_at: ago(0) },
  { short_id: "since-yesterday", is_online: true, last_seen_at: ago(30) },
  { short_id: "online-for-ever", is_online: true, is_waiting_for_call: true },
  { short_id: "this-morning", last_seen_at: ago(23) },
  { short_id: "left-in-session", is_in_session: true, last_seen_at: ago(25) },
  { short_id: "this-month", last_seen_at: ago(29 * 24) },
  { short_id: "before", last_seen_at: ago(31 * 24) },
  { short_id: "never", is_waiting_for_call: true },
];

Deno.test("Usage counts who is online, who was seen in 24 hours and in 30 days, who is in a session and who waits", async () => {
  for (const MAX_STALE_MS of ["0", "5000"]) {
    const { ask, put } = await appWith(DOCUMENTS, { MAX_STALE_MS });
    const response = await ask("/api/usage");
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("Content-Type"), "application/json");
    assert.equal(
      await response.text(),
      JSON.stringify({
        status: "ok",
        usage: {
          visitors: { online_now: 3, last_24_hrs: 2, last_30_days: 5 },
          session_counts: { now: 2 },
          waiting: 1,
        },
      }),
    );
    await put([{ short_id: "now", last_seen_at: ago(0) }, {
      short_id: "new",
      is_online: true,
      last_seen_at: ago(0),
    }]);
    assert.deepEqual((await (await ask("/api/usage")).json()).usage, {
      visitors: { online_now: 3, last_24_hrs: 3, last_30_days: 6 },
      session_counts: { now: 1 },
      waiting: 1,
    });
  }
});

Deno.test("The counts of an empty store are 0", async () => {
  const { ask } = await appWith([]);
  assert.deepEqual((await (await ask("/api/usage")).json()).usage, {
    visitors: { online_now: 0, last_24_hrs: 0, last_30_days: 0 },
    session_counts: { now: 0 },
    waiting: 0,
  });
});

Deno.test("Changes and removals change the counts at once", async () => {
  const { ask, app } = await appWith(DOCUMENTS, { REST_WRITE_KEY: "write", MAX_STALE_MS: "5000" });
  const usage = async () => (await (await ask("/api/usage")).json()).usage;
  const write = async (method: string, path: string, body?: string) => {
    const response = await app.request(path, { method, body, headers: { Authorization: "write" } });
    assert.equal((await response.json()).status, "ok");
  };
  assert.equal((await usage()).session_counts.now, 2);
  await write("PATCH", "/api/visitors/this-morning", '{"is_in_session":true}');
  assert.equal((await usage()).session_counts.now, 3);
  await write("PATCH", "/api/visitors/this-morning", '{"is_in_session":true,"name":"Ada"}');
  assert.equal((await usage()).session_counts.now, 3);
  await write("PATCH", "/api/visitors/now", '{"is_in_session":false}');
  assert.equal((await usage()).session_counts.now, 2);
  await write("PATCH", "/api/visitors/now", '{"is_waiting_for_call":true}');
  assert.equal((await usage()).waiting, 2);
  await write("PATCH", "/api/visitors/now", '{"is_in_session":true}');
  assert.equal((await usage()).waiting, 1);
  await write("PATCH", "/api/visitors/now", '{"is_in_session":false}');
  await write("PATCH", "/api/visitors/online-for-ever", '{"is_waiting_for_call":false}');
  await write("DELETE", "/api/visitors/this-morning");
  await write("DELETE", "/api/visitors?all=true");
  assert.deepEqual(await usage(), {
    visitors: { online_now: 3, last_24_hrs: 1, last_30_days: 2 },
    session_counts: { now: 0 },
    waiting: 0,
  });
});

Deno.test("Usage needs a key, has no method but GET, and shows no visitor's data", async () => {
  const { app, ask } = await appWith(DOCUMENTS, {
    REST_WRITE_KEY: "write",
    BASE_ENDPOINT: "https://acme.com/support",
  });
  for (const path of ["/api/usage", "/support/api/usage", "/api/usage?x=1"]) {
    assert.equal((await app.request(path)).status, 401, path);
    assert.equal((await ask(path)).status, 200, path);
    assert.equal((await ask(path, { Authorization: "write" })).status, 200, path);
    assert.equal((await ask(path, {}, "HEAD")).status, 200, path);
    for (const method of ["POST", "PATCH", "DELETE", "OPTIONS"]) {
      const response = await ask(path, { Authorization: "write" }, method);
      assert.deepEqual(
        [response.status, response.headers.get("Allow")],
        [405, "GET, HEAD"],
        `${method} ${path}`,
      );
    }
  }
  assert.equal((await ask("/api/usage/")).status, 404);
});

Deno.test("The answer to usage says what the key may do", async () => {
  const { ask } = await appWith([], { REST_WRITE_KEY: "write-key", REST_KEY_PREVIOUS: "old-key" });
  for (const [key, may] of [["key", "read"], ["old-key", "read"], ["write-key", "write"]]) {
    const response = await ask("/api/usage", { Authorization: key });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("Foyer-Key"), may);
    await response.text();
  }
});
