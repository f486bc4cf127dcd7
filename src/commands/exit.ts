/**
 * How a command ends for the shell: the exit codes beside 0 and 1.
 *
 * @module
 */
import { ConfigurationError } from "../config.ts";
import { closeLog } from "../operations/log.ts";

/** The command line makes no sense (sysexits.h). */
export const EX_USAGE = 64;

/** The configuration cannot be used (sysexits.h). */
export const EX_CONFIG = 78;

/**
 * Runs a command. What is wrong in the configuration is told on standard error, a line for each value.
 *
 * @returns the command's own exit code, or `EX_CONFIG`
 */
export async function runCommand(command: () => number | Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const line of error.lines) console.error(line);
    return EX_CONFIG;
  } finally {
    await closeLog();
  }
}
