/**
 * How the embedded store is searched: by walking through everybody in order, where many match, or by gathering all
 * who may match by an index, where few do.
 *
 * @module
 */
import { matches } from "../../search/match.ts";
import type { SearchPart, SearchQuery } from "../../search/parse.ts";
import { deletions, isOneTypoAway, likelyWordsOf, wordsOf } from "../../search/typo.ts";
import { type Position, positionOfVisitor } from "../../visitor/list_order.ts";
import { type DatabaseSync, type Rows, rowsOf, type SQLOutputValue, type StatementSync } from "./file.ts";
import {
  allOf,
  areTold,
  beyond,
  type FilePart,
  HAS_WORD,
  membersOf,
  membersOfTexts,
  orderConditions,
  rowConditions,
  type Sql,
} from "./conditions.ts";
import { EncodedVisitor } from "../../visitor/encoded_visitor.ts";
import type { ResultPage } from "../visitor_store.ts";

type Page = Pick<ResultPage, "visitors" | "next">;

/** So many candidates are read as they are sorted. */
const FEW = 300;

/** Among how many of the first ones a page is looked for before more candidates than {@link FEW} are gathered. */
const WALKED = 1000;

/** Where more visitors may match, a page is first looked for among more of the first ones. */
const MAX_GATHERED = 2000;

/** How many of the first ones those are. */
const WALKED_FAR = 10_000;

/** What more visitors than this have does not narrow down enough for what it takes. */
const MAX_NARROWING = 20_000;

/** More candidates are not sorted but met while walking. */
const MAX_SORTED = 5000;

/** Of a text with fewer characters a full-text table has too many terms to look through. */
const MIN_CHARACTERS = 3;

/** Words one typo away that are looked for, and words among which those are. */
const [MAX_TYPOS, MAX_LIKE_WORDS] = [100, 2000];

/** What SQLite takes for no limit (https://www.sqlite.org/lang_select.html#limitoffset). */
const NO_LIMIT = -1;

/** The file, as a search reads it. */
export interface SearchedFile {
  prepare(sql: string): StatementSync;
  /** The visitor with an id, as it was stored at last, in the midst of a read that began with its revision. */
  readVisitor(id: number, revision: number): EncodedVisitor;
  /** Another one whenever something was written. */
  version(): unknown;
}

/** Makes what a search needs of a connection for itself. */
export function prepareSearch(database: DatabaseSync) {
  database.exec("CREATE TEMP TABLE candidate (id INTEGER PRIMARY KEY)");
  database.function(
    HAS_WORD,
    { deterministic: true },
    (text, word) => Number(wordsOf(text as string).includes(word as string)),
  );
  // Each visitor of each term, by which the first ones are found without all others
  // (https://www.sqlite.org/fts5.html#the_fts5vocab_virtual_table_module).
  database.exec("CREATE VIRTUAL TABLE temp.posting USING fts5vocab(main, suffix, instance)");
}

interface Search {
  query: SearchQuery;
  parts: FilePart[];
  /** Whether rows tell of every visitor whether it matches. */
  isTold: boolean;
  limit: number;
  /** Conditions on the order, and where to go on from. */
  order: Sql[];
}

/** What a walk through the first ones has come to. */
interface Walked {
  /** Those met who are on the page. */
  visitors: EncodedVisitor[];
  /** Where to go on. */
  from: Sql[];
}

/** The pages that visitors are on now. */
interface Pages {
  text: string;
  words: string[] | null;
  version: unknown;
}

/** Searches one file. */
export class SqliteSearch {
  #file: SearchedFile;
  #pages: Pages | null = null;

  constructor(file: SearchedFile) {
    this.#file = file;
  }

  /** As `VisitorStore.findVisitors`. */
  findVisitors(query: SearchQuery, limit: number, after: Position | null): Page {
    if (query.some(({ kind }) => kind === "nobody")) return { visitors: [], next: null };
    const isOnPage = query.some((part) => part.kind === "text" && part.inUrl);
    const pages = isOnPage ? this.#currentPages() : null;
    const parts = query.map((part) => this.#lookUp(part, pages));
    const place = after === null ? [] : [beyond(after)];
    const order = [...orderConditions(parts), ...place];
    const search = { query, parts, isTold: areTold(parts), limit, order };
    const indexed = [...parts].sort((a, b) => lengthOf(b) - lengthOf(a)).map(membersOf)
      .filter((members) => members !== null);
    if (indexed.length === 0) return this.#walk(search);
    const isSlowToWalk = parts.some((part) => part.kind === "text" && part.wanted.length > 1);
    const walked: Walked = { visitors: [], from: [] };
    // Nobody knows whom an index gives until it is asked, so what costs least comes first: a part that few have, the first
    // ones of all where it may be many, more of both, and at last everybody whom the indexes give.
    return this.#gatherOne(search, indexed, FEW) ??
      (isSlowToWalk ? null : this.#walkNear(search, walked)) ??
      this.#gatherOne(search, indexed, MAX_GATHERED) ??
      this.#walkOn(search, walked, WALKED_FAR) ??
      this.#gatherAll(search, indexed);
  }

  #lookUp(part: SearchPart, pages: Pages | null): FilePart {
    if (part.kind !== "text") return part;
    const { text, inUrl, typos } = part;
    return {
      ...part,
      wanted: [text, ...(typos ? this.#wordsOneTypoAway(text) : [])],
      onPages: inUrl && pages !== null ? onPages(pages, text, typos === true) : [],
    };
  }

  #wordsOneTypoAway(word: string): string[] {
    const without = deletions(word);
    const marks = without.map(() => "?").join();
    return this.#rows<[word: string]>(
      `SELECT DISTINCT word FROM typo WHERE deletion IN (${marks}) LIMIT ${MAX_LIKE_WORDS}`,
    )
      .all(...without)
      .map(([word]) => word)
      .filter((other) => !other.includes(word) && isOneTypoAway(other, word))
      .slice(0, MAX_TYPOS);
  }

  /**
   * The pages that somebody is on. No index knows them, so that a page view rewrites none; they are read once for all
   * searches until something is written.
   */
  #currentPages(): Pages {
    const version = this.#file.version();
    if (this.#pages?.version !== version) {
      const { urls } = this.#prepare(
        "SELECT group_concat(url, char(10)) AS urls FROM (SELECT DISTINCT url FROM listing WHERE offline = 0)",
      ).get()! as { urls: string | null };
      this.#pages = { text: urls ?? "", words: null, version };
    }
    return this.#pages!;
  }

  /**
   * The page, met while walking through everybody in order.
   *
   * @param met those of the page who were met before
   */
  #walk(search: Search, met: EncodedVisitor[] = [], among = "TRUE"): Page {
    const { sql, values } = allOf([
      ...search.order,
      { sql: among, values: [] },
      ...rowConditions(search.parts),
    ]);
    const rows = this.#rows<[id: number, revision: number]>(
      `SELECT id, revision FROM listing AS row WHERE ${sql} ORDER BY offline, unseen, short_id LIMIT ?`,
    );
    // Where it is known how many are needed, to have them at once takes a fifth of the time.
    const found = search.isTold
      ? rows.all(...values, search.limit + 1 - met.length).values()
      : rows.iterate(...values, NO_LIMIT);
    return pageOf(search, found.map(([id, revision]) => this.#file.readVisitor(id, revision)), met);
  }

  /** The page, met among the first ones, and as many more as seem to fill it; `null` where those do not. */
  #walkNear(search: Search, walked: Walked): Page | null {
    const page = this.#walkOn(search, walked, WALKED);
    const met = walked.visitors.length;
    if (page !== null || met === 0) return page;
    const more = Math.ceil(1.5 * WALKED * (search.limit + 1 - met) / met);
    return more > WALKED_FAR ? null : this.#walkOn(search, walked, more);
  }

  /** The page, met while walking on through so many; `null` where those do not fill it. */
  #walkOn(search: Search, walked: Walked, most: number): Page | null {
    const order = [...search.order, ...walked.from];
    const { sql, values } = allOf(order);
    const place = this.#rows<[offline: number, unseen: number, shortId: string]>(
      `SELECT offline, unseen, short_id FROM listing WHERE ${sql} ORDER BY offline, unseen, short_id
       LIMIT 1 OFFSET ?`,
    ).get(...values, most);
    if (place === undefined) return this.#walk({ ...search, order }, walked.visitors);
    const until = { sql: "(offline, unseen, short_id) <= (?, ?, ?)", values: place };
    const page = this.#walk({ ...search, order: [...order, until] }, walked.visitors);
    walked.visitors = page.visitors;
    walked.from = [{ sql: "(offline, unseen, short_id) > (?, ?, ?)", values: place }];
    return page.next === null ? null : page;
  }

  /** The page out of all who may match a part by its index; `null` where those are more than so many of each. */
  #gatherOne(search: Search, indexed: Sql[], most: number): Page | null {
    for (const members of indexed) {
      // Each once, since some are found in several ways.
      const sql = `SELECT DISTINCT id FROM (${members.sql}) LIMIT ${most + 1}`;
      const page = this.#withCandidates(
        { sql, values: members.values },
        (found) => found > most ? null : found <= FEW ? this.#readFew(search) : this.#sort(search),
      );
      if (page !== null) return page;
    }
    return null;
  }

  /** The page, however many may match each part. */
  #gatherAll(search: Search, indexed: Sql[]): Page {
    const counted = indexed.map((members) => ({ members, count: this.#count(members, MAX_NARROWING) }))
      .filter(({ count }) => count <= MAX_NARROWING)
      .sort((a, b) => a.count - b.count).map(({ members }) => members);
    const texts = search.parts.filter((part) => part.kind === "text")
      .filter(({ text }) => Array.from(text).length >= MIN_CHARACTERS);
    const [rarest, ...others] = counted.length > 0
      ? counted
      : texts.length > 0
      ? [membersOfTexts(texts)]
      : [];
    if (rarest === undefined) return this.#walk(search);
    return this.#withCandidates(rarest, (found) => {
      for (const { sql, values } of others) {
        if (found <= FEW) break;
        // Not by a condition on the members, which SQLite would ask the index for one by one.
        found -= this.#prepare(`DELETE FROM candidate WHERE id NOT IN (${sql})`).run(...values)
          .changes as number;
      }
      return found <= MAX_SORTED ? this.#sort(search) : this.#walk(search, [], "id IN candidate");
    });
  }

  /** How many they are, up to one more than so many. */
  #count({ sql, values }: Sql, most: number): number {
    const { found } = this.#prepare(`SELECT count(*) AS found FROM (${sql} LIMIT ${most + 1})`)
      .get(...values)! as { found: number };
    return found;
  }

  /** Some work while the table of candidates has these members. */
  #withCandidates<T>({ sql, values }: Sql, work: (found: number) => T): T {
    try {
      return work(
        this.#prepare(`INSERT OR IGNORE INTO candidate ${sql}`).run(...values).changes as number,
      );
    } finally {
      this.#prepare("DELETE FROM candidate").run();
    }
  }

  /** The page of candidates, each read as it is sorted. */
  #readFew(search: Search): Page {
    const { sql, values } = allOf([...search.order, ...rowConditions(search.parts)]);
    // Without a limit, with which SQLite would sort them in a table that it makes.
    const rows = this.#rows<[visitor: string]>(
      `SELECT visitor FROM candidate CROSS JOIN document AS row USING (id) WHERE ${sql}
       ORDER BY offline, unseen, short_id`,
    ).all(...values);
    return pageOf(search, rows.values().map(([visitor]) => new EncodedVisitor(visitor)));
  }

  /** The page of candidates, sorted before the first ones are read. */
  #sort(search: Search): Page {
    const order = allOf(search.order);
    // A cross join, since SQLite might read all visitors and look which ones are candidates.
    const ids = this.#rows<[id: number]>(
      `SELECT id FROM candidate CROSS JOIN visitor USING (id) WHERE ${order.sql}
       ORDER BY offline, unseen, short_id`,
    ).iterate(...order.values);
    const { sql, values } = allOf(rowConditions(search.parts));
    const read = this.#rows<[visitor: string]>(`SELECT visitor FROM document AS row WHERE id = ? AND ${sql}`);
    const rows = ids.map(([id]) => read.get(id, ...values)).filter((row) => row !== undefined);
    return pageOf(search, rows.map(([visitor]) => new EncodedVisitor(visitor)));
  }

  #prepare(sql: string): StatementSync {
    return this.#file.prepare(sql);
  }

  #rows<Row extends SQLOutputValue[]>(sql: string): Rows<Row> {
    return rowsOf(this.#prepare(sql));
  }
}

/** Those met before, and the first of others, in their order, that match. */
function pageOf(
  { query, isTold, limit }: Search,
  found: Iterable<EncodedVisitor>,
  met: EncodedVisitor[] = [],
): Page {
  const visitors = [...met];
  for (const visitor of found) {
    if (!isTold && !matches(query, visitor.visitor)) continue;
    if (visitors.length === limit) return { visitors, next: positionOfVisitor(visitors[limit - 1].visitor) };
    visitors.push(visitor);
  }
  return { visitors, next: null };
}

/** In whose order parts are tried: it takes least to see how many have an exact value, and longer texts are rarer. */
function lengthOf(part: FilePart): number {
  return part.kind === "text" ? part.text.length : Infinity;
}

/** The text, and words one typo away where those will do, that are in pages. */
function onPages(pages: Pages, text: string, typos: boolean): string[] {
  const found = pages.text.includes(text) ? [text] : [];
  if (!typos) return found;
  pages.words ??= likelyWordsOf(pages.text);
  return [...found, ...pages.words.filter((word) => !word.includes(text) && isOneTypoAway(word, text))];
}
