/**
 * What an embedded store's file holds, and how an earlier one becomes such.
 *
 * @module
 */

/** "Foyr": marks a file as ours (https://www.sqlite.org/pragma.html#pragma_application_id). */
export const APPLICATION_ID = 0x466f7972;

/** The key of visitors that are in a session, by which they are counted. */
export const IN_SESSION = "is_in_session";

/** What no suffix has in it, and so is between them. */
export const SEPARATOR = "\n";

/** All else that FTS5 would take for one: its tokenizer for ASCII folds letters, which are folded here, and nothing else. */
const TOKEN_CHARACTERS = Array.from({ length: 127 }, (_, i) => String.fromCharCode(i + 1))
  .filter((character) => character !== SEPARATOR && !/[a-z0-9]/i.test(character)).join("")
  .replaceAll("'", "''").replaceAll('"', '""');

/** The version of the schema, which a file has as its `user_version`. */
export const VERSION = 6;

/**
 * The schema. A file of an earlier version, or of other attributes, is made anew with what {@link SET_ASIDE} keeps of it.
 *
 * `visitor` is small, so that sorting some reads little. `listing` is everybody in the order of all lists, with all
 * that is searched for text, and the tags, which many have: whoever walks it need not read the visitors. All its order
 * columns ascend, because SQLite uses the key for `(a, b, c) > (?, ?, ?)` only then: `offline` is 0 or 1, `unseen` the negative of `last_seen_at`
 * in ms. Its `url` is that of visitors online now. `document` has the same beside what is sent of a visitor, for whoever
 * finds one by an index, so that only those are read who match; `attributes` is what those documents have, in their
 * order. `revision` is another one, at random, each time a visitor is stored:
 * whoever knows the visitor of this one need not read it again. `suffix` has the visitors by what follows in their text
 * from each character on. `word` has each word of theirs once, and how many have it; `typo` those words by what is left
 * of them without a letter.
 * `connection` tells to which processes a visitor is connected, and `process` what each told last to show that it lives.
 */
export const SCHEMA = `
  CREATE TABLE visitor (
    id INTEGER PRIMARY KEY,
    short_id TEXT NOT NULL UNIQUE,
    offline INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    revision INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX visitor_by_time ON visitor (unseen);
  CREATE TABLE listing (
    offline INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    short_id TEXT NOT NULL,
    id INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    url TEXT NOT NULL,
    text TEXT NOT NULL,
    tags TEXT NOT NULL,
    PRIMARY KEY (offline, unseen, short_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    offline INTEGER NOT NULL,
    unseen INTEGER NOT NULL,
    short_id TEXT NOT NULL,
    url TEXT NOT NULL,
    text TEXT NOT NULL,
    tags TEXT NOT NULL,
    visitor TEXT NOT NULL
  ) STRICT;
  CREATE TABLE attributes (
    names TEXT NOT NULL
  ) STRICT;
  CREATE TABLE exact_key (
    key TEXT NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (key, id)
  ) STRICT, WITHOUT ROWID;
  CREATE VIRTUAL TABLE suffix USING fts5(
    suffixes, content = '', contentless_delete = 1, detail = none,
    tokenize = "ascii tokenchars '${TOKEN_CHARACTERS}'"
  );
  CREATE TABLE word (
    word TEXT PRIMARY KEY,
    visitors INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
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
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};`;

/**
 * What makes a file of an earlier version one without visitors, with those that it has set aside; the store stores
 * them as they are stored now. Leases, and who is connected to which process, stay as they are.
 */
export const SET_ASIDE = `
  ALTER TABLE document RENAME TO document_aside;
  ${
  [
    ...["visitor", "listing", "exact_key", "suffix", "word", "typo", "attributes"],
    ...["gram", "search_text", "long_gram", "typo_word", "short_text"],
  ]
    .map((table) => `DROP TABLE IF EXISTS ${table};`).join("\n  ")
}`;

/** What puts together those whom a start that was cut off had set aside with those whom it had stored. */
export const PUT_TOGETHER = `
  CREATE TABLE document_of_both (id INTEGER PRIMARY KEY, visitor TEXT NOT NULL) STRICT;
  INSERT INTO document_of_both (visitor)
    SELECT visitor FROM document UNION ALL SELECT visitor FROM document_aside;
  DROP TABLE document;
  DROP TABLE document_aside;
  ALTER TABLE document_of_both RENAME TO document;`;
