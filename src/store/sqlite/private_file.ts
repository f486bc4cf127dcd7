/**
 * The rights on a store's files: visitors' data is for Foyer's own user.
 *
 * @module
 */
import { StoreRefused } from "../visitor_store.ts";

/** What SQLite puts beside a file: the write-ahead log, and the shared memory of its index. */
export const SIDE_FILES = ["-wal", "-shm"];

/** The bits of a mode by which others than the owner have a right. */
const OTHERS = 0o077;

/**
 * Makes a file before SQLite would, readable by its owner alone; SQLite gives its side files the same mode. One that is
 * there and empty is made so.
 *
 * @param path may be a link, also one that leads to no file yet
 * @throws {StoreRefused} it cannot be made
 */
export function makePrivateFile(path: string) {
  const found = stat(path);
  // A file with something in it may be in use, and closing it here would end SQLite's locks on it
  // (https://www.sqlite.org/howtocorrupt.html, section 2.2).
  if (found !== null && found.size > 0) return;
  try {
    if (found === null) Deno.openSync(path, { write: true, create: true, mode: 0o600 }).close();
    else if (found.isFile && found.mode !== null && (found.mode & OTHERS) !== 0) Deno.chmodSync(path, 0o600);
  } catch (error) {
    // Of another user's file `exposureOf` says what it is.
    if (found === null) {
      throw new StoreRefused("Cannot open the store: the file cannot be made", { cause: error });
    }
  }
}

/** A warning where others than the owner may read or write a store's files; `null` where nobody may. */
export function exposureOf(path: string): string | null {
  const file = Deno.realPathSync(path);
  const exposed = ["", ...SIDE_FILES].map((suffix) => file + suffix)
    .map((name) => ({ name, mode: stat(name)?.mode ?? 0 }))
    .filter(({ mode }) => (mode & OTHERS) !== 0);
  if (exposed.length === 0) return null;
  const modes = exposed.map(({ name, mode }) => `${name} (mode ${(mode & 0o777).toString(8)})`).join(", ");
  const names = exposed.map(({ name }) => `'${name.replaceAll("'", `'\\''`)}'`).join(" ");
  return `Other users of this host may have rights on ${modes}: run \`chmod 600 ${names}\``;
}

function stat(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}
