/**
 * Load, made by wrk (https://github.com/wg/wrk).
 *
 * @module
 */
import { fileURLToPath } from "node:url";

/** What a run of wrk came to. */
export interface Load {
  /** Answers a second. */
  rate: number;
  /** Milliseconds within which half, and 99 of 100, of the requests were answered. */
  median: number;
  p99: number;
  /** Answers with another status than 2xx or 3xx. */
  failed: number;
}

/** What is asked of a server. */
export interface Request {
  /** Of the server, such as `http://127.0.0.1:5002`. */
  url: string;
  /** Paths with queries, asked for one after the other. */
  paths: string[];
  headers?: Record<string, string>;
  connections: number;
  seconds: number;
}

/**
 * Asks a server as often as it answers.
 *
 * @throws wrk is missing, or a connection failed
 */
export async function load({ url, paths, headers = {}, connections, seconds }: Request): Promise<Load> {
  const file = await Deno.makeTempFile({ prefix: "foyer-bench-" });
  await Deno.writeTextFile(file, paths.join("\n") + "\n");
  const { stdout, success } = await new Deno.Command("wrk", {
    args: [
      ...["--threads", "1", "--connections", `${connections}`, "--duration", `${seconds}s`, "--latency"],
      ...["--timeout", "10s", "--script", fileURLToPath(new URL("paths.lua", import.meta.url))],
      ...Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]),
      ...[url, "--", file],
    ],
    stderr: "inherit",
  }).output();
  await Deno.remove(file);
  const said = new TextDecoder().decode(stdout);
  const errors = /Socket errors: .*/.exec(said);
  if (!success || errors !== null) throw new Error(`wrk: ${errors?.[0] ?? said}`);
  const [, failed = "0"] = /Non-2xx or 3xx responses: (\d+)/.exec(said) ?? [];
  const [, rate] = /Requests\/sec:\s*([\d.]+)/.exec(said) ?? [];
  const [, median] = /^ +50% +(\S+) *$/m.exec(said) ?? [];
  const [, p99] = /^ +99% +(\S+) *$/m.exec(said) ?? [];
  if (rate === undefined || median === undefined || p99 === undefined) throw new Error(`wrk: ${said}`);
  return { rate: Number(rate), median: milliseconds(median), p99: milliseconds(p99), failed: Number(failed) };
}

function milliseconds(text: string): number {
  const [, number, unit] = /^([\d.]+)(us|ms|s|m)$/.exec(text)!;
  return Number(number) * { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit]!;
}
