/**
 * Runs the tests of the console.
 *
 * @module
 */
import { startBrowser } from "../support/browser.ts";
import { type ConsoleSentences, openSceneStore, playScene, WRITE_KEY } from "./agents.ts";
import { Installation, until } from "./installation.ts";

/** Runs each test in the console of one installation. */
export async function tryAll(
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
