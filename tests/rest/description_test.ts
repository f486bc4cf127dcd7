import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import denoJson from "../../deno.json" with { type: "json" };
import type { ErrorCode } from "../../src/http/errors.ts";
import { StoreUnavailable } from "../../src/store/visitor_store.ts";
import { ATTRIBUTE_NAMES } from "../../src/visitor/visitor.ts";
import { appOver, appWith, brokenStore, type Environment } from "../support/app.ts";

const WRITE_KEY = "write key";
const WRITING: Environment = { REST_WRITE_KEY: WRITE_KEY };

const ZOE = {
  short_id: "zoe",
  name: "Zoë Müller",
  is_online: true,
  added_at: new Date("2026-01-02T03:04:05.678Z"),
  last_seen_at: new Date("2026-01-02T03:04:05.678Z"),
  identities: ["Zoë Müller"],
  metadata: { plan: "team", seats: 3, paid: true },
};

// deno-lint-ignore no-explicit-any -- a document, read as a client would
type Json = any;

/** An application over three visitors, and its description. */
async function openApp(environment: Environment = {}) {
  const documents = [ZOE, { short_id: "bare", is_online: true }, { short_id: "away" }];
  const opened = await appWith(documents, environment);
  return { ...opened, document: await describe(opened) };
}

async function describe({ ask }: Pick<ReturnType<typeof appOver>, "ask">): Promise<Json> {
  const response = await ask("/api/openapi.json");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("Content-Type"), "application/json");
  return await response.json();
}

/** The operations of a description, each as `METHOD path`. */
function operationsOf(document: Json): string[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item as Json).map((method) => `${method.toUpperCase()} ${path}`)
  );
}

/** Returns a function that compiles the schema at a path in a description, such as `["paths", "/usage", …]`. */
function schemasOf(document: Json) {
  // Keywords of OpenAPI, which JSON Schema does not have.
  const ajv = new Ajv2020({ strict: false, formats: { "date-time": true } });
  ajv.addSchema(document, "api");
  return (place: string[]) => {
    const pointer = place.map((name) => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1")));
    return ajv.compile({ $ref: `api#/${pointer.join("/")}` });
  };
}

/** Fails unless an answer fits the description of its operation. */
async function assertDescribed(document: Json, operation: string, response: Response): Promise<Json> {
  const what = `${operation} ${response.status}`;
  const [method, path] = operation.split(" ");
  let place = ["paths", path, method.toLowerCase(), "responses", `${response.status}`];
  const at = () => place.reduce((value, name) => value?.[name], document);
  assert.ok(at(), what);
  if (at().$ref) place = at().$ref.slice(2).split("/");
  for (const [name, header] of Object.entries<Json>(at().headers)) {
    assert.ok(response.headers.has(name) || !header.required, `${what}: ${name}`);
  }
  const text = await response.text();
  if (at().content === undefined) return assert.equal(text, "", what);
  assert.deepEqual(Object.keys(at().content), [response.headers.get("Content-Type")], what);
  const body: Json = JSON.parse(text);
  const fits = schemasOf(document)([...place, "content", "application/json", "schema"]);
  assert.ok(fits(body), `${what}: ${JSON.stringify(fits.errors)}`);
  const { example, examples } = at().content["application/json"];
  return { body, example: example ?? examples[(body as Json).error].value };
}

const READING = [
  "GET /visitors/list/latest",
  "GET /visitors/list/search",
  "GET /visitors/list/stream",
  "GET /visitors/{short_id}",
  "GET /usage",
  "GET /openapi.json",
  "POST /visitors/{short_id}/watch_url",
  "GET /visitors/{short_id}/pages",
  "PUT /visitors/{short_id}/claim",
  "DELETE /visitors/{short_id}/claim",
];
const EVERYTHING = [
  ...READING,
  "PATCH /visitors/{short_id}",
  "DELETE /visitors/{short_id}",
  "DELETE /visitors",
];

Deno.test("The description has exactly the operations that the API answers", async () => {
  for (const [environment, expected] of [[WRITING, EVERYTHING], [{}, READING]] as const) {
    const { ask, document } = await openApp(environment);
    assert.deepEqual(operationsOf(document).sort(), expected.toSorted());
    for (const operation of EVERYTHING) {
      const path = operation.split(" ")[1];
      const { status, headers } = await ask(`/api${path}`.replace("{short_id}", "zoe"), {}, "PURGE");
      const methods = Object.keys(document.paths[path] ?? {}).flatMap((method) =>
        method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]
      );
      assert.equal(status, 405, path);
      assert.deepEqual(headers.get("Allow")?.split(", ").filter(Boolean), methods, path);
    }
    const described = operationsOf(document).map((operation) => {
      const [method, path] = operation.split(" ");
      return document.paths[path][method.toLowerCase()];
    });
    const ids = described.map(({ operationId }) => operationId);
    assert.equal(new Set(ids).size, ids.length, "each has a name of its own");
    const links = described.flatMap(({ responses }) => Object.values<Json>(responses["200"].links ?? {}));
    assert.deepEqual(
      [...new Set(links.map(({ operationId }) => operationId))].sort(),
      operationsOf(document).flatMap((operation, i) => operation.includes("{short_id}") ? [ids[i]] : [])
        .sort(),
      "an answer with visitors leads to what can be done with one",
    );
  }
});

Deno.test("Without REST_WRITE_KEY the description has no operation that writes", async () => {
  const { document } = await openApp();
  assert.deepEqual(Object.keys(document.components.schemas).sort(), ["Error", "Visitor"]);
  for (const code of ["write_key_required", "precondition_failed"]) {
    assert.ok(!(code in document.components.responses), code);
  }
});

Deno.test("The description needs a key, and does not exist without the API", async () => {
  const { app } = await openApp();
  for (const headers of [{}, { Authorization: "wrong" }] as HeadersInit[]) {
    const response = await app.request("/api/openapi.json", { headers });
    assert.equal(response.status, 401);
    assert.doesNotMatch(await response.text(), /openapi/);
  }
  const disabled = await appWith([], { REST_KEY: "" });
  for (const headers of [{}, { Authorization: "key" }] as HeadersInit[]) {
    assert.equal((await disabled.app.request("/api/openapi.json", { headers })).status, 404);
  }
});

Deno.test("The description has the API's URL, from BASE_ENDPOINT", async () => {
  const verdicts: [baseEndpoint: string, url: string][] = [
    ["", "http://localhost:5002/api"],
    ["https://support.acmetech.com", "https://support.acmetech.com/api"],
    ["https://support.acmetech.com/cobrowsing/", "https://support.acmetech.com/cobrowsing/api"],
    ["https://acme.com:8443/caf%C3%A9", "https://acme.com:8443/caf%C3%A9/api"],
  ];
  for (const [baseEndpoint, url] of verdicts) {
    const { document } = await openApp({ BASE_ENDPOINT: baseEndpoint });
    assert.equal(document.servers[1].url, url);
    // The relative server URL leads to the API from every URL of the description (RFC 3986, section 5.2.4).
    const relative = document.servers[0].url;
    for (const [at, root] of [[url, url], ["http://127.0.0.1:5002/api", "http://127.0.0.1:5002/api"]]) {
      assert.equal(new URL(relative, `${at}/openapi.json`).href, root);
    }
    assert.equal(document.info.version, denoJson.version);
  }
});

Deno.test("The visitor of the description has every attribute but those that are hidden", async () => {
  for (const hidden of [[], ["ip_address", "location_city", "email"]]) {
    const { document } = await openApp({ HIDDEN_ATTRIBUTES: hidden.join(",") });
    const shown = ATTRIBUTE_NAMES.filter((name) => !hidden.includes(name));
    const { properties, required } = document.components.schemas.Visitor;
    assert.deepEqual(Object.keys(properties), shown);
    assert.deepEqual(required, shown);
    const { example } =
      document.paths["/visitors/{short_id}"].get.responses["200"].content["application/json"];
    assert.deepEqual(Object.keys(example.visitor), shown);
    for (const name of hidden) assert.ok(!JSON.stringify(document).includes(`"${name}"`), name);
  }
});

Deno.test("The answers are as described", async () => {
  const { ask, document } = await openApp({ ...WRITING, WATCH_LINK: "https://acme.com/watch/{short_id}" });
  const check = async (operation: string, path: string, init: RequestInit = {}, status = 200) => {
    const [method] = operation.split(" ");
    const headers = { Authorization: WRITE_KEY, ...init.headers as Record<string, string> };
    const response = await ask(path, headers, method, init.body);
    assert.equal(response.status, status, operation);
    return (await assertDescribed(document, operation, response))?.body;
  };
  const list = await check("GET /visitors/list/latest", "/api/visitors/list/latest?max_results=1");
  assert.equal(list.visitors.length, 1);
  const search = await check("GET /visitors/list/search", "/api/visitors/list/search?q=muller");
  assert.equal(search.visitors.length, 1);
  await check("GET /visitors/list/search", "/api/visitors/list/search?q=nobody");
  const unchanged = { headers: { "If-None-Match": "*" } };
  for (
    const operation of READING.filter((operation) => /^GET (?!\/usage|.*(stream|pages))/.test(operation))
  ) {
    const path = "/api" + operation.split(" ")[1].replace("{short_id}", "bare");
    await check(operation, path);
    await check(operation, path, unchanged, 304);
  }
  await check("GET /usage", "/api/usage");
  await check("GET /visitors/{short_id}/pages", "/api/visitors/zoe/pages");
  const claim = { body: JSON.stringify({ agent: "Grace" }) };
  const claimed = await check("PUT /visitors/{short_id}/claim", "/api/visitors/zoe/claim", claim);
  assert.equal(claimed.visitor.claimed_by, "Grace");
  await check("DELETE /visitors/{short_id}/claim", "/api/visitors/zoe/claim", claim);
  await check("POST /visitors/{short_id}/watch_url", "/api/visitors/zoe/watch_url", { body: "{}" });
  const change = { body: JSON.stringify({ name: "Ada", tags: ["#vip"] }) };
  const { visitor } = await check("PATCH /visitors/{short_id}", "/api/visitors/zoe", change);
  assert.equal(visitor.name, "Ada");
  await check("DELETE /visitors/{short_id}", "/api/visitors/zoe");
  assert.equal((await check("DELETE /visitors", "/api/visitors?all=true")).count, 1);
});

Deno.test("Parameters, bodies and answers have examples, which fit their schemas", async () => {
  const { document } = await openApp({ ...WRITING, HIDDEN_ATTRIBUTES: "email" });
  const schemaAt = schemasOf(document);
  let count = 0;
  const visit = (value: Json, place: string[]) => {
    if (typeof value !== "object" || value === null) return;
    if ("schema" in value && "example" in value) {
      const fits = schemaAt([...place, "schema"]);
      assert.ok(fits(value.example), `${place.join(" ")}: ${JSON.stringify(fits.errors)}`);
      count++;
    }
    const isContent = place.at(-2) === "content" || place.at(-2) === "parameters";
    const isChange = ["put", "patch", "delete"].includes(place[2]) && place.at(-2) === "parameters";
    // No example of a cursor would work on every installation.
    if (isContent && !isChange && value.name !== "cursor") {
      assert.ok("example" in value || "examples" in value, place.join(" "));
    }
    for (const [name, item] of Object.entries(value)) if (name !== "example") visit(item, [...place, name]);
  };
  visit(document, []);
  assert.ok(count > 40, `${count} examples`);
});

Deno.test("No example of an operation that writes would change anything if it were sent", async () => {
  const { ask, document } = await openApp(WRITING);
  const changes = operationsOf(document).filter((operation) => /^(PATCH|DELETE) /.test(operation));
  assert.ok(changes.length >= 3);
  for (const operation of changes) {
    const [method, path] = operation.split(" ");
    const { parameters, requestBody } = document.paths[path][method.toLowerCase()];
    for (const { name, example, schema } of parameters) {
      for (const given of [example, schema.example, schema.default, schema.const, schema.enum]) {
        assert.equal(given, undefined, `${operation}: ${name}`);
      }
    }
    if (requestBody === undefined) continue;
    const { example } = requestBody.content["application/json"];
    const before = await (await ask("/api/visitors/zoe")).text();
    const sent = path.replace("{short_id}", "zoe");
    const { status } = await ask(
      `/api${sent}`,
      { Authorization: WRITE_KEY },
      method,
      JSON.stringify(example),
    );
    assert.equal(status, 200);
    assert.equal(await (await ask("/api/visitors/zoe")).text(), before, operation);
  }
});

Deno.test("Every operation has a tag, and every tag says what it is", async () => {
  for (const environment of [WRITING, {}]) {
    const { document } = await openApp(environment);
    const used = operationsOf(document).flatMap((operation) => {
      const [method, path] = operation.split(" ");
      const { tags } = document.paths[path][method.toLowerCase()];
      assert.equal(tags.length, 1, operation);
      return tags;
    });
    assert.deepEqual(document.tags.map(({ name }: Json) => name).sort(), [...new Set(used)].sort());
    for (const { name, description } of document.tags) assert.match(description, /\.$/, name);
  }
});

Deno.test("A change is accepted where its description allows it, and refused where not", async () => {
  const { ask, document } = await openApp(WRITING);
  const fits = schemasOf(document)(["components", "schemas", "VisitorChange"]);
  const verdicts: [body: string, isAccepted: boolean][] = [
    ["{}", true],
    ['{"name":"Ada","email":null,"tags":[],"is_in_session":true}', true],
    ['{"name":1}', false],
    ['{"tags":null}', false],
    ['{"tags":["#vip",1]}', false],
    ['{"is_in_session":"true"}', false],
    ['{"short_id":"other"}', false],
    ['{"is_online":true}', false],
    ['{"shoe_size":38}', false],
    ["[]", false],
    ["null", false],
    ['"name"', false],
    ['{"metadata":{"text":"é","number":-1.5e300,"flag":false,"":"empty","a.b":1,"$set":2}}', true],
    ['{"metadata":{"__proto__":"x","constructor":"y"}}', true],
    ['{"metadata":{"nested":{}}}', false],
    ['{"metadata":{"nothing":null}}', false],
    ['{"metadata":{"_bsontype":"ObjectId","a\\u0000b":1}}', true],
    ['{"metadata":[]}', false],
    ['{"watch_link":"https://acme.com/watch?id=1"}', true],
    ['{"watch_link":null}', true],
    ['{"watch_link":"javascript:alert(1)"}', false],
    ['{"watch_link":"https://acme.com/a b"}', false],
  ];
  for (const [body, isAccepted] of verdicts) {
    assert.equal(fits(JSON.parse(body)), isAccepted, body);
    const response = await ask("/api/visitors/zoe", { Authorization: WRITE_KEY }, "PATCH", body);
    assert.equal(response.status, isAccepted ? 200 : 400, body);
    const { visitor } = await response.json();
    for (const [name, value] of isAccepted ? Object.entries<Json>(JSON.parse(body)) : []) {
      assert.equal(JSON.stringify(visitor[name]), JSON.stringify(value), body);
    }
  }
});

// This test comes last: the rate limit's timer outlives it by up to a second, and would count as another test's leak.
const options = { sanitizeOps: false, sanitizeResources: false };
Deno.test("The errors are as described, down to the sentence of their examples", options, async () => {
  const writing = await openApp(WRITING);
  const limited = appOver(brokenStore(() => new StoreUnavailable("gone")), { RATE_LIMIT: "1" });
  await limited.ask("/api/usage");
  const failing = appOver(brokenStore(() => new TypeError("no function")), {}, () => {});
  const gone = appOver(brokenStore(() => new StoreUnavailable("gone")));
  const full = await appWith([], { MAX_STREAMS: "1" });
  const stream = await full.ask("/api/visitors/list/stream");
  const stopping = await appWith([]);
  stopping.health.isStopping = true;
  await writing.ask("/api/visitors/zoe/claim", { Authorization: "key" }, "PUT", '{"agent":"Grace"}');
  const long = `"${"x".repeat(64 * 1024)}"`;
  // deno-fmt-ignore
  const verdicts: [code: ErrorCode, { ask: typeof writing.ask }, operation: string, path: string, key?: string, body?: string, more?: Record<string, string>][] = [
    ["invalid_parameter", writing, "GET /visitors/list/latest", "/visitors/list/latest?max_results=0"],
    ["invalid_api_key", writing, "GET /usage", "/usage", "wrong"],
    ["write_key_required", writing, "PATCH /visitors/{short_id}", "/visitors/zoe", "key", "{}"],
    ["visitor_not_found", writing, "GET /visitors/{short_id}", "/visitors/nobody"],
    ["visitor_not_found", writing, "DELETE /visitors/{short_id}", "/visitors/nobody", WRITE_KEY],
    ["precondition_failed", writing, "DELETE /visitors/{short_id}", "/visitors/zoe", WRITE_KEY, undefined, { "If-Match": '"x"' }],
    ["too_large", writing, "PATCH /visitors/{short_id}", "/visitors/zoe", WRITE_KEY, long],
    ["no_watch_link", writing, "POST /visitors/{short_id}/watch_url", "/visitors/zoe/watch_url", "key", "{}"],
    ["visitor_offline", writing, "PUT /visitors/{short_id}/claim", "/visitors/away/claim", "key", '{"agent":"Ada"}'],
    ["already_claimed", writing, "PUT /visitors/{short_id}/claim", "/visitors/zoe/claim", "key", '{"agent":"Ada"}'],
    ["too_many_requests", limited, "GET /openapi.json", "/openapi.json"],
    ["internal_error", failing, "GET /usage", "/usage"],
    ["database_unavailable", gone, "GET /visitors/{short_id}", "/visitors/zoe"],
    ["database_unavailable", gone, "GET /visitors/list/stream", "/visitors/list/stream"],
    ["too_many_streams", full, "GET /visitors/list/stream", "/visitors/list/stream"],
    ["stopping", stopping, "GET /visitors/list/stream", "/visitors/list/stream"],
  ];
  for (const [code, { ask }, operation, path, key = "key", given, more] of verdicts) {
    const response = await ask(
      `/api${path}`,
      { Authorization: key, ...more },
      operation.split(" ")[0],
      given,
    );
    const { body, example } = await assertDescribed(writing.document, operation, response);
    assert.equal(body.error, code);
    assert.deepEqual(example, body);
  }
  const described = Object.keys(writing.document.components.responses).sort();
  assert.deepEqual(described, [...new Set(verdicts.map(([code]) => code))].sort(), "no other is described");
  await stream.body!.cancel();
});
