/**
 * Simulates the sample visitors while `deno task dev` runs, so that lists and the console change: visitors arrive, open
 * web pages, ask for a call and wait, are co-browsed with, and leave.
 *
 * @module
 */
import { type Background, startBackground } from "../operations/background.ts";
import type { Log } from "../operations/log.ts";
import { LATEST } from "../search/parse.ts";
import type { PageView } from "../store/page_views.ts";
import type { PresenceWrite, VisitorStore } from "../store/visitor_store.ts";
import type { Visitor, VisitorChange } from "../visitor/visitor.ts";
import { SAMPLE_URLS, sampleVisitors } from "./sample_visitors.ts";

/** The process id under which the store records the connections of sample visitors. */
const PROCESS = "sample visitors";

/** The current state of the sample visitors in the store. */
interface Scene {
  online: Visitor[];
  /** The short ids of those offline. */
  away: string[];
}

/** Chooses an item at random; `undefined` if there are none. */
type Choose = <T>(items: readonly T[]) => T | undefined;

/** The changes that an event makes to a visitor. */
type Activity = Omit<PresenceWrite, "shortId" | "isNew">;

/** Chooses a visitor and what it does; `null` if the event is possible for nobody. */
type Event = (scene: Scene, choose: Choose) => { shortId: string; activity: Activity } | null;

/** Makes an event that happens to a random visitor online for whom `isSuch` is true. */
function happensTo(isSuch: (visitor: Visitor) => boolean, activityOf: (choose: Choose) => Activity): Event {
  return ({ online }, choose) => {
    const visitor = choose(online.filter(isSuch));
    return visitor === undefined ? null : { shortId: visitor.short_id, activity: activityOf(choose) };
  };
}

/**
 * Lets an event happen only while there are `least` to `most` visitors online for whom `isSuch` is true, so that there
 * are always some, and never many.
 */
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

const anybody = () => true;
const isWaiting = (visitor: Visitor) => visitor.is_waiting_for_call;
const isInSession = (visitor: Visitor) => visitor.is_in_session;
/** Whether a visitor may be changed. A claimed visitor is not: its agent is a real person at this machine. */
const isFree = (visitor: Visitor) =>
  !isWaiting(visitor) && !isInSession(visitor) && visitor.claimed_by === null;

/** The visitor opens a web page. */
function showPage(choose: Choose): { change: VisitorChange; pages: PageView[] } {
  const [url, at] = [choose(SAMPLE_URLS)!, new Date().toISOString()];
  return { change: { last_seen_at: at, last_url: url }, pages: [{ url, at }] };
}

const arrive: Event = whileThereAre(0, 44, anybody, ({ away }, choose) => {
  const shortId = choose(away);
  if (shortId === undefined) return null;
  const { change, pages } = showPage(choose);
  const offeredCode = Array.from({ length: 4 }, () => choose(DIGITS)).join("");
  return { shortId, activity: { change: { ...change, is_online: true }, pages, offeredCode } };
});
const move = happensTo((visitor) => !isWaiting(visitor), showPage);
const leave = whileThereAre(36, Infinity, anybody, happensTo(isFree, () => LEFT));
const askForCall = whileThereAre(
  0,
  5,
  isWaiting,
  happensTo(isFree, () => ({ change: { is_waiting_for_call: true } })),
);
const getCalled = whileThereAre(
  4,
  Infinity,
  isWaiting,
  happensTo(
    (visitor) => isWaiting(visitor) && visitor.is_supported && visitor.claimed_by === null,
    () => ({ change: { is_in_session: true } }),
  ),
);
const endSession = whileThereAre(
  3,
  Infinity,
  isInSession,
  happensTo(isInSession, () => ({ change: { is_in_session: false } })),
);

const LEFT: Activity = { change: { is_in_session: false }, isConnected: false };

const DIGITS = Array.from("0123456789");

/**
 * The events in the order in which they happen, repeated from the start. Each kind is among the first ten; most are
 * moves.
 */
const EVENTS = [
  ...[move, askForCall, arrive, move, leave, getCalled, arrive, endSession, move, leave],
  ...[move, move, move, arrive, move, move, leave, move, move, move],
  ...[move, arrive, move, move, leave, move, move, move, move, move],
];

/**
 * Resets the sample visitors that the store has to their first state; from then on, an event happens to one of them
 * about every second. The first sample visitor never changes, since the README shows her. Other visitors and other
 * attributes are not touched.
 *
 * @param options.interval the time between two events, in milliseconds
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
      const [{ exists }] = await store.writePresence(PROCESS, [writeOf(event.shortId, event.activity)]);
      // The visitor may have been removed.
      if (!exists) shortIds.delete(event.shortId);
    },
    log,
    "Cannot move the sample visitors",
    { first: interval, interval, retry: 10 * interval },
  );
}

/** The most visitors online who are read. */
const MAX_READ = 1000;

/**
 * Resets the sample visitors to their first state, some of them online.
 *
 * @returns the short ids of the visitors to whom events happen
 */
async function beginDay(store: VisitorStore): Promise<Set<string>> {
  const samples = sampleVisitors(new Date());
  const stored = await store.getVisitors(samples.map(({ short_id }) => short_id));
  const there = samples.filter((_, index) => stored[index] !== null);
  // Ends the sessions and connections that an earlier run left.
  const left = stored.flatMap((found) => found?.visitor.is_online ? [found.shortId] : []);
  await store.writePresence(PROCESS, left.map((shortId) => writeOf(shortId, LEFT)));
  await store.writePresence(
    PROCESS,
    there.filter(({ is_online }) => is_online).map((sample) => writeOf(sample.short_id, comeBack(sample))),
  );
  const [{ short_id: first }] = samples;
  return new Set(there.map(({ short_id }) => short_id).filter((shortId) => shortId !== first));
}

function writeOf(shortId: string, activity: Activity): PresenceWrite {
  return { shortId, isNew: false, ...activity };
}

/** Makes a sample visitor online, with a short history. */
function comeBack(sample: Visitor): Activity {
  const { is_online, is_in_session, is_waiting_for_call, waiting_since, last_seen_at, last_url } = sample;
  return {
    change: { is_online, is_in_session, is_waiting_for_call, waiting_since, last_seen_at, last_url },
    offeredCode: sample.lookup_code,
    pages: pagesBefore(sample),
  };
}

/** The web pages that a visitor viewed before the current one. */
function pagesBefore({ last_url, last_seen_at }: Visitor): PageView[] {
  const urls = SAMPLE_URLS.filter((url) => url !== last_url && Math.random() < 0.5);
  return [...urls, last_url!].map((url, index) => ({
    url,
    at: new Date(Date.parse(last_seen_at!) - (urls.length - index) * 45_000).toISOString(),
  }));
}

function chooseAtRandom<T>(items: readonly T[]): T | undefined {
  return items[Math.floor(Math.random() * items.length)];
}
