/**
 * The agents' console in a real browser, with either store. With `browser.ts` it is `deno task test:browser`.
 *
 * @module
 */
import { startBrowser } from "../support/browser.ts";
import { inFolder } from "../support/folders.ts";
import { startMongo } from "../support/mongodb.ts";
import { type ConsoleSentences, openSceneStore, playScene, WRITE_KEY } from "./agents.ts";
import { CONSOLE_ACCESS } from "./console_access.ts";
import { CODE_DESK, CONSOLE_AGENTS } from "./console_agents.ts";
import { CONSOLE_LIFE } from "./console_life.ts";
import { CONSOLE_LIST } from "./console_list.ts";
import { Installation, until } from "./installation.ts";

async function tryAll(
  t: Deno.TestContext,
  folder: string,
  sentences: ConsoleSentences,
  environment: Record<string, string> = {},
) {
  const mongoUri = environment.MONGO_URI;
  await using browser = await startBrowser();
  await using foyer = new Installation(folder, [], { REST_WRITE_KEY: WRITE_KEY, ...environment });
  await foyer.start();
  if (mongoUri === undefined) {
    await until("the samples are there", async () => (await foyer.latest()).length > 0);
  }
  const store = await openSceneStore(folder, mongoUri);
  try {
    for (const [sentence, work] of Object.entries(sentences)) {
      await t.step(sentence, () => playScene(browser, foyer, store, work));
    }
  } finally {
    await store.close();
  }
}

const SENTENCES = { ...CONSOLE_LIST, ...CONSOLE_AGENTS, ...CONSOLE_LIFE };

Deno.test("The console, with the embedded store", (t) => inFolder((folder) => tryAll(t, folder, SENTENCES)));

Deno.test("The console, with MongoDB", (t) =>
  inFolder(async (folder) => {
    await using mongo = await startMongo();
    await tryAll(t, folder, SENTENCES, { MONGO_URI: mongo.uri });
  }));

Deno.test("The console for everybody", (t) => inFolder((folder) => tryAll(t, folder, CONSOLE_ACCESS)));

Deno.test("The console for codes alone", (t) =>
  inFolder((folder) => tryAll(t, folder, CODE_DESK, { CONSOLE_MODE: "code" })));
