/**
 * What an embedded store's file holds. DESIGN.md says why so.
 *
 * @module
 */

import { INDEX_KEYS_VERSION } from "../../search/index_keys.ts";

/** "Foyr": marks a file as Foyer's (https://www.sqlite.org/pragma.html#pragma_application_id). */
export const APPLICATION_ID = 0x466f7972;

/** The version of the tables. Raise it with every change of {@link SCHEMA}. */
const SCHEMA_VERSION = 9;

/**
 * The `user_version` of a file. One of an earlier version is rebuilt. Its two parts only rise, so that no other pair of
 * them has the same sum as a later one.
 */
export const VERSION = SCHEMA_VERSION + INDEX_KEYS_VERSION;

/** Between two terms in what the full-text index is given. */
export const SEPARATOR = "\n";

/** Every other character belongs to a term. FTS5's tokenizer for ASCII folds ASCII letters, which are folded before. */
const TOKEN_CHARACTERS = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1))
  .filter((character) => character !== SEPARATOR && !/[a-z0-9]/i.test(character)).join("")
  .replaceAll("'", "''").replaceAll('"', '""');

/**
 * - `visitor` is small: sorting some, or counting, reads little. `offline` is 0 or 1, and `unseen` the negative of
 *   `last_seen_at` in ms, so that all columns of `in_list_order` ascend: SQLite uses an index for
 *   `(a, b, c) > (?, ?, ?)` only then. `url` is the folded `last_url` of visitors online, `NULL` of others; `waiting`
 *   is 1 for those online who wait for a call.
 * - `document` holds each visitor whole, in the form of document.ts, with the attributes that `attributes` names.
 * - `term` is the full-text index of terms.ts.
 * - `typo` holds each word of a searched text by what is left of it without a letter, see `deletions`.
 * - `connection` holds which visitors are connected to which process, and `process` the last heartbeat of each.
 * - `claim` holds when agents' claims end, in ms since 1970, and `page` the last web pages of visitors online, as JSON.
 */
export const SCHEMA = `
  CREATE TABLE visitor (
    id INTEGER PRIMARY KEY,
    short_id TEXT NOT NULL UNIQUE,
    offline INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    url TEXT,
    lookup_code TEXT,
    in_session INTEGER NOT NULL,
    waiting INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX in_list_order ON visitor (offline, unseen, short_id, url);
  CREATE INDEX by_lookup_code ON visitor (lookup_code) WHERE lookup_code IS NOT NULL;
  CREATE INDEX in_session ON visitor (in_session) WHERE in_session = 1;
  CREATE INDEX waiting ON visitor (waiting) WHERE waiting = 1;
  CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    attributes TEXT NOT NULL
  ) STRICT;
  CREATE TABLE attributes (
    names TEXT NOT NULL
  ) STRICT;
  CREATE VIRTUAL TABLE term USING fts5(
    terms, content = '', contentless_delete = 1, detail = none,
    tokenize = "ascii tokenchars '${TOKEN_CHARACTERS}'"
  );
  CREATE TABLE typo (
    deletion TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (deletion, word)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS connection (
    id INTEGER NOT NULL,
    process TEXT NOT NULL,
    PRIMARY KEY (id, process)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS connection_by_process ON connection (process);
  CREATE TABLE IF NOT EXISTS process (
    process TEXT PRIMARY KEY,
    count INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS claim (
    id INTEGER PRIMARY KEY,
    until INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS claim_by_end ON claim (until);
  CREATE TABLE IF NOT EXISTS page (
    id INTEGER PRIMARY KEY,
    views TEXT NOT NULL
  ) STRICT;
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};`;

/**
 * Tables of a file that stay as they are when it is rebuilt. Those of documents are renamed to `unbuilt` and a number,
 * and all others are dropped.
 */
export const LASTING_TABLES: ReadonlySet<string> = new Set([
  "lease",
  "connection",
  "process",
  "claim",
  "page",
  "unbuilt",
]);

/** Which tables hold documents that a rebuild has to store; `names` is `NULL` where those are JSON objects. */
export const UNBUILT = `
  CREATE TABLE IF NOT EXISTS unbuilt (
    name TEXT PRIMARY KEY,
    names TEXT
  ) STRICT`;
