/**
 * Listening, and stopping without losing a request.
 *
 * @module
 */
import { within } from "../async/deadline.ts";
import { ConfigurationError } from "../config.ts";
import type { Log } from "./log.ts";

/** How long requests in flight may take once the server stops, in milliseconds: the whole stop takes under 10 s. */
export const STOP_DEADLINE = 6000;

/** The first pause before it tries again to listen, each further one twice as long, and the longest, in milliseconds. */
const [FIRST_RETRY, LAST_RETRY] = [10, 1000];

/** A server that listens. */
export interface Listener {
  /** The port, which the system chose where it was to be 0. */
  readonly port: number;
  /** Stops accepting, lets requests in flight finish and then resolves, after {@link STOP_DEADLINE} at the latest. */
  stop(): Promise<void>;
}

/**
 * Listens where the configuration says. Deno stops listening for good when it cannot accept a connection, as where the
 * process may open no more files, and never closes an idle one: then idle ones are closed, and it listens again. (Deno
 * 2.6 reports it once its connections are gone.)
 *
 * @param log receives when that happens
 * @param name the prefix of its variables: `PORT` and `HOST`, or `ADMIN_PORT` and `ADMIN_HOST`
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
  /** Shutdowns whose requests in flight are not finished. */
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
      // The reason is the same as before, and logged.
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

/** Turns the runtime's or Node's error into one that says why the address cannot be listened on. */
export function refusedAddress(
  { name: cause, code = "" }: Error & { code?: string },
  { port, host }: { port: number; host: string },
  name: "" | "ADMIN_" = "",
): ConfigurationError {
  const isPort = ["AddrInUse", "PermissionDenied"].includes(cause) || ["EADDRINUSE", "EACCES"].includes(code);
  // An address of another machine, or a name without an address: Deno has several errors for these.
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

/** The signals by which a process is asked to end: by a service manager, and by a terminal that closes or is typed into. */
const STOP_SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;

/** Resolves when the process is asked to end. */
export function untilStopped(): Promise<Deno.Signal> {
  return new Promise((resolve) => {
    for (const signal of STOP_SIGNALS) {
      Deno.addSignalListener(signal, () => resolve(signal));
    }
  });
}
