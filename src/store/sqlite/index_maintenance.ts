/**
 * Index maintenance. FTS5 writes new terms into new segments, and a search has to look into each segment: maintenance
 * merges them (https://www.sqlite.org/fts5.html#the_merge_command), and then removes words that no visitor has any more.
 *
 * @module
 */
import { deletions } from "../../search/typo.ts";
import type { Connection } from "./file.ts";
import { visitorsWith } from "./terms.ts";

/** The number of index pages that one step writes, which takes some milliseconds. */
const PAGES = 32;

/** The number of words that one step checks. */
const WORDS = 200;

/**
 * Merging begins once the segments other than the largest are this part of the index, since each merge writes the largest
 * segment again.
 */
const MIN_SHARE = 1 / 8;

/** Maintains one file's indexes. */
export class IndexMaintenance {
  #connection: Connection;
  #isMerging = false;
  /** The word that was checked last; `null` while no word needs to be checked. */
  #lastWord: [deletion: string, word: string] | null = null;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Notes that a visitor may have lost a word, so that maintenance checks all words for use. */
  noteRemoval() {
    this.#lastWord = ["", ""];
  }

  /**
   * Performs one step, if there is enough to do.
   *
   * @returns whether there is more to do
   */
  step(): boolean {
    if (this.#isMerging || this.#isMergingWorthIt()) {
      this.#isMerging = this.#connection.write(() => this.#merge());
      return true;
    }
    if (this.#lastWord === null) return false;
    this.#lastWord = this.#removeWords(this.#lastWord);
    return this.#lastWord !== null;
  }

  /** @returns whether there is more to merge */
  #merge(): boolean {
    const before = this.#changes();
    // A negative number of pages begins a merge of all segments, a positive one continues it.
    this.#connection.run(
      "INSERT INTO term (term, rank) VALUES ('merge', ?)",
      this.#isMerging ? PAGES : -PAGES,
    );
    // Without anything left to merge, the command itself counts as one change.
    return this.#changes() - before >= 2;
  }

  #isMergingWorthIt(): boolean {
    const segments = this.#connection.all<[pages: number]>("SELECT count(*) FROM term_idx GROUP BY segid")
      .flat();
    const total = segments.reduce((sum, pages) => sum + pages, 0);
    return total - Math.max(0, ...segments) > MIN_SHARE * total;
  }

  #changes(): number {
    return this.#connection.get<[number]>("SELECT total_changes()")![0];
  }

  /** Checks the next words and removes unused ones; returns the last word checked, or `null` after the end. */
  #removeWords(last: [deletion: string, word: string]): [string, string] | null {
    // A word has a row for each of its deletions; it is checked at the first of them.
    const words = this.#connection.all<[deletion: string, word: string]>(
      `SELECT deletion, word FROM typo WHERE (deletion, word) > (?, ?) ORDER BY deletion, word LIMIT ${WORDS}`,
      ...last,
    );
    const unused = words.filter(([deletion, word]) => deletion === deletions(word)[0] && !this.#isUsed(word));
    if (unused.length > 0) {
      this.#connection.write(() => {
        for (const [, word] of unused) {
          // Checked again within the transaction, since a visitor may have got the word meanwhile.
          if (this.#isUsed(word)) continue;
          for (const deletion of deletions(word)) {
            this.#connection.run("DELETE FROM typo WHERE deletion = ? AND word = ?", deletion, word);
          }
        }
      });
    }
    return words.length < WORDS ? null : words.at(-1)!;
  }

  /** Whether any visitor may have a word, alone or within a longer one. */
  #isUsed(word: string): boolean {
    const { sql, values } = visitorsWith(word);
    return this.#connection.get(`${sql} LIMIT 1`, ...values) !== undefined;
  }
}
