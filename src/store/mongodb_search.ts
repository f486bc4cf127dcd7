/**
 * How a collection is searched: by walking through everybody in order, where many match, or by gathering all who
 * may match by an index, where few do.
 *
 * @module
 */
import { matches } from "../search/match.ts";
import { foldText } from "../search/normalise.ts";
import type { SearchPart, SearchQuery } from "../search/parse.ts";
import { hasTypo } from "../search/typo.ts";
import type { Visitor } from "../visitor.ts";
import type { Deadline } from "./deadline.ts";
import {
  IS_FOREIGN,
  PLACE,
  positionOf,
  type Projection,
  type StoredDocument,
  visitorOf,
  WHOLE,
} from "./mongodb_document.ts";
import {
  BEGINNING,
  type Condition,
  inDated,
  inUndated,
  isInSegment,
  isPosition,
  keyConditions,
  mayBe,
  orderOf,
  plainCondition,
  type Segment,
  segmentsOf,
} from "./mongodb_query.ts";
import { Sample } from "./mongodb_sample.ts";
import { comparePositions, isSamePlace, type Position } from "./position.ts";
import { SharedRun } from "./shared_run.ts";
import type { Page } from "./visitor_store.ts";

/** The collection, as a search asks it. */
export interface SearchedCollection {
  /** The documents that fulfil a condition, in portions. */
  read(condition: Condition, options: ReadOptions, deadline: Deadline): AsyncIterable<StoredDocument[]>;
  /** How many documents there are, about. */
  countAll(deadline: Deadline): Promise<number>;
  /** A deadline for work that no single request waits for. */
  newDeadline(): Deadline;
}

/** What of the documents is read. */
export interface ReadOptions {
  projection: Projection;
  sort?: Record<string, 1 | -1>;
  limit?: number;
  skip?: number;
  /** Documents that come at once, where they may be fewer than all. */
  batchSize?: number;
}

/** Documents that a walk reads at once at the most. */
const MAX_PORTION = 2000;

/** More candidates than this are not fetched one after the other, for a walk is quicker then. */
const MAX_CANDIDATES = 20_000;

/** Reading the pages of all who are online takes about as long as a walk through so many. */
const PAGES = 500;

/** Candidates whose other parts are not worth looking up by an index. */
const FEW = 200;

/** The first stretch of time that a walk looks at, in milliseconds, where nothing is known. */
const FIRST_STRETCH = 60_000;

/** Beyond a stretch of this length a walk looks at all the rest. */
const LAST_STRETCH = 90 * 86_400_000;

/** How long it is remembered how many visitors were at the head of a segment, in milliseconds. */
const HEAD_LIFETIME = 10_000;

/** Visitors in the sample, of those online and of the others each. */
const SAMPLED = 250;

/** How long a sample stands for a collection of many documents, and of few, in milliseconds. */
const LIFETIME = { many: 600_000, few: 1000 };
const FEW_DOCUMENTS = 10_000;

interface Search {
  query: SearchQuery;
  after: Position | null;
  /** How many visitors are enough. */
  wanted: number;
  deadline: Deadline;
}

interface Found {
  visitor: Visitor;
  position: Position;
}

/** A document of whom only the place was read. */
interface Candidate {
  position: Position;
  /** Whether it was found by its page, where other parts of the query may still be missing. */
  url?: string;
}

/** The times between which so many visitors were at the head of a segment, when it was last walked. */
interface Head {
  newest: number;
  oldest: number;
  count: number;
  takenAt: number;
}

/** Searches one collection. */
export class CollectionSearch {
  #collection: SearchedCollection;
  #online: SharedRun<StoredDocument[]>;
  #sampling: SharedRun<Sample>;
  #sample: { sample: Sample; takenAt: number } | null = null;
  /** By whether it is that of visitors online. */
  #heads = new Map<boolean, Head>();

  constructor(collection: SearchedCollection) {
    this.#collection = collection;
    this.#online = new SharedRun(() => this.#readOnline());
    this.#sampling = new SharedRun(() => this.#takeSample());
  }

  /** As `VisitorStore.findVisitors`. */
  async findVisitors(
    query: SearchQuery,
    limit: number,
    after: Position | null,
    deadline: Deadline,
  ): Promise<Page> {
    if (query.some(({ kind }) => kind === "nobody")) return { visitors: [], next: null };
    const search = { query, after, wanted: limit + 1 + (after?.count ?? 0), deadline };
    return pageOf(await this.#find(search), limit, after);
  }

  async #find(search: Search): Promise<Found[]> {
    const { query, wanted, deadline } = search;
    if (query.every(({ kind }) => kind === "online")) return await this.#walk(search);
    const plain = plainCondition(query);
    // Such an attribute is somebody's own, unless a sample shows that very many share a value.
    if (plain !== null) {
      const known = this.#sample?.sample;
      const areMany = known !== undefined && known.shareOf(query) * known.total > MAX_CANDIDATES;
      return areMany ? await this.#walk(search) : await this.#readAll(plain, search);
    }
    const sample = await this.#sampled(deadline);
    const keyed = keyConditions(query, sample);
    // Of what a walk reads and what an index gives the smaller one.
    const walked = Math.min(sample.total, wanted / sample.shareOf(query));
    const gathered = keyed === null ? PAGES : sample.total * keyed.share;
    if (walked <= gathered) return await this.#walk(search, 1.3 * walked);
    return await this.#gather(search, keyed?.conditions ?? [], sample) ?? await this.#walk(search);
  }

  /** All who fulfil a condition and match; the documents need not be few, but are not kept. */
  async #readAll(condition: Condition, { query, after, wanted, deadline }: Search): Promise<Found[]> {
    let found: Found[] = [];
    for await (const documents of this.#collection.read(condition, { projection: WHOLE }, deadline)) {
      found.push(...readFound(documents, query, after));
      if (found.length > 2 * wanted) found = found.sort(byPosition).slice(0, wanted);
    }
    return found.sort(byPosition).slice(0, wanted);
  }

  /** Those who may match by an index, the foreign ones read whole beside them; `null` where they are too many. */
  async #gather(search: Search, conditions: Condition[], sample: Sample): Promise<Found[] | null> {
    const [keyed, foreign] = await Promise.all([
      this.#candidates(search, conditions, sample)
        .then((candidates) => candidates === null ? null : this.#fetch(candidates, search)),
      this.#readAll(IS_FOREIGN, search),
    ]);
    if (keyed === null) return null;
    // A short id that was fetched was fetched with all documents that have it.
    const others = foreign.filter(({ position }) => !keyed.shortIds.has(position.shortId));
    return [...keyed.found, ...others].sort(byPosition);
  }

  /** Who may match by search keys, by short id or by the page that they are on, in order. */
  async #candidates(search: Search, conditions: Condition[], sample: Sample): Promise<Candidate[] | null> {
    const { query, after, deadline } = search;
    const shortIds = query.filter((part) => part.kind === "text").map(({ shortId }) => shortId);
    const [byUrl, ...byIndex] = await Promise.all([
      this.#candidatesByUrl(search, sample),
      ...conditions.map((condition) => this.#places(condition, deadline)),
      ...(shortIds.length === 0 ? [] : [this.#places({ short_id: { $in: shortIds } }, deadline)]),
    ]);
    if (byIndex.some((places) => places === null)) return null;
    return [...byUrl, ...byIndex.flatMap((places) => places!)]
      .filter(({ position }) => mayBe(query, position.online))
      .filter(({ position }) => after === null || comparePositions(position, after) >= 0)
      .sort(byPosition);
  }

  /** The places of documents; `null` where they are too many. */
  async #places(condition: Condition, deadline: Deadline): Promise<Candidate[] | null> {
    const options = { projection: PLACE, limit: MAX_CANDIDATES + 1 };
    const documents = await collect(this.#collection.read(condition, options, deadline));
    return documents.length > MAX_CANDIDATES
      ? null
      : documents.map((document) => ({ position: positionOf(document) }));
  }

  /**
   * Who is on a page that fulfils a part. No index knows pages, so that a page view rewrites none: those of all who
   * are online are read, once for all who search meanwhile.
   */
  async #candidatesByUrl({ query, deadline }: Search, sample: Sample): Promise<Candidate[]> {
    const texts = query.filter((part) => part.kind === "text");
    const urls = query.filter((part) => part.kind === "url");
    if (urls.length === 0 && !texts.some(({ inUrl }) => inUrl) || !mayBe(query, true)) return [];
    const online = await deadline.race(this.#online.run());
    const isTextIn = (url: string) =>
      texts.some(({ text, typos, inUrl }) => inUrl && (url.includes(text) || typos && hasTypo(url, text)));
    const found = online
      .map((document) => ({ position: positionOf(document), url: foldText(String(document.last_url ?? "")) }))
      .filter(({ url }) => urls.every(({ text }) => url.includes(text)))
      .filter(({ url }) => texts.length === 0 || isTextIn(url));
    return found.length <= FEW ? found : await this.#narrow(found, query, sample, deadline);
  }

  /** Those of many who are on such a page that may match the rarest of the other parts as well. */
  async #narrow(
    found: Candidate[],
    query: SearchQuery,
    sample: Sample,
    deadline: Deadline,
  ): Promise<Candidate[]> {
    const isOnPage = (part: SearchPart, url: string) => part.kind === "text" && url.includes(part.text);
    const parts = query.filter((part) =>
      part.kind !== "text" || !part.typos && Array.from(part.text).length >= 3
    )
      .flatMap((part) => {
        const keyed = keyConditions([part], sample);
        if (keyed === null) return [];
        const onPage = found.filter(({ url }) => isOnPage(part, url!)).length;
        return [{ part, conditions: keyed.conditions, many: keyed.share * sample.total + onPage }];
      })
      .sort((a, b) => a.many - b.many);
    if (parts.length === 0 || parts[0].many > found.length / 2) return found;
    const [{ part, conditions }] = parts;
    const places = await this.#places(conditions[0], deadline);
    if (places === null) return found;
    const shortIds = new Set(places.map(({ position }) => position.shortId));
    return found.filter(({ position, url }) =>
      shortIds.has(position.shortId) || isOnPage(part, url!) ||
      part.kind === "text" && position.shortId === part.shortId
    );
  }

  /** The pages that those online are on, and where their visitors stand. */
  async #readOnline(): Promise<StoredDocument[]> {
    const options = { projection: { ...PLACE, last_url: 1 as const } };
    return await collect(this.#collection.read({ is_online: true }, options, this.#collection.newDeadline()));
  }

  /** The visitors of the candidates that match, in order, until they are enough, and whose documents were read. */
  async #fetch(
    candidates: Candidate[],
    { query, after, wanted, deadline }: Search,
  ): Promise<{ found: Found[]; shortIds: Set<string> }> {
    const found: Found[] = [];
    const fetched = new Set<string>();
    for (let start = 0; start < candidates.length && found.length < wanted;) {
      const portion = candidates.slice(start, start += Math.min(MAX_PORTION, Math.max(wanted, start)));
      const shortIds = new Set(portion.map(({ position }) => position.shortId)).difference(fetched);
      for (const shortId of shortIds) fetched.add(shortId);
      const condition = { short_id: { $in: [...shortIds] } };
      for await (const documents of this.#collection.read(condition, { projection: WHOLE }, deadline)) {
        found.push(...readFound(documents, query, after));
      }
    }
    return { found: found.sort(byPosition), shortIds: fetched };
  }

  /**
   * The visitors that match, met while walking through everybody in order, until they are enough.
   *
   * @param expected how many documents that may take
   */
  async #walk({ query, after, wanted, deadline }: Search, expected = wanted): Promise<Found[]> {
    const found: Found[] = [];
    for (const segment of segmentsOf(query, after)) {
      const size = Math.min(MAX_PORTION, Math.max(wanted - found.length, Math.ceil(expected)));
      for await (const documents of this.#walkSegment(segment, after, size, deadline)) {
        found.push(...readFound(documents, query, after));
        if (found.length >= wanted) return found.slice(0, wanted);
      }
    }
    return found;
  }

  /**
   * The documents of a segment in order, from a position on, in portions. Each is a query of its own, so nothing is
   * held open in the database, over a stretch of time that is not much longer than it need be: some engines read a
   * whole stretch to give its beginning.
   *
   * @param size how many the first portion need have
   */
  async *#walkSegment(
    segment: Segment,
    after: Position | null,
    size: number,
    deadline: Deadline,
  ): AsyncGenerator<StoredDocument[]> {
    let from: Position | Date | null = after !== null && isInSegment(after, segment) ? after : null;
    let until = segment.dated ? this.#firstEnd(segment, from, size) : BEGINNING;
    /** Documents at the very place from which this goes on that are behind it. */
    let passed = 0;
    /** The first places of all, until they are as many as were wanted. */
    let head: Position[] | null = from === null && segment.dated ? [] : null;
    /** Whether documents were met that are in no place of this segment. */
    let isChecked = false;
    while (true) {
      const documents: StoredDocument[] = await collect(this.#collection.read(
        segment.dated
          ? inDated(segment.online, { from, until }, isChecked)
          : inUndated(segment.online, isPosition(from) ? from : null),
        { projection: WHOLE, sort: orderOf(segment), limit: size, skip: passed },
        deadline,
      ));
      const places = documents.map(positionOf);
      if (!isChecked && places.some((place) => place.shortId === "" || !isInSegment(place, segment))) {
        isChecked = true;
        continue;
      }
      head?.push(...places);
      if (head !== null && head.length >= size) {
        this.#rememberHead(segment, head);
        head = null;
      }
      yield documents;
      if (documents.length === size) {
        const last: Position = places[places.length - 1];
        passed = places.filter((place) => isSamePlace(place, last)).length +
          (isPosition(from) && isSamePlace(from, last) ? passed : 0);
        from = last;
        size = Math.min(2 * size, MAX_PORTION);
        continue;
      }
      if (until <= BEGINNING) return;
      [from, until, passed] = [until, nextEnd(from, until, documents.length, size), 0];
    }
  }

  /** Where the first stretch of a walk should end: about as long ago as it was last time. */
  #firstEnd({ online }: Segment, from: Position | null, size: number): Date {
    const head = this.#heads.get(online);
    const start = from?.lastSeenAt ?? head?.newest ?? Date.now();
    if (head === undefined) return dateOf(start - FIRST_STRETCH);
    const length = (head.newest - head.oldest) * size / head.count;
    return dateOf(from === null && size === head.count ? head.oldest - 1 : start - 1.5 * length - 1);
  }

  #rememberHead({ online }: Segment, places: Position[]) {
    const known = this.#heads.get(online);
    const now = performance.now();
    // A shorter page says less than a longer one.
    if (known !== undefined && known.count > places.length && now - known.takenAt < HEAD_LIFETIME) return;
    const [newest, oldest] = [places[0].lastSeenAt!, places[places.length - 1].lastSeenAt!];
    this.#heads.set(online, { newest, oldest, count: places.length, takenAt: now });
  }

  /** A sample that is not too old; the first one is waited for. */
  async #sampled(deadline: Deadline): Promise<Sample> {
    if (this.#sample === null) return await deadline.race(this.#sampling.run());
    const { sample, takenAt } = this.#sample;
    const lifetime = sample.total < FEW_DOCUMENTS ? LIFETIME.few : LIFETIME.many;
    if (performance.now() - takenAt > lifetime && this.#sampling.isIdle) void this.warmUp();
    return sample;
  }

  /** Takes a sample before it is needed. Where the database is away, whoever needs it will be told. */
  async warmUp(): Promise<void> {
    await this.#sampling.run().catch(() => {});
  }

  /** Of those last seen, online and offline, for they are who a walk would meet. */
  async #takeSample(): Promise<Sample> {
    const deadline = this.#collection.newDeadline();
    const [total, ...visitors] = await Promise.all([
      this.#collection.countAll(deadline),
      ...[true, false].map(async (online) => {
        const query = [{ kind: "online" as const, online }];
        const found = await this.#walk({ query, after: null, wanted: SAMPLED, deadline });
        return found.map(({ visitor }) => visitor);
      }),
    ]);
    const sample = new Sample(visitors.flat(), total);
    this.#sample = { sample, takenAt: performance.now() };
    return sample;
  }
}

/** Where a stretch should end after one that ended at `end` and gave `found` documents instead of `size`. */
function nextEnd(from: Position | Date | null, end: Date, found: number, size: number): Date {
  const start = isPosition(from) ? from.lastSeenAt! : from?.getTime() ?? Date.now();
  const length = Math.max(1000, start - end.getTime());
  const next = found === 0 ? 8 * length : Math.min(8, 1.5 * size / found) * length;
  return dateOf(next > LAST_STRETCH ? -Infinity : end.getTime() - next);
}

function dateOf(time: number): Date {
  return new Date(Math.max(time, BEGINNING.getTime()));
}

async function collect(portions: AsyncIterable<StoredDocument[]>): Promise<StoredDocument[]> {
  const documents: StoredDocument[] = [];
  for await (const portion of portions) documents.push(...portion);
  return documents;
}

/** The visitors of documents that match, from a position on. */
function readFound(documents: StoredDocument[], query: SearchQuery, after: Position | null): Found[] {
  return documents.flatMap((document) => {
    const position = positionOf(document);
    if (after !== null && comparePositions(position, after) < 0) return [];
    const visitor = visitorOf(document);
    return visitor !== null && matches(query, visitor) ? [{ visitor, position }] : [];
  });
}

function byPosition(a: { position: Position }, b: { position: Position }): number {
  return comparePositions(a.position, b.position);
}

/** The page of visitors found from a position on; those who had been on the page before are passed over. */
function pageOf(found: Found[], limit: number, after: Position | null): Page {
  const isBefore = ({ position }: Found, index: number) =>
    after !== null && index < after.count && isSamePlace(position, after);
  const start = found.findIndex((one, index) => !isBefore(one, index));
  const shown = start === -1 ? [] : found.slice(start, start + limit);
  const visitors = shown.map(({ visitor }) => visitor);
  if (start === -1 || found.length <= start + limit) return { visitors, next: null };
  const last = shown[limit - 1].position;
  const same = shown.filter(({ position }) => isSamePlace(position, last)).length;
  return {
    visitors,
    next: { ...last, count: same + (after !== null && isSamePlace(after, last) ? start : 0) },
  };
}
