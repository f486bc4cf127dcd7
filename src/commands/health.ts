/**
 * `foyer health`: asks the running server whether it is ready; a health check for containers without a shell.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { print } from "./print.ts";

/** How long the server may take to answer, in milliseconds. */
const DEADLINE = 5000;

/**
 * Requests `/ready` from the server that runs with the same configuration on this host.
 *
 * @returns the exit code: 0 if the server is ready, otherwise 1
 */
export async function health({ host, port }: Config): Promise<number> {
  try {
    const response = await fetch(`http://${addressOf(host)}:${port}/ready`, {
      signal: AbortSignal.timeout(DEADLINE),
    });
    await response.body?.cancel();
    print(response.ok ? "Ready" : `Not ready: ${response.status}`);
    return response.ok ? 0 : 1;
  } catch {
    print(`Not ready: nothing answers on port ${port}`);
    return 1;
  }
}

/** The address to connect to: the loopback address if the server listens on all addresses. */
function addressOf(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
