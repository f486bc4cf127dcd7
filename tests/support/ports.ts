import { until } from "./waiting.ts";

/**
 * Finds a port on which nothing listens. It is outside the range from which the system takes ports for outgoing
 * connections, and above 10080, the highest port that browsers block.
 */
export function freePort(): number {
  while (true) {
    const port = 11_000 + Math.floor(Math.random() * 21_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Waits until a port refuses connections. A connection at the moment at which the port is closed is reset. */
export async function untilRefused(port: number) {
  await until(async () => {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionRefused) return true;
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
    return false;
  });
}
