/**
 * Work that is repeated in the background, beside the requests.
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

/** What a run may use. */
export interface Working {
  isStopping(): boolean;
  /** Waits so many milliseconds, or until the work is to stop. */
  pause(milliseconds: number): Promise<void>;
}

/** When work is done. */
export interface Times {
  /** How long from now it is done first, in milliseconds. */
  first: number;
  /** How long after it was done it is done again, in milliseconds. */
  interval: number;
  /** How long after it failed, in milliseconds. */
  retry: number;
}

/**
 * Repeats work. A run that fails is logged, and does not affect the server.
 *
 * @param failing names what is not done after a failure, such as "Visitors are not removed yet"
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
