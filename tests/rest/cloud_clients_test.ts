import assert from "node:assert/strict";
import { EncodedVisitor } from "../../src/visitor/encoded_visitor.ts";
import { asciiJson } from "../../src/visitor/ascii_json.ts";
import { presenter } from "../../src/http/presentation.ts";
import { readConfig } from "../../src/config.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { appWith, type Environment } from "../support/app.ts";

const PEOPLE = [
  { short_id: "ada", name: "Ada", lookup_code: "0475", is_online: true, last_seen_at: "2026-01-02" },
  { short_id: "zoe", name: "Zoë", lookup_code: "4711", is_online: true, last_seen_at: "2026-01-03" },
  { short_id: "off", name: "Ada Off", watch_link: "https://acme.com/own/off", last_seen_at: "2026-01-01" },
  { short_id: "x.json", name: "Ending", last_seen_at: "2025-01-02" },
  { short_id: "x", name: "Other", last_seen_at: "2025-01-01" },
];

async function openApp(environment: Environment = {}, documents: Record<string, unknown>[] = PEOPLE) {
  const { ask, app } = await appWith(documents, {
    REST_WRITE_KEY: "write",
    WATCH_LINK: "https://watch.acme.com/{short_id}?by={agent_id}&name={agent_name}",
    ...environment,
  });
  const send = async (method: string, path: string, body?: unknown, key = "key") => {
    const headers = { "Authorization": key, "Content-Type": "application/json" };
    const given = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const response = await app.request(`/api${path}`, { method, headers, body: given });
    return { ...await response.json(), status: response.status, link: response.headers.get("Link") };
  };
  const idsOf = async (path: string) => {
    const { status, visitors } = await send("GET", path);
    assert.equal(status, 200, path);
    return visitors.map(({ short_id }: { short_id: string }) => short_id).join(" ");
  };
  return { ask, app, send, idsOf };
}

Deno.test("search is another name of q, and lists have other paths", async () => {
  const { idsOf, send } = await openApp();
  const verdicts: [path: string, shortIds: string][] = [
    ["/visitors/list/search?search=0475&max_results=1", "ada"],
    ["/visitors/list/search.json?search=0475&max_results=10000", "ada"],
    ["/visitors/list?search=0475&max_results=1", "ada"],
    ["/visitors/list.json?search=ada&max_results=10000", "ada off"],
    ["/list?search=zoe", "zoe"],
    ["/list.json?search=0475&max_results=10000", "ada"],
    ["/list.json?q=zoe", "zoe"],
    ["/list.json", "zoe ada"],
    ["/visitors/list", "zoe ada"],
    ["/visitors/list/latest.json", "zoe ada"],
    ["/visitors/list/search?search=", "zoe ada"],
    ["/visitors/list/search?search=zoe&q=zoe", "zoe"],
  ];
  for (const [path, shortIds] of verdicts) assert.equal(await idsOf(path), shortIds, path);
  for (const path of ["/visitors/list/search", "/visitors/list", "/list.json"]) {
    const { status, error, message } = await send("GET", `${path}?q=ada&search=zoe`);
    assert.deepEqual([status, error], [400, "invalid_parameter"], path);
    assert.match(message, /\bq and search\b/);
    const long = await send("GET", `${path}?search=${"x".repeat(257)}`);
    assert.deepEqual([long.status, /^search /.test(long.message)], [400, true]);
  }
});

Deno.test("The next result page of a search by another name has the same search", async () => {
  const { send } = await openApp();
  const first = await send("GET", "/list.json?search=ada&max_results=1");
  const [, path] = /^<http:\/\/localhost:5002\/api(.*)>; rel="next"$/.exec(first.link)!;
  const second = await send("GET", path);
  assert.deepEqual([first.visitors[0].short_id, second.visitors[0].short_id], ["ada", "off"]);
});

Deno.test("Every path may end in .json, and a short id that ends so takes precedence", async () => {
  const { send } = await openApp();
  const verdicts: [path: string, name: string][] = [
    ["/visitors/ada.json", "Ada"],
    ["/visitors/ada", "Ada"],
    ["/visitors/x.json", "Ending"],
    ["/visitors/x.json.json", "Ending"],
    ["/visitors/x", "Other"],
  ];
  for (const [path, name] of verdicts) assert.equal((await send("GET", path)).visitor?.name, name, path);
  for (const path of ["/visitors/nobody.json", "/visitors/.json", "/visitors/ada.JSON"]) {
    assert.deepEqual((await send("GET", path)).error, "visitor_not_found", path);
  }
  assert.equal((await send("GET", "/usage.json")).status, 200);
  assert.equal((await send("GET", "/nothing.json")).error, "not_found");
  const changed = await send("PATCH", "/visitors/ada.json", { nickname: "A" }, "write");
  assert.deepEqual([changed.visitor.short_id, changed.visitor.nickname], ["ada", "A"]);
  assert.equal((await send("DELETE", "/visitors/x.json", undefined, "write")).status, 200);
  assert.equal((await send("GET", "/visitors/x.json")).visitor.name, "Other");
  assert.equal((await send("GET", "/list.json", undefined, "wrong")).error, "invalid_api_key");
});

Deno.test("A visitor whose short id is the name of a list takes precedence over the list", async () => {
  const { send } = await openApp({}, [{ short_id: "list", name: "Lis", is_online: true }]);
  assert.equal((await send("GET", "/visitors/list")).visitor.name, "Lis");
  assert.equal((await send("GET", "/list")).visitors.length, 1);
});

Deno.test("watch_url is the stored link, or the one that WATCH_LINK makes for an agent", async () => {
  const { send } = await openApp();
  const verdicts: [path: string, body: unknown, url: string][] = [
    ["/visitors/ada/watch_url", {}, "https://watch.acme.com/ada?by=&name="],
    [
      "/visitors/ada/watch_url",
      {
        agent: { id: "a/7", name: "Zoë & Co" },
        branding: { naming: "x" },
        permissions: {},
        metadata: { a: [] },
      },
      "https://watch.acme.com/ada?by=a%2F7&name=Zo%C3%AB%20%26%20Co",
    ],
    ["/visitors/ada/watch_url.json", { agent: { id: 7 } }, "https://watch.acme.com/ada?by=7&name="],
    [
      "/visitors/ada/watch_url",
      '{"agent":{"id":738529527931269425}}',
      "https://watch.acme.com/ada?by=738529527931269425&name=",
    ],
    ["/visitors/ada/watch_url", { agent: null }, "https://watch.acme.com/ada?by=&name="],
    ["/visitors/ada/watch_url", { ["__proto__"]: [], "": 1 }, "https://watch.acme.com/ada?by=&name="],
    [
      "/visitors/ada/watch_url",
      { agent: { id: "{agent_name}" } },
      "https://watch.acme.com/ada?by=%7Bagent_name%7D&name=",
    ],
    ["/visitors/off/watch_url", { agent: { id: "7" } }, "https://acme.com/own/off"],
  ];
  for (const [path, body, url] of verdicts) {
    for (const key of ["key", "write"]) {
      const { status, watch_url } = await send("POST", path, body, key);
      assert.deepEqual([status, watch_url], [200, url], JSON.stringify(body));
    }
  }
  for (const body of ["", "[]", "7", "null", "{", '{"agent":7}', '{"agent":{"id":{}}}']) {
    assert.equal((await send("POST", "/visitors/ada/watch_url", body)).error, "invalid_parameter", body);
  }
  assert.equal((await send("POST", "/visitors/nobody/watch_url", {})).error, "visitor_not_found");
  assert.equal((await send("POST", "/visitors/ada/watch_url", {}, "wrong")).error, "invalid_api_key");
  assert.equal((await send("GET", "/visitors/ada/watch_url")).error, "method_not_allowed");
  assert.equal((await send("POST", "/visitors/ada/watch_url", `"${"x".repeat(70_000)}"`)).error, "too_large");
});

Deno.test("Without a link watch_url is 409, and says which variable makes one", async () => {
  const { send } = await openApp({ WATCH_LINK: "" });
  const { status, error, message } = await send("POST", "/visitors/ada/watch_url", {});
  assert.deepEqual([status, error], [409, "no_watch_link"]);
  assert.match(message, /WATCH_LINK/);
  assert.equal((await send("POST", "/visitors/off/watch_url", {})).watch_url, "https://acme.com/own/off");
  const hidden = await openApp({ HIDDEN_ATTRIBUTES: "watch_link" });
  assert.equal((await hidden.send("POST", "/visitors/off/watch_url", {})).error, "no_watch_link");
});

Deno.test("The watch_link in a list is for no particular agent, and a stored one that is no http or https URL counts as missing", () => {
  const linkOf = (stored: string | null, watchLink: string) => {
    const visitor = { ...readVisitor({ short_id: "a" })!, watch_link: stored };
    const present = presenter(readConfig({ REST_KEY: "key", WATCH_LINK: watchLink }));
    return JSON.parse(present(new EncodedVisitor(asciiJson(visitor)))).watch_link;
  };
  const made = "https://acme.com/{short_id}?by={agent_id}";
  const verdicts: [stored: string | null, watchLink: string, sent: string | null][] = [
    [null, "", null],
    [null, made, "https://acme.com/a?by="],
    ["https://acme.com/Zoë", "", "https://acme.com/Zoë"],
    ["https://acme.com/own", made, "https://acme.com/own"],
    ["javascript:alert(1)", "", null],
    ["javascript:alert(1)", made, "https://acme.com/a?by="],
    ['x","watch_link":null}', made, "https://acme.com/a?by="],
  ];
  for (const [stored, watchLink, sent] of verdicts) {
    assert.equal(linkOf(stored, watchLink), sent, `${stored}`);
  }
});

/** The requests of four public clients of the product's cloud API, and the short ids or the link that they read. */
const REPLAYED: [
  client: string,
  method: string,
  path: string,
  headers: Record<string, string>,
  result: string,
][] = [
  ["a CRM's widget", "GET", "/list.json?search=ada&max_results=10000", { "X-Api-Key": "key" }, "ada off"],
  [
    "a CRM's widget",
    "POST",
    "/visitors/ada/watch_url.json",
    { "X-Api-Key": "key" },
    "https://watch.acme.com/ada?by=7&name=Grace",
  ],
  ["a phone system", "GET", "/visitors/list/search?search=0475&max_results=1", {
    Authorization: "Bearer key",
  }, "ada"],
  ["a phone system", "GET", "/visitors/ada.json", { Authorization: "Bearer key" }, "ada"],
  ["a chat's app", "GET", "/visitors/list?search=zoe", { Authorization: "key" }, "zoe"],
  [
    "a chat's app",
    "POST",
    "/visitors/zoe/watch_url",
    { Authorization: "key" },
    "https://watch.acme.com/zoe?by=7&name=Grace",
  ],
  ["a library", "GET", "/visitors/list/latest?max_results=1", { "X-Api-Key": "key" }, "zoe"],
  ["a library", "GET", "/usage.json", { "X-Api-Key": "key" }, ""],
];

Deno.test("Clients of the cloud API work with nothing but another base URL", async () => {
  const { app } = await openApp({ BASE_ENDPOINT: "https://acme.com/foyer" });
  for (const [client, method, path, headers, result] of REPLAYED) {
    for (const prefix of ["/api", "/foyer/api"]) {
      const body = method === "POST" ? '{"agent":{"id":"7","name":"Grace"},"branding":{}}' : undefined;
      const response = await app.request(prefix + path, { method, headers, body });
      const { status, watch_url, visitor, visitors = visitor ? [visitor] : [] } = await response.json();
      assert.deepEqual([response.status, status], [200, "ok"], `${client} ${path}`);
      const shortIds = visitors.map(({ short_id }: { short_id: string }) => short_id).join(" ");
      assert.equal(watch_url ?? shortIds, result, `${client} ${path}`);
    }
  }
});

Deno.test("Digits of a change are never lost", async () => {
  const { send } = await openApp();
  const verdicts: [metadata: string, stored: unknown][] = [
    ['{"id":738529527931269425}', { id: "738529527931269425" }],
    ['{"id":738529527931269427,"n":1}', { id: "738529527931269427", n: 1 }],
    ['{"id":-9007199254740993}', { id: "-9007199254740993" }],
    ['{"id":1e20}', { id: "100000000000000000000" }],
    ['{"id":1e300}', { id: 1e300 }],
    ['{"id":9007199254740991}', { id: 9007199254740991 }],
  ];
  for (const [metadata, stored] of verdicts) {
    const { status, visitor } = await send("PATCH", "/visitors/ada", `{"metadata":${metadata}}`, "write");
    assert.deepEqual([status, visitor?.metadata], [200, stored], metadata);
  }
  const refused = await send("PATCH", "/visitors/ada", '{"unique_id":738529527931269425}', "write");
  assert.deepEqual([refused.status, /^unique_id must be text/.test(refused.message)], [400, true]);
});
