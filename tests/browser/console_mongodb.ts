/**
 * The agents' console in a real browser, over MongoDB. It is a part of `deno task test:browser`.
 *
 * @module
 */
import { inFolder } from "../support/folders.ts";
import { startMongo } from "../support/mongodb.ts";
import { CONSOLE_AGENTS } from "./console_agents.ts";
import { CONSOLE_LIFE } from "./console_life.ts";
import { CONSOLE_LIST } from "./console_list.ts";
import { tryAll } from "./console_trials.ts";

const SENTENCES = { ...CONSOLE_LIST, ...CONSOLE_AGENTS, ...CONSOLE_LIFE };

Deno.test("The console, with MongoDB", (t) =>
  inFolder(async (folder) => {
    await using mongo = await startMongo();
    await tryAll(t, folder, SENTENCES, { MONGO_URI: mongo.uri });
  }));
