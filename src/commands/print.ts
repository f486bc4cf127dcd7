/**
 * What commands say to whoever typed them. Where nobody reads it any more, or the disk is full, a command does its work
 * all the same.
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

/** Writes a text; does nothing where that fails. */
export function write(output: { writeSync(bytes: Uint8Array): number }, text: string) {
  try {
    let bytes = new TextEncoder().encode(text);
    while (bytes.length > 0) bytes = bytes.subarray(output.writeSync(bytes));
  } catch {
    // Nothing can be reported where nothing can be written.
  }
}
