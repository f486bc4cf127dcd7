/**
 * What is common in a collection, estimated from some of its visitors.
 *
 * @module
 */
import { exactKey, exactKeys, searchText, typoKeys } from "../../search/index_keys.ts";
import { matches } from "../../search/match.ts";
import { foldText } from "../../search/normalise.ts";
import type { SearchPart, SearchQuery } from "../../search/parse.ts";
import { deletions } from "../../search/typo.ts";
import type { Visitor } from "../../visitor/visitor.ts";
import { typoKey } from "./document.ts";
import type { Rarity } from "./conditions.ts";

/** Some visitors, who stand for all. */
export class Sample implements Rarity {
  #visitors: Visitor[];
  /** What text is looked for in, of each. */
  #texts: string[];
  #textsAndPages: string[];
  /** Those who have an exact key, or a typo key. */
  #byKey = new Map<string, Set<Visitor>>();

  /** @param total how many documents there are in all, about */
  constructor(visitors: Visitor[], readonly total: number) {
    this.#visitors = visitors;
    this.#texts = visitors.map(searchText);
    this.#textsAndPages = visitors.map(({ is_online, last_url }, i) =>
      this.#texts[i] + (is_online ? foldText(last_url ?? "") : "")
    );
    for (const [i, visitor] of visitors.entries()) {
      for (const key of [...exactKeys(visitor), ...typoKeys(this.#texts[i]).map(typoKey)]) {
        const having = this.#byKey.get(key) ?? new Set();
        this.#byKey.set(key, having.add(visitor));
      }
    }
  }

  /** The share of visitors that match, about: typos in pages and short ids do not count. */
  shareOf(query: SearchQuery): number {
    const tests = query.map((part) => this.#testOf(part));
    const matching = this.#visitors.filter((visitor, i) => tests.every((test) => test(visitor, i)));
    return matching.length / (this.#visitors.length || 1);
  }

  /** By what was made of the visitors once: a search is put to the sample before the database, and is not to wait for it. */
  #testOf(part: SearchPart): (visitor: Visitor, i: number) => boolean {
    const key = exactKey(part);
    // A code may be a short id, which is no key.
    if (key !== null && part.kind !== "code") {
      const having = this.#byKey.get(key);
      return (visitor) => having?.has(visitor) === true;
    }
    if (part.kind !== "text") return (visitor) => matches([part], visitor);
    const { text, typos } = part;
    const isIn = (i: number) => this.#textsAndPages[i].includes(text);
    if (!typos) return (_, i) => isIn(i);
    const keys = deletions(text).map((key) => this.#byKey.get(typoKey(key)));
    return (visitor, i) => isIn(i) || keys.some((having) => having?.has(visitor));
  }

  shareOfKey(key: string): number {
    return this.#share(this.#byKey.get(key)?.size ?? 0);
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
