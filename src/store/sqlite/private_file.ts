/**
 * The permissions of a store's files: only Foyer's own user may read visitors' data.
 *
 * @module
 */
import { StoreRefused } from "../visitor_store.ts";

/** The suffixes of the files that SQLite puts beside a database: the write-ahead log, and the shared memory of its index. */
export const SIDE_FILES = ["-wal", "-shm"];

/** The permission bits of group and others. */
const OTHERS = 0o077;

/**
 * Creates a file that only its owner may read and write, before SQLite creates it with the default mode; SQLite gives
 * its side files the same mode. An empty file gets that mode too.
 *
 * @param path may be a link, even to a file that does not exist yet
 * @throws {StoreRefused} the file cannot be created
 */
export function makePrivateFile(path: string) {
  const found = stat(path);
  // A file that is not empty may be in use by SQLite, whose locks on it would end when it is closed here
  // (https://www.sqlite.org/howtocorrupt.html, section 2.2).
  if (found !== null && found.size > 0) return;
  try {
    if (found === null) Deno.openSync(path, { write: true, create: true, mode: 0o600 }).close();
    else if (found.isFile && found.mode !== null && (found.mode & OTHERS) !== 0) Deno.chmodSync(path, 0o600);
  } catch (error) {
    // The mode of another user's empty file cannot be changed; `exposureOf` warns of it.
    if (found === null) {
      throw new StoreRefused("Cannot open the store: the file cannot be made", { cause: error });
    }
  }
}

/** A warning if users other than the owner may read or write a store's files; otherwise `null`. */
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
