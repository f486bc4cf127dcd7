/**
 * Detects that an open database file was removed or replaced. SQLite does not notice: it goes on with the open file, and
 * whatever it writes there is lost.
 *
 * @module
 */
import { READ_ONLY } from "./file.ts";
import { SIDE_FILES } from "./private_file.ts";

/** The size of the file that is written to detect a full disk, in bytes. */
const TRIAL = 65_536;

/** What happened to a file that is open. */
export interface FileProblem {
  kind: "removed" | "replaced" | "emptied" | "read-only";
  reason: string;
}

/** The files of an open database, as they were when it was opened. */
export class FileWatch {
  #path: string;
  #identity: string | null;
  /** Where the path is a link, SQLite puts its side files beside the link's target. */
  #sideFiles: { path: string; identity: string | null }[];
  #content: string;

  /** @param path of an open database that was read before, so that its side files exist */
  constructor(path: string) {
    this.#path = path;
    const real = Deno.realPathSync(path);
    this.#sideFiles = SIDE_FILES.map((suffix) => ({
      path: real + suffix,
      identity: identityOf(stat(real + suffix)),
    }));
    const info = stat(path);
    this.#identity = identityOf(info);
    this.#content = contentOf(info);
  }

  /** Checks the files, which takes some microseconds. Returns the first problem, or `null` if there is none. */
  look(): FileProblem | null {
    const absence = absenceOf(this.#path);
    if (absence !== null && absence.kind === "removed") return absence;
    const info = stat(this.#path);
    if (identityOf(info) !== this.#identity) {
      return { kind: "replaced", reason: "the file was replaced by another one" };
    }
    if (absence !== null) return absence;
    for (const { path, identity } of this.#sideFiles) {
      if (identity !== null && identityOf(stat(path)) !== identity) {
        return { kind: "replaced", reason: `${path}, which belongs to the file, was removed` };
      }
    }
    return isReadOnly(info) ? { kind: "read-only", reason: READ_ONLY } : null;
  }

  /** The file's size in bytes, and whether it was written since the last call, by SQLite or by somebody else. */
  lookAtContent(): { isWritten: boolean; size: number } {
    const info = stat(this.#path);
    const content = contentOf(info);
    const isWritten = content !== this.#content;
    this.#content = content;
    return { isWritten, size: info?.size ?? 0 };
  }
}

/**
 * The problem with a path that leads to no file, or to an empty one, which SQLite would turn into a new database; `null`
 * for any other file.
 */
export function absenceOf(path: string): FileProblem | null {
  const info = stat(path);
  if (info === null) return { kind: "removed", reason: "the file was removed" };
  return info.size === 0 ? { kind: "emptied", reason: "the file is empty" } : null;
}

/** Whether no user has the right to write a file. By the file's mode, since root could write it all the same. */
export function mayNobodyWrite(path: string): boolean {
  return isReadOnly(stat(path));
}

/**
 * Renames the write-ahead log of a damaged file to `….damaged`, since SQLite would apply it to a good file that is put
 * in the damaged one's place. No connection may be open.
 */
export function putLogAside(path: string) {
  try {
    const log = `${Deno.realPathSync(path)}-wal`;
    Deno.renameSync(log, `${log}.damaged`);
  } catch {
    // There is no log, for example since SQLite applied and removed it.
  }
}

/** Whether the disk is full. Writes a small file beside the database, and removes it at once. */
export async function isDiskFull(path: string): Promise<boolean> {
  const trial = `${path}-trial`;
  try {
    await Deno.writeFile(trial, new Uint8Array(TRIAL), { mode: 0o600 });
    return false;
  } catch (error) {
    return ["ENOSPC", "EDQUOT"].includes(String((error as { code?: unknown }).code));
  } finally {
    await Deno.remove(trial).catch(() => {});
  }
}

function isReadOnly(info: Deno.FileInfo | null): boolean {
  return info !== null && info.mode !== null && (info.mode & 0o222) === 0;
}

function identityOf(info: Deno.FileInfo | null): string | null {
  return info === null ? null : `${info.dev} ${info.ino}`;
}

function contentOf(info: Deno.FileInfo | null): string {
  return `${info?.size} ${info?.mtime?.getTime()}`;
}

function stat(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch {
    return null;
  }
}
