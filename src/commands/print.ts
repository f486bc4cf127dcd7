/**
 * The output of commands for the person at the terminal. A failure to write it (a closed pipe, a full disk) does not
 * stop a command.
 *
 * @module
 */

/** Writes a line to standard output. */
export function print(line: string) {
  write(Deno.stdout, `${line}\n`);
}

/** Writes a line to standard error. */
export function printError(line: string) {
  write(Deno.stderr, `${line}\n`);
}

/** Writes text, and ignores failures. */
export function write(output: { writeSync(bytes: Uint8Array): number }, text: string) {
  try {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(output.writeSync(bytes));
  } catch {
    // There is nowhere to report that the output cannot be written.
  }
}
