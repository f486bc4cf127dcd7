/**
 * `deno task dev`: the server, with everything set that is not and with visitors to look at. Not a part of the
 * executable.
 *
 * @module
 */
import { readConfig, readEnvironment, VARIABLES, warnOfWeakKeys } from "../config.ts";
import type { VisitorStore } from "../store/visitor_store.ts";
import { demoRoutes } from "./demo.ts";
import { runCommand } from "./exit.ts";
import { sampleVisitors } from "./sample_visitors.ts";
import { serve } from "./serve.ts";

const DEVELOPMENT = { REST_KEY: "development-key", HOST: "127.0.0.1" };

/** Not together with `MONGO_URI`, since the visitors of that database are real. */
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
    // A page of the demo, which is there with the development store.
    ...(usesMongo ? {} : { WATCH_LINK: `${root.replace(/\/+$/, "")}/demo/watch/{short_id}` }),
    ALLOWED_ORIGINS: `http://localhost:${port},http://127.0.0.1:${port}`,
    ...Object.fromEntries(given),
  });
  // Not of the keys for development, which everybody knows.
  config.warnings = [...warnings, ...warnOfWeakKeys(values)];
  const whenListening = async (store: VisitorStore) => {
    if (!usesMongo) await fillWhenEmpty(store);
    const host = config.host === "0.0.0.0" ? "127.0.0.1" : config.host;
    const here = `http://${host}:${config.port}${encodeURI(config.prefix)}`;
    // Only the key for development is shown.
    const key = config.restKey === DEVELOPMENT.REST_KEY ? config.restKey : "YOUR_REST_KEY";
    console.log(
      `\nWho is online now:\n\n  curl -H 'Authorization: ${key}' ` +
        `${here}/api/visitors/list/latest\n` +
        (config.presence === null ? "" : `\nA shop whose visitors come in: ${here}/demo\n`),
    );
  };
  return await serve(config, { demo: demoRoutes(config), whenListening, uncaught });
}

async function fillWhenEmpty(store: VisitorStore) {
  for await (const _ of store.allVisitors()) return;
  const visitors = sampleVisitors(new Date());
  await store.putVisitors(visitors);
  console.log(`Filled the empty store with ${visitors.length} sample visitors`);
}

if (import.meta.main) Deno.exit(await runCommand(dev));
