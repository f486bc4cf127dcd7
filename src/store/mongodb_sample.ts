/**
 * What is common in a collection, estimated from some of its visitors.
 *
 * @module
 */
import { gramsOf, LONG_GRAM, searchText } from "../search/keys.ts";
import { matches } from "../search/match.ts";
import type { SearchQuery } from "../search/parse.ts";
import type { Visitor } from "../visitor.ts";
import { gramKey, searchKeys } from "./mongodb_document.ts";

/** Some visitors, who stand for all. */
export class Sample {
  #visitors: Visitor[];
  /** How many of them have a key, or one that begins so. */
  #counts = new Map<string, number>();

  /** @param total how many documents there are in all, about */
  constructor(visitors: Visitor[], readonly total: number) {
    this.#visitors = visitors;
    for (const visitor of visitors) {
      const beginnings = gramsOf(searchText(visitor), LONG_GRAM).map((gram) => Array.from(gram))
        .flatMap((characters) => characters.map((_, i) => characters.slice(0, i).join("")).slice(1));
      for (const key of new Set([...searchKeys(visitor), ...beginnings.map(gramKey)])) {
        this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      }
    }
  }

  /** The share of visitors that match. */
  shareOf(query: SearchQuery): number {
    return this.#visitors.filter((visitor) => matches(query, visitor)).length / (this.#visitors.length || 1);
  }

  /** The share of visitors that have a key; half a visitor where none here has it. */
  rarity(key: string): number {
    return (this.#counts.get(key) ?? 0.5) / (this.#visitors.length || 1);
  }

  /** The rarity of a key that none here has. */
  get unknown(): number {
    return 0.5 / (this.#visitors.length || 1);
  }
}
