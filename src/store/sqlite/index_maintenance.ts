/**
 * Keeping the index of texts in order. SQLite writes what is new beside what is there, in a segment of its own, and a
 * search looks into each of them (https://www.sqlite.org/fts5.html#the_merge_command).
 *
 * @module
 */
import type { StatementSync } from "./file.ts";

/** Pages that are written at once: few, since nobody is answered meanwhile. */
const PAGES = 16;

/** Segments beside the largest are merged into it once they are this part of all, so that a page is seldom written again. */
const MIN_SHARE = 1 / 8;

/** Merges the segments of one file's index of texts. */
export class SqliteTidying {
  #prepare: (sql: string) => StatementSync;
  #isUnderWay = false;

  constructor(prepare: (sql: string) => StatementSync) {
    this.#prepare = prepare;
  }

  /**
   * Merges a little, where it is worth it.
   *
   * @returns whether there is more to merge
   */
  step(): boolean {
    if (!this.#isUnderWay && !this.#isWorthIt()) return false;
    const before = this.#changes();
    // A negative number begins to merge all, and what goes on is not begun again.
    this.#prepare("INSERT INTO suffix (suffix, rank) VALUES ('merge', ?)")
      .run(this.#isUnderWay ? PAGES : -PAGES);
    // Fewer are those of the command itself.
    this.#isUnderWay = this.#changes() - before >= 2;
    return this.#isUnderWay;
  }

  #isWorthIt(): boolean {
    const segments = this.#prepare("SELECT count(*) AS pages FROM suffix_idx GROUP BY segid").all()
      .map(({ pages }) => pages as number);
    const total = segments.reduce((sum, pages) => sum + pages, 0);
    return total - Math.max(0, ...segments) > MIN_SHARE * total;
  }

  #changes(): number {
    return this.#prepare("SELECT total_changes() AS changes").get()!.changes as number;
  }
}
