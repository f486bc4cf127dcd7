/**
 * Who waits for a call: web pages receive what the database says of their visitor, whoever wrote it.
 *
 * @module
 */
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import type { CallState } from "../visitor/visitor_state.ts";
import type { ServerMessage } from "./messages.ts";

/**
 * How often waiting visitors are read, in milliseconds: agents, sessions and other software end a wait through
 * the database alone.
 */
const INTERVAL = 2000;

/** The most waiting visitors who are read at a time; where more wait, each has its turn. */
const MAX_READ = 500;

/** A visitor who does not wait. */
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

  /** @param look asks the database whether a visitor still waits, which {@link note} then receives */
  constructor(look: (visitor: V) => void, clock: Clock = SYSTEM_CLOCK) {
    this.#look = look;
    this.#clock = clock;
  }

  /**
   * Records what the database says, and sends it to the visitor's web pages if it changed.
   *
   * @param isAsked whether a web page waits for an answer, even for the same one
   */
  note(visitor: V, call: CallState, isAsked: boolean) {
    const { isWaiting, since } = visitor.call;
    visitor.call = call;
    if (call.isWaiting) this.#waiting.add(visitor);
    else this.#waiting.delete(visitor);
    if (isAsked || call.isWaiting !== isWaiting || call.since !== since) this.tell(visitor, visitor.pages);
    this.#schedule();
  }

  /** Sends web pages whether their visitor waits. */
  tell({ call }: V, pages: Iterable<Page>) {
    for (const page of pages) page.send({ type: "call", is_waiting: call.isWaiting, since: call.since });
  }

  /** Looks no more at a visitor who has left. */
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
