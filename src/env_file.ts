/**
 * Reads the file `.env`.
 *
 * @module
 */
import { parse } from "dotenv";

/** What a `.env` file holds, and what an operator should know of it. */
export interface EnvFile {
  values: Record<string, string>;
  /** A sentence each. */
  warnings: string[];
  /** Unquoted values with `#`: to dotenv it begins a comment; to systemd and Docker it is a part of the value. */
  ambiguous: { name: string; line: number }[];
}

/** Reads a `.env` file. One that is not there is empty; one that cannot be read is empty, with a warning. */
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
  // Not the group's right, by which a service reads a file that it cannot change.
  const isReadable = mode !== null && (mode & 0o004) !== 0;
  return {
    values: parse(text),
    warnings: isReadable ? [`Other users of this host may read ${path}: run \`chmod o-rwx\` on it`] : [],
    ambiguous: ambiguousLines(text),
  };
}

/** A line of `.env` as dotenv reads it: a quoted value, or all that follows the name. */
const ENV_LINE =
  /^[ \t]*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^\r\n]*)/gm;

function ambiguousLines(text: string): EnvFile["ambiguous"] {
  return Array.from(text.matchAll(ENV_LINE))
    .filter(({ 2: value }) => value.includes("#") && !/^\s*(["'`])[^]*\1$/.test(value))
    .map(({ 1: name, index }) => ({ name, line: text.slice(0, index).split("\n").length }));
}
