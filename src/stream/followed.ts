/**
 * A list with those who follow it.
 *
 * @module
 */
import type { Clock } from "../async/clock.ts";
import type { SearchQuery } from "../search/parse.ts";
import type { SharedPage } from "../store/shared_reads.ts";
import { Feed, type Present } from "./feed.ts";
import type { Listener } from "./listener.ts";
import { Poll } from "./poll.ts";

/** What distinguishes lists. */
export interface ListSearch {
  query: SearchQuery;
  /** The most visitors on the list. */
  limit: number;
  /** What is asked where nobody matches `query`. */
  fallback: SearchQuery | null;
}

/** A list that is followed, or that a stream may go on from. */
export class Followed {
  readonly key: string;
  readonly poll: Poll;
  readonly listeners = new Set<Listener>();
  /** Whether it was dropped, since too many others came. */
  isDropped = false;
  #present: Present;
  #feed: Feed | null = null;

  constructor(
    search: ListSearch,
    ask: (search: ListSearch) => Promise<SharedPage>,
    present: Present,
    clock: Clock,
  ) {
    this.key = keyOf(search);
    this.#present = present;
    this.poll = new Poll(clock, async () => void this.take(await ask(search)));
  }

  /** The list; `null` before it was read. */
  get feed(): Feed | null {
    return this.#feed;
  }

  /** How much is held, in visitors and events. */
  get size(): number {
    return this.#feed?.size ?? 1;
  }

  /**
   * Takes a result page of the list, and sends what changed.
   *
   * @returns the list
   */
  take(page: SharedPage): Feed {
    if (this.#feed === null) return this.#feed = new Feed(page, this.#present);
    if (this.#feed.advance(page)) {
      for (const listener of this.listeners) listener.update();
    }
    return this.#feed;
  }
}

/** The same for lists that do not differ. */
export function keyOf({ query, limit, fallback }: ListSearch): string {
  return JSON.stringify([query, limit, fallback]);
}
