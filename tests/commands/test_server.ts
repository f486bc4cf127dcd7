/**
 * A server with something that a test needs and the configuration does not offer: its argument says what.
 *
 * @module
 */
import { runCommand } from "../../src/commands/exit.ts";
import { serve, type ServeOptions } from "../../src/commands/serve.ts";
import { loadConfig } from "../../src/config.ts";

const OPTIONS: Record<string, ServeOptions> = {
  // Errors that no code catches.
  rejection: { whenListening: () => void Promise.reject(new TypeError("S3cr3t of a rejection")) },
  string: { whenListening: () => void Promise.reject("S3cr3t of a string") },
  error: {
    whenListening: () =>
      void setTimeout(() => {
        throw new TypeError("S3cr3t of an error");
      }),
  },
  // An error that a command is left by.
  failure: {
    whenListening: () => {
      throw new TypeError("S3cr3t of a failure");
    },
  },
  // Time enough to look at a server that is about to stop.
  farewell: { farewell: 8000 },
};

if (import.meta.main) {
  const options = OPTIONS[Deno.args[0]];
  Deno.exit(await runCommand((uncaught) => serve(loadConfig(), { ...options, uncaught })));
}
