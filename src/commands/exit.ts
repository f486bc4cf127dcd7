/**
 * How a command ends for the shell: the exit codes beside 0 and 1.
 *
 * @module
 */
import { pause } from "../async/clock.ts";
import { ConfigurationError } from "../config.ts";
import { closeLog, describeFailure, openLog } from "../operations/log.ts";
import { watchUncaught } from "../operations/uncaught.ts";
import { printError } from "./print.ts";

/** The command line makes no sense (sysexits.h). */
export const EX_USAGE = 64;

/** The configuration cannot be used (sysexits.h). */
export const EX_CONFIG = 78;

/** How long a command may take to end after an error that no code caught, in milliseconds. */
const END_DEADLINE = 10_000;

/**
 * A command.
 *
 * @param uncaught resolves when an error was thrown and no code caught it: the command should end
 * @returns the exit code
 */
export type Command = (uncaught: Promise<void>) => number | Promise<number>;

/**
 * Runs a command. What is wrong in the configuration is written to standard error, a line for each value. Other errors
 * are logged without their message.
 *
 * @returns the command's own exit code; 1 where it failed, or an error was thrown that no code caught; or `EX_CONFIG`
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
 * Makes writing beyond the process' limit on files (`ulimit -f`) an error like that of a full disk: the signal of that
 * limit would end the process.
 */
function surviveFileSizeLimit() {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGXFSZ", () => {});
}
