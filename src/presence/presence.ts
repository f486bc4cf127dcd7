/**
 * How visitors come in: all of it, put together.
 *
 * @module
 */
import { type Config, ConfigurationError, type PresenceConfig } from "../config.ts";
import type { Answer } from "../http/answer.ts";
import { describeFailure, type Log } from "../operations/log.ts";
import type { Metrics } from "../operations/metrics.ts";
import type { VisitorStore } from "../store/visitor_store.ts";
import { Hub } from "./hub.ts";
import { Tokens } from "./identity.ts";
import { openPlaces, type Places } from "./place.ts";
import { ProcessWatch } from "./process_watch.ts";
import { Roster } from "./roster.ts";
import { sdkHandlers } from "./sdk.ts";

/** Pages that are sent away come back within this time, in milliseconds. */
const RETURN = 10_000;

/** So many times as many visitors as may be connected are kept while the database is away. */
const KEPT = 2;

/** What answers the URLs of presence. */
export interface PresenceHandlers {
  /** Takes a web page's connection. */
  connect: Answer;
  sdkScript: Answer;
  sdkModule: Answer;
  sdkTypes: Answer;
}

/** Visitors coming in. */
export interface Presence {
  handlers: PresenceHandlers;
  /** Asks all web pages to come back, and takes no further connections. */
  sendAway(): void;
  /** Closes all connections, and writes what is left. */
  close(): Promise<void>;
}

/** What presence works with. */
export interface PresenceParts {
  config: Config & { presence: PresenceConfig };
  store: VisitorStore;
  metrics: Metrics;
  log: Log;
}

/**
 * Opens presence.
 *
 * @throws {ConfigurationError} the file that tells places cannot be used
 */
export function openPresence({ config, store, metrics, log }: PresenceParts): Presence {
  const { presence } = config;
  if (presence.allowedOrigins !== "*" && presence.allowedOrigins.size === 0) {
    log("No page may connect: set ALLOWED_ORIGINS to the origins of your pages", "warning");
  }
  const places = presence.geoipPath === "" ? null : openGeoip(presence.geoipPath, log);
  const tokens = new Tokens(presence.secretKeys);
  const watch = new ProcessWatch({ store, log, onForgotten: () => roster.reassert() });
  const roster = new Roster({
    store,
    watch,
    tokens,
    log,
    grace: presence.grace,
    most: presence.maxConnections * KEPT,
  });
  const hub = new Hub({
    config: presence,
    roster,
    tokens,
    places,
    log,
    onMessage: (type, outcome) => metrics.countMessage(type, outcome),
  });
  metrics.watchPresence(hub, roster);
  watch.start();
  roster.start();
  return {
    handlers: { connect: (context) => hub.connect(context), ...sdkHandlers(config.baseEndpoint) },
    sendAway: () => hub.sendAway(RETURN),
    async close() {
      hub.close();
      try {
        await places?.close();
        await roster.close();
        await watch.stop();
      } catch (error) {
        log("Presence did not end as it should", "error", describeFailure(error));
      }
    },
  };
}

function openGeoip(path: string, log: Log): Places {
  try {
    return openPlaces(path, (problem) => log(`Places are told by the file as it was: ${problem}`, "warning"));
  } catch (error) {
    throw new ConfigurationError([
      ConfigurationError.line(
        "GEOIP_DB",
        `${JSON.stringify(path)} (${(error as Error).message})`,
        "a file in MaxMind's format such as /var/lib/GeoIP/GeoLite2-City.mmdb",
      ),
    ]);
  }
}
