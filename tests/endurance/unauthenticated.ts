/**
 * A burst of requests without a valid key, which must not reach the database.
 *
 * @module
 */
import { startOwnMongo } from "../support/mongodb.ts";
import { startWireProxy } from "../support/wire.ts";
import { fill, KEY, type Outcome, pause, serve, type Setup } from "./bar.ts";
import { counts, statusOf } from "./crowd.ts";
import { changingRequests } from "./requests.ts";

const CLIENTS = 32;

/** The headers that are sent instead of a valid key. */
const WRONG: Record<string, string>[] = [
  {},
  { Authorization: "" },
  { Authorization: "wrong" },
  { Authorization: `${KEY}x` },
  { Authorization: KEY.slice(1) },
  { Authorization: `Bearer ${KEY.toUpperCase()}` },
  { Authorization: `Basic ${btoa(`:${KEY}`)}` },
  { "X-Api-Key": "wrong" },
  { Authorization: "wrong", "X-Api-Key": KEY },
];

/** Sends a number of requests, and records the commands that reach MongoDB. */
export async function unauthenticated({ foyer }: Setup, folder: string, burst: number): Promise<Outcome> {
  // Few visitors are enough, since no request finds any.
  const setup = { foyer, visitors: 1000 };
  await using mongo = await startOwnMongo();
  await fill(setup, folder, { MONGO_URI: mongo.uri });
  await using proxy = startWireProxy(mongo.uri);
  await using server = await serve(setup, folder, { MONGO_URI: proxy.uri });
  const latest = `${server.url}/api/visitors/list/latest`;
  while (await statusOf(latest) !== 200) await pause(100);
  // Waits until the server's own commands at its start have ended.
  do {
    proxy.commands.length = 0;
    await pause(3000);
  } while (proxy.commands.length > 0);

  const requests = changingRequests(setup.visitors, 0);
  const statuses: (number | string)[] = [];
  await Promise.all(Array.from({ length: CLIENTS }, async () => {
    while (statuses.length < burst) {
      const headers = WRONG[statuses.length % WRONG.length];
      statuses.push(await statusOf(server.url + requests.next().value!.path, headers));
    }
  }));
  await pause(1000);
  const asked = [...proxy.commands];
  const control = await statusOf(latest);
  return {
    seen: `${counts(statuses)}; ${asked.length} operations asked of MongoDB${
      asked.length > 0 ? ` (${counts(asked)})` : ""
    }; then one with the key caused ${counts(proxy.commands.slice(asked.length))}`,
    isMet: statuses.every((status) => status === 401) && asked.length === 0 && control === 200 &&
      proxy.commands.length > 0,
  };
}
