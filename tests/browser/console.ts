/**
 * The agents' console in a real browser. It is a part of `deno task test:browser`.
 *
 * @module
 */
import { inFolder } from "../support/folders.ts";
import { CODE_DESK, CONSOLE_AGENTS } from "./console_agents.ts";
import { CONSOLE_LIFE } from "./console_life.ts";
import { CONSOLE_LIST } from "./console_list.ts";
import { tryAll } from "./console_trials.ts";

const SENTENCES = { ...CONSOLE_LIST, ...CONSOLE_AGENTS, ...CONSOLE_LIFE };

Deno.test("The console, with the embedded store", (t) => inFolder((folder) => tryAll(t, folder, SENTENCES)));

Deno.test("The console for codes alone", (t) =>
  inFolder((folder) => tryAll(t, folder, CODE_DESK, { CONSOLE_MODE: "code" })));
