/**
 * Applications for tests of the REST API. Their key is `key`, unless a test sets another.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readConfig } from "../../src/config.ts";
import { makeApp } from "../../src/rest/app.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor.ts";

/** What a test sets of the configuration. */
export type Environment = Parameters<typeof readConfig>[0];

/** An application over a store. What it logs fails the test, unless the test takes it. */
export function appOver(
  store: VisitorStore,
  environment: Environment = {},
  log: (sentence: string) => void = assert.fail,
) {
  const app = makeApp({ config: readConfig({ REST_KEY: "key", ...environment }), store, log });
  /** Asks with the key. */
  const ask = async (path: string, headers: Record<string, string> = {}, method = "GET") =>
    await app.request(path, { method, headers: { Authorization: "key", ...headers } });
  return { app, ask };
}

/** An application over the visitors of these documents, in memory. */
export async function appWith(documents: Record<string, unknown>[], environment: Environment = {}) {
  const store = openSqliteStore(":memory:");
  const put = async (documents: Record<string, unknown>[]) => {
    const visitors = documents.map((document) => readVisitor(document)!);
    await store.putVisitors(visitors);
    return visitors;
  };
  return { ...appOver(store, environment), put, visitors: await put(documents) };
}
