/**
 * All streams of this process: which lists are followed, and when these are read from the database.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import { type Clock, pause, SYSTEM_CLOCK } from "../async/clock.ts";
import type { Config } from "../config.ts";
import { ApiError } from "../http/errors.ts";
import { type Presented, presenter } from "../http/presentation.ts";
import type { Health } from "../operations/health.ts";
import type { Log } from "../operations/log.ts";
import type { Metrics } from "../operations/metrics.ts";
import type { SharedPage, SharedReads } from "../store/shared_reads.ts";
import type { WriteEvents } from "../store/write_events.ts";
import type { VisitorReads } from "../store/visitor_store.ts";
import { Counts } from "./counts.ts";
import type { Present } from "./feed.ts";
import { Followed, keyOf, type ListSearch } from "./followed.ts";
import { Listener } from "./listener.ts";
import { Poll } from "./poll.ts";

/** The interval at which due pings, ends of streams and reads are started, in milliseconds. */
const TICK = 50;

/** The number of ticks over which reads that are due together are spread, so that requests need not wait for all. */
const SPREAD = 8;

/** The capacity of the cache of lists that no stream follows, in visitors and events. */
const MAX_IDLE = 3000;

/** How long after a write the written visitors are read, in milliseconds, so that further writes are read with it. */
const WRITES_DELAY = 200;

/** The most written visitors that are applied to each list; with more of them, reading the lists is less work. */
const MAX_WRITTEN = 200;

/** The longest lifetime of a stream, and the most that is subtracted at random, in milliseconds. */
const [LIFETIME, LIFETIME_SPREAD] = [30 * 60_000, 3 * 60_000];

/** The dependencies of the streams. */
export interface StreamParts {
  config: Pick<Config, "maxStreams"> & Presented;
  reads: SharedReads;
  /** A changed `version` shows that something was written. */
  store: Pick<VisitorReads, "version">;
  /** Reports the short ids of visitors that this process writes. */
  writes: WriteEvents;
  health: Health;
  metrics: Metrics;
  log: Log;
  clock?: Clock;
}

/** The streams of this process. */
export class Streams {
  #parts: StreamParts;
  #clock: Clock;
  #present: Present;
  #followed = new Map<string, Followed>();
  #idle = new LRUCache<string, Followed>({
    maxSize: MAX_IDLE,
    sizeCalculation: ({ size }) => size,
    dispose: (followed, _key, reason) => {
      if (reason === "evict") followed.isDropped = true;
    },
  });
  /** The short ids of visitors that this process wrote and has not read since. */
  #written = new Set<string>();
  #cancelReading = () => {};
  #noted = new WeakMap<SharedPage, Followed>();
  #listeners = new Set<Listener>();
  #counts: Counts;
  #countPoll: Poll;
  /** Stops the periodic work; `null` while no stream is open. */
  #stopWork: (() => void) | null = null;

  constructor(parts: StreamParts) {
    const { reads, writes, config, metrics, log, clock = SYSTEM_CLOCK } = parts;
    this.#parts = parts;
    this.#clock = clock;
    this.#present = presenter(config);
    this.#counts = new Counts(reads);
    this.#countPoll = new Poll(clock, log, async () => {
      if (await this.#counts.ask()) { for (const listener of this.#listeners) listener.update(); }
    });
    writes.listen((shortIds) => this.#noteWrites(shortIds));
    metrics.watchStreams(this.#listeners, this.#followed);
  }

  /**
   * Notes a result page that a client reads with `GET`.
   *
   * @returns the id from which a stream can resume
   */
  idOf(search: ListSearch, page: SharedPage): string {
    const noted = this.#noted.get(page);
    if (noted !== undefined && !noted.isDropped) {
      this.#idle.get(noted.key);
      return noted.idOf(page);
    }
    const followed = this.#list(search);
    const id = followed.idOf(page);
    this.#setIdle(followed);
    this.#noted.set(page, followed);
    return id;
  }

  /**
   * Reads the list that a stream is to follow, unless the last read is recent enough.
   *
   * @throws {ApiError} `stopping`, `too_many_streams`
   * @throws {StoreUnavailable} the list cannot be read
   */
  async find(search: ListSearch): Promise<{ page: SharedPage }> {
    this.#requireRoom();
    const followed = this.#list(search);
    await followed.poll.beRecent(() => this.#version());
    this.#setIdle(followed);
    return { page: followed.page };
  }

  /**
   * Opens a stream of a list that {@link find} just read.
   *
   * @param lastId the id of the state that the client has; `null` for none
   * @param maxLifetime the longest lifetime of the stream, in milliseconds
   * @throws {ApiError} `stopping`, `too_many_streams`
   */
  open(
    search: ListSearch,
    page: SharedPage,
    lastId: string | null,
    maxLifetime: number = LIFETIME,
  ): ReadableStream<Uint8Array<ArrayBuffer>> {
    this.#requireRoom();
    const followed = this.#list(search);
    followed.take(page);
    const listener = new Listener({
      feed: followed.feed,
      count: () => this.#counts.event,
      lastId,
      lifetime: Math.min(maxLifetime, LIFETIME - LIFETIME_SPREAD * Math.random()),
      now: this.#clock.now(),
      onEnd: (listener) => this.#forget(listener, followed),
    });
    followed.listeners.add(listener);
    this.#idle.delete(followed.key);
    this.#followed.set(followed.key, followed);
    this.#listeners.add(listener);
    this.#stopWork ??= this.#work();
    return listener.body;
  }

  /** Ends all streams, spread over `spread` milliseconds, so that their clients do not all reconnect at once. */
  async end(spread: number) {
    const listeners = [...this.#listeners];
    for (const [i, listener] of listeners.entries()) {
      this.#clock.after(spread * i / listeners.length, () => listener.end());
    }
    await pause(spread, this.#clock);
  }

  #requireRoom() {
    const { health, config } = this.#parts;
    if (health.isStopping) {
      throw new ApiError("stopping", "The server is about to stop.", { "Retry-After": "1" });
    }
    if (this.#listeners.size >= config.maxStreams) {
      throw new ApiError("too_many_streams", "As many streams are open as MAX_STREAMS allows.", {
        "Retry-After": "10",
      });
    }
  }

  #list(search: ListSearch): Followed {
    const key = keyOf(search);
    const known = this.#followed.get(key) ?? this.#idle.get(key);
    if (known !== undefined) return known;
    const followed = new Followed(
      search,
      (search) => this.#ask(search),
      this.#present,
      this.#clock,
      this.#parts.log,
    );
    this.#idle.set(key, followed);
    return followed;
  }

  async #ask({ query, limit, fallback }: ListSearch): Promise<SharedPage> {
    this.#parts.metrics.countPoll();
    return await this.#parts.reads.findCurrent(query, limit, null, fallback);
  }

  /** Caches a list without listeners. Called again for a cached list, since its size may have changed. */
  #setIdle(followed: Followed) {
    if (followed.listeners.size > 0) return;
    this.#idle.set(followed.key, followed);
    followed.isDropped = !this.#idle.has(followed.key);
  }

  #forget(listener: Listener, followed: Followed) {
    this.#listeners.delete(listener);
    followed.listeners.delete(listener);
    if (followed.listeners.size > 0) return;
    this.#followed.delete(followed.key);
    this.#setIdle(followed);
    if (this.#listeners.size > 0) return;
    this.#stopWork?.();
    this.#stopWork = null;
    this.#counts.forget();
    this.#countPoll.reset();
  }

  #noteWrites(shortIds: string[] | null) {
    if (this.#listeners.size === 0 || shortIds === null || shortIds.length === 0) return;
    const isAwaited = this.#written.size > 0;
    for (const shortId of shortIds) this.#written.add(shortId);
    if (isAwaited) return;
    const cancel = this.#clock.after(WRITES_DELAY, () => {
      // If this fails, the next reads of the lists find the same changes.
      this.#readWritten().catch(() => {});
    });
    this.#cancelReading = () => {
      cancel();
      this.#written.clear();
    };
  }

  /** Reads the visitors that this process wrote, and applies the changes to each list. */
  async #readWritten() {
    const { reads } = this.#parts;
    const shortIds = [...this.#written];
    this.#written.clear();
    if (this.#followed.size === 0 || shortIds.length > MAX_WRITTEN) return;
    const order = reads.nextOrder();
    const visitors = await Promise.all(shortIds.map((shortId) => reads.getVisitor(shortId)));
    for (const followed of this.#followed.values()) {
      for (const [i, shortId] of shortIds.entries()) {
        followed.apply({ shortId, visitor: visitors[i], order });
      }
    }
  }

  /**
   * Starts the periodic work: pings, ends of streams, and reads of lists and counts.
   *
   * @returns a function that stops the work
   */
  #work(): () => void {
    let hasEnded = false;
    let cancel = () => {};
    const tick = async () => {
      const now = this.#clock.now();
      for (const listener of this.#listeners) listener.passTime(now);
      const version = await this.#version().catch(() => undefined);
      if (hasEnded) return;
      const due = Array.from(this.#followed.values(), ({ poll }) => poll).filter((poll) =>
        poll.isDue(version)
      );
      // Polls that are due together are started in different ticks, and so are due at different times from then on.
      due.length = Math.min(due.length, Math.ceil(this.#followed.size / SPREAD));
      if (this.#countPoll.isDue(version)) due.push(this.#countPoll);
      // A poll logs its failures itself.
      for (const poll of due) poll.run(() => version).catch(() => {});
      cancel = this.#clock.after(TICK, () => void tick());
    };
    void tick();
    return () => {
      hasEnded = true;
      cancel();
      this.#cancelReading();
    };
  }

  async #version(): Promise<unknown> {
    return await this.#parts.store.version?.();
  }
}
