/**
 * The agents' console for everybody. It is a part of `deno task test:browser`.
 *
 * @module
 */
import { inFolder } from "../support/folders.ts";
import { CONSOLE_ACCESS } from "./console_access.ts";
import { tryAll } from "./console_trials.ts";

Deno.test("The console for everybody", (t) => inFolder((folder) => tryAll(t, folder, CONSOLE_ACCESS)));
