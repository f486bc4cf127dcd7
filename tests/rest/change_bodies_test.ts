import assert from "node:assert/strict";
import fc from "fast-check";
import { ATTRIBUTE_NAMES } from "../../src/visitor/visitor.ts";
import { openApp, PATH } from "../support/changes.ts";
import { hasAllRights } from "../support/rights.ts";

/** Bodies that are accepted, and the visitor's attributes afterwards. */
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

/** Bodies that are refused, and the name that the message contains. */
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
  // Names that are no attributes, and attributes that clients may not write.
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
  // Lone surrogates, which no store could keep.
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

Deno.test("A change sets the attributes that it contains, each as a whole, and no others", async () => {
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

Deno.test("A change with an unusable value is 400, names the attribute, and writes nothing", async () => {
  const { app, stored } = await openApp();
  const before = await stored();
  for (const [body, named] of REFUSED) {
    // Good values beside a bad one are not written either.
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

Deno.test("Any JSON body is either written as it was sent or refused without a write", async () => {
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
        // A visitor in a session does not wait, and one that waits has waiting_since.
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
      // The request that a server makes of a body in chunks.
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

Deno.test("The Content-Type of a body does not matter", async () => {
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

if (hasAllRights) {
  Deno.test("Over HTTP a body comes at once or in chunks, with a length or without, and is bounded all the same", async () => {
    const { app, getVisitor } = await openApp();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, app.fetch);
    const ask = async (headers: string, body: string) => {
      const connection = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
      const head =
        `PATCH ${PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: write\r\nConnection: close\r\n${headers}\r\n\r\n`;
      const bytes = bytesOf(head + body);
      // The server may close the connection of a refused request before the client has sent everything.
      const sending = (async () => {
        for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
      })().catch(() => {});
      // Stops before the end of the response: the runtime may wait until the announced body has arrived.
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
