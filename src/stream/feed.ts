/**
 * A list and its latest changes. Each change is encoded once for all clients that follow the list.
 *
 * @module
 */
import { nanoid } from "nanoid";
import { asciiJson } from "../visitor/ascii_json.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { comparePositions, type Position } from "../visitor/list_order.ts";
import { type Chunks, chunksOf, eventText } from "./events.ts";

/** The number of events that are remembered even if the list is shorter than that. */
const MIN_REMEMBERED = 100;

/** Makes a visitor's JSON as clients receive it, on one line. */
export type Present = (visitor: EncodedVisitor) => string;

/** A visitor on the list. */
interface Entry {
  visitor: EncodedVisitor;
  shortId: string;
  json: string;
  /** Computed when first needed. */
  position: Position | undefined;
}

/** The changes between one state of the list and the next. */
interface Batch {
  /** The number of the state after the changes. */
  sequence: number;
  events: number;
  chunks: Chunks;
}

/** The most snapshots of one list that are remembered. */
const MAX_SNAPSHOTS = 8;

/** A list that changes. Its states are numbered; their ids are unique across lists and processes. */
export class Feed {
  #epoch = nanoid(12);
  #present: Present;
  /** The visitors by short id, in list order. */
  #entries: Map<string, Entry> = new Map();
  #sequence = 1;
  /** The latest changes, the oldest first. */
  #batches: Batch[] = [];
  #remembered = 0;
  /** The oldest state from which all changes are remembered. */
  #floor = 1;
  #list: Chunks | null = null;
  /** The value of {@link isInOrder}; `null` before it is computed. */
  #isInOrder: boolean | null = null;
  /** Snapshots by id: lists that clients have read with `GET`, and that never were a state of this feed. */
  #snapshots = new Map<string, Map<string, Entry>>();

  constructor(visitors: EncodedVisitor[], present: Present) {
    this.#present = present;
    this.#entries = this.#entriesOf(visitors);
  }

  /** The visitors in list order. */
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

  /** The memory cost, in visitors and events. */
  get size(): number {
    return this.#entries.size * (1 + this.#snapshots.size) + this.#remembered + 1;
  }

  /**
   * Whether a client can sort the visitors by the attributes that it receives: not if `last_seen_at` is hidden, nor
   * if other software stores it as a string, since lists have these visitors last.
   */
  get isInOrder(): boolean {
    return this.#isInOrder ??= isInOrder([...this.#entries.values()]);
  }

  /**
   * Moves on to a newer state of the list.
   *
   * @returns whether the list changed
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

  /** The id of a list that a client reads; a list that differs from the current state becomes a snapshot. */
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
   * @param id the id of the state that the client has
   */
  catchUp(id: string): Chunks {
    const snapshot = this.#snapshots.get(id);
    if (snapshot === undefined) return this.since(this.#sequenceOf(id));
    const changes = changesBetween(snapshot, this.#entries);
    if (isSame(changes)) return [];
    return changes.isReordered || !this.isInOrder ? this.list : this.#encode(changes);
  }

  /** The number of the state with an id; `null` if the id is from another feed. */
  #sequenceOf(id: string): number | null {
    const [, epoch, sequence] = /^([\w-]+):([0-9]{1,15})$/.exec(id) ?? [];
    return epoch === this.#epoch ? Number(sequence) : null;
  }

  /** The changes since a state, encoded; the whole list if they are not remembered, or if `sequence` is `null`. */
  since(sequence: number | null): Chunks {
    if (sequence === null || sequence < this.#floor || sequence > this.#sequence) return this.list;
    return this.#batches.filter((batch) => batch.sequence > sequence).flatMap(({ chunks }) => chunks);
  }

  /** The encoded `list` event, which holds the whole list. */
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
    // More changes than visitors would be no shorter than the whole list.
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
    // Only the last event has the id: a client that received a part of the events resumes before the first one.
    const last = events.length - 1;
    const text = events.map(([name, data], i) => eventText(name, data, i === last ? this.id : undefined));
    return chunksOf(text.join(""));
  }

  /** Forgets all changes, so that every client is sent the whole list. */
  #forget() {
    this.#batches = [];
    this.#remembered = 0;
    this.#floor = this.#sequence;
  }

  /** Indexes visitors by short id. If a collection repeats a short id, only the first one in list order is used. */
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

/** The difference between two states of a list. */
interface Changes {
  gone: Entry[];
  /** The visitors who are new on the list or have changed. */
  changed: Entry[];
  /** Whether only the order differs. */
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

/** A visitor's sort key, from the attributes that a client receives. */
function visiblePosition(json: string): Position {
  const { is_online = false, last_seen_at = null, short_id } = JSON.parse(json);
  return {
    online: is_online,
    lastSeenAt: last_seen_at === null ? null : Date.parse(last_seen_at),
    shortId: short_id,
    tie: null,
  };
}
