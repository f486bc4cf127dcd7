/**
 * Listening, and stopping without losing a request.
 *
 * @module
 */
import { within } from "../async/deadline.ts";
import { ConfigurationError } from "../config.ts";
import type { Log } from "./log.ts";

/** How long requests in flight may take once the server stops, in milliseconds; the whole stop must take under 10 s. */
export const STOP_DEADLINE = 6000;

/** The first and the longest pause before listening is tried again, in milliseconds; the pause doubles in between. */
const [FIRST_RETRY, LAST_RETRY] = [10, 1000];

/** A server that listens. */
export interface Listener {
  /** The port; chosen by the system if the configured port is 0. */
  readonly port: number;
  /** Stops accepting connections, and resolves when requests in flight are finished, or after {@link STOP_DEADLINE}. */
  stop(): Promise<void>;
}

/**
 * Serves HTTP on an address. `Deno.serve` stops for good when it cannot accept a connection, for example because the
 * process may open no more files, and it never closes idle connections. In this case idle connections are closed, and a
 * new server listens. (Deno 2.6 reports the failure only once all its connections are closed.)
 *
 * @param log receives a warning each time that this happens
 * @param name the prefix of the variables to name in errors: `PORT` and `HOST`, or `ADMIN_PORT` and `ADMIN_HOST`
 * @throws {ConfigurationError} the port is taken, or this user may not open it
 */
export function listen(
  handler: Deno.ServeHandler,
  { port, host }: { port: number; host: string },
  log: Log,
  name: "" | "ADMIN_" = "",
): Listener {
  let isStopping = false;
  let current: Deno.HttpServer | null = null;
  /** The shutdowns that still wait for requests in flight. */
  const shutdowns = new Set<Promise<void>>();
  const shutDown = () => {
    const shutdown = current!.shutdown().finally(() => shutdowns.delete(shutdown));
    shutdowns.add(shutdown);
    current = null;
  };
  const start = () => {
    current = Deno.serve({ port, hostname: host, onListen: () => {} }, handler);
    current.finished.catch(async (error) => {
      log(`Cannot take connections, closing idle ones: ${error.message}`, "warning");
      shutDown();
      for (let wait = FIRST_RETRY; !isStopping; wait = Math.min(2 * wait, LAST_RETRY)) {
        if (await startAgain(wait)) break;
      }
    });
  };
  const startAgain = async (wait: number) => {
    await new Promise((resolve) => setTimeout(resolve, wait));
    try {
      if (!isStopping) start();
      return true;
    } catch {
      // The reason is the same as before, and was logged.
      return false;
    }
  };
  try {
    start();
    const { port } = (current! as Deno.HttpServer<Deno.NetAddr>).addr;
    return {
      port,
      stop: async () => {
        isStopping = true;
        if (current !== null) shutDown();
        await within(STOP_DEADLINE, Promise.all(shutdowns).then(() => {}));
      },
    };
  } catch (error) {
    throw refusedAddress(error as Error, { port, host }, name);
  }
}

/** Converts an error of `Deno.serve` or `node:http` to one that names the variable with the unusable address. */
export function refusedAddress(
  { name: cause, code = "" }: Error & { code?: string },
  { port, host }: { port: number; host: string },
  name: "" | "ADMIN_" = "",
): ConfigurationError {
  const isPort = ["AddrInUse", "PermissionDenied"].includes(cause) || ["EADDRINUSE", "EACCES"].includes(code);
  // Otherwise the address is of another machine, or the name is unknown: Deno has several errors for these.
  return new ConfigurationError([
    isPort
      ? ConfigurationError.line(
        `${name}PORT`,
        `${port} (${code === "EADDRINUSE" ? "AddrInUse" : code === "EACCES" ? "PermissionDenied" : cause})`,
        "a free port that this user may open",
      )
      : ConfigurationError.line(
        `${name}HOST`,
        JSON.stringify(host),
        "an address of this machine such as 0.0.0.0",
      ),
  ]);
}

/** The signals that ask a process to stop, from a service manager or a terminal. */
const STOP_SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;

/** Resolves with the first signal that asks the process to stop. */
export function untilStopped(): Promise<Deno.Signal> {
  return new Promise((resolve) => {
    for (const signal of STOP_SIGNALS) {
      Deno.addSignalListener(signal, () => resolve(signal));
    }
  });
}
