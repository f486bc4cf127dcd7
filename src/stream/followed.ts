/**
 * A list with the streams that follow it.
 *
 * @module
 */
import type { Clock } from "../async/clock.ts";
import type { Log } from "../operations/log.ts";
import type { SearchQuery } from "../search/parse.ts";
import type { SharedPage } from "../store/shared_reads.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { Feed, type Present } from "./feed.ts";
import type { Listener } from "./listener.ts";
import { type OwnChange, withChange } from "./own_change.ts";
import { Poll } from "./poll.ts";

/** The parameters that distinguish one list from another. */
export interface ListSearch {
  query: SearchQuery;
  /** The most visitors on the list. */
  limit: number;
  /** The query that is used if nobody matches `query`; `null` for none. */
  fallback: SearchQuery | null;
}

/** A list that is followed, or from which a stream can resume. */
export class Followed {
  readonly key: string;
  readonly poll: Poll;
  readonly listeners = new Set<Listener>();
  /** Whether it was evicted from the cache of idle lists. */
  isDropped = false;
  #search: ListSearch;
  #present: Present;
  /** The newest result page. */
  #page: SharedPage | null = null;
  #feed: Feed | null = null;
  /** The writes of this process since the newest result page was requested. */
  #ownChanges: OwnChange[] = [];
  /** The ids given to result pages that clients have read. */
  #ids = new WeakMap<SharedPage, string>();

  constructor(
    search: ListSearch,
    ask: (search: ListSearch) => Promise<SharedPage>,
    present: Present,
    clock: Clock,
    log: Log,
  ) {
    this.key = keyOf(search);
    this.#search = search;
    this.#present = present;
    this.poll = new Poll(clock, log, async () => this.take(await ask(search)));
  }

  /** The list. Available only after the first read. */
  get feed(): Feed {
    return this.#feed!;
  }

  /** The newest result page. Available only after the first read. */
  get page(): SharedPage {
    return this.#page!;
  }

  /** The memory cost, in visitors and events. */
  get size(): number {
    return this.#feed?.size ?? 1;
  }

  /** Moves the list on to a result page, unless a newer one is known, and sends the changes to the listeners. */
  take(page: SharedPage) {
    if (this.#page !== null && page.order <= this.#page.order) return;
    this.#page = page;
    this.#ownChanges = this.#ownChanges.filter(({ order }) => order > page.order);
    const visitors = this.#ownChanges.reduce((list, change) => this.#withChange(list, change), page.visitors);
    if (this.#feed === null) this.#feed = new Feed(visitors, this.#present);
    else this.#advance(visitors);
  }

  /**
   * Notes a result page that a client reads with `GET`.
   *
   * @returns the id from which a stream can resume
   */
  idOf(page: SharedPage): string {
    let id = this.#ids.get(page);
    if (id === undefined) {
      if (this.#page === null || page.order > this.#page.order) {
        this.take(page);
        this.poll.note();
      }
      const isCurrent = page === this.#page && this.#ownChanges.length === 0;
      this.#ids.set(page, id = isCurrent ? this.feed.id : this.feed.idOf(page.visitors));
    }
    return id;
  }

  /** Applies a write of this process, and sends the changes. Where the effect is uncertain, the next read shows it. */
  apply(change: OwnChange) {
    if (this.#feed === null || change.order < this.page.order || !this.#feed.isInOrder) return;
    this.#ownChanges.push(change);
    this.#advance(this.#withChange(this.#feed.visitors, change));
  }

  #withChange(visitors: EncodedVisitor[], change: OwnChange): EncodedVisitor[] {
    const { isFallback, next } = this.page;
    // The list has visitors one typo away; a single exact match would replace them all.
    return isFallback ? visitors : withChange(visitors, change, this.#search, next === null);
  }

  #advance(visitors: EncodedVisitor[]) {
    if (!this.feed.advance(visitors)) return;
    for (const listener of this.listeners) listener.update();
  }
}

/** A map key, equal for equal searches. */
export function keyOf({ query, limit, fallback }: ListSearch): string {
  return JSON.stringify([query, limit, fallback]);
}
