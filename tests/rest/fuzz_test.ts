import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { ATTRIBUTE_NAMES } from "../../src/visitor/visitor.ts";
import { visitorOf } from "../store/contract.ts";
import { appOver } from "../support/app.ts";
import { hasAllRights } from "../support/rights.ts";

// More requests, or the same ones again: FUZZ_REQUESTS=100000 FUZZ_SEED=… deno test -A tests/rest/fuzz_test.ts
const given = (name: string) => Number(hasAllRights && Deno.env.get(name) || NaN);
const REQUESTS = given("FUZZ_REQUESTS") || 1500;
const SEED = given("FUZZ_SEED") || Math.floor(Math.random() * 2 ** 31);

/** Requests over the same visitors, one after the other. */
const IN_A_ROW = 15;

const KEYS = { read: "r", previous: "p", write: "w" };

const SHORT_IDS = [
  "aB3",
  "1234",
  "é 😀",
  "a/b",
  "..",
  "%zz",
  "x\0y",
  "list",
  "$gt",
  "'; DROP TABLE visitor; --",
];

const VISITORS = SHORT_IDS.map((short_id, i) =>
  visitorOf({
    short_id,
    name: `Zoë Müller ${i}`,
    email: `zoe${i}@acme.com`,
    lookup_code: `000${i}`,
    tags: ["#vip"],
    is_online: i % 2 === 0,
    last_url: "https://shop.example.com/pricing",
    last_seen_at: new Date(1_770_000_000_000 + i),
  })
);

/** The visitor that no request names. */
const BYSTANDER = visitorOf({ short_id: "bystander", name: "Untouched", is_online: true });

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom(
    "",
    "\0",
    "\ud800",
    "é".repeat(257),
    "%",
    "%%",
    "+",
    "null",
    "__proto__",
    "-1",
    "1e9",
    "NaN",
  ),
);

const search = fc.array(
  fc.oneof(
    fc.constantFrom(
      "muller",
      "mulelr",
      "#vip",
      "online",
      "-online",
      "0001",
      "zoe1@acme.com",
      "url:pricing",
      '"',
      "id:",
    ),
    text,
  ),
  { maxLength: 4 },
).map((parts) => parts.join(" "));

const cursor = fc.oneof(
  text,
  fc.json().map((json) => Buffer.from(json).toString("base64url")),
  fc.tuple(
    fc.constantFrom("", "47DEQpj8HBSa"),
    fc.constantFrom(true, false, 1),
    fc.oneof(fc.constant(null), fc.integer(), fc.double()),
    text,
    fc.integer(),
    fc.boolean(),
  ).map((values) => Buffer.from(JSON.stringify(values)).toString("base64url")),
);

const query = fc.record({
  q: search,
  max_results: fc.oneof(fc.constantFrom("1", "3", "1000", "0", "1001", "01", "1.0", "٣"), text),
  cursor,
  all: fc.oneof(fc.constant("true"), text),
  unknown: text,
}, { requiredKeys: [] }).map((parameters) => {
  const encoded = new URLSearchParams(parameters as Record<string, string>).toString();
  return encoded === "" ? "" : `?${encoded}`;
});

const path = fc.oneof(
  fc.constantFrom("/api/visitors/list/latest", "/api/visitors/list/search", "/api/visitors", "/api/usage"),
  fc.tuple(
    fc.constantFrom(...SHORT_IDS),
    fc.constantFrom("", "", "/claim", "/claim.json", "/pages", "/watch_url"),
  ).map(([id, route]) => `/api/visitors/${encodeURIComponent(id)}${route}`),
  fc.constantFrom("/api/openapi.json", "/live", "/ready", "/api", "/", "//", "/api/visitors/%", "/metrics"),
  text.map((id) =>
    `/api/visitors/${id.replace(/[^!-~]/g, (unit) => encodeURIComponent(unit.toWellFormed()))}`
  ),
);

const value = fc.oneof(
  text,
  fc.array(text, { maxLength: 5 }),
  fc.boolean(),
  fc.double(),
  fc.constant(null),
  fc.dictionary(text, fc.oneof(text, fc.double(), fc.boolean(), fc.constant(null)), { maxKeys: 5 }),
);

const attribute = fc.constantFrom(
  ...ATTRIBUTE_NAMES,
  "shoe_size",
  "agent",
  "take_over",
  "__proto__",
  "foyer",
  "_id",
  "$set",
  "a.b",
);

const body = fc.oneof(
  fc.dictionary(attribute, value, { maxKeys: 4 }).map((change) => JSON.stringify(change)),
  fc.record({ agent: text, take_over: fc.oneof(fc.boolean(), value) }, { requiredKeys: ["agent"] })
    .map((claim) => JSON.stringify(claim)),
  fc.json(),
  text,
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(
    `{"name":"${"x".repeat(70_000)}"}`,
    "[".repeat(20_000),
    '{"name":1e999}',
    '{"name":"\\ud800"}',
  ),
);

const headers = fc.record({
  "Authorization": fc.oneof(fc.constantFrom("r", "Bearer r", "p", "w", "w", "bearer w", "R", ""), text),
  "X-Api-Key": fc.oneof(fc.constantFrom("r", "w"), text),
  "X-Request-Id": text,
  "X-Forwarded-For": text,
  "If-None-Match": fc.oneof(fc.constantFrom("*", 'W/"x"', '"', '""'), text),
  "Accept-Encoding": fc.oneof(fc.constantFrom("gzip", "gzip;q=0", "*;q=x", "br"), text),
  "Content-Type": fc.oneof(fc.constantFrom("application/json", "text/plain"), text),
}, { requiredKeys: [] });

const request = fc.record({
  method: fc.constantFrom("GET", "GET", "HEAD", "PATCH", "PATCH", "DELETE", "POST", "PUT", "OPTIONS", "BREW"),
  path,
  query,
  headers,
  body,
});

/** A generated request as the runtime would pass it on, without headers that cannot be sent. */
function requestOf(
  { method, path, query, headers, body }: typeof request extends fc.Arbitrary<infer T> ? T : never,
) {
  const sent = new Headers();
  for (const [name, value] of Object.entries(headers as Record<string, string>)) {
    try {
      sent.set(name, value);
    } catch {
      // The value is no ByteString.
    }
  }
  const hasBody = !["GET", "HEAD"].includes(method);
  return new Request(`http://localhost${path}${query}`, {
    method,
    headers: sent,
    body: hasBody ? body as Uint8Array<ArrayBuffer> : undefined,
  });
}

async function textOf(response: Response): Promise<string> {
  const bytes = Buffer.from(await response.arrayBuffer());
  return (response.headers.get("Content-Encoding") === "gzip" && bytes.length > 0 ? gunzipSync(bytes) : bytes)
    .toString();
}

async function fuzz(store: VisitorStore) {
  console.log(`Fuzzing with seed ${SEED}`);
  const { app } = appOver(store, {
    REST_KEY: KEYS.read,
    REST_KEY_PREVIOUS: KEYS.previous,
    REST_WRITE_KEY: KEYS.write,
    LOOKUP_MISSES_PER_MINUTE: "0",
    // This path answers with a web page and not with JSON.
    CONSOLE: "false",
    HIDDEN_ATTRIBUTES: "location_city",
  });
  await store.putVisitors([BYSTANDER]);
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: IN_A_ROW, maxLength: IN_A_ROW }), async (requests) => {
      await store.putVisitors(VISITORS);
      for (const parts of requests) {
        const response = await app.fetch(requestOf(parts));
        const body = await textOf(response);
        assert.ok(response.status < 500, `${response.status} ${body}`);
        if (body === "") assert.ok(parts.method === "HEAD" || response.status === 304, `${response.status}`);
        else assert.match(JSON.parse(body).status ?? "openapi", /^(ok|error|openapi)$/);
        assert.notEqual(response.headers.get("X-Request-Id"), null);
      }
    }),
    { seed: SEED, numRuns: Math.ceil(REQUESTS / IN_A_ROW) },
  );
  assert.deepEqual((await store.getVisitors(["bystander"])).map((stored) => stored?.visitor), [BYSTANDER]);
  const left = await Array.fromAsync(store.allVisitors());
  assert.ok(left.every((visitor) => Object.keys(visitor).join() === ATTRIBUTE_NAMES.join()));
}

Deno.test("SQLite: no request, whatever is in it, is answered with a 5xx or changes a visitor that it does not name", async () => {
  const store = openSqliteStore(":memory:");
  await fuzz(store);
  await store.close();
});

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { openMongoStore } = await import("../../src/store/mongodb/store.ts");
  const { startMongo } = await import("../support/mongodb.ts");

  Deno.test({
    name:
      "MongoDB: no request, whatever is in it, is answered with a 5xx or changes a visitor that it does not name",
    sanitizeOps: false,
    sanitizeResources: false,
    fn: async () => {
      await using mongo = await startMongo();
      const log: string[] = [];
      const store = openMongoStore({
        uri: mongo.uri,
        collection: "visitors",
        use: "command",
        log: (sentence) => log.push(sentence),
      });
      await fuzz(store);
      await store.close();
    },
  });
}
