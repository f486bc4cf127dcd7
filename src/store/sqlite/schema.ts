/**
 * The tables of the embedded store's file. DESIGN.md has the reasons.
 *
 * @module
 */

import { INDEX_KEYS_VERSION } from "../../search/index_keys.ts";

/** "Foyr": marks a file as Foyer's (https://www.sqlite.org/pragma.html#pragma_application_id). */
export const APPLICATION_ID = 0x466f7972;

/** The version of the tables. Raise it with every change of {@link SCHEMA}. */
const SCHEMA_VERSION = 9;

/**
 * The `user_version` of a file. A file with a lower one is rebuilt. Both summands only ever rise, so the sum does as
 * well, and a later version never has the sum of an earlier one.
 */
export const VERSION = SCHEMA_VERSION + INDEX_KEYS_VERSION;

/** Separates the terms in the text that is written to the full-text index. */
export const SEPARATOR = "\n";

/**
 * The characters besides letters and digits that FTS5's ASCII tokenizer takes as part of a term: all but the separator.
 * (The tokenizer also folds ASCII letters; Foyer has folded them before.)
 */
const TOKEN_CHARACTERS = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1))
  .filter((character) => character !== SEPARATOR && !/[a-z0-9]/i.test(character)).join("")
  .replaceAll("'", "''").replaceAll('"', '""');

/**
 * - `visitor` has narrow rows, so that sorting and counting read little. `offline` is 0 or 1, and `unseen` the negative
 *   of `last_seen_at` in ms, so that all columns of `in_list_order` ascend: SQLite uses an index for
 *   `(a, b, c) > (?, ?, ?)` only then. `url` is the folded `last_url` of a visitor online, `NULL` while offline;
 *   `waiting` is 1 for a visitor online that waits for a call.
 * - `document` has each whole visitor in the form of document.ts; `attributes` names the attributes of its lines.
 * - `term` is the full-text index of terms.ts.
 * - `typo` has each word of the searched text under each of its `deletions`.
 * - `connection` records which visitors are connected to which process, and `process` each process's last heartbeat.
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
 * The tables that a rebuild leaves as they are. It renames tables of documents to `unbuilt` and a number, and drops all
 * others.
 */
export const LASTING_TABLES: ReadonlySet<string> = new Set([
  "lease",
  "connection",
  "process",
  "claim",
  "page",
  "unbuilt",
]);

/**
 * The list of tables whose documents a rebuild has still to store. `names` are the attributes of the documents' lines;
 * `NULL`: the documents are JSON objects.
 */
export const UNBUILT = `
  CREATE TABLE IF NOT EXISTS unbuilt (
    name TEXT PRIMARY KEY,
    names TEXT
  ) STRICT`;
