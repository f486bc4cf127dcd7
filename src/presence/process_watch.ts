/**
 * Failure detection between processes: each process sends heartbeats, and ends the connections of processes that
 * stopped sending them.
 *
 * @module
 */
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import type { Log } from "../operations/log.ts";
import { OngoingFailure } from "../operations/ongoing_failure.ts";
import type { PresenceStore } from "../store/visitor_store.ts";

/** The pause between two heartbeats, in milliseconds. */
const INTERVAL = 5000;

/**
 * How long another process may be silent before it counts as dead, in milliseconds. Only this process's clock measures
 * the time, so that clock differences between hosts do not matter.
 */
const PATIENCE = 30_000;

/** The least time between two searches for connections of unregistered processes, in milliseconds. */
const LOOK_INTERVAL = 15_000;

/** The most visitors whose connections one write ends, so that other writes need not wait for long. */
const MAX_ENDED = 500;

/** Receives the events of the process watch. */
export interface ProcessWatchListener {
  /** Another process considered this one dead and ended its connections: they must be written again. */
  onConnectionsEnded(): void;
}

/** The dependencies and settings of {@link ProcessWatch}. */
export interface ProcessWatchOptions {
  store: PresenceStore;
  log: Log;
  /** The pause between two heartbeats, in milliseconds. */
  interval?: number;
  /** How long another process may be silent before it counts as dead, in milliseconds. */
  patience?: number;
  clock?: Clock;
}

/** Sends the heartbeats of this process, and watches the heartbeats of the others. */
export class ProcessWatch {
  /** The id of this process. */
  readonly process = crypto.randomUUID();
  #isRegistered = false;
  #options: Required<ProcessWatchOptions>;
  #listeners = new Set<ProcessWatchListener>();
  #count = 0;
  /** The last heartbeat count of each other process, and when that count was first seen. */
  #others = new Map<string, { count: number; since: number }>();
  #lookedAt = -Infinity;
  #cancelNext = () => {};
  #heartbeating: Promise<void> | null = null;
  #ending: Promise<void> | null = null;
  #isStopped = false;
  #failure: OngoingFailure;

  constructor(options: ProcessWatchOptions) {
    this.#options = { interval: INTERVAL, patience: PATIENCE, clock: SYSTEM_CLOCK, ...options };
    this.#failure = new OngoingFailure(options.log, "Cannot send a heartbeat to the other processes");
  }

  /** Whether this process is registered, so that the others would end its connections after a crash. */
  get isRegistered(): boolean {
    return this.#isRegistered;
  }

  /** Adds a listener. */
  subscribe(listener: ProcessWatchListener) {
    this.#listeners.add(listener);
  }

  /** Starts sending heartbeats and watching. */
  start() {
    void this.#work();
  }

  /** Stops the heartbeats. The other processes later end the connections of web pages that have not reconnected. */
  async stop() {
    this.#isStopped = true;
    this.#cancelNext();
    await Promise.all([this.#heartbeating, this.#ending]);
  }

  async #work() {
    this.#heartbeating = this.#reported(() => this.heartbeat());
    await this.#heartbeating;
    if (this.#isStopped) return;
    // Not awaited: ending many connections takes a while, and the next heartbeat must not be late.
    this.#ending ??= this.#reported(() => this.#endSilent()).finally(() => this.#ending = null);
    this.#cancelNext = this.#options.clock.after(this.#options.interval, () => void this.#work());
  }

  async #reported(work: () => Promise<void>) {
    try {
      await work();
      this.#failure.end();
    } catch (error) {
      // While heartbeats cannot be read, no process counts as silent.
      this.#others.clear();
      this.#failure.note(error);
    }
  }

  /**
   * Sends one heartbeat.
   *
   * @throws {StoreUnavailable} the heartbeat could not be sent
   */
  async heartbeat() {
    const { store, clock } = this.#options;
    const { isNew, counts } = await store.heartbeat(this.process, ++this.#count);
    if (isNew && this.#isRegistered) {
      for (const listener of this.#listeners) listener.onConnectionsEnded();
    }
    this.#isRegistered = true;
    const now = clock.now();
    const before = this.#others;
    this.#others = new Map();
    for (const [process, count] of counts) {
      if (process === this.process) continue;
      const last = before.get(process);
      this.#others.set(process, last?.count === count ? last : { count, since: now });
    }
  }

  async #endSilent() {
    const { clock, patience } = this.#options;
    const latest = clock.now() - patience;
    const silent = [...this.#others].filter(([, { since }]) => since < latest);
    for (const [process] of silent) await this.#end(process);
    if (clock.now() - this.#lookedAt < LOOK_INTERVAL) return;
    await this.#endUnknown();
    this.#lookedAt = clock.now();
  }

  /** Ends connections to processes that are not registered; a restored backup may contain such connections. */
  async #endUnknown() {
    const { store } = this.#options;
    const isUnknown = (process: string) => process !== this.process && !this.#others.has(process);
    let unknown = (await store.connectedProcesses()).filter(isUnknown);
    if (unknown.length === 0) return;
    // New processes may have appeared meanwhile; each registers before its first connection is recorded.
    await this.heartbeat();
    unknown = unknown.filter(isUnknown);
    for (const process of unknown) await this.#end(process);
  }

  async #end(process: string) {
    const { store, log } = this.#options;
    let ended = 0;
    for (let some = 1; some > 0 && !this.#isStopped; ended += some) {
      some = await store.endConnections(process, MAX_ENDED);
    }
    if (this.#isStopped) return;
    await store.forgetProcess(process);
    const wasRegistered = this.#others.delete(process);
    if (wasRegistered || ended > 0) {
      log(
        `Another process sends no heartbeats any more: ended ${ended} visitors' connections to it`,
        "warning",
      );
    }
  }
}
