/**
 * A client that asks at a steady rate, however fast the answers come.
 *
 * @module
 */
import { pause } from "./bar.ts";
import { statusOf } from "./crowd.ts";
import { changingRequests } from "./requests.ts";

/** Requests that may be under way; more would measure this client. */
const MAX_UNDER_WAY = 200;

/** What it prints in the end. */
export interface Paced {
  sent: number;
  /** Times that requests had to wait since too many were under way. */
  held: number;
  /** The first answers that were not right. */
  otherwise: string[];
  /** Milliseconds of a part of the answers. */
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
