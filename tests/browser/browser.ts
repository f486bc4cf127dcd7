/**
 * The web SDK and the demo shop in a real browser, with a server and either store behind them.
 *
 * These tests have their own task, `deno task test:browser`, since they need a browser.
 *
 * @module
 */
import { startBrowser, startFullBrowser } from "../support/browser.ts";
import { inFolder } from "../support/folders.ts";
import { startMongo } from "../support/mongodb.ts";
import { CACHED_PAGES } from "./cached_pages.ts";
import { CHANGED_PAGES } from "./changed_pages.ts";
import { Installation } from "./installation.ts";
import { PAGES, PATIENCE } from "./pages.ts";
import { Site } from "./site.ts";
import { visitWith } from "./visit.ts";
import { VISITORS } from "./visitors.ts";

/** Runs the tests on three servers at once, since most of the time is spent waiting until a visitor is offline. */
async function tryAll(t: Deno.TestContext, folder: string, store: Record<string, string>) {
  await using site = new Site();
  await using browser = await startBrowser();
  await using fullBrowser = await startFullBrowser();
  const runs = [
    { browser, sentences: { ...VISITORS, ...PAGES } },
    { browser, sentences: { ...CHANGED_PAGES, ...PATIENCE } },
    { browser: fullBrowser, sentences: CACHED_PAGES },
  ];
  await Promise.all(
    runs.map(async ({ browser, sentences }, i) => {
      await Deno.mkdir(`${folder}/${i}`);
      await using foyer = new Installation(`${folder}/${i}`, [site.url], store);
      await foyer.start();
      for (const [name, work] of Object.entries(sentences)) {
        await t.step({
          name,
          fn: () => visitWith(browser, foyer, site, work),
          // Deno runs steps concurrently only without sanitizers.
          ...{ sanitizeOps: false, sanitizeResources: false, sanitizeExit: false },
        });
      }
    }),
  );
}

Deno.test("The web SDK, with the embedded store", (t) => inFolder((folder) => tryAll(t, folder, {})));

Deno.test("The web SDK, with MongoDB", (t) =>
  inFolder(async (folder) => {
    await using mongo = await startMongo();
    await tryAll(t, folder, { MONGO_URI: mongo.uri });
  }));
