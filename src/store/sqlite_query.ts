/**
 * A search as SQLite's conditions. They only narrow down which visitors are read; whether one matches is told by
 * {@link matches}.
 *
 * @module
 */
import { exactKey } from "../search/keys.ts";
import type { SearchPart, SearchQuery, TextPart } from "../search/parse.ts";
import { deletions } from "../search/typo.ts";
import type { Position } from "./position.ts";
import { TRIGRAM } from "./sqlite_schema.ts";

/** SQL, and the values for its question marks: what was typed never stands in the SQL. */
export interface Sql {
  sql: string;
  values: (string | number)[];
}

/** `unseen` of visitors without `last_seen_at`: after every date that ECMAScript can hold. */
const NEVER_SEEN = 9e15;

/** The columns of `listing` by which lists are ordered. */
export function orderColumns({ online, lastSeenAt }: Position): { offline: number; unseen: number } {
  return { offline: online ? 0 : 1, unseen: lastSeenAt === null ? NEVER_SEEN : -lastSeenAt };
}

/** The rows after a position. */
export function beyond(position: Position): Sql {
  const { offline, unseen } = orderColumns(position);
  return {
    sql: "(offline, unseen, short_id) > (?, ?, ?)",
    values: [offline, unseen, position.shortId],
  };
}

/** The rows of those offline, of those last seen before a time where there is one, and whose time is known. */
export function offlineBefore(time: Date | null): Sql {
  if (time === null) return { sql: "offline = 1", values: [] };
  return { sql: "offline = 1 AND unseen > ? AND unseen < ?", values: [-time.getTime(), NEVER_SEEN] };
}

/** What every visitor fulfils that matches a query, of that by which `listing` is ordered. */
export function orderConditions(query: SearchQuery): Sql[] {
  return query.flatMap((part) =>
    part.kind === "online"
      ? [{ sql: "offline = ?", values: [part.online ? 0 : 1] }]
      : part.kind === "url"
      ? [{ sql: "offline = 0", values: [] }]
      : []
  );
}

/** What a row of `listing` shows of whether its visitor matches, without reading the visitor. */
export function rowConditions(query: SearchQuery): Sql[] {
  return query.map(rowCondition).filter((condition) => condition !== null);
}

function rowCondition(part: SearchPart): Sql | null {
  switch (part.kind) {
    case "nobody":
    case "online":
      return null;
    case "url":
      return contains("url", part.text);
    case "text":
      return anyOf([
        contains("text", part.text),
        contains("url", part.text),
        isShortId(part.shortId),
        ...(part.typos ? [hasTypo("text", part.text), hasTypo("url", part.text)] : []),
      ]);
    case "code":
      return anyOf([hasKey(exactKey(part)!), isShortId(part.digits)]);
    default:
      return hasKey(exactKey(part)!);
  }
}

/**
 * The ids of everybody who may match a part, by an index; `null` where there is none for it, or where it is text
 * without typos, see {@link membersOfTexts}.
 */
export function membersOf(part: SearchPart, lookups: Lookups): Sql | null {
  switch (part.kind) {
    case "nobody":
    case "online":
    case "url":
      return null;
    case "text":
      if (!part.typos) return null;
      return union([
        ...matching("long_gram", [textExpression(part.text, lookups)]),
        ...matching("typo_word", [expression(deletions(part.text), "OR")]),
        withShortId(part.shortId),
        ...(part.inUrl && leftByTypo(part.text).some(lookups.isOnPage)
          ? [online(allOf([mayHaveTypo(part.text), hasTypo("url", part.text)]))]
          : []),
      ]);
    case "code":
      return union([withKey(exactKey(part)!), withShortId(part.digits)]);
    default:
      return withKey(exactKey(part)!);
  }
}

/** The ids of everybody who may match all of these texts, of which there is one at least, by one index. */
export function membersOfTexts(index: GramIndex, texts: TextPart[], lookups: Lookups): Sql {
  return union([
    ...matching(index, texts.map(({ text }) => textExpression(text, lookups))),
    ...texts.map(({ shortId }) => withShortId(shortId)),
    // Some texts may be in the page that a visitor is on, and others elsewhere.
    ...(texts.some(({ text, inUrl }) => inUrl && lookups.isOnPage(text))
      ? [online(allOf(rowConditions(texts)))]
      : []),
  ]);
}

/** What finds texts: of four characters and more, or of fewer. */
export type GramIndex = "long_gram" | "search_text";

/** What is looked up of a text before its visitors are. */
export interface Lookups {
  /** The grams to look up: its rarest ones, or all that begin with a text that is shorter than one. */
  rareGrams(text: string): string[];
  /** Whether somebody online is on a page with this text. */
  isOnPage(text: string): boolean;
}

/**
 * An FTS5 expression (https://www.sqlite.org/fts5.html#full_text_query_syntax) for a folded text; empty where nobody
 * has it. One or two characters are in whatever begins with them.
 */
function textExpression(text: string, { rareGrams }: Lookups): string {
  return expression(rareGrams(text), Array.from(text).length < TRIGRAM ? "OR" : "AND");
}

function expression(terms: string[], operator: "AND" | "OR"): string {
  return terms.map((term) => `"${term.replaceAll('"', '""')}"`).join(` ${operator} `);
}

/** All of the conditions. */
export function allOf(conditions: Sql[]): Sql {
  return combine(conditions.map(({ sql, values }) => ({ sql: `(${sql})`, values })), " AND ", "TRUE");
}

function anyOf(conditions: Sql[]): Sql {
  return combine(conditions, " OR ", "FALSE");
}

function union(selects: Sql[]): Sql {
  return combine(selects, " UNION ALL ", "SELECT NULL WHERE FALSE");
}

function combine(pieces: Sql[], glue: string, none: string): Sql {
  return {
    sql: pieces.map(({ sql }) => sql).join(glue) || none,
    values: pieces.flatMap(({ values }) => values),
  };
}

function withShortId(shortId: string): Sql {
  return { sql: "SELECT id FROM visitor WHERE short_id = ?", values: [shortId] };
}

/** The ids of those online who fulfil a condition. */
function online({ sql, values }: Sql): Sql {
  return { sql: `SELECT id FROM listing WHERE offline = 0 AND (${sql})`, values };
}

/**
 * What a word one typo away has one of: of two halves a typo leaves one as it is, unless it swaps the letters between
 * which they part.
 */
function leftByTypo(word: string): string[] {
  const letters = Array.from(word);
  const middle = Math.floor(letters.length / 2);
  const [first, second] = [letters.slice(0, middle), letters.slice(middle)];
  const swapped = [...first.slice(0, -1), second[0], first[middle - 1], ...second.slice(1)];
  return [first, second, swapped].map((piece) => piece.join(""));
}

function mayHaveTypo(word: string): Sql {
  return anyOf(leftByTypo(word).map((piece) => contains("url", piece)));
}

/** By the function of this name that the store defines. */
function hasTypo(column: "text" | "url", word: string): Sql {
  return { sql: `has_typo(${column}, ?)`, values: [word] };
}

function contains(column: "text" | "url", text: string): Sql {
  return { sql: `instr(${column}, ?)`, values: [text] };
}

function isShortId(shortId: string): Sql {
  return { sql: "short_id = ?", values: [shortId] };
}

function hasKey(key: string): Sql {
  return {
    sql: "EXISTS (SELECT 1 FROM exact_key WHERE key = ? AND exact_key.id = listing.id)",
    values: [key],
  };
}

function withKey(key: string): Sql {
  return { sql: "SELECT id FROM exact_key WHERE key = ?", values: [key] };
}

/** The ids of those in an FTS5 table that fulfil all expressions; an empty one is fulfilled by nobody. */
function matching(table: GramIndex | "typo_word", expressions: string[]): Sql[] {
  if (expressions.includes("")) return [];
  const whole = expressions.map((one) => `(${one})`).join(" AND ");
  return [{ sql: `SELECT rowid AS id FROM ${table} WHERE ${table} MATCH ?`, values: [whole] }];
}
