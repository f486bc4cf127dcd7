/**
 * Requests as dashboards send them, which hardly ever repeat.
 *
 * @module
 */
import { benchVisitors, seededRandom, shortIdOf } from "../bench/visitors.ts";

/** A request's path, and the statuses that are right while the database answers. */
export interface Request {
  path: string;
  right: number[];
}

/** The number of visitors whose data is used in queries. */
const SAMPLE = 500;

/**
 * Generates endless requests: lists, searches of each kind, single visitors, and unknown ones.
 *
 * @param visitors the number of `benchVisitors` in the store
 */
export function* changingRequests(visitors: number, seed: number): Generator<Request> {
  const random = seededRandom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const sample = Array.from(benchVisitors(SAMPLE, SAMPLE / 20, new Date(0)));
  const known = sample.filter(({ name }) => name !== null).map(({ name, email }) => ({
    name: String(name),
    email: String(email),
  }));
  const one = () => known[below(known.length)];
  const letter = () => String.fromCharCode(97 + below(26));
  /** Some letters from the middle of a text. */
  const some = (text: string) => {
    const start = below(text.length - 3);
    return text.slice(start, start + 3 + below(6)).trim();
  };
  const queries = [
    () => some(one().name),
    () => `${some(one().name)} ${some(one().email)}`,
    () => one().name.replace(/(?<=..)\w/, letter()),
    () => `${letter()}${letter()}${letter()}${some(one().email)}`,
    () => one().email.replace(/\d+/, String(below(1000))),
    () => `online ${some(one().name)}`,
    () => `-online #customer ${some(one().email)}`,
    () => `#${["customer", "newsletter", "trial", "vip", "returning"][below(5)]} ${some(one().name)}`,
    () => `id:user-${below(visitors)}`,
    () => `integration_id:acmechat:${below(visitors)}`,
    () => `ip:198.51.${below(256)}.${below(256)}`,
    () => `url:products/${below(1000)}`,
    // A code that a visitor has: a client that guesses too many unused codes is refused.
    () => String(below(Math.min(10_000, visitors / 20))).padStart(4, "0"),
  ];
  const list = "/api/visitors/list/latest";
  const kinds: (() => Request)[] = [
    () => ({ path: list, right: [200] }),
    () => ({ path: `${list}?max_results=${1 + below(below(10) === 0 ? 1000 : 100)}`, right: [200] }),
    () => ({ path: `/api/visitors/${shortIdOf(below(visitors))}`, right: [200] }),
    () => ({ path: `/api/visitors/nobody-${below(1e9)}`, right: [404] }),
    ...Array(6).fill(() => {
      const search = new URLSearchParams({ q: queries[below(queries.length)]() });
      return { path: `/api/visitors/list/search?${search}`, right: [200] };
    }),
  ];
  while (true) yield kinds[below(kinds.length)]();
}
