/**
 * Many clients, each of which sends one request after the other, and a record of all answers.
 *
 * @module
 */
import { KEY, pause } from "./bar.ts";
import { changingRequests, type Request } from "./requests.ts";

/** How long a client waits for an answer, in milliseconds: far longer than any answer may take. */
const PATIENCE = 15_000;

/** The result of a request; times are those of `performance.now()`. */
export interface Answer extends Request {
  start: number;
  end: number;
  /** The status, or the reason why there was no answer. */
  status: number | string;
}

/** A crowd of clients. */
export class Crowd {
  readonly answers: Answer[] = [];
  #isAsking = true;
  #clients: Promise<void[]>;

  constructor(url: string, visitors: number, clients = 24) {
    this.#clients = Promise.all(
      Array.from({ length: clients }, (_, i) => this.#ask(url, changingRequests(visitors, i))),
    );
  }

  async #ask(url: string, requests: Generator<Request>) {
    for (const { path, right } of requests) {
      if (!this.#isAsking) return;
      const start = performance.now();
      const status = await statusOf(url + path);
      this.answers.push({ path, right, start, end: performance.now(), status });
      await pause(300 * Math.random());
    }
  }

  /** Stops the clients, and waits for the last answer of each. */
  async stop(): Promise<void> {
    this.#isAsking = false;
    await this.#clients;
  }
}

/** The status of a complete answer, or the reason why there was none. */
export async function statusOf(
  url: string,
  headers: Record<string, string> = { Authorization: KEY },
): Promise<number | string> {
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE) });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    return (error as Error).message;
  }
}

/** How often each value occurs, in words. */
export function counts(things: (number | string)[]): string {
  const groups = Object.entries(Object.groupBy(things, String));
  return groups.map(([thing, same]) => `${same!.length.toLocaleString("en")} × ${thing}`).join(", ");
}
