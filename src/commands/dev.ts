/**
 * `deno task dev`: the server with defaults for all unset variables, and with sample visitors who come and go. With
 * `--still` the sample visitors do nothing. Not a part of the executable.
 *
 * @module
 */
import { pause } from "../async/clock.ts";
import { type Config, readConfig, readEnvironment, VARIABLES, warnOfWeakKeys } from "../config.ts";
import type { Log } from "../operations/log.ts";
import { StoreRebuilding, type VisitorStore } from "../store/visitor_store.ts";
import { demoRoutes } from "./demo.ts";
import { runCommand } from "./exit.ts";
import { startSampleLife } from "./sample_life.ts";
import { sampleVisitors } from "./sample_visitors.ts";
import { serve } from "./serve.ts";

const DEVELOPMENT = { REST_KEY: "development-key", HOST: "127.0.0.1" };

/** Variables that are not set if `MONGO_URI` is, since the visitors of that database are real. */
const DEVELOPMENT_STORE = {
  SQLITE_PATH: "foyer-dev.db",
  REST_WRITE_KEY: "development-write-key",
  SITE_KEY: "development-site-key",
  SECRET_KEY: "a secret that everybody knows, for development",
};

async function dev(uncaught: Promise<void>): Promise<number> {
  const { values, warnings } = readEnvironment();
  const usesMongo = Boolean(values.MONGO_URI);
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "");
  const port = values.PORT || VARIABLES.PORT.default;
  const root = values.BASE_ENDPOINT || `http://localhost:${port}`;
  const config = readConfig({
    ...DEVELOPMENT,
    ...(usesMongo ? {} : DEVELOPMENT_STORE),
    // A web page of the demo shop, which exists only with the development store.
    ...(usesMongo ? {} : { WATCH_LINK: `${root.replace(/\/+$/, "")}/demo/watch/{short_id}` }),
    ALLOWED_ORIGINS: `http://localhost:${port},http://127.0.0.1:${port}`,
    ...Object.fromEntries(given),
  });
  // Without warnings about the development keys, which are public on purpose.
  config.warnings = [...warnings, ...warnOfWeakKeys(values)];
  const whenListening = async (store: VisitorStore, log: Log) => {
    if (!usesMongo) await fillWhenEmpty(store);
    const life = usesMongo || Deno.args.includes("--still") ? undefined : await startSampleLife(store, log);
    console.log(welcome(config));
    return life;
  };
  return await serve(config, { demo: demoRoutes(config), whenListening, uncaught });
}

/** A text with the URLs of the server. Shows only the development keys, never the user's own. */
function welcome({ host, port, prefix, restKey, writeKey, presence, console }: Config): string {
  const here = `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${port}${encodeURI(prefix)}`;
  const key = restKey === DEVELOPMENT.REST_KEY ? restKey : "YOUR_REST_KEY";
  const keys = writeKey === DEVELOPMENT_STORE.REST_WRITE_KEY
    ? `${key}, or ${writeKey} to change visitors`
    : key;
  return [
    "",
    ...(console === null ? [] : [`The agents' console     ${here}/`, `  its key               ${keys}`]),
    ...(presence === null ? [] : [`A shop to join in by    ${here}/demo`]),
    `The API's documentation ${here}/api/docs`,
    "",
    "Who is online now:",
    "",
    `  curl -H 'Authorization: ${key}' ${here}/api/visitors/list/latest`,
    "",
  ].join("\n");
}

async function fillWhenEmpty(store: VisitorStore) {
  await untilRebuilt(store);
  for await (const _ of store.allVisitors()) return;
  const visitors = sampleVisitors(new Date());
  await store.putVisitors(visitors);
  console.log(`Filled the empty store with ${visitors.length} sample visitors`);
}

/** Waits while the store rebuilds a file that an earlier version of Foyer wrote. */
async function untilRebuilt(store: VisitorStore) {
  while (true) {
    try {
      await store.countOnline();
      return;
    } catch (error) {
      if (!(error instanceof StoreRebuilding)) throw error;
      await pause(100);
    }
  }
}

if (import.meta.main) Deno.exit(await runCommand(dev));
