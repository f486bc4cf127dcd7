/**
 * A search as SQLite's conditions. They only narrow down which visitors are read; whether one matches is told by
 * {@link matches}.
 *
 * @module
 */
import { exactKey } from "../search/keys.ts";
import { trigrams } from "../search/normalise.ts";
import type { SearchPart, SearchQuery, TextPart } from "../search/parse.ts";
import { deletions } from "../search/typo.ts";
import type { Position } from "./position.ts";

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

/** The rows of `listing` after a position, or up to it. */
export function beyond(operator: ">" | "<=", position: Position): Sql {
  const { offline, unseen } = orderColumns(position);
  return {
    sql: `(offline, unseen, short_id) ${operator} (?, ?, ?)`,
    values: [offline, unseen, position.shortId],
  };
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
  return query.flatMap((part) => {
    if (part.kind === "url") return [contains("url", part.text)];
    if (part.kind !== "text" || part.typos) return [];
    return [anyOf([contains("text", part.text), contains("url", part.text), isShortId(part.shortId)])];
  });
}

/** The ids of everybody who may match a part, by an index; `null` where there is none for it. */
export function membersOf(part: SearchPart, gramsWith: (start: string) => string[]): Sql | null {
  switch (part.kind) {
    case "nobody":
    case "online":
    case "url":
      return null;
    case "text":
      return union([
        ...matching("search_text", textExpression(part.text, gramsWith)),
        ...(part.typos ? matching("typo_word", expression(deletions(part.text), "OR")) : []),
        withShortId(part.shortId),
        ...(part.inUrl ? [online(urlOf(part))] : []),
      ]);
    case "code":
      return union([withKey(exactKey(part)!), withShortId(part.digits)]);
    default:
      return withKey(exactKey(part)!);
  }
}

/**
 * An FTS5 expression (https://www.sqlite.org/fts5.html#full_text_query_syntax) for a folded text: all of its
 * trigrams, or for one or two characters any that begins with them.
 */
export function textExpression(text: string, gramsWith: (start: string) => string[]): string {
  const grams = trigrams(text);
  return grams.length > 0 ? expression(grams, "AND") : expression(gramsWith(text), "OR");
}

function expression(terms: string[], operator: "AND" | "OR"): string {
  return terms.map((term) => `"${term.replaceAll('"', '""')}"`).join(` ${operator} `);
}

/** All of the conditions. */
export function allOf(conditions: Sql[]): Sql {
  return combine(conditions.map(({ sql, values }) => ({ sql: `(${sql})`, values })), " AND ", "TRUE");
}

/** Whether a row's id is among these. */
export function isIn({ sql, values }: Sql): Sql {
  return { sql: `id IN (${sql})`, values };
}

function anyOf(conditions: Sql[]): Sql {
  return combine(conditions, " OR ", "FALSE");
}

function union(selects: Sql[]): Sql {
  return combine(selects, " UNION ", "SELECT NULL WHERE FALSE");
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

function urlOf({ text, typos }: TextPart): Sql {
  if (!typos) return contains("url", text);
  // Of three pieces one typo leaves one as it is: even two letters that are swapped are in two at the most.
  const letters = Array.from(text);
  const [a, b] = [Math.floor(letters.length / 3), Math.floor(letters.length * 2 / 3)];
  const pieces = [letters.slice(0, a), letters.slice(a, b), letters.slice(b)];
  return anyOf(pieces.map((piece) => contains("url", piece.join(""))));
}

function contains(column: "text" | "url", text: string): Sql {
  return { sql: `instr(${column}, ?)`, values: [text] };
}

function isShortId(shortId: string): Sql {
  return { sql: "short_id = ?", values: [shortId] };
}

function withKey(key: string): Sql {
  return { sql: "SELECT id FROM exact_key WHERE key = ?", values: [key] };
}

/** The ids of those in an FTS5 table; nothing is an expression of no terms. */
function matching(table: "search_text" | "typo_word", expression: string): Sql[] {
  if (expression === "") return [];
  return [{ sql: `SELECT rowid AS id FROM ${table} WHERE ${table} MATCH ?`, values: [expression] }];
}
