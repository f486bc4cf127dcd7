/**
 * Foyer as a separate process that serves HTTP.
 *
 * @module
 */
import { freePort } from "./ports.ts";
import { type Command, Process } from "./processes.ts";

/** A server process that listens. */
export type Server = Process & { port: number; url: string };

/**
 * Starts a server on a free port of 127.0.0.1, and waits until it listens.
 *
 * @param command makes the command to run, given its environment
 */
export async function startServer(
  command: (environment: Record<string, string>) => Command,
  environment: Record<string, string>,
): Promise<Server> {
  const port = freePort();
  const process = new Process(command({ HOST: "127.0.0.1", PORT: `${port}`, ...environment }));
  await process.until(/Listening on/i);
  return Object.assign(process, { port, url: `http://127.0.0.1:${port}` });
}
