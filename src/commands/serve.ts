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
 * How long requests are still accepted once the server was asked to stop, in milliseconds. Meanwhile `/ready` answers
 * 503, and all answers ask clients to close their connection.
 */
const FAREWELL = 1000;

/** How long closing the store may take, in milliseconds. */
const CLOSE_DEADLINE = 2000;

/** Options that are not part of the configuration. */
export interface ServeOptions {
  /** Further routes by their paths under the prefix: the demo shop, only in development. */
  demo?: Record<string, Methods>;
  /** Called once requests are accepted. The background work that it returns is stopped before the store is closed. */
  whenListening?: (store: VisitorStore, log: Log) => Promise<Background | void> | void;
  /** How long requests are still accepted once the server was asked to stop, in milliseconds. */
  farewell?: number;
  /** Resolves at an uncaught error, after which the server stops. */
  uncaught?: Promise<void>;
}

/**
 * Serves until SIGTERM, SIGINT, SIGHUP, SIGQUIT or an uncaught error.
 *
 * @throws {ConfigurationError} the store cannot be opened, or an address cannot be listened on
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
  // Registered first: a signal must also be noticed while the store is being opened, which may take a while.
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
  // Stopping a listener waits for open streams, so these end first.
  await streams.end(farewell);
  const leaving = presence?.close();
  await Promise.all(listeners.map((listener) => listener.stop()));
  // With a time limit, since a frozen database never confirms that connections are closed.
  await within(
    CLOSE_DEADLINE,
    Promise.all([leaving, retention?.stop(), claimEnds.stop(), maintenance?.stop(), beside?.stop()])
      .then(() => store.close()),
  );
  return 0;
}

/** Loads the presence code only if it is used, since it takes some megabytes of memory. */
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
 * Makes glibc reuse the memory of answers. By default glibc returns the memory of a large answer to the system and
 * requests it again for the next one, which takes a third of the time of a list. Once a block of 1 MB was freed, glibc
 * keeps up to twice that size (https://man7.org/linux/man-pages/man3/mallopt.3.html, M_MMAP_THRESHOLD). The block is
 * never touched, so it occupies no memory itself.
 */
function reuseFreedMemory() {
  new ArrayBuffer(1 << 20).transfer(0);
}
