import assert from "node:assert/strict";
import fc from "fast-check";
import { ATTRIBUTE_NAMES } from "../../src/visitor/visitor.ts";
import { JANE, openApp, PATH } from "../support/changes.ts";
import { hasAllRights } from "../support/rights.ts";

/** Everything that changes or removes, each in a request that would be answered with 200. */
const WRITES: [method: "PATCH" | "DELETE", path: string, body?: string][] = [
  ["PATCH", PATH, '{"name":"Ada"}'],
  ["DELETE", "/api/visitors?all=true"],
  ["DELETE", PATH],
];

Deno.test("Only REST_WRITE_KEY changes or removes, sent in one of three ways, and nothing else is written", async () => {
  const verdicts: [headers: Record<string, string>, status: number, code: string | undefined][] = [
    [{}, 401, "invalid_api_key"],
    [{ Authorization: "" }, 401, "invalid_api_key"],
    [{ Authorization: "wrong" }, 401, "invalid_api_key"],
    [{ Authorization: "Write" }, 401, "invalid_api_key"],
    [{ Authorization: "Basic write" }, 401, "invalid_api_key"],
    [{ "Authorization": "wrong", "X-Api-Key": "write" }, 401, "invalid_api_key"],
    [{ Authorization: "key" }, 403, "write_key_required"],
    [{ Authorization: "Bearer key" }, 403, "write_key_required"],
    [{ "X-Api-Key": "key" }, 403, "write_key_required"],
    [{ Authorization: "old" }, 403, "write_key_required"],
    [{ "Authorization": "key", "X-Api-Key": "write" }, 403, "write_key_required"],
    [{ Authorization: "write" }, 200, undefined],
    [{ Authorization: "Bearer write" }, 200, undefined],
    [{ "X-Api-Key": "write" }, 200, undefined],
  ];
  for (const [headers, status, code] of verdicts) {
    for (const [method, path, body] of WRITES) {
      for (const prefix of ["", "/support"]) {
        const { app, stored } = await openApp();
        const before = await stored();
        const response = await app.request(prefix + path, { method, body, headers });
        const what = `${method} ${prefix}${path} ${JSON.stringify(headers)}`;
        assert.equal(response.status, status, what);
        assert.equal((await response.json()).error, code, what);
        if (status !== 200) assert.deepEqual(await stored(), before, what);
      }
    }
  }
});

Deno.test("A key that only reads learns nothing of who is there, and of a body nothing is read", async () => {
  const { app } = await openApp();
  for (const path of [PATH, "/api/visitors/nobody", "/api/visitors", "/api/visitors?all=true"]) {
    for (const body of ["{", '{"shoe_size":38}', "x".repeat(70_000)]) {
      const method = path.includes("/api/visitors/") ? "PATCH" : "DELETE";
      const response = await app.request(path, { method, body, headers: { Authorization: "key" } });
      assert.equal((await response.json()).error, "write_key_required", path);
    }
  }
});

Deno.test("REST_WRITE_KEY reads as well, and REST_KEY as before", async () => {
  const { app } = await openApp();
  for (const key of ["write", "Bearer write", "key", "old"]) {
    for (
      const path of [PATH, "/api/visitors/list/latest", "/api/visitors/list/search?q=jane", "/api/usage"]
    ) {
      const response = await app.request(path, { headers: { Authorization: key } });
      assert.equal((await response.json()).status, "ok", `${key} ${path}`);
    }
  }
});

Deno.test("Without REST_WRITE_KEY nothing is changed or removed: these methods are not there", async () => {
  const { app, stored } = await openApp({ REST_WRITE_KEY: "" });
  const before = await stored();
  for (const [method, path, body] of WRITES) {
    for (const key of ["key", "old", "write", ""]) {
      const response = await app.request(path, { method, body, headers: { Authorization: key } });
      const { error } = await response.json();
      if (key === "write" || key === "") {
        assert.deepEqual([response.status, error], [401, "invalid_api_key"], `${key} ${method} ${path}`);
      } else {
        assert.deepEqual([response.status, error], [405, "method_not_allowed"], `${key} ${method} ${path}`);
        assert.equal(response.headers.get("Allow"), path === PATH ? "GET, HEAD" : "", `${method} ${path}`);
      }
    }
  }
  assert.deepEqual(await stored(), before);
});

Deno.test("A route says which methods it takes, with REST_WRITE_KEY those that write among them", async () => {
  const { app } = await openApp();
  const verdicts: [path: string, allow: string][] = [
    [PATH, "GET, HEAD, PATCH, DELETE"],
    ["/api/visitors", "DELETE"],
    ["/api/visitors/list/latest", "GET, HEAD"],
    ["/api/usage", "GET, HEAD"],
  ];
  for (const [path, allow] of verdicts) {
    for (const method of ["POST", "PUT", "OPTIONS", "PROPFIND"]) {
      for (const Authorization of ["key", "write"]) {
        const response = await app.request(path, { method, headers: { Authorization } });
        await response.text();
        assert.deepEqual([response.status, response.headers.get("Allow")], [405, allow], `${method} ${path}`);
      }
    }
  }
});

/** Bodies that are taken, and what the visitor then has. */
const ACCEPTED: [body: string, changed: Record<string, unknown>][] = [
  ["{}", {}],
  [" {\n} ", {}],
  ['\ufeff{"name":"Ada"}', { name: "Ada" }],
  ['{"name":"Ada"}', { name: "Ada" }],
  ['{"name":null}', { name: null }],
  ['{"name":""}', { name: "" }],
  ['{"name":"Zoë 東京 😀 \\ud83d\\ude00 \\u0000"}', { name: "Zoë 東京 😀 😀 \0" }],
  ['{"nickname":"ada"}', { nickname: "ada" }],
  ['{"metadata":{"a\\u0000b":1,"_bsontype":"ObjectId"}}', { metadata: { "a\0b": 1, _bsontype: "ObjectId" } }],
  ['{"metadata":{"$ref":"x.y","$id":"b"}}', { metadata: { $ref: "x.y", $id: "b" } }],
  ['{"nickname":null}', { nickname: null }],
  ['{"call_name":"line 8"}', { call_name: "line 8" }],
  ['{"call_name":null}', { call_name: null }],
  ['{"email":"ada@acme.com"}', { email: "ada@acme.com" }],
  ['{"email":null}', { email: null }],
  ['{"unique_id":"7"}', { unique_id: "7" }],
  ['{"unique_id":null}', { unique_id: null }],
  ['{"integration":"other"}', { integration: "other" }],
  ['{"integration":null}', { integration: null }],
  ['{"identities":["Ada","Acme"]}', { identities: ["Ada", "Acme"] }],
  ['{"identities":[]}', { identities: [] }],
  ['{"identities":["a","a","A",""]}', { identities: ["a", "a", "A", ""] }],
  ['{"tags":["#a","#a","#A","vip"]}', { tags: ["#a", "#a", "#A", "vip"] }],
  ['{"tags":[]}', { tags: [] }],
  ['{"integration_ids":["crm:1","crm:1"]}', { integration_ids: ["crm:1", "crm:1"] }],
  ['{"is_in_session":true}', { is_in_session: true }],
  ['{"is_in_session":false}', { is_in_session: false }],
  ['{"is_waiting_for_call":true}', { is_waiting_for_call: true }],
  ['{"metadata":{}}', { metadata: {} }],
  ['{"metadata":{"a":"b"}}', { metadata: { a: "b" } }],
  ['{"metadata":{"a":"","b":0,"c":false,"d":1.5e300,"":"","$x":1,"a.b":2}}', {
    metadata: { "a": "", "b": 0, "c": false, "d": 1.5e300, "": "", "$x": 1, "a.b": 2 },
  }],
  ['{"metadata":{"constructor":"x","toString":1,"hasOwnProperty":true}}', {
    metadata: { constructor: "x", toString: 1, hasOwnProperty: true },
  }],
  ['{"watch_link":"https://acme.com/watch?id=1#x"}', { watch_link: "https://acme.com/watch?id=1#x" }],
  ['{"watch_link":"http://localhost:5002/"}', { watch_link: "http://localhost:5002/" }],
  ['{"watch_link":null}', { watch_link: null }],
  ['{"name":"first","name":"last"}', { name: "last" }],
  ['{"name":"Ada","email":null,"tags":["#a"],"is_in_session":true,"metadata":{"a":1}}', {
    name: "Ada",
    email: null,
    tags: ["#a"],
    is_in_session: true,
    metadata: { a: 1 },
  }],
];

/** Bodies that are refused, and what the message names. */
const REFUSED: [body: BodyInit | null, named: RegExp][] = [
  [null, /body must be JSON/],
  ["", /body must be JSON/],
  ["{", /body must be JSON/],
  ["name=Ada", /body must be JSON/],
  ['{"name":"Ada"}x', /body must be JSON/],
  ["{'name':'Ada'}", /body must be JSON/],
  ['{"name":"Ada",}', /body must be JSON/],
  ['{"name":NaN}', /body must be JSON/],
  ['{"name":"a\nb"}', /body must be JSON/],
  ["[".repeat(60_000), /body must be JSON/],
  [new Uint8Array([...new TextEncoder().encode('{"name":"'), 0xff, 0x22, 0x7d]), /body must be JSON/],
  [
    new Uint8Array([...new TextEncoder().encode('{"name":"'), 0xed, 0xa0, 0x80, 0x22, 0x7d]),
    /body must be JSON/,
  ],
  [new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0]), /body must be JSON/],
  ["null", /JSON object/],
  ["true", /JSON object/],
  ["1", /JSON object/],
  ['"name"', /JSON object/],
  ["[]", /JSON object/],
  ['[{"name":"Ada"}]', /JSON object/],
  // Whatever is no attribute, and what is not for clients to write.
  ['{"shoe_size":38}', /shoe_size/],
  ['{"Name":"Ada"}', /Name/],
  ['{"name.first":"Ada"}', /name\.first/],
  ['{"$set":{"name":"Ada"}}', /\$set/],
  ['{"_id":"1"}', /_id/],
  ['{"":1}', /""/],
  ['{"constructor":1}', /constructor/],
  ['{"__proto__":{"name":"Ada"}}', /__proto__/],
  ['{"name":"Ada","__proto__":null}', /__proto__/],
  ['{"name":"Ada","last_seen_at":null}', /last_seen_at/],
  ['{"name":"Ada","shoe_size":38}', /shoe_size/],
  // Wrong types.
  ['{"name":1}', /name/],
  ['{"name":true}', /name/],
  ['{"name":["Ada"]}', /name/],
  ['{"name":{}}', /name/],
  ['{"email":7}', /email/],
  ['{"unique_id":7}', /unique_id/],
  ['{"is_in_session":null}', /is_in_session/],
  ['{"is_in_session":"true"}', /is_in_session/],
  ['{"is_in_session":1}', /is_in_session/],
  ['{"is_waiting_for_call":0}', /is_waiting_for_call/],
  ['{"tags":null}', /tags/],
  ['{"tags":"#a"}', /tags/],
  ['{"tags":{"0":"#a"}}', /tags/],
  ['{"tags":[1]}', /tags/],
  ['{"tags":["#a",null]}', /tags/],
  ['{"identities":[["a"]]}', /identities/],
  ['{"integration_ids":[{}]}', /integration_ids/],
  ['{"metadata":null}', /metadata/],
  ['{"metadata":[]}', /metadata/],
  ['{"metadata":"x"}', /metadata/],
  ['{"metadata":{"a":{}}}', /metadata/],
  ['{"metadata":{"a":["b"]}}', /metadata/],
  ['{"metadata":{"a":null}}', /metadata/],
  ['{"metadata":{"a":1e999}}', /metadata/],
  ['{"metadata":{"a":-1e999}}', /metadata/],
  // Half a character, which no store could keep as it is.
  ['{"name":"\\ud800"}', /name/],
  ['{"name":"\\udc00\\ud800"}', /name/],
  ['{"tags":["#a\\udfff"]}', /tags/],
  ['{"metadata":{"a":"\\ud800"}}', /metadata/],
  ['{"metadata":{"\\ud800":"a"}}', /metadata/],
  // Links that an agent's browser must not follow.
  ...[
    "",
    " ",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " https://acme.com/",
    "https://acme.com/ ",
    "https://acme.com/\\n",
    "\\u0000https://acme.com/",
    "java\\tscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://acme.com/",
    "blob:https://acme.com/1",
    "//acme.com/",
    "/watch/aB3",
    "\\\\\\\\acme.com",
    "https:/acme.com",
    "https:acme.com",
    "https://",
    "http://",
    "https:\\\\\\\\acme.com",
    "https://acme.com/\\u003cscript\\u003e",
    'https://acme.com/\\"onload=\\"',
    "x https://acme.com/",
    "javascript:x//https://acme.com/",
    "javascript:x\\nhttps://acme.com/",
  ].map((url): [string, RegExp] => [`{"watch_link":"${url}"}`, /watch_link/]),
  ['{"watch_link":1}', /watch_link/],
  ['{"watch_link":["https://acme.com/"]}', /watch_link/],
];

Deno.test("A change sets what it says as a whole, and nothing else", async () => {
  for (const [body, changed] of ACCEPTED) {
    const { write, getVisitor, stored } = await openApp();
    const before = await getVisitor();
    const answer = await write("PATCH", PATH, body);
    assert.equal(answer.status, "ok", `${body}: ${answer.message}`);
    if (changed.is_waiting_for_call) changed.waiting_since = answer.visitor.waiting_since;
    assert.deepEqual(answer.visitor, { ...before, ...changed }, body);
    assert.deepEqual(Object.keys(answer.visitor), ATTRIBUTE_NAMES, body);
    assert.deepEqual(await getVisitor(), answer.visitor, body);
    assert.deepEqual((await stored()).length, 1);
  }
});

Deno.test("Who is to wait for a call waits since then, however often that is said, until somebody ends it", async () => {
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

Deno.test("What a change cannot hold is 400, says which attribute, and nothing is written", async () => {
  const { app, stored } = await openApp();
  const before = await stored();
  for (const [body, named] of REFUSED) {
    // A good part beside a bad one is not written either.
    const init = { method: "PATCH", body, headers: { Authorization: "write" } };
    const response = await app.request(PATH, init);
    const { error, message } = await response.json();
    assert.deepEqual([response.status, error], [400, "invalid_parameter"], `${body}: ${message}`);
    assert.match(message, named, `${body}`);
    assert.match(message, /^[A-Za-z"][^\n]*\.$/, `${body}: one sentence for a person`);
  }
  for (const name of ATTRIBUTE_NAMES) {
    const response = await app.request(PATH, {
      method: "PATCH",
      body: JSON.stringify({ name: "Ada", [name]: { $ne: null } }),
      headers: { Authorization: "write" },
    });
    assert.equal(response.status, 400, name);
    assert.match((await response.json()).message, new RegExp(`\\b${name}\\b`));
  }
  assert.deepEqual(await stored(), before);
});

Deno.test("Whatever JSON comes is written as it was sent, or refused and nothing written", async () => {
  const { app, getVisitor } = await openApp();
  const value = fc.oneof(
    fc.json({ maxDepth: 2 }).map((json) => JSON.parse(json)),
    fc.string({ unit: "binary" }),
    fc.array(fc.string({ unit: "binary" })),
    fc.boolean(),
    fc.dictionary(
      fc.string({ unit: "binary" }),
      fc.oneof(fc.string({ unit: "binary" }), fc.double(), fc.boolean()),
    ),
  );
  const name = fc.constantFrom(...ATTRIBUTE_NAMES, "__proto__", "x");
  await fc.assert(
    fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 3 }), async (change) => {
      const before = await getVisitor();
      const body = JSON.stringify(change);
      const response = await app.request(PATH, {
        method: "PATCH",
        body,
        headers: { Authorization: "write" },
      });
      const { visitor } = await response.json();
      const after = await getVisitor();
      if (response.status === 200) {
        const expected = JSON.parse(JSON.stringify({ ...before, ...JSON.parse(body) }));
        // Who is in a session waits for nobody, and who waits does so since some time.
        expected.is_waiting_for_call &&= !expected.is_in_session;
        expected.waiting_since = expected.is_waiting_for_call ? after.waiting_since : null;
        assert.deepEqual(after, expected);
        assert.equal(after.waiting_since !== null, after.is_waiting_for_call);
        assert.deepEqual(visitor, after);
      } else {
        assert.equal(response.status, 400);
        assert.deepEqual(after, before);
      }
    }),
    { numRuns: 150 },
  );
});

Deno.test("A body of 64 KB is read, and none that is longer, whatever length it announces", async () => {
  const { app, getVisitor } = await openApp();
  const bodyOf = (bytes: number) => `{"name":"${"x".repeat(bytes - 11)}"}`;
  const verdicts: [bytes: number, status: number][] = [[64 * 1024, 200], [64 * 1024 + 1, 413], [
    300_000,
    413,
  ]];
  for (const [bytes, status] of verdicts) {
    const body = bodyOf(bytes);
    assert.equal(body.length, bytes);
    const forms: [body: BodyInit, headers: Record<string, string>][] = [
      [body, { "Content-Length": String(bytes) }],
      [body, {}],
      // What a server makes of a body that comes in chunks.
      [ReadableStream.from([body.slice(0, 7), body.slice(7, 60_000), body.slice(60_000)].map(bytesOf)), {}],
      [ReadableStream.from([bytesOf(body)]), { "Content-Length": "2" }],
    ];
    for (const [body, headers] of forms) {
      await app.request(PATH, {
        method: "PATCH",
        body: '{"name":"Jane"}',
        headers: { Authorization: "write" },
      });
      const response = await app.request(PATH, {
        method: "PATCH",
        body,
        headers: { Authorization: "write", ...headers },
        duplex: "half",
      } as RequestInit);
      const { error } = await response.json();
      assert.deepEqual([response.status, error], [status, status === 200 ? undefined : "too_large"]);
      assert.equal((await getVisitor()).name.length, status === 200 ? bytes - 11 : "Jane".length);
    }
  }
});

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

Deno.test("The type that a body claims to have does not matter", async () => {
  const { write } = await openApp();
  for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded", "x", ""]) {
    const { status } = await write(
      "PATCH",
      PATH,
      bytesOf('{"name":"Ada"}'),
      type && { "Content-Type": type },
    );
    assert.equal(status, "ok", type);
  }
});

Deno.test("Of a visitor that is not there nothing is changed and nobody is made", async () => {
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

Deno.test("What is hidden is in no answer to a change", async () => {
  const { write } = await openApp({ HIDDEN_ATTRIBUTES: "email,ip_address" });
  const { visitor } = await write("PATCH", PATH, '{"name":"Ada","email":"ada@acme.com"}');
  assert.equal(visitor.name, "Ada");
  assert.ok(!("email" in visitor) && !("ip_address" in visitor));
});

/** A change, a search that finds the visitor before it only, and one that does after it only. */
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

Deno.test("Changes and removals that come at the same time leave what one after the other would", async () => {
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

if (hasAllRights) {
  Deno.test("Over HTTP a body comes at once or in chunks, with a length or without, and is bounded all the same", async () => {
    const { app, getVisitor } = await openApp();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
    const ask = async (headers: string, body: string) => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
      const head =
        `PATCH ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: write\r\nConnection: close\r\n${headers}\r\n\r\n`;
      const bytes = bytesOf(head + body);
      // Who is refused may find the connection closed before all is sent.
      const sending = (async () => {
        for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
      })().catch(() => {});
      // Not to the end, for which the runtime may wait until all is sent that was announced.
      const start = new Uint8Array(100);
      await connection.read(start);
      const answer = new TextDecoder().decode(start);
      if (!answer.startsWith("HTTP/1.1 413")) await sending;
      connection.close();
      return Number(answer.split(" ")[1]);
    };
    const chunked = (text: string, size: number) =>
      (text.match(new RegExp(`.{1,${size}}`, "gs")) ?? [])
        .map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join("") + "0\r\n\r\n";
    const short = '{"name":"Ada"}';
    const full = `{"name":"${"x".repeat(64 * 1024 - 11)}"}`;
    assert.equal(await ask(`Content-Length: ${short.length}`, short), 200);
    assert.equal(await ask("Transfer-Encoding: chunked", chunked(short, 3)), 200);
    assert.equal((await getVisitor()).name, "Ada");
    assert.equal(await ask(`Content-Length: ${full.length}`, full), 200);
    assert.equal(await ask("Transfer-Encoding: chunked", chunked(full, 5000)), 200);
    assert.equal((await getVisitor()).name.length, full.length - 11);
    assert.equal(await ask(`Content-Length: ${short.length}`, short), 200);
    assert.equal(await ask(`Content-Length: ${full.length + 1}`, `${full} `), 413);
    assert.equal(await ask("Transfer-Encoding: chunked", chunked(`${full} `, 5000)), 413);
    assert.equal(await ask("Content-Length: 99999999999", ""), 413);
    assert.equal(await ask("Content-Length: 0", ""), 400);
    assert.equal(await ask("", ""), 400);
    assert.equal((await getVisitor()).name, "Ada");
    await server.shutdown();
  });
}

// The last ones: the timer of the limit on lookup codes outlives them, which would be another test's leak.
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
