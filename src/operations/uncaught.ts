/**
 * Errors that no code caught. Deno would print their message, which may hold a visitor's data, and end the process.
 *
 * @module
 */
import { describeFailure, type Log } from "./log.ts";

/** A watch over errors that no code caught. */
export interface UncaughtWatch extends Disposable {
  /** Resolves at the first error that was thrown and not caught: what it interrupted may be in any state. */
  readonly thrown: Promise<void>;
}

/**
 * Logs errors that no code caught, without their message, and lets the process go on. A rejection that no code handles
 * leaves nothing half done that others rely on; after a thrown error the process should end.
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
