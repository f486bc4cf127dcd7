/**
 * A server in which an error occurs that no code catches, for the tests of that: its argument says which.
 *
 * @module
 */
import { runCommand } from "../../src/commands/exit.ts";
import { serve } from "../../src/commands/serve.ts";
import { loadConfig } from "../../src/config.ts";

const FAILURES: Record<string, () => void> = {
  rejection: () => void Promise.reject(new TypeError("S3cr3t of a rejection")),
  string: () => void Promise.reject("S3cr3t of a string"),
  error: () =>
    void setTimeout(() => {
      throw new TypeError("S3cr3t of an error");
    }),
  failure: () => {
    throw new TypeError("S3cr3t of a failure");
  },
};

if (import.meta.main) {
  const whenListening = FAILURES[Deno.args[0]];
  Deno.exit(
    await runCommand((uncaught) => serve(loadConfig(), { whenListening, uncaught })),
  );
}
