import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { LATEST, parseSearch, type SearchQuery } from "../../src/search/parse.ts";
import { withTypos } from "../../src/search/typo.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { prepareSearch } from "../../src/store/sqlite/search.ts";
import { openFile } from "../../src/store/sqlite/open.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { hasAllRights } from "../support/rights.ts";
import { visitorOf } from "./contract.ts";

/** All kinds of lists and searches. */
const FORMS = [
  "",
  "online",
  "-online",
  "gabriela",
  "gabriela online",
  "gabriela ferreira",
  '"gabriela ferreira"',
  "example.com",
  "gab",
  "ga",
  "g",
  "nobody@example.com",
  "gabriela7@example.com",
  "ip:10.0.0.7",
  "id:user-7",
  "0007",
  "#vip",
  "#customer",
  "#customer #vip",
  "#vip gabriela -online",
  "integration_id:crm:7",
  "url:pricing",
  "url:pricing #vip",
  "pricing gabriela",
  "zzzzz",
  "~gabrieal",
  "~gabrieal #vip",
];

function queryOf(form: string): SearchQuery {
  if (form === "") return LATEST;
  return form.startsWith("~") ? withTypos(parseSearch(form.slice(1)))! : parseSearch(form);
}

const TOTAL = 1000;
const SEEN = Date.UTC(2026, 0, 2);

async function fill(store: VisitorStore) {
  for (let start = 0; start < TOTAL; start += 500) {
    await store.putVisitors(Array.from({ length: 500 }, (_, i) => {
      const number = start + i;
      const isGabriela = number % 300 === 7;
      return visitorOf({
        short_id: `v${number}`,
        is_online: number < 400,
        last_seen_at: new Date(SEEN - number * 1000),
        name: isGabriela ? "Gabriela Ferreira" : `Name${number}`,
        email: isGabriela ? `gabriela${number}@example.com` : `n${number}@example.com`,
        unique_id: `user-${number}`,
        ip_address: `10.0.${number >> 8}.${number & 255}`,
        lookup_code: number < 400 ? String(number).padStart(4, "0") : null,
        integration_ids: [`crm:${number}`],
        last_url: number % 100 === 7 ? "https://example.com/pricing" : "https://example.com/",
        tags: number % 50 === 7 ? ["#vip"] : number % 4 === 0 ? ["#customer"] : [],
      });
    }));
  }
}

/** Calls every method of presence, for some of the visitors. */
async function askPresence(store: VisitorStore) {
  const shortIds = Array.from({ length: 10 }, (_, i) => `v${i}`);
  for (const process of ["p", "q", "dead"]) {
    await store.heartbeat(process, 1);
    for (const change of [{}, { last_url: "/" }, { name: "Gabriela" }]) {
      await store.writePresence(
        process,
        shortIds.map((shortId) => ({ shortId, isNew: false, change, isConnected: true })),
      );
    }
  }
  await store.writePresence(
    "p",
    shortIds.map((shortId) => ({ shortId, isNew: false, change: {}, isConnected: false })),
  );
  for (const _ of ["first", "second"]) {
    const pages = [{ url: "https://example.com/", at: new Date(SEEN).toISOString() }];
    await store.writePresence("p", [{ shortId: "v1", isNew: false, change: {}, isConnected: true, pages }]);
    await store.claimVisitor("v1", { agent: "Grace", until: new Date(0), takesOver: false });
    await store.pagesOf("v1");
    await store.endClaims(new Date());
  }
  await store.countWaiting();
  await store.endConnections("dead", 5);
  await store.forgetProcess("dead");
  await store.lookupCodesInUse(["0007", "0008"]);
}

/** Reads the first two pages of each list and search. */
async function askEverything(store: VisitorStore, asked: (form: string) => void) {
  for (const form of FORMS) {
    const { next } = await store.findVisitors(queryOf(form), 20, null);
    if (next !== null) await store.findVisitors(queryOf(form), 20, next);
    asked(form);
  }
  await store.getVisitors(["v1", "v2"]);
  asked("short ids");
  await store.countVisitors(new Date(SEEN));
  asked("counts");
  await store.removeOffline(new Date(SEEN - 1_000_000), 10);
  asked("retention");
  await store.removeOffline(null, 10);
  asked("removal");
}

Deno.test({
  name: "SQLite: no query reads a whole table, and none sorts more than what an index has narrowed down",
  ignore: !hasAllRights,
  fn: async () => {
    // Records every statement that the store prepares; a store in memory prepares all of them in this thread.
    const statements = new Set<string>();
    const { prepare } = DatabaseSync.prototype;
    DatabaseSync.prototype.prepare = function (sql: string) {
      statements.add(sql);
      return prepare.call(this, sql);
    };
    try {
      const store = openSqliteStore(":memory:");
      await fill(store);
      await askEverything(store, () => {});
      await askPresence(store);
      await store.close();
    } finally {
      DatabaseSync.prototype.prepare = prepare;
    }
    const connection = openFile(":memory:", { busyMilliseconds: 0 });
    prepareSearch(connection);
    const reads = [...statements].filter((sql) => /^\s*SELECT/.test(sql))
      .filter((sql) => !/sqlite_schema|total_changes|FROM attributes/.test(sql));
    assert.ok(reads.length >= 20, `${reads.length} statements`);
    for (const sql of reads) {
      const plan = connection.all<[number, number, number, string]>(`EXPLAIN QUERY PLAN ${sql}`)
        .map(([, , , detail]) => detail);
      for (const step of plan) {
        const isBounded = !/^SCAN /.test(step) ||
          // SQLite calls a lookup in the full-text index a scan too.
          /^SCAN term VIRTUAL TABLE INDEX \d+:M/.test(step) ||
          // A range of terms, which ends at the LIMIT.
          /^SCAN posting VIRTUAL TABLE INDEX/.test(step) && /LIMIT/.test(sql) ||
          // The list of candidates.
          /^SCAN json_each VIRTUAL TABLE/.test(step) ||
          // The table of running processes, which is small.
          /^SCAN process$/.test(step) ||
          // A subquery, whose own steps are checked as well.
          /^SCAN (\(subquery|CONSTANT)/.test(step) ||
          // A scan in list order, which ends at the LIMIT.
          /^SCAN visitor USING COVERING INDEX in_list_order/.test(step) &&
            /ORDER BY offline, unseen, short_id LIMIT/.test(sql);
        assert.ok(isBounded, `${step}\n${sql}`);
        if (step.includes("TEMP B-TREE FOR ORDER BY")) assert.match(sql, /FROM json_each/, `${step}\n${sql}`);
      }
    }
    connection.close();
  },
});
