/**
 * What is common in a collection, estimated from some of its visitors.
 *
 * @module
 */
import { exactKeys, searchText, typoKeys } from "../search/keys.ts";
import { matches } from "../search/match.ts";
import type { SearchQuery } from "../search/parse.ts";
import type { Visitor } from "../visitor.ts";
import { typoKey } from "./mongodb_document.ts";
import type { Rarity } from "./mongodb_query.ts";

/** Some visitors, who stand for all. */
export class Sample implements Rarity {
  #visitors: Visitor[];
  #texts: string[];
  /** How many of them have an exact key, or a typo key. */
  #counts = new Map<string, number>();

  /** @param total how many documents there are in all, about */
  constructor(visitors: Visitor[], readonly total: number) {
    this.#visitors = visitors;
    this.#texts = visitors.map(searchText);
    for (const [i, visitor] of visitors.entries()) {
      for (const key of [...exactKeys(visitor), ...typoKeys(this.#texts[i]).map(typoKey)]) {
        this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      }
    }
  }

  /** The share of visitors that match. */
  shareOf(query: SearchQuery): number {
    return this.#visitors.filter((visitor) => matches(query, visitor)).length / (this.#visitors.length || 1);
  }

  shareOfKey(key: string): number {
    return this.#share(this.#counts.get(key) ?? 0);
  }

  shareOfText(text: string): number {
    return this.#share(this.#texts.filter((other) => other.includes(text)).length);
  }

  get unknown(): number {
    return this.#share(0);
  }

  /** Of whom there is none here there may be half a one. */
  #share(count: number): number {
    return (count || 0.5) / (this.#visitors.length || 1);
  }
}
