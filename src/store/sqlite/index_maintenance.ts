/**
 * Index maintenance: FTS5 writes what is new into a segment of its own, and a search looks into each of them
 * (https://www.sqlite.org/fts5.html#the_merge_command). Merging makes them one; then words that nobody has any more are
 * removed.
 *
 * @module
 */
import { deletions } from "../../search/typo.ts";
import type { Connection } from "./file.ts";
import { visitorsWith } from "./terms.ts";

/** Pages of the index that one step writes: some milliseconds. */
const PAGES = 32;

/** How many words one step checks. */
const WORDS = 200;

/** Segments beside the largest are merged into it once they are this part of all, so that a page is seldom written again. */
const MIN_SHARE = 1 / 8;

/** Maintains one file's indexes. */
export class IndexMaintenance {
  #connection: Connection;
  #isMerging = false;
  /** The word that was looked at last; `null` where there is no reason to look. */
  #lastWord: [deletion: string, word: string] | null = null;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Notes that somebody has lost a word: maintenance looks for words that nobody has. */
  noteRemoval() {
    this.#lastWord = ["", ""];
  }

  /**
   * Performs one step, where it is worth it.
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
    // A negative number begins to merge all, and a positive one continues.
    this.#connection.run(
      "INSERT INTO term (term, rank) VALUES ('merge', ?)",
      this.#isMerging ? PAGES : -PAGES,
    );
    // Fewer are those of the command itself.
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

  /** Looks at the next words; returns the last one of them, or `null` where no more are left. */
  #removeWords(last: [deletion: string, word: string]): [string, string] | null {
    // Each word is there once by its own beginning.
    const words = this.#connection.all<[deletion: string, word: string]>(
      `SELECT deletion, word FROM typo WHERE (deletion, word) > (?, ?) ORDER BY deletion, word LIMIT ${WORDS}`,
      ...last,
    );
    const unused = words.filter(([deletion, word]) => deletion === deletions(word)[0] && !this.#isUsed(word));
    if (unused.length > 0) {
      this.#connection.write(() => {
        for (const [, word] of unused) {
          // Somebody may have got it meanwhile.
          if (this.#isUsed(word)) continue;
          for (const deletion of deletions(word)) {
            this.#connection.run("DELETE FROM typo WHERE deletion = ? AND word = ?", deletion, word);
          }
        }
      });
    }
    return words.length < WORDS ? null : words.at(-1)!;
  }

  /** Whether somebody may have a word, or one in which it is. */
  #isUsed(word: string): boolean {
    const { sql, values } = visitorsWith(word);
    return this.#connection.get(`${sql} LIMIT 1`, ...values) !== undefined;
  }
}
