import assert from "node:assert/strict";
import { JANE, openApp, PATH } from "../support/changes.ts";

Deno.test("A visitor waits for a call since the first change that says so, until a change ends it", async () => {
  const since = "2026-01-02T03:04:05.678Z";
  const ended = { is_waiting_for_call: false, waiting_since: null };
  for (
    const before of [{}, { is_waiting_for_call: true }, { is_waiting_for_call: true, waiting_since: since }]
  ) {
    const { write, getVisitor } = await openApp({}, [{ ...JANE, ...before }]);
    const ask = async (body: string) => (await write("PATCH", PATH, body)).visitor;
    const start = Date.now();
    const first = await ask('{"is_waiting_for_call":true}');
    assert.equal(first.is_waiting_for_call, true);
    if ("waiting_since" in before) assert.equal(first.waiting_since, since);
    else assert.ok(Date.parse(first.waiting_since) >= start && Date.parse(first.waiting_since) <= Date.now());
    for (const body of ['{"is_waiting_for_call":true}', '{"name":"Ada"}', '{"is_in_session":false}']) {
      assert.equal((await ask(body)).waiting_since, first.waiting_since, body);
    }
    const other = await getVisitor();
    for (const body of ['{"is_waiting_for_call":false}', '{"is_in_session":true}']) {
      const { is_in_session } = await ask(body);
      assert.deepEqual(await getVisitor(), { ...other, ...ended, is_in_session }, body);
      await ask('{"is_in_session":false,"is_waiting_for_call":true}');
    }
    const both = await ask('{"is_in_session":true,"is_waiting_for_call":true}');
    assert.deepEqual(
      [both.is_waiting_for_call, both.waiting_since],
      [false, null],
      "a session ends the wait",
    );
    assert.equal((await ask('{"is_in_session":false}')).is_waiting_for_call, false, "for good");
  }
});

Deno.test("A change of a visitor that does not exist changes nothing and creates nobody", async () => {
  const { app, stored } = await openApp();
  const before = await stored();
  for (const shortId of ["nobody", "AB3", "ab3", "aB3%20", "%00", "list", "__proto__", "aB3%2F"]) {
    for (const method of ["PATCH", "DELETE"]) {
      const body = method === "PATCH" ? '{"name":"Ada"}' : undefined;
      const init = { method, body, headers: { Authorization: "write" } };
      const response = await app.request(`/api/visitors/${shortId}`, init);
      assert.deepEqual([response.status, (await response.json()).error], [404, "visitor_not_found"], shortId);
    }
  }
  assert.deepEqual(await stored(), before);
});

Deno.test("Hidden attributes are in no answer to a change", async () => {
  const { write } = await openApp({ HIDDEN_ATTRIBUTES: "email,ip_address" });
  const { visitor } = await write("PATCH", PATH, '{"name":"Ada","email":"ada@acme.com"}');
  assert.equal(visitor.name, "Ada");
  assert.ok(!("email" in visitor) && !("ip_address" in visitor));
});

/** A change, a search that finds the visitor only before it, and one that finds the visitor only after it. */
const FOUND: [change: Record<string, unknown>, before: string, after: string][] = [
  [{ name: "Ada Lovelace", identities: [], email: null }, "jane", "lovelace"],
  [{ name: "Ada Lovelace", identities: [], email: null }, "jone", "lovelase"],
  [{ nickname: "Zoë" }, "JD", "zoe"],
  [{ call_name: "hall 9" }, "line", "hall"],
  [{ email: "ada@acme.com", identities: [] }, "jane@acme.com", "ADA@acme.com"],
  [{ email: null, identities: ["ada@acme.com"] }, "JANE@acme.com", "ada@acme.com"],
  [{ tags: ["#vip"] }, "#customer", "#VIP"],
  [{ unique_id: "user124" }, "id:user123", "id:user124"],
  [{ unique_id: 'a "b" c'.replaceAll('"', "") }, "id:user123", 'id:"a b c"'],
  [{ integration_ids: ["crm:9"] }, "integration_id:acmechat:1234", "integration_id:crm:9"],
];

for (const MAX_STALE_MS of ["0", "5000"]) {
  Deno.test(`A change is found at once by what is new, and no longer by what was, with MAX_STALE_MS=${MAX_STALE_MS}`, async () => {
    const others = Array.from({ length: 20 }, (_, i) => ({ short_id: `other${i}`, name: "Somebody" }));
    for (const [change, before, after] of FOUND) {
      const { write, find, read } = await openApp({ MAX_STALE_MS }, [JANE, ...others]);
      const what = JSON.stringify(change);
      assert.deepEqual([await find(before), await find(after)], [["aB3"], []], what);
      const tags = [(await read(PATH)).tag, (await read("/api/visitors/list/latest")).tag];
      assert.equal((await write("PATCH", PATH, JSON.stringify(change))).status, "ok", what);
      assert.deepEqual([await find(before), await find(after)], [[], ["aB3"]], what);
      const page = await read("/api/visitors/list/latest");
      assert.deepEqual(page.visitors, [(await read(PATH)).visitor], what);
      assert.notEqual((await read(PATH)).tag, tags[0], what);
      assert.notEqual(page.tag, tags[1], what);
      // And back again.
      const original = Object.fromEntries(Object.keys(change).map((name) => [name, JANE[name as "name"]]));
      assert.equal((await write("PATCH", PATH, JSON.stringify(original))).status, "ok", what);
      assert.deepEqual([await find(before), await find(after)], [["aB3"], []], what);
      assert.equal((await read(PATH)).tag, tags[0], what);
    }
  });
}

Deno.test("Concurrent changes and removals have a result that they could have one after the other", async () => {
  const { write, read, find } = await openApp();
  const names = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(6));
  const answers = await Promise.all(names.map((name) => write("PATCH", PATH, JSON.stringify({ name }))));
  for (const [i, { visitor }] of answers.entries()) assert.equal(visitor.name, names[i]);
  const { visitor } = await read(PATH);
  assert.ok(names.includes(visitor.name));
  for (const name of names) assert.deepEqual(await find(name), name === visitor.name ? ["aB3"] : [], name);
  const removals = await Promise.all(names.map(() => write("DELETE", PATH)));
  assert.equal(removals.filter(({ status }) => status === "ok").length, 1, "one of them removes");
});

// These tests come last: the timer of the limit on lookup codes outlives them, and would count as another test's leak.
for (const MAX_STALE_MS of ["0", "5000"]) {
  Deno.test(`A visitor who is removed is gone from every answer at once, with MAX_STALE_MS=${MAX_STALE_MS}`, {
    sanitizeOps: false,
    sanitizeResources: false,
  }, async () => {
    const { write, find, read, stored } = await openApp({ MAX_STALE_MS }, [JANE, { short_id: "other" }]);
    const searches = [
      "online",
      "0042",
      "aB3",
      "url:pricing",
      ...FOUND.map(([, before]) => before),
    ];
    for (const q of searches) assert.deepEqual(await find(q), ["aB3"], q);
    assert.equal((await read("/api/usage")).usage.visitors.online_now, 1);
    assert.deepEqual((await read("/api/visitors/list/latest")).visitors.length, 1);

    assert.deepEqual(await write("DELETE", PATH), { status: "ok", allow: null });
    for (const q of searches) assert.deepEqual(await find(q), [], q);
    assert.deepEqual((await read("/api/visitors/list/latest")).visitors, []);
    assert.equal((await read(PATH)).error, "visitor_not_found");
    assert.equal((await read("/api/usage")).usage.visitors.online_now, 0);
    assert.deepEqual((await stored()).map(({ short_id }) => short_id), ["other"]);
    assert.equal((await write("DELETE", PATH)).error, "visitor_not_found", "the second time there is nobody");
    assert.equal((await write("PATCH", PATH, "{}")).error, "visitor_not_found");
  });
}
