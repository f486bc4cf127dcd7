/**
 * A list and its latest changes, of which each is encoded once for all who follow the list.
 *
 * @module
 */
import { nanoid } from "nanoid";
import type { SharedPage } from "../store/shared_reads.ts";
import { asciiJson } from "../visitor/ascii_json.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { comparePositions, type Position } from "../visitor/list_order.ts";
import { bytesOf, eventText } from "./events.ts";

/** Changes of short lists are remembered up to this number of events. */
const MIN_REMEMBERED = 100;

/** Makes a visitor's JSON as clients receive it, on one line. */
export type Present = (visitor: EncodedVisitor) => string;

/** A visitor on the list. */
interface Entry {
  visitor: EncodedVisitor;
  shortId: string;
  json: string;
  /** Its sort key as a client sees it, made when first asked for. */
  position: Position | undefined;
}

/** The changes between one state of the list and the next. */
interface Batch {
  /** The number of the state that it leads to. */
  sequence: number;
  events: number;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A list that changes. Its states are numbered, and named by an id that no other list and no other process gives. */
export class Feed {
  #epoch = nanoid(12);
  #present: Present;
  #page: SharedPage;
  #entries: Entry[] = [];
  /** By short id. */
  #byId = new Map<string, Entry>();
  #sequence = 1;
  /** The latest changes, the oldest first. */
  #batches: Batch[] = [];
  #remembered = 0;
  /** The state after which all changes are remembered. */
  #floor = 1;
  #list: Uint8Array<ArrayBuffer> | null = null;

  constructor(page: SharedPage, present: Present) {
    this.#present = present;
    this.#page = page;
    this.#entries = this.#entriesOf(page);
    this.#byId = new Map(this.#entries.map((entry) => [entry.shortId, entry]));
  }

  /** The newest result page that is known. */
  get page(): SharedPage {
    return this.#page;
  }

  /** The number of the current state. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The id of the current state, by which a stream goes on after it. */
  get id(): string {
    return `${this.#epoch}:${this.#sequence}`;
  }

  /** How much is held, in visitors and events. */
  get size(): number {
    return this.#entries.length + this.#remembered + 1;
  }

  /**
   * Takes a result page of the list, unless it is older than the one that is known.
   *
   * @returns whether the list changed
   */
  advance(page: SharedPage): boolean {
    if (page.order <= this.#page.order) return false;
    this.#page = page;
    const entries = this.#entriesOf(page);
    const byId = new Map(entries.map((entry) => [entry.shortId, entry]));
    const gone = this.#entries.filter(({ shortId }) => !byId.has(shortId));
    const changed = entries.filter(({ shortId, json }) => this.#byId.get(shortId)?.json !== json);
    const before = this.#entries;
    this.#entries = entries;
    this.#byId = byId;
    const isReordered = gone.length + changed.length === 0 &&
      entries.some(({ shortId }, i) => before[i].shortId !== shortId);
    if (gone.length + changed.length === 0 && !isReordered) return false;
    this.#sequence++;
    this.#list = null;
    if (isReordered || !isInVisibleOrder(entries)) this.#forget();
    else this.#remember(gone, changed);
    return true;
  }

  /** The number of a state by its id; `null` where it is none of this feed's. */
  sequenceOf(id: string): number | null {
    const [epoch, sequence] = id.split(":");
    return epoch === this.#epoch && /^\d{1,15}$/.test(sequence) ? Number(sequence) : null;
  }

  /** The changes since a state, encoded; `null` where they are not remembered: then the whole list is sent. */
  since(sequence: number): Uint8Array<ArrayBuffer>[] | null {
    if (sequence < this.#floor || sequence > this.#sequence) return null;
    return this.#batches.filter((batch) => batch.sequence > sequence).map(({ bytes }) => bytes);
  }

  /** The event that holds the whole list. */
  get list(): Uint8Array<ArrayBuffer> {
    return this.#list ??= bytesOf(
      eventText("list", `{"visitors":[${this.#entries.map(({ json }) => json).join(",")}]}`, this.id),
    );
  }

  #remember(gone: Entry[], changed: Entry[]) {
    const events: [name: string, data: string][] = [
      ...gone.map(({ shortId }): [string, string] => ["gone", asciiJson({ short_id: shortId })]),
      ...changed.map(({ json }): [string, string] => ["visitor", json]),
    ];
    // The last event alone has the id: whoever received only some of them goes on before the first.
    const last = events.length - 1;
    const text = events.map(([name, data], i) => eventText(name, data, i === last ? this.id : undefined));
    this.#batches.push({ sequence: this.#sequence, events: events.length, bytes: bytesOf(text.join("")) });
    this.#remembered += events.length;
    // More than the list has visitors are no shorter than the list.
    const most = Math.max(MIN_REMEMBERED, this.#entries.length);
    while (this.#remembered > most) {
      const oldest = this.#batches.shift()!;
      this.#remembered -= oldest.events;
      this.#floor = oldest.sequence;
    }
  }

  /** Has everybody get the whole list. */
  #forget() {
    this.#batches = [];
    this.#remembered = 0;
    this.#floor = this.#sequence;
  }

  /** A short id that a collection repeats counts once, the first in list order. */
  #entriesOf({ visitors }: SharedPage): Entry[] {
    const entries = new Map<string, Entry>();
    for (const visitor of visitors) {
      const { shortId } = visitor;
      if (entries.has(shortId)) continue;
      const before = this.#byId.get(shortId);
      const json = before?.visitor === visitor ? before.json : this.#present(visitor);
      entries.set(shortId, {
        visitor,
        shortId,
        json,
        position: before?.json === json ? before.position : undefined,
      });
    }
    return [...entries.values()];
  }
}

/**
 * Whether a client can put the visitors in order by what it receives of them. It cannot where `last_seen_at` is hidden,
 * or other software stores it as a text, which lists have last.
 */
function isInVisibleOrder(entries: Entry[]): boolean {
  const positions = entries.map((entry) => entry.position ??= visiblePosition(entry.json));
  return positions.every((position, i) => i === 0 || comparePositions(positions[i - 1], position) <= 0);
}

function visiblePosition(json: string): Position {
  const { is_online = false, last_seen_at = null, short_id } = JSON.parse(json);
  return {
    online: is_online,
    lastSeenAt: last_seen_at === null ? null : Date.parse(last_seen_at),
    shortId: short_id,
    tie: null,
  };
}
