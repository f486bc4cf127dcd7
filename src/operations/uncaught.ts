/**
 * Uncaught errors. By default Deno prints their message, which may hold a visitor's data, and ends the process.
 *
 * @module
 */
import { describeFailure, type Log } from "./log.ts";

/** A handler of uncaught errors; disposing of it restores Deno's default. */
export interface UncaughtWatch extends Disposable {
  /** Resolves at the first thrown error that no code caught: the interrupted code may have left any state. */
  readonly thrown: Promise<void>;
}

/**
 * Logs uncaught errors without their message, and lets the process continue. That is safe after an unhandled rejection,
 * which leaves no shared state half changed; after a thrown error the process should end.
 */
export function watchUncaught(log: Log): UncaughtWatch {
  const thrown = Promise.withResolvers<void>();
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    log("A promise was rejected and no code handled it", "error", describeFailure(event.reason));
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    log("An error was thrown and no code caught it", "error", describeFailure(event.error));
    thrown.resolve();
  };
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  return {
    thrown: thrown.promise,
    [Symbol.dispose]() {
      globalThis.removeEventListener("unhandledrejection", onRejection);
      globalThis.removeEventListener("error", onError);
    },
  };
}
