/**
 * A server with an option that a test needs and the configuration does not offer. The argument names the option.
 *
 * @module
 */
import { runCommand } from "../../src/commands/exit.ts";
import { serve, type ServeOptions } from "../../src/commands/serve.ts";
import { loadConfig } from "../../src/config.ts";

const OPTIONS: Record<string, ServeOptions> = {
  // Uncaught errors.
  rejection: { whenListening: () => void Promise.reject(new TypeError("S3cr3t of a rejection")) },
  string: { whenListening: () => void Promise.reject("S3cr3t of a string") },
  error: {
    whenListening: () =>
      void setTimeout(() => {
        throw new TypeError("S3cr3t of an error");
      }),
  },
  // An error that the command throws.
  failure: {
    whenListening: () => {
      throw new TypeError("S3cr3t of a failure");
    },
  },
  // Enough time to test a server that is stopping.
  farewell: { farewell: 8000 },
};

if (import.meta.main) {
  const options = OPTIONS[Deno.args[0]];
  Deno.exit(await runCommand((uncaught) => serve(loadConfig(), { ...options, uncaught })));
}
