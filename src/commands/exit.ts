/**
 * How a command ends: error handling and exit codes.
 *
 * @module
 */
import { pause } from "../async/clock.ts";
import { ConfigurationError } from "../config.ts";
import { closeLog, describeFailure, openLog } from "../operations/log.ts";
import { watchUncaught } from "../operations/uncaught.ts";
import { printError } from "./print.ts";

/** The exit code for a wrong command line (sysexits.h). */
export const EX_USAGE = 64;

/** The exit code for a wrong configuration (sysexits.h). */
export const EX_CONFIG = 78;

/** How long a command may take to end after an uncaught error, in milliseconds. */
const END_DEADLINE = 10_000;

/**
 * A command.
 *
 * @param uncaught resolves at an uncaught error, after which the command should end
 * @returns the exit code
 */
export type Command = (uncaught: Promise<void>) => number | Promise<number>;

/**
 * Runs a command. Configuration errors are written to standard error, one line per value. Other errors are logged
 * without their message.
 *
 * @returns the command's own exit code; 1 after any other error, caught or not; {@link EX_CONFIG} for a wrong
 * configuration
 */
export async function runCommand(command: Command): Promise<number> {
  surviveFileSizeLimit();
  const log = openLog("error");
  using watch = watchUncaught(log);
  let hasThrown = false;
  const overdue = watch.thrown.then(async () => {
    hasThrown = true;
    await pause(END_DEADLINE);
    return 1;
  });
  try {
    const ended = (async () => await command(watch.thrown))();
    const code = await Promise.race([ended, overdue]);
    return hasThrown ? 1 : code;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) {
      log("The command failed", "error", describeFailure(error));
      return 1;
    }
    for (const line of error.lines) printError(line);
    return EX_CONFIG;
  } finally {
    await closeLog();
  }
}

/**
 * Makes writing beyond the file size limit (`ulimit -f`) fail with an error, as on a full disk. By default the signal
 * SIGXFSZ would end the process.
 */
function surviveFileSizeLimit() {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGXFSZ", () => {});
}
