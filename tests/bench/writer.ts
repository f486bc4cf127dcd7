/**
 * Writes page views while a benchmark runs: a hundred visitors a second, each with another URL.
 *
 * @module
 */
import { MongoClient } from "mongodb";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { seededRandom, shortIdOf } from "./visitors.ts";

const [VISITORS, EVERY_MS] = [10, 100];

if (import.meta.main) {
  const [target, online] = Deno.args;
  const random = seededRandom(1);
  const write = target.startsWith("mongodb") ? viaDriver(target) : viaStore(target);
  setInterval(() => {
    const ids = Array.from({ length: VISITORS }, () => shortIdOf(Math.floor(random() * Number(online))));
    void write([...new Set(ids)], new Date());
  }, EVERY_MS);
}

/** Writes page views through the driver: only the few fields that change. */
function viaDriver(uri: string) {
  const visitors = new MongoClient(uri).db().collection("visitors");
  return async (shortIds: string[], now: Date) => {
    await visitors.bulkWrite(shortIds.map((short_id) => ({
      updateOne: { filter: { short_id }, update: { $set: { last_seen_at: now, last_url: pageOf(now) } } },
    })));
  };
}

function viaStore(path: string) {
  const store = openSqliteStore(path);
  return async (shortIds: string[], now: Date) => {
    const visitors = (await store.getVisitors(shortIds)).filter((stored) => stored !== null);
    await store.putVisitors(
      visitors.map(({ visitor }) => ({ ...visitor, last_seen_at: now.toISOString(), last_url: pageOf(now) })),
    );
  };
}

function pageOf(now: Date): string {
  return `https://shop.example.com/products/${now.getMilliseconds()}`;
}
