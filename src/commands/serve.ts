/**
 * `foyer serve`: the server.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { listen, untilStopped, within } from "../operations/listen.ts";
import { log } from "../operations/log.ts";
import { makeApp } from "../rest/app.ts";
import { openStore } from "../store/open.ts";
import type { VisitorStore } from "../store/visitor_store.ts";

/** How long closing the store may take, in milliseconds. */
const CLOSE_DEADLINE = 2000;

/**
 * Serves until SIGTERM or SIGINT.
 *
 * @param whenListening done once requests are taken
 * @throws {ConfigurationError} the store or the port cannot be had
 */
export async function serve(
  config: Config,
  whenListening: (store: VisitorStore) => Promise<void> | void = () => {},
): Promise<number> {
  const store = await openStore(config.store, "request", log);
  logStore(config, store);
  if (config.restKey === "") {
    log("The REST API is disabled: set REST_KEY to the key that its clients send, to enable it");
  }
  const stopped = untilStopped();
  const listener = listen(makeApp({ config, store, log }).fetch, config);
  log(`Listening on ${config.host} port ${config.port} for ${config.baseEndpoint}`);
  await whenListening(store);
  log(`Stopping on ${await stopped}`);
  await listener.stop();
  // A database that is frozen does not say goodbye.
  await within(CLOSE_DEADLINE, store.close());
  return 0;
}

function logStore({ store }: Config, { description }: VisitorStore) {
  const isForgotten = store.kind === "sqlite" && !store.isChosen;
  log(
    isForgotten
      ? `Warning: using ${description}, since neither MONGO_URI nor SQLITE_PATH is set`
      : `Using ${description}`,
  );
}
