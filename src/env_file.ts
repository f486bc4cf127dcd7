/**
 * Reads the file `.env`.
 *
 * @module
 */
import { parse } from "dotenv";

/** The content of a `.env` file, and what its operator should know about it. */
export interface EnvFile {
  values: Record<string, string>;
  /** Sentences for the log. */
  warnings: string[];
  /** Unquoted values with `#`: dotenv takes it for the start of a comment, systemd and Docker for a part of the value. */
  ambiguous: { name: string; line: number }[];
}

/** Reads a `.env` file. A missing file counts as empty; so does one that cannot be read, with a warning. Does not throw. */
export function readEnvFile(path: string): EnvFile {
  const ignored = (because: string) => ({
    values: {},
    warnings: [`Ignored ${path}: ${because}`],
    ambiguous: [],
  });
  let bytes: Uint8Array;
  let mode: number | null;
  try {
    ({ mode } = Deno.statSync(path));
    bytes = Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { values: {}, warnings: [], ambiguous: [] };
    return ignored(`it cannot be read (${(error as Error).name})`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return ignored("it is not UTF-8");
  }
  // A group's right to read is fine: a service may read a file that it cannot change.
  const isReadable = mode !== null && (mode & 0o004) !== 0;
  return {
    values: parse(text),
    warnings: isReadable ? [`Other users of this host may read ${path}: run \`chmod o-rwx\` on it`] : [],
    ambiguous: ambiguousLines(text),
  };
}

/** A line of `.env` as dotenv parses it: a name, and a quoted value or the rest of the line. */
const ENV_LINE =
  /^[ \t]*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^\r\n]*)/gm;

function ambiguousLines(text: string): EnvFile["ambiguous"] {
  return Array.from(text.matchAll(ENV_LINE))
    .filter(({ 2: value }) => value.includes("#") && !/^\s*(["'`])[^]*\1$/.test(value))
    .map(({ 1: name, index }) => ({ name, line: text.slice(0, index).split("\n").length }));
}
