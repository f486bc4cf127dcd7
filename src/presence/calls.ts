/**
 * Visitors who wait for a call. Their web pages are sent the state that the database holds, whoever wrote it.
 *
 * @module
 */
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import type { CallState } from "../visitor/visitor_state.ts";
import type { ServerMessage } from "./messages.ts";

/**
 * How often waiting visitors are read, in milliseconds. Agents, sessions and other software end a wait by a write to
 * the database, of which this process receives no event.
 */
const INTERVAL = 2000;

/** The most waiting visitors who are read per interval; if more wait, they are read in turn. */
const MAX_READ = 500;

/** The state of a visitor who does not wait for a call. */
export const NO_CALL: CallState = { isWaiting: false, since: null };

interface Page {
  send(message: ServerMessage): void;
}

/** A visitor with its web pages, and the state of its call that was last sent to them. */
interface Caller {
  pages: Iterable<Page>;
  call: CallState;
}

/** The calls that visitors of this process wait for. */
export class Calls<V extends Caller> {
  #waiting = new Set<V>();
  #look: (visitor: V) => void;
  #clock: Clock;
  #cancelLook: (() => void) | null = null;

  /** @param look asks the database whether a visitor still waits, and passes the answer to {@link note} */
  constructor(look: (visitor: V) => void, clock: Clock = SYSTEM_CLOCK) {
    this.#look = look;
    this.#clock = clock;
  }

  /**
   * Records what the database says, and sends it to the visitor's web pages if it changed.
   *
   * @param isAsked whether a web page expects an answer, so that an unchanged state is sent as well
   */
  note(visitor: V, call: CallState, isAsked: boolean) {
    const { isWaiting, since } = visitor.call;
    visitor.call = call;
    if (call.isWaiting) this.#waiting.add(visitor);
    else this.#waiting.delete(visitor);
    if (isAsked || call.isWaiting !== isWaiting || call.since !== since) this.send(visitor, visitor.pages);
    this.#schedule();
  }

  /** Tells web pages whether their visitor waits for a call. */
  send({ call }: V, pages: Iterable<Page>) {
    for (const page of pages) page.send({ type: "call", is_waiting: call.isWaiting, since: call.since });
  }

  /** Stops reading a visitor who has left. */
  forget(visitor: V) {
    this.#waiting.delete(visitor);
  }

  close() {
    this.#cancelLook?.();
  }

  #schedule() {
    if (this.#cancelLook !== null || this.#waiting.size === 0) return;
    this.#cancelLook = this.#clock.after(INTERVAL, () => {
      this.#cancelLook = null;
      for (const visitor of [...this.#waiting].slice(0, MAX_READ)) {
        this.#waiting.delete(visitor);
        this.#waiting.add(visitor);
        this.#look(visitor);
      }
      this.#schedule();
    });
  }
}
