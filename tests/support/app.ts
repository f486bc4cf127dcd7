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

/** What a test sets of the configuration. */
export type Environment = Parameters<typeof readConfig>[0];

/** An application over a store. What it logs of failures fails the test, unless the test takes it. */
export function appOver(
  bare: VisitorStore,
  environment: Environment = {},
  log: Log = assert.fail,
  clock?: Clock,
) {
  const writes = new WriteEvents(bare);
  const { store } = writes;
  const config = readConfig({ REST_KEY: "key", ...environment });
  const metrics = new Metrics();
  const reads = shareReads(store, { maxStale: config.maxStale });
  /** What is logged of each request. */
  const requests: Record<string, unknown>[] = [];
  const logAll: Log = (sentence, level, details) => {
    if (sentence === "Request") requests.push({ level, ...details });
    else log(sentence, level, details);
  };
  const health = new Health(store);
  const streams = new Streams({ config, reads, store, writes, health, metrics, log: logAll, clock });
  const parts = { config, store, reads, streams, health, metrics, log: logAll, clock };
  const app = requester(makeApp(parts));
  /** Asks with the key. */
  const ask = async (
    path: string,
    headers: Record<string, string> = {},
    method = "GET",
    body?: BodyInit | null,
  ) => await app.request(path, { method, headers: { Authorization: "key", ...headers }, body });
  return { ...parts, requests, app, admin: requester(makeAdminApp(parts)), ask };
}

/** Asks an application, without a server between. */
function requester(app: App) {
  return {
    /** @param peer the address from which the connection comes */
    request: (path: string, init?: RequestInit, peer = "") =>
      app(new Request(path.startsWith("/") ? `http://localhost${path}` : path, init), {
        remoteAddr: { transport: "tcp", hostname: peer, port: 50_000 },
      }),
    fetch: (request: Request) => app(request),
  };
}

/** An application over the visitors of these documents, in memory. */
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
  return { ...appOver(store, environment, undefined, clock), put, visitors: await put(documents) };
}

/** A store all of whose questions end in an error. */
export function brokenStore(makeError: () => unknown): VisitorStore {
  return new Proxy(openSqliteStore(":memory:"), {
    get: (target, name) =>
      typeof Reflect.get(target, name, target) === "function"
        ? () => ["isReady", "version"].includes(String(name)) ? false : Promise.reject(makeError())
        : "a broken store",
  });
}
