/**
 * How the embedded store is searched: by walking through everybody in order, where many match, or by gathering all
 * who may match by an index, where few do.
 *
 * @module
 */
import { LONG_GRAM } from "../search/keys.ts";
import { matches } from "../search/match.ts";
import { grams } from "../search/normalise.ts";
import type { SearchQuery, TextPart } from "../search/parse.ts";
import { hasTypo } from "../search/typo.ts";
import type { Visitor } from "../visitor.ts";
import { comparePositions, placeOf, type Position } from "./position.ts";
import type { DatabaseSync, StatementSync } from "./sqlite_file.ts";
import {
  allOf,
  beyond,
  type GramIndex,
  membersOf,
  membersOfTexts,
  orderConditions,
  rowConditions,
  type Sql,
} from "./sqlite_query.ts";
import { TRIGRAM } from "./sqlite_schema.ts";
import type { Page } from "./visitor_store.ts";

/** Where more visitors may match, a page is first looked for among the first ones of all. */
const MAX_GATHERED = 2000;

/** Of more who have the rarest gram of a text it is not tried whether those who have all of its grams are so few. */
const MAX_LOOKED_UP = 30_000;

/** How many of the first ones those are: few, and where they do not fill the page more. */
const WALKED = [1000, 10_000];

/** So many postings of a full-text index are read in the time in which a walk looks at one visitor. */
const POSTINGS_A_ROW = 16;

/** How many of the first ones are looked at where words one typo away are looked for: that takes longer to see. */
const MAX_WALKED_FOR_TYPOS = 3000;

/** More who may have a typo are not gathered. */
const MAX_WITH_TYPOS = 15_000;

/** More candidates are not sorted but met while walking. */
const MAX_SORTED = 5000;

/** Grams of a text that are looked up: a further one leaves hardly anybody out. */
const MAX_GRAMS = 4;

/** A gram that so many times as many visitors have as the rarest one takes longer to look up than it saves. */
const MUCH_MORE_COMMON = 30;

/** So many candidates are looked at one by one. */
const FEW = 300;

/** For how many those stand who may have a typo: to count them takes as long as to gather them. */
const UNKNOWN = MAX_GATHERED + 1;

/** What more visitors than this have does not narrow down enough for what it takes. */
const MAX_NARROWING = 50_000;

/** The file, as a search reads it. */
export interface SearchedFile {
  prepare(sql: string): StatementSync;
  /** The visitor with an id, as it was stored at last, in the midst of a read that began with its revision. */
  readVisitor(id: number, revision: number): Visitor;
  /** The visitor of a row of `document`. */
  parseVisitor(row: { visitor?: unknown }): Visitor;
  /** Another one whenever something was written. */
  version(): unknown;
}

/** Makes what a search needs of a connection for itself: a table, and a function. */
export function prepareSearch(database: DatabaseSync) {
  database.exec("CREATE TEMP TABLE candidate (id INTEGER PRIMARY KEY)");
  database.function(
    "has_typo",
    { deterministic: true },
    (text, word) => Number(hasTypo(String(text), String(word))),
  );
}

interface Search {
  query: SearchQuery;
  limit: number;
  after: Position | null;
  /** Conditions on the order, and where to go on from. */
  order: Sql[];
}

/** What an index answers of a query. */
interface Indexed {
  /** The ids of all who may match. */
  members: Sql;
  /** How many they are at the most, those found by their page or short id left out; infinitely many: not counted. */
  estimate: number;
  /** What a full-text index reads to find them, in visitors. */
  postings: number;
}

/** Searches one file. */
export class SqliteSearch {
  #file: SearchedFile;
  #pages: { text: string; version: unknown } | null = null;

  constructor(file: SearchedFile) {
    this.#file = file;
  }

  /** As `VisitorStore.findVisitors`. */
  findVisitors(query: SearchQuery, limit: number, after: Position | null): Page {
    if (query.some(({ kind }) => kind === "nobody")) return { visitors: [], next: null };
    const place = after === null ? [] : [beyond(after)];
    const search = { query, limit, after, order: [...orderConditions(query), ...place] };
    const indexed = this.#indexedOf(query).sort((a, b) => a.estimate - b.estimate);
    if (indexed.length === 0) return this.#walk(search);
    const [rarest] = indexed;
    const isWithTypos = query.some((part) => part.kind === "text" && part.typos);
    if (rarest.estimate <= MAX_LOOKED_UP) {
      const page = this.#gather(search, indexed, isWithTypos ? MAX_WITH_TYPOS : MAX_GATHERED);
      if (page !== null) return page;
    }
    if (isWithTypos) return this.#walkFirst(search, MAX_WALKED_FOR_TYPOS);
    // To sort all whom a common word finds costs more than to walk until the page is full.
    for (const most of [...WALKED, rarest.postings / POSTINGS_A_ROW]) {
      const page = this.#walkFirst(search, most);
      if (page.next !== null) return page;
    }
    return this.#gather(search, this.#counted(indexed))!;
  }

  /** What indexes answer of a query. */
  #indexedOf(query: SearchQuery): Indexed[] {
    const lookups = {
      rareGrams: (text: string) => this.#rareGrams(text).map(({ gram }) => gram),
      isOnPage: (text: string) => this.#isOnPage(text),
    };
    const indexed = query.map((part) => ({ part, members: membersOf(part, lookups) }))
      .filter((one) => one.members !== null)
      .map(({ part, members }) => ({
        members: members!,
        estimate: part.kind === "text" ? UNKNOWN : this.#count(members!, MAX_GATHERED),
        postings: 0,
      }));
    const texts = query.filter((part) => part.kind === "text" && !part.typos) as TextPart[];
    const byLength = Object.groupBy(texts, ({ text }) => isLong(text) ? "long_gram" : "search_text");
    const ofTexts = (Object.entries(byLength) as [GramIndex, TextPart[]][]).map(([index, texts]) => {
      const found = texts.map(({ text }) => ({ text, grams: this.#rareGrams(text) }));
      const estimates = found.map(({ text, grams }) => {
        const counts = grams.map(({ visitors }) => visitors);
        return Array.from(text).length < TRIGRAM ? sum(counts) : Math.min(...counts);
      });
      return {
        members: membersOfTexts(index, texts, lookups),
        estimate: Math.min(...estimates),
        postings: sum(found.flatMap(({ grams }) => grams.map(({ visitors }) => visitors))),
      };
    });
    return [...indexed, ...ofTexts];
  }

  /** How many they are; infinitely many where they are more than so many. */
  #count({ sql, values }: Sql, most: number): number {
    const { found } = this.#prepare(`SELECT count(*) AS found FROM (${sql} LIMIT ${most + 1})`)
      .get(...values)! as { found: number };
    return found > most ? Infinity : found;
  }

  /** The same, with numbers for those that were too many to be counted for next to nothing. */
  #counted(indexed: Indexed[]): Indexed[] {
    return indexed.map((one) =>
      one.estimate === Infinity ? { ...one, estimate: this.#count(one.members, MAX_NARROWING) } : one
    ).sort((a, b) => a.estimate - b.estimate);
  }

  /** The rarest grams of a text, which few have without having the text; of a shorter one all that begin with it. */
  #rareGrams(text: string): { gram: string; visitors: number }[] {
    const length = isLong(text) ? LONG_GRAM : TRIGRAM;
    const ofText = grams(text, length);
    if (ofText.length === 0) {
      return this.#prepare("SELECT gram, visitors FROM gram WHERE length = ? AND gram >= ? AND gram < ?")
        .all(length, text, text + "\u{10ffff}") as { gram: string; visitors: number }[];
    }
    const count = this.#prepare("SELECT visitors FROM gram WHERE length = ? AND gram = ?");
    const [rarest, ...others] = ofText
      .map((gram) => ({ gram, visitors: count.get(length, gram)?.visitors as number | undefined ?? 0 }))
      .sort((a, b) => a.visitors - b.visitors);
    if (rarest.visitors <= FEW) return [rarest];
    const more = others.slice(0, MAX_GRAMS - 1);
    return [rarest, ...more.filter(({ visitors }) => visitors <= MUCH_MORE_COMMON * rarest.visitors)];
  }

  /**
   * Whether somebody online is on a page with this text. No index knows pages, so that a page view rewrites none;
   * they are read once for all searches until something is written.
   */
  #isOnPage(text: string): boolean {
    const version = this.#file.version();
    if (this.#pages === null || this.#pages.version !== version) {
      const { urls } = this.#prepare(
        "SELECT group_concat(url, char(10)) AS urls FROM listing WHERE offline = 0",
      ).get()! as { urls: string | null };
      this.#pages = { text: urls ?? "", version };
    }
    return this.#pages.text.includes(text);
  }

  /** The page, met while walking through everybody in order. */
  #walk({ query, limit, order }: Search): Page {
    const { sql, values } = allOf([...order, ...rowConditions(query)]);
    return this.#readPage(query, limit, {
      sql: `SELECT id, revision FROM listing WHERE ${sql} ORDER BY offline, unseen, short_id`,
      values,
    });
  }

  /** The page, met while walking through the first ones. */
  #walkFirst(search: Search, most: number): Page {
    const { sql, values } = allOf(search.order);
    const end = this.#prepare(
      `SELECT offline, unseen, short_id FROM listing WHERE ${sql} ORDER BY offline, unseen, short_id
       LIMIT 1 OFFSET ?`,
    ).get(...values, Math.round(most));
    if (end === undefined) return this.#walk(search);
    const bound = {
      sql: "(offline, unseen, short_id) <= (?, ?, ?)",
      values: Object.values(end) as Sql["values"],
    };
    return this.#walk({ ...search, order: [...search.order, bound] });
  }

  /** The page out of all who may match by the indexes; `null` where those are more than so many. */
  #gather(search: Search, indexed: Indexed[], most = Infinity): Page | null {
    const { query, limit, order } = search;
    try {
      const found = this.#gatherCandidates(indexed, most);
      if (found > most) return null;
      if (found <= limit) return this.#readFew(search);
      const isFew = found <= MAX_SORTED;
      const { sql, values } = allOf([...order, ...(isFew ? [] : rowConditions(query))]);
      return this.#readPage(query, limit, {
        // A cross join, since SQLite might read all visitors and look which ones are candidates.
        sql: isFew
          ? `SELECT id, revision FROM candidate CROSS JOIN visitor USING (id) WHERE ${sql} ORDER BY offline, unseen, short_id`
          : `SELECT id, revision FROM listing WHERE id IN candidate AND ${sql} ORDER BY offline, unseen, short_id`,
        values,
      });
    } finally {
      this.#prepare("DELETE FROM candidate").run();
    }
  }

  /**
   * Fills the table of candidates with the members of all parts, the rarest one first, until they are few.
   *
   * @param most when there are more of the rarest one, these are left out
   */
  #gatherCandidates([rarest, ...others]: Indexed[], most: number): number {
    const { sql, values } = rarest.members;
    // Each once, since some are found in several ways.
    const members = most === Infinity ? sql : `SELECT DISTINCT id FROM (${sql}) LIMIT ${most + 1}`;
    let { changes: found } = this.#prepare(`INSERT OR IGNORE INTO candidate ${members}`)
      .run(...values) as { changes: number };
    if (found <= FEW || found > most) return found;
    for (const { members, estimate } of this.#counted(others)) {
      if (found <= FEW || estimate > MAX_NARROWING) break;
      // Not by a condition on the members, which SQLite would ask the index for one by one.
      found -= this.#prepare(`DELETE FROM candidate WHERE id NOT IN (${members.sql})`)
        .run(...members.values).changes as number;
    }
    return found;
  }

  /** The page of candidates who all have room on it. They are sorted as they were read, which reads no other table. */
  #readFew({ query, after }: Search): Page {
    const found = this.#prepare("SELECT visitor FROM candidate CROSS JOIN document USING (id)").all()
      .map((row) => this.#file.parseVisitor(row))
      .filter((visitor) => matches(query, visitor))
      .map((visitor) => ({ visitor, place: placeOf(visitor) }))
      .filter(({ place }) => after === null || comparePositions(place, after) > 0)
      .sort((a, b) => comparePositions(a.place, b.place));
    return { visitors: found.map(({ visitor }) => visitor), next: null };
  }

  /** The first visitors of those with these ids and revisions, in their order, that match. */
  #readPage(query: SearchQuery, limit: number, ids: Sql): Page {
    const visitors: Visitor[] = [];
    for (const { id, revision } of this.#prepare(ids.sql).iterate(...ids.values)) {
      const visitor = this.#file.readVisitor(id as number, revision as number);
      if (!matches(query, visitor)) continue;
      if (visitors.length === limit) return { visitors, next: placeOf(visitors[limit - 1]) };
      visitors.push(visitor);
    }
    return { visitors, next: null };
  }

  #prepare(sql: string): StatementSync {
    return this.#file.prepare(sql);
  }
}

/** Whether a text is found by its long grams. */
function isLong(text: string): boolean {
  return Array.from(text).length >= LONG_GRAM;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
