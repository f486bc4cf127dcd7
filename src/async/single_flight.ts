/**
 * Work that is done once for everybody who asks for it meanwhile.
 *
 * @module
 */

/** Runs one piece of work after another, never two at a time. */
export class SharedRun<T> {
  #work: () => Promise<T>;
  #whenIdle: () => void;
  #running: Promise<T> | null = null;
  #next: Promise<T> | null = null;

  /** @param whenIdle told when a run ends for whose successor nobody waits */
  constructor(work: () => Promise<T>, whenIdle: () => void = () => {}) {
    this.#work = work;
    this.#whenIdle = whenIdle;
  }

  /** Whether nothing runs. */
  get isIdle(): boolean {
    return this.#running === null;
  }

  /**
   * The result of a run that begins now or later, so that it is never older than the question.
   *
   * @param mayBeUnderWay whether one that has begun will do as well
   */
  run(mayBeUnderWay = false): Promise<T> {
    if (mayBeUnderWay && this.#running !== null) return this.#running;
    if (this.#next !== null) return this.#next;
    if (this.#running === null) return this.#start();
    return this.#next = this.#running.then(() => {}, () => {}).then(() => {
      this.#next = null;
      return this.#start();
    });
  }

  #start(): Promise<T> {
    const running = this.#work();
    this.#running = running;
    const end = () => {
      this.#running = null;
      if (this.#next === null) this.#whenIdle();
    };
    running.then(end, end);
    return running;
  }
}

/** As {@link SharedRun}, for work that answers many questions at once. */
export class SharedBatch<Q, A> {
  #asked: Q[] = [];
  #runs: SharedRun<A[]>;

  /** @param work answers questions, in their order */
  constructor(work: (questions: Q[]) => Promise<A[]>) {
    this.#runs = new SharedRun(() => work(this.#asked.splice(0)));
  }

  /** The answer to a question, of a run that begins now or later. */
  async ask(question: Q): Promise<A> {
    const index = this.#asked.push(question) - 1;
    return (await this.#runs.run())[index];
  }
}
