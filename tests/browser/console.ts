/**
 * The agents' console in a real browser, with either store. With `browser.ts` it is `deno task test:browser`.
 *
 * @module
 */
import { startBrowser } from "../support/browser.ts";
import { inFolder } from "../support/folders.ts";
import { startMongo } from "../support/mongodb.ts";
import { openSceneStore, playScene, WRITE_KEY } from "./agents.ts";
import { CONSOLE_ACCESS } from "./console_access.ts";
import { CONSOLE_AGENTS } from "./console_agents.ts";
import { CONSOLE_LIFE } from "./console_life.ts";
import { CONSOLE_LIST } from "./console_list.ts";
import { Installation, until } from "./installation.ts";

async function tryAll(t: Deno.TestContext, folder: string, mongoUri?: string) {
  await using browser = await startBrowser();
  await using foyer = new Installation(folder, [], {
    REST_WRITE_KEY: WRITE_KEY,
    ...(mongoUri === undefined ? {} : { MONGO_URI: mongoUri }),
  });
  await foyer.start();
  if (mongoUri === undefined) {
    await until("the samples are there", async () => (await foyer.latest()).length > 0);
  }
  const store = await openSceneStore(folder, mongoUri);
  try {
    // How it looks does not depend on the store.
    const access = mongoUri === undefined ? CONSOLE_ACCESS : {};
    const sentences = { ...CONSOLE_LIST, ...CONSOLE_AGENTS, ...CONSOLE_LIFE, ...access };
    for (const [sentence, work] of Object.entries(sentences)) {
      await t.step(sentence, () => playScene(browser, foyer, store, work));
    }
  } finally {
    await store.close();
  }
}

Deno.test("The console, with the embedded store", (t) => inFolder((folder) => tryAll(t, folder)));

Deno.test("The console, with MongoDB", (t) =>
  inFolder(async (folder) => {
    await using mongo = await startMongo();
    await tryAll(t, folder, mongo.uri);
  }));
