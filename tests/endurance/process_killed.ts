/**
 * One of two processes over one database is killed, while web pages are connected to both.
 *
 * @module
 */
import { startMongo } from "../support/mongodb.ts";
import { PRESENCE, TestPage } from "../support/presence.ts";
import { KEY, type Outcome, pause, serve, type Setup } from "./bar.ts";

/** The limit, in milliseconds. */
const OFFLINE_WITHIN = 60_000;

/** The size of each group: the killed process has visitors who reconnect and who do not, the other has its own. */
const VISITORS = 100;

/** Visitors who do not reconnect must be offline in time; all others must stay online throughout. */
export async function processKilled(setup: Setup, folder: string): Promise<Outcome> {
  await using mongo = await startMongo();
  const environment = {
    ...PRESENCE as Record<string, string>,
    REST_KEY: KEY,
    MONGO_URI: mongo.uri,
    // No limit, since all web pages connect from one address.
    CONNECTIONS_PER_ADDRESS: "0",
    NEW_VISITORS_PER_MINUTE: "0",
  };
  await using dying = await serve(setup, folder, environment);
  await using living = await serve(setup, folder, environment);
  const enter = async (url: string, token?: string) => {
    const page = await TestPage.open(new URL(url).host);
    page.hello({ token });
    return await page.next("welcome");
  };
  const many = (url: string, tokens: (string | undefined)[]) =>
    Promise.all(tokens.map((token) => enter(url, token)));
  const nobody = Array(VISITORS).fill(undefined);
  const [gone, back, others] = [
    await many(dying.url, nobody),
    await many(dying.url, nobody),
    await many(living.url, nobody),
  ];
  const online = async () => {
    const response = await fetch(`${living.url}/api/visitors/list/latest?max_results=1000`, {
      headers: { Authorization: KEY },
    });
    const { visitors } = await response.json();
    return new Set(visitors.map(({ short_id }: { short_id: string }) => short_id));
  };
  while ((await online()).size < 3 * VISITORS) await pause(100);
  const killed = performance.now();
  await dying.stop("SIGKILL");
  await many(living.url, back.map(({ token }) => token));
  const staying = [...back, ...others];
  let [flickered, left, last] = [0, VISITORS, 0];
  while (left > 0 && performance.now() - killed < 2 * OFFLINE_WITHIN) {
    await pause(250);
    const now = await online();
    if (staying.some(({ short_id }) => !now.has(short_id))) flickered++;
    left = gone.filter(({ short_id }) => now.has(short_id)).length;
    last = performance.now() - killed;
  }
  return {
    seen: left > 0
      ? `${left} of ${VISITORS} still online after ${(last / 1000).toFixed(1)} s`
      : `all offline after ${(last / 1000).toFixed(1)} s; ${flickered} times somebody else was offline`,
    isMet: left === 0 && last <= OFFLINE_WITHIN && flickered === 0,
  };
}
