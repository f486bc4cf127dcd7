/**
 * `foyer serve`: the server.
 *
 * @module
 */
import { makeAdminApp, makeApp } from "../app.ts";
import { Deadline, within } from "../async/deadline.ts";
import type { Config, PresenceConfig } from "../config.ts";
import type { Methods } from "../http/endpoint.ts";
import { listenForPages } from "../http/listen_for_pages.ts";
import type { Background } from "../operations/background.ts";
import { startClaimEnds } from "../operations/claim_ends.ts";
import { Health } from "../operations/health.ts";
import { listen, untilStopped } from "../operations/listen.ts";
import { type Log, openConfiguredLog } from "../operations/log.ts";
import { measureStore } from "../operations/measured_store.ts";
import { Metrics } from "../operations/metrics.ts";
import { startRetention } from "../operations/retention.ts";
import { startIndexMaintenance } from "../operations/index_maintenance.ts";
import type { Presence, PresenceParts } from "../presence/presence.ts";
import { openStore } from "../store/open.ts";
import { shareReads } from "../store/shared_reads.ts";
import { Streams } from "../stream/streams.ts";
import { WriteEvents } from "../store/write_events.ts";
import { REQUEST_DEADLINE, type VisitorStore } from "../store/visitor_store.ts";

/**
 * How long requests are still taken once the server is to stop, in milliseconds: meanwhile `/ready` is 503, and answers
 * ask clients to close their connection.
 */
const FAREWELL = 1000;

/** How long closing the store may take, in milliseconds. */
const CLOSE_DEADLINE = 2000;

/** What a server does beside what the configuration says. */
export interface ServeOptions {
  /** Further routes by their paths under the prefix: the demo shop, in development alone. */
  demo?: Record<string, Methods>;
  /** Called once requests are taken; work that it starts is stopped before the store is closed. */
  whenListening?: (store: VisitorStore, log: Log) => Promise<Background | void> | void;
  /** How long requests are still taken once the server is to stop, in milliseconds. */
  farewell?: number;
  /** Resolves when an error was thrown and no code caught it, after which the server stops. */
  uncaught?: Promise<void>;
}

/**
 * Serves until SIGTERM, SIGINT, SIGHUP or SIGQUIT, or an error that no code caught.
 *
 * @throws {ConfigurationError} the store or a port cannot be had
 */
export async function serve(
  config: Config,
  {
    demo = {},
    whenListening = () => {},
    farewell = FAREWELL,
    uncaught = new Promise(() => {}),
  }: ServeOptions = {},
): Promise<number> {
  reuseFreedMemory();
  // Before the store is opened, which may take a while.
  const stopped = Promise.race([untilStopped(), uncaught.then(() => "an error that no code caught")]);
  const log = openConfiguredLog(config);
  const metrics = new Metrics();
  const writes = new WriteEvents(measureStore(await openStore(config.store, "request", log), metrics));
  const { store } = writes;
  logStore(config, store, log);
  if (config.restKey === "") {
    log("The REST API is disabled: set REST_KEY to the key that its clients send, to enable it");
  }
  const reads = shareReads(store, {
    maxStale: config.maxStale,
    onRead: (source) => metrics.countRead(source),
  });
  const health = new Health(store);
  metrics.watchDatabase(() => store.isReady(), {
    online: () => reads.countOnline().catch(() => null),
    waiting: () => reads.countWaiting().catch(() => null),
  });
  watchUnindexed(store, metrics);
  const streams = new Streams({ config, reads, store, writes, health, metrics, log });
  const presence = hasPresence(config) ? await openPresence({ config, store, metrics, log }) : null;
  const parts = {
    config,
    store,
    reads,
    streams,
    health,
    metrics,
    log,
    presence: presence?.handlers,
    demo,
  };
  const app = makeApp(parts);
  const listeners = [presence === null ? listen(app, config, log) : await listenForPages(app, config, log)];
  log(`Listening on ${config.host} port ${config.port} for ${config.baseEndpoint}`);
  if (config.admin !== null) {
    listeners.push(listen(makeAdminApp(parts), config.admin, log, "ADMIN_"));
    log(`Listening on ${config.admin.host} port ${config.admin.port} for operators`);
  }
  const retention = config.retentionDays === null
    ? null
    : startRetention(store, config.retentionDays, log, { onRemoved: reads.forget });
  const claimEnds = startClaimEnds(store, log, { onEnded: reads.forget });
  const maintenance = store.maintainIndexes === undefined ? null : startIndexMaintenance(store, log);
  const beside = await whenListening(store, log);

  log(`Stopping on ${await stopped}`);
  health.isStopping = true;
  presence?.sendAway();
  // The listener would wait for them.
  await streams.end(farewell);
  const leaving = presence?.close();
  await Promise.all(listeners.map((listener) => listener.stop()));
  // A frozen database never confirms that its connections are closed.
  await within(
    CLOSE_DEADLINE,
    Promise.all([leaving, retention?.stop(), claimEnds.stop(), maintenance?.stop(), beside?.stop()])
      .then(() => store.close()),
  );
  return 0;
}

/** Loads presence only where it is used: it takes some megabytes. */
async function openPresence(parts: PresenceParts): Promise<Presence> {
  return (await import("../presence/presence.ts")).openPresence(parts);
}

function hasPresence(config: Config): config is Config & { presence: PresenceConfig } {
  return config.presence !== null;
}

function watchUnindexed(store: VisitorStore, metrics: Metrics) {
  if (store.countUnindexed === undefined) return;
  metrics.watchUnindexed(
    () => store.isReady(),
    () => new Deadline(REQUEST_DEADLINE).race(store.countUnindexed!()).catch(() => null),
  );
}

function logStore({ store }: Config, { description }: VisitorStore, log: Log) {
  const isForgotten = store.kind === "sqlite" && !store.isChosen;
  if (isForgotten) log(`Using ${description}, since neither MONGO_URI nor SQLITE_PATH is set`, "warning");
  else log(`Using ${description}`);
}

/**
 * Makes glibc reuse the memory of answers. By default it returns the memory of a large answer to the system and gets it
 * again for the next one, which takes a third of the time of a list. After a larger block was freed it holds up to twice
 * that size, here 2 MB (https://man7.org/linux/man-pages/man3/mallopt.3.html, M_MMAP_THRESHOLD). The block is never
 * touched, so it takes no memory itself.
 */
function reuseFreedMemory() {
  new ArrayBuffer(1 << 20).transfer(0);
}
