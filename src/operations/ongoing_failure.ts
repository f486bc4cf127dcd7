/**
 * A failure that goes on: it is told once, and not each time that something is tried again.
 *
 * @module
 */
import { StoreUnavailable } from "../store/visitor_store.ts";
import { describeFailure, type Log } from "./log.ts";

/** Tells of the failures of one piece of work. */
export class OngoingFailure {
  #log: Log;
  #what: string;
  #last = "";

  /** @param what what is not done then, such as "Visitors are not removed yet" */
  constructor(log: Log, what: string) {
    this.#log = log;
    this.#what = what;
  }

  /** Whether it failed the last time. */
  get goesOn(): boolean {
    return this.#last !== "";
  }

  /** It failed: a database that does not answer was foreseen, anything else is an error. */
  note(error: unknown) {
    const isForeseen = error instanceof StoreUnavailable;
    const reason = isForeseen ? error.message : "something went wrong";
    if (reason !== this.#last) {
      this.#log(
        `${this.#what}: ${reason}`,
        isForeseen ? "warning" : "error",
        isForeseen ? {} : describeFailure(error),
      );
    }
    this.#last = reason;
  }

  /** It did not fail. */
  end() {
    this.#last = "";
  }
}
