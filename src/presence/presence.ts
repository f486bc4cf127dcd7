/**
 * Assembles the parts of presence. Each part knows only those before it: lookup codes and the process watch, then the
 * registry, which subscribes to both, then the hub, which subscribes to connections.
 *
 * @module
 */
import { type Config, ConfigurationError, type PresenceConfig } from "../config.ts";
import type { Answer } from "../http/answer.ts";
import { describeFailure, type Log } from "../operations/log.ts";
import type { Metrics } from "../operations/metrics.ts";
import type { VisitorStore } from "../store/visitor_store.ts";
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import { Hub } from "./hub.ts";
import { Tokens } from "./identity.ts";
import { LookupCodes } from "./lookup_codes.ts";
import { openPlaces, type Places } from "./place.ts";
import { ProcessWatch } from "./process_watch.ts";
import { Roster } from "./roster.ts";
import { sdkHandlers } from "./sdk.ts";

/** When stopping, web pages are asked to reconnect within this time, in milliseconds. */
const RETURN = 10_000;

/**
 * The registry's capacity as a multiple of `MAX_CONNECTIONS`: visitors who leave while the database is unavailable stay
 * in the registry.
 */
const ROOM = 2;

/** The HTTP handlers of presence. */
export interface PresenceHandlers {
  /** Takes a web page's connection. */
  connect: Answer;
  sdkScript: Answer;
  sdkModule: Answer;
  sdkTypes: Answer;
}

/** Presence in operation. */
export interface Presence {
  handlers: PresenceHandlers;
  /** Asks all web pages to reconnect (to another process), and refuses further connections. */
  sendAway(): void;
  /** Closes all connections, and writes the pending changes. */
  close(): Promise<void>;
}

/** The dependencies of presence. */
export interface PresenceParts {
  config: Config & { presence: PresenceConfig };
  store: VisitorStore;
  metrics: Metrics;
  log: Log;
  clock?: Clock;
}

/**
 * Starts presence.
 *
 * @throws {ConfigurationError} the file of `GEOIP_DB` cannot be used
 */
export function openPresence(
  { config, store, metrics, log, clock = SYSTEM_CLOCK }: PresenceParts,
): Presence {
  const { presence } = config;
  if (presence.allowedOrigins !== "*" && presence.allowedOrigins.size === 0) {
    log("No web page may connect: set ALLOWED_ORIGINS to the origins of your site's pages", "warning");
  }
  const places = presence.geoipPath === "" ? null : openGeoip(presence.geoipPath, log);
  const tokens = new Tokens(presence.secretKeys);
  const watch = new ProcessWatch({ store, log, clock });
  // The oldest key: while keys are rotated one process after the other, it is the one that all processes share.
  const secret = presence.secretKeys.at(-1)!;
  const codes = new LookupCodes({ store, holder: watch.process, secret, log, clock });
  const roster = new Roster({
    store,
    watch,
    codes,
    tokens,
    log,
    grace: presence.grace,
    most: presence.maxConnections * ROOM,
    siteKey: presence.siteKey,
    storesPages: config.storesPages,
    clock,
  });
  const hub = new Hub({ config: presence, roster, tokens, places, metrics, log, clock });
  metrics.watchPresence(hub, roster);
  watch.start();
  codes.start();
  return {
    handlers: { connect: (context) => hub.connect(context), ...sdkHandlers(config.baseEndpoint) },
    sendAway: () => hub.sendAway(RETURN),
    async close() {
      hub.close();
      try {
        await places?.close();
        await roster.close();
        await codes.close();
        await watch.stop();
      } catch (error) {
        log(
          "Cannot take visitors offline, or release lookup codes, while stopping",
          "error",
          describeFailure(error),
        );
      }
    },
  };
}

function openGeoip(path: string, log: Log): Places {
  try {
    return openPlaces(
      path,
      (problem) =>
        log(`The new file of GEOIP_DB cannot be used, the old one stays in use: ${problem}`, "warning"),
      {
        onUnknown: () =>
          log(
            "Records of the GEOIP_DB file have an unknown shape: expected city and country as in GeoLite2, or the " +
              "strings city, country_code and country_name",
            "warning",
          ),
      },
    );
  } catch (error) {
    throw new ConfigurationError([
      ConfigurationError.line(
        "GEOIP_DB",
        `${JSON.stringify(path)} (${(error as Error).message})`,
      ),
    ]);
  }
}
