/**
 * Which processes live: each tells that it does, and ends the connections of those that no longer do.
 *
 * @module
 */
import type { Log } from "../operations/log.ts";
import { OngoingFailure } from "../operations/ongoing_failure.ts";
import type { PresenceStore } from "../store/visitor_store.ts";

/** How often a process tells that it lives, in milliseconds. */
const INTERVAL = 5000;

/**
 * How long another process may be silent, in milliseconds of this one's clock: what hosts take for the time does not
 * matter.
 */
const PATIENCE = 30_000;

/** Connections that are ended at once: others are answered meanwhile. */
const MAX_ENDED = 500;

/** How a process is watched. */
export interface ProcessWatchOptions {
  store: PresenceStore;
  log: Log;
  /** Told when others took this process for dead and ended its connections, which it has still. */
  onForgotten: () => void;
  interval?: number;
  patience?: number;
}

/** Tells others of this process, and watches them. */
export class ProcessWatch {
  /** What this process is called. */
  readonly process = crypto.randomUUID();
  /** Whether others know of this process, so that its connections would be ended with it. */
  isKnown = false;
  #options: Required<ProcessWatchOptions>;
  #count = 0;
  /** What other processes told last, and when that was new. */
  #heard = new Map<string, { count: number; at: number }>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heartbeating: Promise<void> | null = null;
  #ending: Promise<void> | null = null;
  #isStopped = false;
  #failure: OngoingFailure;

  constructor(options: ProcessWatchOptions) {
    this.#options = { interval: INTERVAL, patience: PATIENCE, ...options };
    this.#failure = new OngoingFailure(options.log, "Cannot tell other processes of this one");
  }

  /** Begins to tell and to watch. */
  start() {
    void this.#work();
  }

  /** From now on this process is silent: others end those connections that have not come back to one of them. */
  async stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await Promise.all([this.#heartbeating, this.#ending]);
  }

  async #work() {
    this.#heartbeating = this.#reported(() => this.heartbeat());
    await this.#heartbeating;
    // Beside it, since many connections take a while, and others must hear of this process meanwhile.
    this.#ending ??= this.#reported(() => this.#endSilent()).finally(() => this.#ending = null);
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#work(), this.#options.interval);
  }

  async #reported(work: () => Promise<void>) {
    try {
      await work();
      this.#failure.end();
    } catch (error) {
      // While nobody can tell anything, nobody is silent.
      this.#heard.clear();
      this.#failure.note(error);
    }
  }

  /**
   * Sends one heartbeat.
   *
   * @throws {StoreUnavailable} nobody heard
   */
  async heartbeat() {
    const { isNew, counts } = await this.#options.store.heartbeat(this.process, ++this.#count);
    if (isNew && this.isKnown) this.#options.onForgotten();
    this.isKnown = true;
    const now = performance.now();
    const before = this.#heard;
    this.#heard = new Map();
    for (const [process, count] of counts) {
      const last = before.get(process);
      if (process !== this.process) {
        this.#heard.set(process, last?.count === count ? last : { count, at: now });
      }
    }
  }

  async #endSilent() {
    const since = performance.now() - this.#options.patience;
    const silent = [...this.#heard].filter(([, { at }]) => at < since);
    for (const [process] of silent) await this.#end(process);
  }

  async #end(process: string) {
    const { store, log } = this.#options;
    let ended = 0;
    for (let some = 1; some > 0 && !this.#isStopped; ended += some) {
      some = await store.endConnections(process, MAX_ENDED);
    }
    if (this.#isStopped) return;
    await store.forgetProcess(process);
    this.#heard.delete(process);
    log(`Another process ended, and ${ended} visitors' connections with it`, "warning");
  }
}
