/**
 * A failure that goes on: it is logged once, and not at every attempt.
 *
 * @module
 */
import { StoreUnavailable } from "../store/visitor_store.ts";
import { describeFailure, type Log } from "./log.ts";

/** Logs the failures of one piece of work. */
export class OngoingFailure {
  #log: Log;
  #what: string;
  #last = "";

  /** @param what names what is not done, such as "Visitors are not removed yet" */
  constructor(log: Log, what: string) {
    this.#log = log;
    this.#what = what;
  }

  /** Whether it failed the last time. */
  get goesOn(): boolean {
    return this.#last !== "";
  }

  /** Records a failure: a database that does not answer is a warning, anything else an error. */
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

  /** Records a success. */
  end() {
    this.#last = "";
  }
}
