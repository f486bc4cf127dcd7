/**
 * Work that is repeated in the background while the server answers requests.
 *
 * @module
 */
import type { Log } from "./log.ts";
import { OngoingFailure } from "./ongoing_failure.ts";

/** Work that is repeated until it is stopped. */
export interface Background {
  /** Resolves when no run is in progress. */
  stop(): Promise<void>;
}

/** The functions that a run may call. */
export interface Working {
  isStopping(): boolean;
  /** Waits for a number of milliseconds, or until the work is to stop. */
  pause(milliseconds: number): Promise<void>;
}

/** The pauses around runs, in milliseconds. */
export interface Times {
  /** Before the first run. */
  first: number;
  /** After a successful run. */
  interval: number;
  /** After a failed run. */
  retry: number;
}

/**
 * Repeats work until it is stopped. A failed run is logged, and does not affect the server.
 *
 * @param failing the log's sentence after a failure, such as "Visitors are not removed yet"
 */
export function startBackground(
  work: (working: Working) => Promise<void>,
  log: Log,
  failing: string,
  { first, interval, retry }: Times,
): Background {
  const stopping = Promise.withResolvers<void>();
  let isStopping = false;
  const failure = new OngoingFailure(log, failing);

  async function pause(milliseconds: number) {
    let timer;
    await Promise.race([
      stopping.promise,
      new Promise((resolve) => timer = setTimeout(resolve, milliseconds)),
    ]);
    clearTimeout(timer);
  }

  async function goOn() {
    await pause(first);
    while (!isStopping) {
      let wait = interval;
      try {
        await work({ isStopping: () => isStopping, pause });
        failure.end();
      } catch (error) {
        failure.note(error);
        wait = retry;
      }
      await pause(wait);
    }
  }

  const going = goOn();
  return {
    async stop() {
      isStopping = true;
      stopping.resolve();
      await going;
    },
  };
}
