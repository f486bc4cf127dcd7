/**
 * The database becomes unavailable under load, and comes back.
 *
 * @module
 */
import { type OwnMongo, startOwnMongo } from "../support/mongodb.ts";
import { fill, type Outcome, pause, serve, type Setup } from "./bar.ts";
import { type Answer, counts, Crowd } from "./crowd.ts";

/** The limits, in milliseconds. */
const [ANSWERED_WITHIN, RECOVERED_WITHIN] = [3000, 5000];

/** Few visitors, so that any engine can keep up with the clients. */
const VISITORS = 200;

/** Kills the database, and starts it again, many times. */
export async function kills(setup: Setup, folder: string, times: number): Promise<Outcome> {
  return await underLoad(setup, folder, async (mongo, follow) => {
    for (let i = 0; i < times; i++) {
      await mongo.kill();
      await pause(500 + 4000 * Math.random());
      await mongo.restart();
      await follow();
    }
  });
}

/** Freezes the database for a number of seconds: it stays connected, and does not answer. */
export async function freeze(setup: Setup, folder: string, seconds: number): Promise<Outcome> {
  return await underLoad(setup, folder, async (mongo, follow) => {
    await mongo.freeze();
    await pause(seconds * 1000);
    mongo.thaw();
    await follow();
  });
}

/** Disturbs a database while clients send requests. Awaits `follow` each time that the database is back. */
async function underLoad(
  { foyer }: Setup,
  folder: string,
  hurt: (mongo: OwnMongo, follow: () => Promise<void>) => Promise<void>,
): Promise<Outcome> {
  const setup = { foyer, visitors: VISITORS };
  await using mongo = await startOwnMongo();
  const environment = { MONGO_URI: mongo.uri };
  await fill(setup, folder, environment);
  await using server = await serve(setup, folder, environment);
  const crowd = new Crowd(server.url, setup.visitors);
  const isRight = ({ status, right }: Answer) => right.includes(Number(status));
  const recoveries: number[] = [];
  // An engine that has just started may be slow for a while.
  while (crowd.answers.length < 100 || !crowd.answers.slice(-100).every(isRight)) await pause(100);
  crowd.answers.length = 0;
  await hurt(mongo, async () => {
    const back = performance.now();
    await pause(RECOVERED_WITHIN + 1000);
    // All wrong answers after the return count, not only those before the first right one.
    const since = crowd.answers.filter(({ end }) => end > back);
    const lastWrong = since.findLast((answer) => !isRight(answer))?.end ?? back;
    recoveries.push(since.some(({ start }) => start > lastWrong) ? lastWrong - back : Infinity);
  });
  await crowd.stop();
  const slowest = Math.max(...crowd.answers.map(({ start, end }) => end - start));
  const odd = crowd.answers.filter((answer) => !isRight(answer) && answer.status !== 503);
  const recovered = Math.max(...recoveries);
  return {
    seen: `${counts(crowd.answers.map(({ status }) => status))}; ` +
      `${odd.length} others than 200, 503 and 404 of an unknown one; slowest ${slowest.toFixed(0)} ms; ` +
      `recovered within ${recovered.toFixed(0)} ms of each of ${recoveries.length} returns`,
    isMet: slowest <= ANSWERED_WITHIN && odd.length === 0 && recovered <= RECOVERED_WITHIN &&
      crowd.answers.some(({ status }) => status === 503),
  };
}
