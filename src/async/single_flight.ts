/**
 * Single flight: callers that ask for the same work at the same time share one run of it.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { type Clock, SYSTEM_CLOCK } from "./clock.ts";
import { within } from "./deadline.ts";

/**
 * How long callers wait for an earlier run to end, in milliseconds. After that the next run begins beside it, so that
 * nobody waits for two runs of slow work.
 */
const PATIENCE = 250;

/**
 * Coalesces concurrent calls: callers that arrive during a run share the next run, which begins when the current one ends
 * or after {@link PATIENCE}, whichever comes first.
 */
export class SingleFlight<T> {
  #work: () => Promise<T>;
  #onIdle: () => void;
  #clock: Clock;
  /** The run that began last, while it is running. */
  #running: Promise<T> | null = null;
  /** The run that will begin next. */
  #next: Promise<T> | null = null;

  /** @param onIdle called when a run ends and no further run is due */
  constructor(work: () => Promise<T>, onIdle: () => void = () => {}, clock: Clock = SYSTEM_CLOCK) {
    this.#clock = clock;
    this.#work = work;
    this.#onIdle = onIdle;
  }

  /** Whether nothing is running. */
  get isIdle(): boolean {
    return this.#running === null;
  }

  /** The result of a run that begins now or later, so that it is not older than the call. Rejects as the run does. */
  run(): Promise<T> {
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#start();
    return this.#next = within(PATIENCE, this.#running.catch(() => {}), this.#clock).then(() => {
      this.#next = null;
      return this.#start();
    });
  }

  /** The result of the current run, or of one that begins now if there is none. */
  joinRunning(): Promise<T> {
    return this.#running ?? this.run();
  }

  #start(): Promise<T> {
    const run = this.#work();
    this.#running = run;
    const end = () => {
      if (this.#running !== run) return;
      this.#running = null;
      if (this.#next === null) this.#onIdle();
    };
    run.then(end, end);
    return run;
  }
}

/**
 * As {@link SingleFlight}, for work that answers many questions at once: one run answers all questions of one turn of the
 * event loop, or all that arrive during the run before.
 */
export class BatchedFlight<Question, Answer> {
  #work: (questions: Question[]) => Promise<Answer[]>;
  #clock: Clock;
  #questions: Question[] = [];
  #running: Promise<Answer[]> = Promise.resolve([]);
  #next: Promise<Answer[]> | null = null;

  /** @param work answers questions, in their order */
  constructor(work: (questions: Question[]) => Promise<Answer[]>, clock: Clock = SYSTEM_CLOCK) {
    this.#clock = clock;
    this.#work = work;
  }

  /** The answer to a question, from a run that begins later. Rejects as the run does. */
  async ask(question: Question): Promise<Answer> {
    const index = this.#questions.push(question) - 1;
    this.#next ??= this.#start();
    return (await this.#next)[index];
  }

  async #start(): Promise<Answer[]> {
    await new Promise((resolve) => setImmediate(resolve));
    await within(PATIENCE, this.#running.catch(() => {}), this.#clock);
    this.#next = null;
    this.#running = this.#work(this.#questions.splice(0));
    return await this.#running;
  }
}
