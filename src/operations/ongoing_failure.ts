/**
 * A failure that persists over several attempts: it is logged once, not at each attempt.
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

  /** @param what the log's sentence, such as "Visitors are not removed yet"; the reason is appended */
  constructor(log: Log, what: string) {
    this.#log = log;
    this.#what = what;
  }

  /** Whether the last attempt failed. */
  get goesOn(): boolean {
    return this.#last !== "";
  }

  /** Records a failed attempt. Logs a new reason: a warning if the database does not answer, otherwise an error. */
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

  /** Records a successful attempt. */
  end() {
    this.#last = "";
  }
}
