import assert from "node:assert/strict";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { appOver } from "../support/app.ts";

/** A store with two visitors whose result pages leave out a number of unindexed documents. */
async function storeLeavingOut(unindexed: () => number): Promise<VisitorStore> {
  const store = openSqliteStore(":memory:");
  await store.putVisitors(["aB3", "cD4"].map((short_id) => readVisitor({ short_id, is_online: true })!));
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      if (name !== "findVisitors") return value.bind(target);
      return async (...args: unknown[]) => ({ ...await value.apply(target, args), unindexed: unindexed() });
    },
  });
}

/** An application that records its log. */
async function openApp(unindexed: () => number) {
  const logged: string[] = [];
  const store = await storeLeavingOut(unindexed);
  const { ask } = appOver(store, {}, (sentence, level) => void logged.push(`${level}: ${sentence}`));
  const search = async (q: string, headers = {}) => {
    const response = await ask(`/api/visitors/list/search?q=${q}`, headers);
    await response.text();
    return response;
  };
  return { ask, search, logged };
}

const HEADER = "Foyer-Unindexed";

Deno.test("An answer says how many documents a search left out, and nothing where there were none", async () => {
  let unindexed = 0;
  const { ask, search } = await openApp(() => unindexed);
  assert.equal((await search("aB3")).headers.get(HEADER), null);
  unindexed = 95_000;
  const found = await search("cD4");
  assert.equal(found.headers.get(HEADER), "95000");
  const page = await ask("/api/visitors/list/search?q=-nobody&max_results=1");
  assert.equal(page.headers.get(HEADER), "95000");
  const head = await ask("/api/visitors/list/search?q=cD4", {}, "HEAD");
  assert.equal(head.headers.get(HEADER), "95000");
});

Deno.test("A changed number of unindexed documents changes the ETag, and 304 has the number too", async () => {
  let unindexed = 7;
  const opened = await openApp(() => unindexed);
  const first = await opened.search("aB3");
  const tag = first.headers.get("ETag")!;
  const same = await opened.search("aB3", { "If-None-Match": tag });
  assert.deepEqual([same.status, same.headers.get(HEADER)], [304, "7"]);
  unindexed = 6;
  const other = await openApp(() => unindexed);
  const changed = await other.search("aB3", { "If-None-Match": tag });
  assert.deepEqual([changed.status, changed.headers.get(HEADER)], [200, "6"]);
});

Deno.test("The log says once that foyer reindex makes them searchable", async () => {
  const { search, logged } = await openApp(() => 95_000);
  for (const q of ["aB3", "cD4", "x"]) await search(q);
  assert.deepEqual(logged, [
    "warning: A search left out 95000 documents without search fields: `foyer reindex` makes them searchable",
  ]);
  const { search: searchAll, logged: nothing } = await openApp(() => 0);
  await searchAll("aB3");
  assert.deepEqual(nothing, []);
});

Deno.test("The API's description names the header of both lists", async () => {
  const { ask } = await openApp(() => 0);
  const { paths } = await (await ask("/api/openapi.json")).json();
  for (const path of ["/visitors/list/latest", "/visitors/list/search"]) {
    const { schema, required } = paths[path].get.responses["200"].headers[HEADER];
    assert.deepEqual([schema.type, required], ["integer", false]);
  }
  assert.equal(paths["/visitors/{short_id}"].get.responses["200"].headers[HEADER], undefined);
});
