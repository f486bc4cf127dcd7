/**
 * What an embedded store's file holds, and how an earlier one becomes such.
 *
 * @module
 */

/** "Foyr": marks a file as ours (https://www.sqlite.org/pragma.html#pragma_application_id). */
export const APPLICATION_ID = 0x466f7972;

/** The key of visitors that are in a session, by which they are counted. */
export const IN_SESSION = "is_in_session";

/**
 * The schema, a step for each version; `user_version` counts the steps that a file has. A step that has been
 * released never changes.
 *
 * `visitor` is small, so that sorting some reads little. `listing` is everybody in the order of all lists, with all
 * that is searched for text: whoever walks it need not read the visitors. All its order columns ascend, because SQLite
 * uses the key for `(a, b, c) > (?, ?, ?)` only then: `offline` is 0 or 1, `unseen` the negative of `last_seen_at`
 * in ms. Its `url` is that of visitors online now. `gram` tells how many visitors have a trigram: what is rare.
 * `connection` tells to which processes a visitor is connected, and `process` what each told last to show that it lives.
 */
export const MIGRATIONS = [
  `CREATE TABLE visitor (
     id INTEGER PRIMARY KEY,
     short_id TEXT NOT NULL UNIQUE,
     offline INTEGER NOT NULL,
     unseen INTEGER NOT NULL
   ) STRICT;
   CREATE TABLE listing (
     offline INTEGER NOT NULL,
     unseen INTEGER NOT NULL,
     short_id TEXT NOT NULL,
     id INTEGER NOT NULL,
     url TEXT NOT NULL,
     text TEXT NOT NULL,
     PRIMARY KEY (offline, unseen, short_id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE document (
     id INTEGER PRIMARY KEY,
     visitor TEXT NOT NULL
   ) STRICT;
   CREATE TABLE exact_key (
     key TEXT NOT NULL,
     id INTEGER NOT NULL,
     PRIMARY KEY (key, id)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE gram (
     gram TEXT PRIMARY KEY,
     visitors INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE VIRTUAL TABLE search_text USING fts5(
     text, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1'
   );
   CREATE VIRTUAL TABLE typo_word USING fts5(
     words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
   );`,
  `CREATE INDEX visitor_by_time ON visitor (unseen);
   CREATE TABLE lease (
     name TEXT PRIMARY KEY,
     holder TEXT NOT NULL,
     until INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   INSERT OR IGNORE INTO exact_key (key, id)
     SELECT '${IN_SESSION}', id FROM document WHERE visitor ->> 'is_in_session';`,
  `CREATE TABLE connection (
     id INTEGER NOT NULL,
     process TEXT NOT NULL,
     PRIMARY KEY (id, process)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX connection_by_process ON connection (process);
   CREATE TABLE process (
     process TEXT PRIMARY KEY,
     count INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
];

/**
 * What makes a file of the days before `listing`, whose version is 1 too, an empty one, with its visitors set aside;
 * the store stores them as they are stored now.
 */
export const SET_ASIDE = `
  ALTER TABLE document RENAME TO document_aside;
  DROP TABLE visitor; DROP TABLE exact_key; DROP TABLE search_text; DROP TABLE IF EXISTS short_text;`;
