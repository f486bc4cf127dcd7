/**
 * Work that is done again and again beside the requests.
 *
 * @module
 */
import type { Log } from "./log.ts";
import { OngoingFailure } from "./ongoing_failure.ts";

/** Work that goes on until it is stopped. */
export interface Background {
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

/** What work may ask while it is done. */
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
 * Does work again and again. Nothing of it may end the server, which answers all the same.
 *
 * @param failing what is not done where it fails, such as "Visitors are not removed yet"
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
