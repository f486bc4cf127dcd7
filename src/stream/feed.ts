/**
 * A list and its latest changes, of which each is encoded once for all who follow the list.
 *
 * @module
 */
import { nanoid } from "nanoid";
import { asciiJson } from "../visitor/ascii_json.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { comparePositions, type Position } from "../visitor/list_order.ts";
import { type Chunks, chunksOf, eventText } from "./events.ts";

/** Changes of short lists are remembered up to this number of events. */
const MIN_REMEMBERED = 100;

/** Makes a visitor's JSON as clients receive it, on one line. */
export type Present = (visitor: EncodedVisitor) => string;

/** A visitor on the list. */
interface Entry {
  visitor: EncodedVisitor;
  shortId: string;
  json: string;
  /** Made when first asked for. */
  position: Position | undefined;
}

/** The changes between one state of the list and the next. */
interface Batch {
  /** The number of the state that it leads to. */
  sequence: number;
  events: number;
  chunks: Chunks;
}

/** The most snapshots of one list that are remembered. */
const MAX_SNAPSHOTS = 8;

/** A list that changes. Its states are numbered, and named by an id that no other list and no other process gives. */
export class Feed {
  #epoch = nanoid(12);
  #present: Present;
  /** By short id, in list order. */
  #entries: Map<string, Entry> = new Map();
  #sequence = 1;
  /** The latest changes, the oldest first. */
  #batches: Batch[] = [];
  #remembered = 0;
  /** The state after which all changes are remembered. */
  #floor = 1;
  #list: Chunks | null = null;
  /** Whether a client can put the visitors in order; `null` before somebody asks. */
  #isInOrder: boolean | null = null;
  /** Snapshots by their ids: lists that clients have read, and that never were the current one. */
  #snapshots = new Map<string, Map<string, Entry>>();

  constructor(visitors: EncodedVisitor[], present: Present) {
    this.#present = present;
    this.#entries = this.#entriesOf(visitors);
  }

  /** In list order. */
  get visitors(): EncodedVisitor[] {
    return Array.from(this.#entries.values(), ({ visitor }) => visitor);
  }

  /** The number of the current state. */
  get sequence(): number {
    return this.#sequence;
  }

  /** The id of the current state, from which a client can resume. */
  get id(): string {
    return `${this.#epoch}:${this.#sequence}`;
  }

  /** How much is held, in visitors and events. */
  get size(): number {
    return this.#entries.size * (1 + this.#snapshots.size) + this.#remembered + 1;
  }

  /**
   * Whether a client can put the visitors in order by what it receives of them. It cannot where `last_seen_at` is
   * hidden, or other software stores it as a text, which lists have last.
   */
  get isInOrder(): boolean {
    return this.#isInOrder ??= isInOrder([...this.#entries.values()]);
  }

  /**
   * Takes the list as it is now.
   *
   * @returns whether it changed
   */
  advance(visitors: EncodedVisitor[]): boolean {
    const before = this.#entries;
    const entries = this.#entriesOf(visitors);
    this.#entries = entries;
    const changes = changesBetween(before, entries);
    if (isSame(changes)) return false;
    this.#sequence++;
    this.#list = null;
    this.#isInOrder = null;
    if (changes.isReordered || !this.isInOrder) this.#forget();
    else this.#remember(changes);
    return true;
  }

  /** The id of a list that a client reads, which may be another one than the current. */
  idOf(visitors: EncodedVisitor[]): string {
    const entries = this.#entriesOf(visitors);
    if (isSame(changesBetween(entries, this.#entries))) return this.id;
    const id = `${this.#epoch}:${nanoid(8)}`;
    this.#snapshots.set(id, entries);
    if (this.#snapshots.size > MAX_SNAPSHOTS) this.#snapshots.delete(this.#snapshots.keys().next().value!);
    return id;
  }

  /**
   * The events that bring a client to the current state.
   *
   * @param id of the state that it has
   */
  catchUp(id: string): Chunks {
    const snapshot = this.#snapshots.get(id);
    if (snapshot === undefined) return this.since(this.#sequenceOf(id));
    const changes = changesBetween(snapshot, this.#entries);
    if (isSame(changes)) return [];
    return changes.isReordered || !this.isInOrder ? this.list : this.#encode(changes);
  }

  /** The number of a state by its id; `null` where it is none of this feed's. */
  #sequenceOf(id: string): number | null {
    const [, epoch, sequence] = /^([\w-]+):([0-9]{1,15})$/.exec(id) ?? [];
    return epoch === this.#epoch ? Number(sequence) : null;
  }

  /** The changes since a state, encoded; the whole list where they are not remembered, or `null` is given. */
  since(sequence: number | null): Chunks {
    if (sequence === null || sequence < this.#floor || sequence > this.#sequence) return this.list;
    return this.#batches.filter((batch) => batch.sequence > sequence).flatMap(({ chunks }) => chunks);
  }

  /** The event that holds the whole list. */
  get list(): Chunks {
    return this.#list ??= chunksOf(
      eventText(
        "list",
        `{"visitors":[${Array.from(this.#entries.values(), ({ json }) => json).join(",")}]}`,
        this.id,
      ),
    );
  }

  #remember(changes: Changes) {
    const events = changes.gone.length + changes.changed.length;
    this.#batches.push({ sequence: this.#sequence, events, chunks: this.#encode(changes) });
    this.#remembered += events;
    // More changes than the list has visitors would be no shorter than the list.
    const most = Math.max(MIN_REMEMBERED, this.#entries.size);
    while (this.#remembered > most) {
      const oldest = this.#batches.shift()!;
      this.#remembered -= oldest.events;
      this.#floor = oldest.sequence;
    }
  }

  #encode({ gone, changed }: Changes): Chunks {
    const events: [name: string, data: string][] = [
      ...gone.map(({ shortId }): [string, string] => ["gone", asciiJson({ short_id: shortId })]),
      ...changed.map(({ json }): [string, string] => ["visitor", json]),
    ];
    // The last event alone has the id, so that a client that received only some of them resumes before the first.
    const last = events.length - 1;
    const text = events.map(([name, data], i) => eventText(name, data, i === last ? this.id : undefined));
    return chunksOf(text.join(""));
  }

  /** Forgets all changes, so that every client gets the whole list. */
  #forget() {
    this.#batches = [];
    this.#remembered = 0;
    this.#floor = this.#sequence;
  }

  /** A short id that a collection repeats counts once, the first in list order. */
  #entriesOf(visitors: EncodedVisitor[]): Map<string, Entry> {
    const entries = new Map<string, Entry>();
    for (const visitor of visitors) {
      const { shortId } = visitor;
      if (entries.has(shortId)) continue;
      const before = this.#entries.get(shortId);
      const json = before?.visitor === visitor ? before.json : this.#present(visitor);
      const position = before?.json === json ? before.position : undefined;
      entries.set(shortId, { visitor, shortId, json, position });
    }
    return entries;
  }
}

/** How two states of a list differ. */
interface Changes {
  gone: Entry[];
  /** Visitors who are new on the list, or have changed. */
  changed: Entry[];
  /** Whether the same visitors are in another order. */
  isReordered: boolean;
}

function changesBetween(before: Map<string, Entry>, after: Map<string, Entry>): Changes {
  const gone = [...before.values()].filter(({ shortId }) => !after.has(shortId));
  const changed = [...after.values()].filter(({ shortId, json }) => before.get(shortId)?.json !== json);
  const order = before.keys();
  const isReordered = gone.length + changed.length === 0 &&
    [...after.keys()].some((shortId) => order.next().value !== shortId);
  return { gone, changed, isReordered };
}

function isSame({ gone, changed, isReordered }: Changes): boolean {
  return gone.length + changed.length === 0 && !isReordered;
}

function isInOrder(entries: Entry[]): boolean {
  const positions = entries.map((entry) => entry.position ??= visiblePosition(entry.json));
  return positions.every((position, i) => i === 0 || comparePositions(positions[i - 1], position) <= 0);
}

/** A visitor's sort key as a client sees it. */
function visiblePosition(json: string): Position {
  const { is_online = false, last_seen_at = null, short_id } = JSON.parse(json);
  return {
    online: is_online,
    lastSeenAt: last_seen_at === null ? null : Date.parse(last_seen_at),
    shortId: short_id,
    tie: null,
  };
}
