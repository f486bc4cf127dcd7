import { until } from "./waiting.ts";

/**
 * A port on which nothing listens. Not one that the system chooses, which it may give to a connection before anybody
 * listens there; and above 10080, which browsers refuse to open.
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

/** Waits until a port refuses connections. One that comes at the moment in which it is closed is reset. */
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
