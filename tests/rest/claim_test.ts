import assert from "node:assert/strict";
import { appWith } from "../support/app.ts";

const DOCUMENTS = [
  { short_id: "ada", is_online: true, name: "Ada" },
  { short_id: "away", name: "Bob" },
];

/** An application, and functions that send claims to it. */
async function openApp(environment: Record<string, string> = {}) {
  const opened = await appWith(DOCUMENTS, environment);
  const send = async (
    method: "PUT" | "DELETE",
    body: unknown,
    shortId = "ada",
    headers: HeadersInit = {},
  ) => {
    const response = await opened.app.request(`/api/visitors/${shortId}/claim`, {
      method,
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { Authorization: "key", ...headers },
    });
    return { status: response.status, answer: await response.json() };
  };
  const claimedBy = async () => {
    const { visitors } = await (await opened.ask("/api/visitors/list/latest")).json();
    const { visitor } = await (await opened.ask("/api/visitors/ada")).json();
    assert.equal(visitors[0].claimed_by, visitor.claimed_by, "lists and the visitor agree");
    return visitor.claimed_by;
  };
  return { ...opened, send, claimedBy };
}

Deno.test("Any key claims a visitor for an agent, renews the claim and ends it", async () => {
  for (const MAX_STALE_MS of ["0", "5000"]) {
    const { send, claimedBy, ask } = await openApp({ MAX_STALE_MS, REST_WRITE_KEY: "write" });
    assert.equal(await claimedBy(), null);
    let before = 0;
    for (const key of ["key", "Bearer key", "write"]) {
      const start = Date.now();
      const { status, answer } = await send("PUT", { agent: " Grace " }, "ada", { Authorization: key });
      assert.equal(status, 200);
      assert.deepEqual(Object.keys(answer), ["status", "visitor", "claimed_until"]);
      assert.equal(answer.visitor.claimed_by, "Grace", "trimmed");
      const until = Date.parse(answer.claimed_until);
      assert.ok(until >= start + 300_000 && until >= before, "five minutes from now");
      before = until;
      assert.equal(await claimedBy(), "Grace");
    }
    assert.equal((await (await ask("/api/visitors/list/search?q=grace")).json()).visitors.length, 0);
    for (const _ of ["first", "second"]) {
      const { status, answer } = await send("DELETE", { agent: "Grace" });
      assert.deepEqual([status, answer.status, answer.visitor.claimed_by], [200, "ok", null]);
      assert.equal(await claimedBy(), null);
    }
  }
});

Deno.test("Another agent takes a visitor over only after asking, and ends nobody else's claim", async () => {
  const { send, claimedBy } = await openApp();
  await send("PUT", { agent: "Grace" });
  for (const take_over of [undefined, false]) {
    const { status, answer } = await send("PUT", { agent: "Linus", take_over });
    assert.deepEqual([status, answer.error, answer.claimed_by], [409, "already_claimed", "Grace"]);
    assert.match(answer.message, /"take_over": true/);
  }
  assert.equal(await claimedBy(), "Grace");
  const refused = await send("DELETE", { agent: "Linus" });
  assert.deepEqual([refused.status, refused.answer.error], [409, "already_claimed"]);
  assert.equal(await claimedBy(), "Grace");
  assert.equal((await send("PUT", { agent: "Linus", take_over: true })).status, 200);
  assert.equal(await claimedBy(), "Linus");
  // The previous agent's tab is closed later.
  assert.equal((await send("DELETE", { agent: "Grace" })).status, 409);
  assert.equal(await claimedBy(), "Linus");
});

Deno.test("Only visitors that exist and are online can be claimed", async () => {
  const { send } = await openApp();
  const offline = await send("PUT", { agent: "Grace", take_over: true }, "away");
  assert.deepEqual([offline.status, offline.answer.error], [409, "visitor_offline"]);
  assert.equal((await send("DELETE", { agent: "Grace" }, "away")).status, 200);
  for (const method of ["PUT", "DELETE"] as const) {
    const { status, answer } = await send(method, { agent: "Grace" }, "nobody");
    assert.deepEqual([status, answer.error], [404, "visitor_not_found"]);
  }
});

Deno.test("A claim names an agent in 1 to 64 characters without control characters", async () => {
  const accepted = [
    "G",
    "Zoë 東京 😀",
    "😀".repeat(64),
    "x".repeat(64),
    ` ${"x".repeat(64)} `,
    "a\u200db",
    "\u200fשלום",
    "<b>",
  ];
  const refused = [
    "",
    " ",
    "\u3000",
    "x".repeat(65),
    "a\nb",
    "\0",
    "\u007f",
    "a\u0085b",
    "\u202eevil",
    "\u2066x",
    "\u200b",
    " \u3164\u00ad ",
    "\ufe0f\u2060\u200f",
  ];
  for (const method of ["PUT", "DELETE"] as const) {
    for (const agent of accepted) {
      const { send } = await openApp();
      assert.equal((await send(method, { agent })).status, 200, agent);
    }
    const { send, claimedBy } = await openApp();
    const bodies = [
      ...refused.map((agent) => JSON.stringify({ agent })),
      ...[
        "{}",
        '{"agent":null}',
        '{"agent":7}',
        '{"agent":["Grace"]}',
        '{"agent":"\\ud800"}',
        "[]",
        "null",
        "",
        "{",
      ],
      ...(method === "PUT"
        ? ['{"agent":"Grace","take_over":"true"}', '{"agent":"Grace","take_over":1}']
        : []),
    ];
    for (const body of bodies) {
      const { status, answer } = await send(method, body);
      assert.deepEqual([status, answer.error], [400, "invalid_parameter"], body);
      assert.match(answer.message, /^[A-Za-z"][^\n]*\.$/, body);
    }
    assert.equal((await send(method, `{"agent":"${"x".repeat(70_000)}"}`)).status, 413);
    assert.equal(await claimedBy(), null);
  }
});

Deno.test("A claim needs a key, and its errors name no agent if claimed_by is hidden", async () => {
  const { app, send, ask } = await openApp({ HIDDEN_ATTRIBUTES: "claimed_by" });
  for (const method of ["PUT", "DELETE"]) {
    const response = await app.request("/api/visitors/ada/claim", { method, body: '{"agent":"Grace"}' });
    assert.equal(response.status, 401);
  }
  const { answer } = await send("PUT", { agent: "Grace" });
  assert.ok(!("claimed_by" in answer.visitor));
  const refused = await send("PUT", { agent: "Linus" });
  assert.equal(refused.status, 409);
  assert.doesNotMatch(JSON.stringify(refused.answer), /Grace/);
  assert.doesNotMatch(await (await ask("/api/visitors/ada")).text(), /Grace/);
});
