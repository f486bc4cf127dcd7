import assert from "node:assert/strict";
import { appOver } from "../../support/app.ts";
import { hasAllRights } from "../../support/rights.ts";
import { RunningTime } from "../../support/running_time.ts";
import { until } from "../../support/waiting.ts";
import { visitorOf } from "../contract.ts";
import type { Answers } from "../../support/faulty_proxy.ts";

const ANSWERS: [what: string, answers: Answers][] = [
  ["takes connections and closes them", "closes"],
  ["takes connections and says nothing", "is silent"],
  ["speaks HTTP", "speaks HTTP"],
  ["knows no shard", { ok: 0, code: 70, codeName: "ShardNotFound", errmsg: "shard0 S3cr3t" }],
  ["finds no primary", { ok: 0, code: 133, codeName: "FailedToSatisfyReadPreference", errmsg: "S3cr3t" }],
  ["says that it failed", { ok: 0, errmsg: "upstream S3cr3t" }],
  ["says that all is well and nothing else", { ok: 1 }],
];

// The driver reads the environment when it is imported, which plain `deno test` may not.
if (hasAllRights) {
  const { openMongoStore } = await import("../../../src/store/mongodb/store.ts");
  const { startMongo } = await import("../../support/mongodb.ts");
  const { startFaultyProxy } = await import("../../support/faulty_proxy.ts");

  for (const [what, answers] of ANSWERS) {
    for (const isAsked of [true, false]) {
      Deno.test({
        name: `MongoDB: behind a proxy that ${what} it is away, ${
          isAsked ? "for requests" : "without a request"
        }`,
        sanitizeOps: false,
        sanitizeResources: false,
        fn: async () => {
          await using mongo = await startMongo();
          await using proxy = startFaultyProxy(mongo.uri);
          using time = new RunningTime();
          const log: string[] = [];
          const store = openMongoStore({
            uri: proxy.uri,
            collection: `visitors${crypto.randomUUID()}`,
            use: "request",
            log: (line) => log.push(line),
          });
          try {
            const { app } = appOver(store, { REST_WRITE_KEY: "write" });
            const ask = async (path: string, method = "GET", body?: string) => {
              const start = time.now();
              const response = await app.request(path, { method, body, headers: { Authorization: "write" } });
              const { error } = await response.json();
              time.assertOneDeadline(start, `${method} ${path}`);
              return [response.status, error];
            };
            const isReady = async () => (await ask("/ready"))[0] === 200;
            await until(isReady);
            await store.putVisitors([visitorOf({ short_id: "a" })]);
            assert.deepEqual(await ask("/api/visitors/a"), [200, undefined]);

            proxy.answers = answers;
            if (isAsked) {
              const requests: Parameters<typeof ask>[] = [
                ["/api/visitors/list/latest"],
                ["/api/visitors/list/search?q=ada"],
                ["/api/visitors/a"],
                ["/api/visitors/a", "PATCH", '{"name":"Ada"}'],
                ["/api/visitors/a", "DELETE"],
                ["/api/visitors?all=true", "DELETE"],
              ];
              for (const answer of await Promise.all(requests.map((request) => ask(...request)))) {
                assert.deepEqual(answer, [503, "database_unavailable"]);
              }
            }
            await until(async () => !await isReady());

            proxy.answers = null;
            await until(isReady);
            assert.deepEqual(await ask("/api/visitors/a", "PATCH", '{"name":"Ada"}'), [200, undefined]);
            assert.doesNotMatch(log.join(), /S3cr3t/);
          } finally {
            await store.close();
          }
        },
      });
    }
  }
}
