/**
 * What the sample visitors do while `deno task dev` runs, so that lists and the console are alive: they come, move
 * from web page to web page, ask for a call and wait, are co-browsed with, and leave.
 *
 * @module
 */
import { type Background, startBackground } from "../operations/background.ts";
import type { Log } from "../operations/log.ts";
import { LATEST } from "../search/parse.ts";
import type { VisitorStore } from "../store/visitor_store.ts";
import type { Visitor, VisitorChange } from "../visitor/visitor.ts";
import { SAMPLE_URLS, sampleVisitors } from "./sample_visitors.ts";

/** Sample visitors, as the store has them now. */
interface Scene {
  online: Visitor[];
  /** The short ids of the others. */
  away: string[];
}

/** Chooses at random; `undefined` where there is nothing to choose from. */
type Choose = <T>(items: readonly T[]) => T | undefined;

/** Who does what; `null` where nobody can. */
type Event = (scene: Scene, choose: Choose) => { shortId: string; change: VisitorChange } | null;

/** An event of one of those online who is such as said. */
function happensTo(
  isSuch: (visitor: Visitor) => boolean,
  changeOf: (visitor: Visitor, choose: Choose) => VisitorChange,
): Event {
  return ({ online }, choose) => {
    const visitor = choose(online.filter(isSuch));
    return visitor === undefined ? null : { shortId: visitor.short_id, change: changeOf(visitor, choose) };
  };
}

/** An event while so many are such as said, so that there are always some, and never many. */
function whileThereAre(
  least: number,
  most: number,
  isSuch: (visitor: Visitor) => boolean,
  event: Event,
): Event {
  return (scene, choose) => {
    const count = scene.online.filter(isSuch).length;
    return count >= least && count <= most ? event(scene, choose) : null;
  };
}

const isWaiting = (visitor: Visitor) => visitor.is_waiting_for_call;
const isFree = (visitor: Visitor) => !visitor.is_waiting_for_call && !visitor.is_in_session;
const anybody = () => true;

const visit = (choose: Choose) => ({
  last_seen_at: new Date().toISOString(),
  last_url: choose(SAMPLE_URLS)!,
});

const LEFT = { is_online: false, is_in_session: false, is_waiting_for_call: false, lookup_code: null };

const arrive: Event = whileThereAre(0, 44, anybody, ({ away }, choose) => {
  const shortId = choose(away);
  if (shortId === undefined) return null;
  const lookup_code = Array.from({ length: 4 }, () => choose(DIGITS)).join("");
  return { shortId, change: { ...visit(choose), is_online: true, lookup_code } };
});
const move = happensTo((visitor) => !isWaiting(visitor), (_, choose) => visit(choose));
const leave = whileThereAre(36, Infinity, anybody, happensTo(isFree, () => LEFT));
const askForCall = whileThereAre(0, 6, isWaiting, happensTo(isFree, () => ({ is_waiting_for_call: true })));
const getCalled = whileThereAre(
  4,
  Infinity,
  isWaiting,
  happensTo(isWaiting, ({ is_supported }) => ({ is_waiting_for_call: false, is_in_session: is_supported })),
);
const endSession = whileThereAre(
  3,
  Infinity,
  (visitor) => visitor.is_in_session,
  happensTo((visitor) => visitor.is_in_session, () => ({ is_in_session: false })),
);

const DIGITS = Array.from("0123456789");

/** What happens, one after the other and then again: each of it within the first ten seconds, most of it moves. */
const EVENTS = [
  ...[move, askForCall, arrive, move, leave, getCalled, arrive, endSession, move, leave],
  ...[move, move, move, arrive, move, move, leave, move, move, move],
  ...[move, arrive, move, move, leave, move, move, move, move, move],
];

/**
 * Begins the day of the sample visitors that the store has: those are online who are in the beginning, and from then on
 * something happens to one of them every second. The first stays as README shows her. Other visitors, and what else is
 * known of these, are left alone.
 *
 * @param options.interval how long after one event the next one comes, in milliseconds
 */
export async function startSampleLife(
  store: VisitorStore,
  log: Log,
  { interval = 900 } = {},
): Promise<Background> {
  const shortIds = await beginDay(store);
  let count = 0;
  return startBackground(
    async () => {
      const { visitors } = await store.findVisitors(LATEST, MAX_READ, null);
      const online = visitors.filter(({ shortId }) => shortIds.has(shortId)).map(({ visitor }) => visitor);
      const present = new Set(online.map(({ short_id }) => short_id));
      const away = [...shortIds].filter((shortId) => !present.has(shortId));
      const event = EVENTS[count++ % EVENTS.length]({ online, away }, chooseAtRandom);
      if (event === null) return;
      // Somebody may have removed it.
      if (await store.updateVisitor(event.shortId, event.change) === null) shortIds.delete(event.shortId);
    },
    log,
    "Nothing happens to the sample visitors",
    { first: interval, interval, retry: 10 * interval },
  );
}

/** The most visitors online who are read. */
const MAX_READ = 1000;

/**
 * Makes online who is online in the beginning, as if it had just come.
 *
 * @returns the short ids of those who move
 */
async function beginDay(store: VisitorStore): Promise<Set<string>> {
  const samples = sampleVisitors(new Date());
  const stored = await store.getVisitors(samples.map(({ short_id }) => short_id));
  for (const [index, { short_id, ...sample }] of samples.entries()) {
    const visitor = stored[index]?.visitor;
    if (sample.is_online) {
      const { is_online, is_in_session, is_waiting_for_call, last_seen_at, last_url, lookup_code } = sample;
      const change = { is_online, is_in_session, is_waiting_for_call, last_seen_at, last_url, lookup_code };
      if (visitor !== undefined) await store.updateVisitor(short_id, change);
    } else if (visitor?.is_online) await store.updateVisitor(short_id, LEFT);
  }
  return new Set(
    samples.filter((_, index) => index > 0 && stored[index] !== null).map(({ short_id }) => short_id),
  );
}

function chooseAtRandom<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)];
}
