/**
 * A search as SQLite's conditions. They narrow down which visitors are read, and mostly tell all, see
 * {@link areTold}; where not, whether one matches is told by {@link matches}.
 *
 * @module
 */
import { exactKey, SUFFIX } from "../../search/index_keys.ts";
import { foldCase, grams } from "../../search/normalise.ts";
import { EMAIL_ATTRIBUTES, type SearchPart, TEXT_ATTRIBUTES, type TextPart } from "../../search/parse.ts";
import type { Position } from "../../visitor/list_order.ts";

/** A part of a search, with what a look into the file told of it. */
export type FilePart = Exclude<SearchPart, TextPart> | FileText;

/** Text that is looked for in a file. */
export interface FileText extends TextPart {
  /** What will do: the text, and words one typo away that visitors have, where those will do. */
  wanted: string[];
  /** The same in pages that somebody is on now. */
  onPages: string[];
}

/** SQL, and the values for its question marks: what was typed never stands in the SQL. */
export interface Sql {
  sql: string;
  values: (string | number)[];
}

/** The SQL function that tells whether a folded text has a word; made by the store. */
export const HAS_WORD = "has_word";

/** What stands for characters that have a meaning between tags. */
const REPLACEMENT = "\uFFFD";

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
export function orderConditions(query: readonly FilePart[]): Sql[] {
  return query.flatMap((part) =>
    part.kind === "online"
      ? [{ sql: "offline = ?", values: [part.online ? 0 : 1] }]
      : part.kind === "url"
      ? [{ sql: "offline = 0", values: [] }]
      : []
  );
}

/**
 * What a row of `listing` or of `document` shows of whether its visitor matches, without reading the visitor; in the
 * SQL the table is called `row`.
 */
export function rowConditions(query: readonly FilePart[]): Sql[] {
  return query.map(rowCondition).filter((condition) => condition !== null);
}

function rowCondition(part: FilePart): Sql | null {
  switch (part.kind) {
    case "nobody":
    case "online":
      return null;
    case "url":
      return contains("url", part.text);
    case "tag":
      return contains("tags", tagsText([part.tag]));
    case "text":
      return anyOf([
        ...part.wanted.map((wanted) => hasWanted("text", part, wanted)),
        ...part.onPages.map((wanted) => hasWanted("url", part, wanted)),
        isShortId(part.shortId),
      ]);
    case "code":
      return anyOf([hasKey(exactKey(part)!), isShortId(part.digits)]);
    default:
      return hasKey(exactKey(part)!);
  }
}

/**
 * Whether the conditions on order and rows tell of every visitor whether it matches: not where attributes are hidden,
 * since rows do not have each by itself, nor of a tag with a character that stands there for others.
 */
export function areTold(query: readonly FilePart[]): boolean {
  return query.every((part) => {
    switch (part.kind) {
      case "text":
        return part.attributes.length === TEXT_ATTRIBUTES.length;
      case "email":
        return part.attributes.length === EMAIL_ATTRIBUTES.length;
      case "code":
        return part.inLookupCode;
      case "tag":
        return !tagsText([part.tag]).includes(REPLACEMENT);
      default:
        return true;
    }
  });
}

/**
 * The ids of everybody who may match a part, by an index, some more than once; `null` where there is none for it. They
 * are found one by one, so that it costs little to ask for the first ones.
 */
export function membersOf(part: FilePart): Sql | null {
  switch (part.kind) {
    case "nobody":
    case "online":
    case "url":
      return null;
    case "text":
      return union([...part.wanted.map(withText), withShortId(part.shortId), ...withPages(part)]);
    case "code":
      return union([withKey(exactKey(part)!), withShortId(part.digits)]);
    default:
      return withKey(exactKey(part)!);
  }
}

/** As {@link membersOf}, of those who may match all of these texts, of which there is one at least; all or none. */
export function membersOfTexts(texts: FileText[]): Sql {
  const expressions = texts.map(({ wanted }) =>
    `(${wanted.map((text) => `(${expression(text)})`).join(" OR ")})`
  );
  return union([
    matching(expressions.join(" AND ")),
    ...texts.map(({ shortId }) => withShortId(shortId)),
    // Some texts may be in the page that a visitor is on, and others elsewhere.
    ...(texts.some(({ onPages }) => onPages.length > 0) ? [online(allOf(rowConditions(texts)))] : []),
  ]);
}

/** All of the conditions. */
export function allOf(conditions: Sql[]): Sql {
  return combine(conditions.map(({ sql, values }) => ({ sql: `(${sql})`, values })), " AND ", "TRUE");
}

function anyOf(conditions: Sql[]): Sql {
  return combine(conditions, " OR ", "FALSE");
}

function union(selects: Sql[]): Sql {
  return combine(selects, " UNION ALL ", "");
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
  return { sql: `SELECT id FROM listing AS row WHERE offline = 0 AND (${sql})`, values };
}

function withPages({ onPages }: FileText): Sql[] {
  return onPages.length === 0 ? [] : [online(anyOf(onPages.map((text) => contains("url", text))))];
}

/** What a text shorter than a suffix has its suffixes begin with, the others are one; `posting` is made by the store. */
function withText(text: string): Sql {
  if (grams(text, SUFFIX).length > 0) return matching(expression(text));
  return {
    sql: "SELECT doc AS id FROM posting WHERE term >= ? AND term < ?",
    values: [text, text + "\u{10ffff}".repeat(SUFFIX)],
  };
}

function matching(expression: string): Sql {
  return { sql: "SELECT rowid AS id FROM suffix WHERE suffix MATCH ?", values: [expression] };
}

/**
 * An FTS5 expression (https://www.sqlite.org/fts5.html#full_text_query_syntax) for a folded text: of a long one some
 * suffixes that are all of it together.
 */
function expression(text: string): string {
  const pieces = grams(text, SUFFIX).filter((_, i, { length }) => i % SUFFIX === 0 || i === length - 1);
  return pieces.length === 0 ? `${quoted(text)} *` : pieces.map(quoted).join(" AND ");
}

function quoted(term: string): string {
  return `"${term.replaceAll('"', '""')}"`;
}

/** Tags as one text, in which each is found by itself. */
export function tagsText(tags: string[]): string {
  // SQLite ends a string at a NUL.
  return tags.map((tag) => `\n${foldCase(tag).replace(/[\0\n]/g, REPLACEMENT)}\n`).join("");
}

function contains(column: "text" | "url" | "tags", text: string): Sql {
  return { sql: `instr(${column}, ?)`, values: [text] };
}

/** Of what will do, the text itself may be a part of a word. */
function hasWanted(column: "text" | "url", { text }: FileText, wanted: string): Sql {
  if (wanted === text) return contains(column, text);
  return { sql: `(instr(${column}, ?) AND ${HAS_WORD}(${column}, ?))`, values: [wanted, wanted] };
}

function isShortId(shortId: string): Sql {
  return { sql: "short_id = ?", values: [shortId] };
}

function hasKey(key: string): Sql {
  return {
    sql: "EXISTS (SELECT 1 FROM exact_key WHERE key = ? AND exact_key.id = row.id)",
    values: [key],
  };
}

function withKey(key: string): Sql {
  return { sql: "SELECT id FROM exact_key WHERE key = ?", values: [key] };
}
