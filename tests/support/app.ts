/**
 * Applications for tests of the REST API. Their key is `key`, unless a test sets another.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Clock } from "../../src/async/clock.ts";
import { readConfig } from "../../src/config.ts";
import { Health } from "../../src/operations/health.ts";
import type { Log } from "../../src/operations/log.ts";
import { Metrics } from "../../src/operations/metrics.ts";
import { type App, makeAdminApp, makeApp } from "../../src/app.ts";
import { shareReads } from "../../src/store/shared_reads.ts";
import { Streams } from "../../src/stream/streams.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { WriteEvents } from "../../src/store/write_events.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";

/** The environment variables that a test sets. */
export type Environment = Parameters<typeof readConfig>[0];

/** Makes an application over a store. A logged failure fails the test, unless the test passes a log of its own. */
export function appOver(
  bare: VisitorStore,
  environment: Environment = {},
  log: Log = failWith,
  { clock, deadline }: { clock?: Clock; deadline?: number } = {},
) {
  const writes = new WriteEvents(bare);
  const { store } = writes;
  const config = readConfig({ REST_KEY: "key", ...environment });
  const metrics = new Metrics();
  const reads = shareReads(store, { maxStale: config.maxStale });
  /** The entries of the request log. */
  const requests: Record<string, unknown>[] = [];
  const logAll: Log = (sentence, level, details) => {
    if (sentence === "Request") requests.push({ level, ...details });
    else log(sentence, level, details);
  };
  const health = new Health(store);
  const streams = new Streams({ config, reads, store, writes, health, metrics, log: logAll, clock });
  const parts = { config, store, reads, streams, health, metrics, log: logAll, clock, deadline };
  const app = requester(makeApp(parts));
  /** Sends a request with the key. */
  const ask = async (
    path: string,
    headers: Record<string, string> = {},
    method = "GET",
    body?: BodyInit | null,
  ) => await app.request(path, { method, headers: { Authorization: "key", ...headers }, body });
  return { ...parts, requests, app, admin: requester(makeAdminApp(parts)), ask };
}

/** Fails a test with what was logged. */
function failWith(sentence: string, _level?: string, details: Record<string, unknown> = {}): never {
  assert.fail(`${sentence} ${JSON.stringify(details)}`);
}

/** Sends requests to an application directly, without a server. */
function requester(app: App) {
  return {
    /** @param peer the client's address */
    request: (path: string, init?: RequestInit, peer = "") =>
      app(new Request(path.startsWith("/") ? `http://localhost${path}` : path, init), {
        remoteAddr: { transport: "tcp", hostname: peer, port: 50_000 },
      }),
    fetch: (request: Request) => app(request),
  };
}

/** Makes an application over an in-memory store with the visitors of some documents. */
export async function appWith(
  documents: Record<string, unknown>[],
  environment: Environment = {},
  clock?: Clock,
) {
  const store = openSqliteStore(":memory:");
  const put = async (documents: Record<string, unknown>[]) => {
    const visitors = documents.map((document) => readVisitor(document)!);
    await store.putVisitors(visitors);
    return visitors;
  };
  return { ...appOver(store, environment, undefined, { clock }), put, visitors: await put(documents) };
}

/** Makes a store whose operations all fail. */
export function brokenStore(makeError: () => unknown): VisitorStore {
  return new Proxy(openSqliteStore(":memory:"), {
    get: (target, name) =>
      typeof Reflect.get(target, name, target) === "function"
        ? () => ["isReady", "version"].includes(String(name)) ? false : Promise.reject(makeError())
        : "a broken store",
  });
}
