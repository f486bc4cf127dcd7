/**
 * A client that sends requests at a steady rate, however fast the answers arrive.
 *
 * @module
 */
import { pause } from "./bar.ts";
import { statusOf } from "./crowd.ts";
import { changingRequests } from "./requests.ts";

/** The most requests in flight; with more, the client itself would be the bottleneck. */
const MAX_UNDER_WAY = 200;

/** The result, which is printed as JSON at the end. */
export interface Paced {
  sent: number;
  /** How often a request had to wait because too many were in flight. */
  held: number;
  /** The first wrong answers. */
  otherwise: string[];
  /** The response times of a sample of the answers, in milliseconds. */
  times: number[];
}

if (import.meta.main) {
  const [url, visitors, rate, seconds] = Deno.args;
  const requests = changingRequests(Number(visitors), 0);
  const result: Paced = { sent: 0, held: 0, otherwise: [], times: [] };
  const ask = async (number: number) => {
    const { path, right } = requests.next().value!;
    const start = performance.now();
    const status = await statusOf(url + path);
    if (number % 100 === 0) result.times.push(Math.round(performance.now() - start));
    if (!right.includes(Number(status)) && result.otherwise.length < 10) {
      result.otherwise.push(`${status} to ${path}`);
    }
  };

  const underWay = new Set<Promise<void>>();
  const start = performance.now();
  for (let elapsed = 0; elapsed < Number(seconds); elapsed = (performance.now() - start) / 1000) {
    while (result.sent < elapsed * Number(rate)) {
      if (underWay.size >= MAX_UNDER_WAY) {
        result.held++;
        await Promise.race(underWay);
      }
      const work = ask(result.sent++).finally(() => underWay.delete(work));
      underWay.add(work);
    }
    await pause(5);
  }
  await Promise.all(underWay);
  console.log(JSON.stringify(result));
}
