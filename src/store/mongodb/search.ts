/**
 * How a collection is searched: by walking through everybody in order, where many match, or by gathering all who
 * may match by an index, where few do.
 *
 * @module
 */
import { exactKey } from "../../search/index_keys.ts";
import { foldText } from "../../search/normalise.ts";
import type { SearchPart, SearchQuery } from "../../search/parse.ts";
import { hasTypo } from "../../search/typo.ts";
import type { Deadline } from "../../async/deadline.ts";
import {
  IS_FOREIGN,
  lastUrlOf,
  PLACE,
  positionOf,
  type StoredDocument,
  WHOLE,
  WHOLE_AND_ID,
} from "./document.ts";
import {
  byPosition,
  collect,
  type Found,
  isFound,
  nameOf,
  readFound,
  readVisitors,
  type Search,
  type SearchedCollection,
  withoutRest,
} from "./found.ts";
import {
  type Condition,
  isInSegment,
  type KeyCondition,
  keyCondition,
  mayBe,
  plainValues,
  withValues,
} from "./conditions.ts";
import { LookUps } from "./lookups.ts";
import { Sample } from "./sample.ts";
import { MAX_PORTION, Walk } from "./ordered_scan.ts";
import { comparePositions, isSamePlace, type Position } from "../../visitor/list_order.ts";
import { BatchedFlight, SingleFlight } from "../../async/single_flight.ts";
import type { ResultPage } from "../visitor_store.ts";

type Page = Pick<ResultPage, "visitors" | "next">;

/** More candidates than this are not fetched one after the other, for a walk is quicker then. */
const MAX_CANDIDATES = 20_000;

/** Reading the pages of all who are online takes about as long as a walk through so many. */
const PAGES = 500;

/** Candidates whose other parts are not worth looking up by an index, nor their places before their documents. */
const FEW = 200;

/** More documents than this are not read at once where it turns out that they are not few. */
const MAX_WHOLE = 500;

/** Visitors in the sample, of those online and of the others each. */
const SAMPLED = 250;

/** How long a sample stands for a collection of many documents, and of few, in milliseconds. */
const LIFETIME = { many: 600_000, few: 1000 };
const FEW_DOCUMENTS = 10_000;

/** A document of whom only the place was read. */
interface Candidate {
  position: Position;
  /** Whether it was found by its page, where other parts of the query may still be missing. */
  url?: string;
}

/** Searches one collection. */
export class CollectionSearch {
  #collection: SearchedCollection;
  #walk: Walk;
  #lookUps: LookUps;
  #pages: SingleFlight<string[]>;
  #online: SingleFlight<StoredDocument[]>;
  #unkeyed: BatchedFlight<Search, Found[]>;
  #foreign: SingleFlight<boolean>;
  #sampling: SingleFlight<Sample>;
  #sample: { sample: Sample; takenAt: number } | null = null;

  constructor(collection: SearchedCollection) {
    this.#collection = collection;
    this.#walk = new Walk(collection);
    this.#lookUps = new LookUps(collection);
    this.#pages = new SingleFlight(() => this.#readPages());
    this.#online = new SingleFlight(() => this.#readOnline());
    this.#unkeyed = new BatchedFlight((searches) => this.#readUnkeyed(searches));
    this.#foreign = new SingleFlight(() => this.#areForeign());
    this.#sampling = new SingleFlight(() => this.#takeSample());
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
    if (query.every(({ kind }) => kind === "online")) return await this.#walk.walk(search);
    const plain = query.find((part) => plainValues(part) !== null && !this.#isShared(part));
    if (plain !== undefined) {
      const values = plainValues(plain)!;
      return await this.#lookUps.find(search, exactKey(plain)!, values) ??
        await this.#readAll(withValues(values), search);
    }
    // Of lookup codes documents have no keys.
    if (query.some(({ kind }) => kind === "code")) return await this.#walk.walk(search);
    const sample = await this.#sampled(deadline);
    const keyed = keyCondition(query, { sample, isSimple: this.#collection.isSimple() });
    const tagged = await this.#findTagged(search, sample, keyed);
    if (tagged !== null) return tagged;
    // Of what a walk reads and what an index gives the smaller one.
    const walked = Math.min(sample.total, wanted / sample.shareOf(query));
    const gathered = keyed === null ? PAGES : sample.total * keyed.share;
    if (walked <= gathered) return await this.#walk.walk(search, 1.3 * walked);
    return await this.#gather(search, keyed, sample) ?? await this.#walk.walk(search);
  }

  /** Whether a sample shows that very many share what is mostly somebody's own; not where there is none yet. */
  #isShared(part: SearchPart): boolean {
    const sample = this.#sample?.sample;
    if (sample === undefined) return false;
    const share = sample.shareOfKey(exactKey(part)!);
    return share > sample.unknown && share * sample.total > MAX_CANDIDATES;
  }

  /** Those online who have a tag, where they fill the page; otherwise, and where others are found sooner, `null`. */
  async #findTagged(search: Search, sample: Sample, keyed: KeyCondition | null): Promise<Found[] | null> {
    const { query, after, wanted, deadline } = search;
    if (!mayBe(query, true) || after !== null && !isInSegment(after, { online: true, dated: true })) {
      return null;
    }
    const [rarest] = query.filter(({ kind }) => kind === "tag").map((part) => exactKey(part)!)
      .map((tag) => ({ tag, share: sample.shareOfKey(tag) })).sort((a, b) => a.share - b.share);
    if (rarest === undefined) return null;
    const walked = wanted / sample.shareOf(query);
    const gathered = keyed === null ? Infinity : keyed.share * sample.total;
    if (gathered <= Math.min(walked, sample.total) * rarest.share) return null;
    const [areForeign, found] = await Promise.all([
      deadline.race(this.#foreign.run()),
      this.#walk.walkTag(search, 1.3 * walked, rarest.tag),
    ]);
    return areForeign || found.length < wanted ? null : found;
  }

  /** Whether there are documents that no tag tells of. */
  async #areForeign(): Promise<boolean> {
    const options = { projection: { _id: 1 as const }, limit: 1 };
    const documents = await collect(
      this.#collection.read(IS_FOREIGN, options, this.#collection.newDeadline()),
    );
    return documents.length > 0;
  }

  /** All who fulfil a condition and match; the documents need not be few, but are not kept. */
  async #readAll(condition: Condition, search: Search): Promise<Found[]> {
    let found: Found[] = [];
    for await (
      const documents of this.#collection.read(condition, { projection: WHOLE }, search.deadline)
    ) {
      found = withoutRest([...found, ...readFound(documents, search)], search);
    }
    return found.sort(byPosition).slice(0, search.wanted);
  }

  /** Those who may match by an index, by their page, or by what no key tells; `null` where they are too many. */
  async #gather(search: Search, keyed: KeyCondition | null, sample: Sample): Promise<Found[] | null> {
    const [byKeys, byUrl, unkeyed] = await Promise.all([
      keyed === null ? { found: [], candidates: [] } : this.#readKeyed(keyed, search, sample),
      this.#candidatesByUrl(search, sample),
      // Without keys all are known by their page.
      keyed === null ? [] : search.deadline.race(this.#unkeyed.ask(search)),
    ]);
    if (byKeys === null) return null;
    const fetched = await this.#fetch([...byKeys.candidates, ...byUrl], search);
    // A document may have been found in several ways.
    const all = [...byKeys.found, ...unkeyed, ...fetched].map((found) =>
      [nameOf(found.id, found.visitor.json), found] as const
    );
    return [...new Map(all).values()].sort(byPosition);
  }

  /** Who may match by search keys: the visitors where they are few, otherwise places; `null` where they are too many. */
  async #readKeyed(
    { condition, share, isRare, key }: KeyCondition,
    search: Search,
    sample: Sample,
  ): Promise<{ found: Found[]; candidates: Candidate[] } | null> {
    const areFew = isRare || share * sample.total <= FEW;
    if (areFew && key !== null) {
      const found = await this.#lookUps.find(search, key, { "foyer.keys": [key] });
      if (found !== null) return { found, candidates: [] };
    } else if (areFew) {
      const options = { projection: WHOLE_AND_ID, limit: MAX_WHOLE + 1 };
      const documents = await collect(this.#collection.read(condition, options, search.deadline));
      if (documents.length <= MAX_WHOLE) return { found: readFound(documents, search), candidates: [] };
    }
    const candidates = await this.#places(condition, search.deadline);
    return candidates === null ? null : { found: [], candidates };
  }

  /**
   * For each search the visitors whom no key tells: foreign ones, and those whose short id was typed. They are read
   * once for all who search meanwhile, and are not kept.
   */
  async #readUnkeyed(searches: Search[]): Promise<Found[][]> {
    const shortIds = new Set(searches.flatMap(({ query }) => textsOf(query).map(({ shortId }) => shortId)));
    const condition = shortIds.size === 0
      ? IS_FOREIGN
      : { $or: [IS_FOREIGN, { short_id: { $in: [...shortIds] } }] };
    let found = searches.map((): Found[] => []);
    const options = { projection: WHOLE_AND_ID };
    for await (
      const documents of this.#collection.read(condition, options, this.#collection.newDeadline())
    ) {
      const read = readVisitors(documents);
      found = found.map((known, i) =>
        withoutRest([...known, ...read.filter((one) => isFound(one, searches[i]))], searches[i])
      );
    }
    return found;
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
   * Who is on a page that fulfils a part. No index knows pages, so that a page view rewrites none: those that anybody
   * online is on are read, and where one of them will do, who is on which; once for all who search meanwhile.
   */
  async #candidatesByUrl({ query, deadline }: Search, sample: Sample): Promise<Candidate[]> {
    const texts = textsOf(query).filter(({ inUrl }) => inUrl);
    const urls = query.filter((part) => part.kind === "url");
    if (urls.length === 0 && texts.length === 0 || !mayBe(query, true)) return [];
    const isAsked = (url: string) =>
      urls.every(({ text }) => url.includes(text)) &&
      (texts.length === 0 ||
        texts.some(({ text, typos }) => url.includes(text) || typos && hasTypo(url, text)));
    const pages = await deadline.race(this.#pages.run());
    if (!pages.some(isAsked)) return [];
    const online = await deadline.race(this.#online.run());
    const found = online
      .map((document) => ({ position: positionOf(document), url: foldText(lastUrlOf(document.last_url)) }))
      .filter(({ url }) => isAsked(url));
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
    const parts = query.filter((part) => part.kind !== "text" || !part.typos)
      .flatMap((part) => {
        const keyed = keyCondition([part], { sample, isSimple: this.#collection.isSimple() });
        if (keyed === null) return [];
        const onPage = found.filter(({ url }) => isOnPage(part, url!)).length;
        return [{ part, condition: keyed.condition, many: keyed.share * sample.total + onPage }];
      })
      .sort((a, b) => a.many - b.many);
    if (parts.length === 0 || parts[0].many > found.length / 2) return found;
    const [{ part, condition }] = parts;
    const places = await this.#places(condition, deadline);
    if (places === null) return found;
    const shortIds = new Set(places.map(({ position }) => position.shortId));
    return found.filter(({ position, url }) =>
      shortIds.has(position.shortId) || isOnPage(part, url!) ||
      part.kind === "text" && position.shortId === part.shortId
    );
  }

  /** The pages that those online are on, folded. */
  async #readPages(): Promise<string[]> {
    const pages = await this.#collection.pagesOfOnline(this.#collection.newDeadline());
    return [...new Set(pages.map((page) => foldText(lastUrlOf(page))))];
  }

  /** The pages that those online are on, and where their visitors stand. */
  async #readOnline(): Promise<StoredDocument[]> {
    const options = { projection: { ...PLACE, last_url: 1 as const } };
    return await collect(this.#collection.read({ is_online: true }, options, this.#collection.newDeadline()));
  }

  /** The visitors of the candidates that match, in order, until they are enough. */
  async #fetch(candidates: Candidate[], search: Search): Promise<Found[]> {
    const { query, after, wanted, deadline } = search;
    const places = candidates.map(({ position }) => position)
      .filter((position) => mayBe(query, position.online))
      .filter((position) => after === null || comparePositions(position, after) >= 0)
      .sort(comparePositions);
    const found: Found[] = [];
    const fetched = new Set<string>();
    for (let start = 0; start < places.length && found.length < wanted;) {
      const portion = places.slice(start, start += Math.min(MAX_PORTION, Math.max(wanted, start)));
      const shortIds = new Set(portion.map(({ shortId }) => shortId)).difference(fetched);
      for (const shortId of shortIds) fetched.add(shortId);
      const condition = { short_id: { $in: [...shortIds] } };
      for await (
        const documents of this.#collection.read(condition, { projection: WHOLE_AND_ID }, deadline)
      ) {
        found.push(...readFound(documents, search));
      }
    }
    return found;
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
        const found = await this.#walk.walk({ query, after: null, wanted: SAMPLED, deadline });
        return found.map(({ visitor }) => visitor.visitor);
      }),
    ]);
    const sample = new Sample(visitors.flat(), total);
    this.#sample = { sample, takenAt: performance.now() };
    return sample;
  }
}

/** The text parts of a query. */
function textsOf(query: SearchQuery) {
  return query.filter((part) => part.kind === "text");
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
