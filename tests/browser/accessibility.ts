/**
 * The accessibility of the agents' console. A part of `deno task test:browser`.
 *
 * @module
 */
import { inFolder } from "../support/folders.ts";
import { CONSOLE_ACCESS } from "./console_access.ts";
import { tryAll } from "./console_trials.ts";

Deno.test("The accessibility of the console", (t) => inFolder((folder) => tryAll(t, folder, CONSOLE_ACCESS)));
