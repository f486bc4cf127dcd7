/**
 * The presence registry: the visitors whose web pages are connected to this process, and their changes that are not
 * written yet.
 *
 * @module
 */
import { type Clock, pause, SYSTEM_CLOCK } from "../async/clock.ts";
import { describeFailure, type Log } from "../operations/log.ts";
import { OngoingFailure } from "../operations/ongoing_failure.ts";
import { type Claims, mergeClaims } from "../store/claims.ts";
import { addPageViews, type PageView } from "../store/page_views.ts";
import type { VisitorChange } from "../visitor/visitor.ts";
import type { CallState } from "../visitor/visitor_state.ts";
import {
  type Leases,
  type PresenceResult,
  type PresenceStore,
  type PresenceWrite,
  StoreUnavailable,
} from "../store/visitor_store.ts";
import { Calls, NO_CALL } from "./calls.ts";
import { newShortId, type Tokens } from "./identity.ts";
import type { LookupCodes, LookupCodesListener } from "./lookup_codes.ts";
import type { ServerMessage } from "./messages.ts";
import type { ProcessWatch, ProcessWatchListener } from "./process_watch.ts";

/** The least time from the start of one write to the start of the next, in milliseconds. */
const INTERVAL = 500;

/**
 * The least time between two writes of one visitor's claims, in milliseconds: claims change the search fields, which
 * costs a hundred times as much as a page view.
 */
const CLAIMS_INTERVAL = 3000;

/** The time budget of one batch of claims, in milliseconds; a pause as long as the batch follows it, for other work. */
const BATCH_BUDGET = 20;

/** The largest batch of claims, in visitors, however fast the last batch was. */
const MAX_BATCH = 256;

/** The least time from the start of one write to the start of the next after one that failed, in milliseconds. */
const RETRY = 1000;

/**
 * The time between two comparisons of the database with this process, in milliseconds: after a backup was restored, the
 * database may be wrong about any visitor's connection.
 */
const COMPARISON_INTERVAL = 20_000;

/** The most visitors whom one write of a comparison marks as offline. */
const MAX_CORRECTED = 500;

/** A web page that is connected. */
export interface WebPage {
  send(message: ServerMessage): void;
  /**
   * Whether another visitor may be created for this web page, in place of a removed one. If not, the web page is sent
   * the error and its connection is closed.
   */
  admitNewVisitor(): boolean;
}

/** The changes of a visitor that are not written yet. */
interface Pending {
  isNew: boolean;
  change: VisitorChange;
  claims: Claims | null;
  isConnected?: boolean;
  /** Whether the write must find out the visitor's lookup code, since it may have one from another process. */
  findsCode: boolean;
  /** The web pages that the visitor viewed, the newest last. */
  views: PageView[];
  /** Whether web pages expect an answer on whether the visitor waits for a call. */
  asksForCall: boolean;
}

/** A visitor who is connected to this process, or was until just now. */
export interface PresentVisitor {
  shortId: string;
  pages: Set<WebPage>;
  /** The last hello's attributes, for a visitor that has to be created again. */
  profile: VisitorChange;
  code: string | null;
  /** The state of the visitor's call that was last sent to its web pages. */
  call: CallState;
  /** The web page that the visitor viewed last; `null` if views are not stored. */
  view: PageView | null;
  pending: Pending | null;
  /** Whether the database records, or will record, that the visitor is connected to this process. */
  isConnected: boolean;
  /** The earliest time of the next write of claims, in milliseconds of the clock. */
  claimsAt: number;
  /** Cancels the grace period, so that the visitor stays online. */
  cancelLeaving: () => void;
}

/** The dependencies and settings of the registry. */
export interface RosterOptions {
  store: PresenceStore & Leases;
  watch: ProcessWatch;
  codes: LookupCodes;
  tokens: Tokens;
  log: Log;
  /** How long a visitor stays online after its last web page was closed, in milliseconds. */
  grace: number;
  /** The capacity in visitors, including those who left while the database was unavailable. */
  most: number;
  /** The value of `SITE_KEY`. */
  siteKey: string;
  /** Whether the web pages that visitors viewed are stored. */
  storesPages: boolean;
  clock?: Clock;
}

/** The presence registry. */
export class Roster implements ProcessWatchListener, LookupCodesListener {
  #options: RosterOptions;
  #visitors = new Map<string, PresentVisitor>();
  #changed = new Set<PresentVisitor>();
  #codes: LookupCodes;
  #clock: Clock;
  /** Visitors who wait for a lookup code. */
  #codeless = new Set<PresentVisitor>();
  #writing: Promise<void> | null = null;
  #cancelWrite: (() => void) | null = null;
  #lastWriteAt = -Infinity;
  #isComparisonDue = false;
  #cancelComparison = () => {};
  #isClosed = false;
  #hasLoggedRefusal = false;
  /** The size of a batch of claims, in visitors; adapted to how long the last batch took. */
  #batchSize = 2;
  #failure: OngoingFailure;
  #calls: Calls<PresentVisitor>;

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#codes = options.codes;
    this.#clock = options.clock ?? SYSTEM_CLOCK;
    this.#failure = new OngoingFailure(options.log, "Visitors' presence is not written yet");
    this.#calls = new Calls((presence) => this.#change(presence, {}), this.#clock);
    options.watch.subscribe(this);
    options.codes.subscribe(this);
    this.#scheduleComparison(INTERVAL);
  }

  /** The number of visitors in the registry, including those who left and are not written yet. */
  get size(): number {
    return this.#visitors.size;
  }

  /** The number of visitors with changes that are not written yet. */
  get waiting(): number {
    return this.#changed.size;
  }

  /** Whether the registry has no room for another visitor. */
  get isFull(): boolean {
    return this.#visitors.size >= this.#options.most;
  }

  /**
   * Adds a web page.
   *
   * @param shortId the short id in the visitor's token; `null` for a new visitor
   * @param profile the attributes in the web page's hello
   */
  enter(page: WebPage, shortId: string | null, profile: VisitorChange): PresentVisitor {
    const known = shortId === null ? undefined : this.#visitors.get(shortId);
    const presence = known ?? this.#add(shortId ?? newShortId());
    presence.cancelLeaving();
    presence.pages.add(page);
    presence.profile = profile;
    const now = new Date().toISOString();
    const isNew = shortId === null;
    // A visitor known to this process keeps its code; one who comes from another process may have a code there.
    const findsCode = known === undefined && !isNew;
    if (isNew) this.#giveCode(presence);
    this.#change(presence, {
      isNew,
      change: {
        ...profile,
        ...(isNew ? { added_at: now } : {}),
        ...(findsCode ? {} : { lookup_code: presence.code }),
        last_seen_at: now,
      },
      isConnected: true,
      findsCode,
      views: this.#viewOf(presence, profile.last_url ?? null, now),
    });
    presence.isConnected = true;
    this.#welcome(presence, [page]);
    // A visitor who comes from another process may already wait for a call; the result of the write says so.
    if (known !== undefined) this.#calls.send(presence, [page]);
    return presence;
  }

  /** Removes a web page. After the last one, its visitor stays online for the grace period. */
  leave(page: WebPage, presence: PresentVisitor) {
    presence.pages.delete(page);
    if (presence.pages.size > 0 || this.#isClosed) return;
    // A visitor who was removed and not admitted again is no longer in the registry when its web pages close.
    if (this.#visitors.get(presence.shortId) !== presence) return;
    const last_seen_at = new Date().toISOString();
    presence.cancelLeaving = this.#clock.after(this.#options.grace, () => {
      presence.isConnected = false;
      this.#change(presence, { change: { last_seen_at }, isConnected: false });
    });
  }

  /** Records that a web page shows another URL. */
  showPage(presence: PresentVisitor, last_url: string | null) {
    presence.profile.last_url = last_url;
    const lookup_code = presence.code;
    const last_seen_at = new Date().toISOString();
    const change = { last_url, last_seen_at };
    // Written again, since another process may have recorded the visitor as not connected.
    this.#change(presence, {
      change: lookup_code === null ? change : { ...change, lookup_code },
      isConnected: true,
      views: this.#viewOf(presence, last_url, last_seen_at),
    });
  }

  /** The current page view for a write; empty if views are not stored. */
  #viewOf(presence: PresentVisitor, url: string | null, at: string): PageView[] {
    if (!this.#options.storesPages || url === null) return [];
    if (presence.view?.url !== url) presence.view = { url, at };
    return [presence.view];
  }

  /** Records that a visitor asks for a call, or no longer does. */
  askForCall(presence: PresentVisitor, is_waiting_for_call: boolean) {
    const now = new Date().toISOString();
    this.#change(presence, {
      change: { last_seen_at: now, is_waiting_for_call, waiting_since: is_waiting_for_call ? now : null },
      asksForCall: true,
    });
  }

  /** Records the claims of a web page about its visitor. */
  claim(presence: PresentVisitor, claims: Claims) {
    this.#change(presence, { change: { last_seen_at: new Date().toISOString() }, claims });
  }

  /** Sends a visitor's lookup code to a web page, if there is one; otherwise its web pages receive the code later. */
  sendCode(presence: PresentVisitor, page: WebPage) {
    if (presence.code !== null) page.send({ type: "lookup_code", lookup_code: presence.code });
  }

  /** Writes all connections again, after another process has ended them. */
  onConnectionsEnded() {
    for (const presence of this.#visitors.values()) {
      if (presence.isConnected) this.#reassert(presence);
    }
  }

  /** Asks all web pages to reconnect, each at a random time within `within` milliseconds. */
  sendAway(within: number) {
    for (const { pages } of this.#visitors.values()) {
      for (const page of pages) page.send({ type: "reconnect", after: Math.floor(Math.random() * within) });
    }
  }

  /** Writes the pending changes, if the database answers. Visitors stay online, since their web pages reconnect. */
  async close() {
    this.#isClosed = true;
    for (const { cancelLeaving } of this.#visitors.values()) cancelLeaving();
    this.#cancelComparison();
    this.#cancelWrite?.();
    await this.#writing;
    await this.#write();
    this.#calls.close();
  }

  #add(shortId: string): PresentVisitor {
    const presence: PresentVisitor = {
      shortId,
      pages: new Set(),
      profile: {},
      code: null,
      call: NO_CALL,
      view: null,
      pending: null,
      isConnected: true,
      claimsAt: -Infinity,
      cancelLeaving: () => {},
    };
    this.#visitors.set(shortId, presence);
    return presence;
  }

  #welcome({ shortId, code }: PresentVisitor, pages: Iterable<WebPage>) {
    const token = this.#options.tokens.make(shortId);
    for (const page of pages) page.send({ type: "welcome", short_id: shortId, token, lookup_code: code });
  }

  #giveCode(presence: PresentVisitor) {
    presence.code = this.#codes.take();
    if (presence.code === null) this.#codeless.add(presence);
    else this.#codeless.delete(presence);
  }

  /** Gives lookup codes to the visitors who wait for one. */
  onCodesReady() {
    for (const presence of this.#codeless) {
      const code = this.#codes.take();
      if (code === null) return;
      this.#codeless.delete(presence);
      presence.code = code;
      this.#announceCode(presence);
      this.#change(presence, { change: { lookup_code: code } });
    }
  }

  #change(presence: PresentVisitor, more: Partial<Pending>) {
    const pending = { ...NOTHING, ...more };
    presence.pending = presence.pending === null ? pending : mergePending(presence.pending, pending);
    this.#changed.add(presence);
    this.#schedule(INTERVAL);
  }

  #schedule(interval: number) {
    if (this.#cancelWrite !== null || this.#writing !== null || this.#isClosed) return;
    const wait = Math.max(0, this.#lastWriteAt + interval - this.#clock.now());
    this.#cancelWrite = this.#clock.after(wait, () => {
      this.#cancelWrite = null;
      this.#writing = this.#write().then((interval) => {
        this.#writing = null;
        if (this.#changed.size > 0 || this.#isComparisonDue) this.#schedule(interval);
      });
    });
  }

  #scheduleComparison(interval: number) {
    this.#cancelComparison = this.#clock.after(interval, () => {
      this.#isComparisonDue = true;
      this.#schedule(INTERVAL);
      this.#scheduleComparison(COMPARISON_INTERVAL);
    });
  }

  /** @returns the least time from the start of this write to the start of the next, in milliseconds */
  async #write(): Promise<number> {
    const { watch, log } = this.#options;
    const batch = [...this.#changed];
    const compares = (this.#isComparisonDue || this.#failure.goesOn) && !this.#isClosed;
    if (batch.length === 0 && !compares) return INTERVAL;
    this.#changed.clear();
    this.#lastWriteAt = this.#clock.now();
    const work = batch.map((presence) => this.#take(presence));
    const isCostly = ({ write }: Writing) => write.claims !== null;
    try {
      // Register this process first; otherwise nobody would clean up its connections after a crash.
      if (!watch.isRegistered) await watch.heartbeat();
      await this.#send(work.filter((writing) => !isCostly(writing)));
      await this.#sendInBatches(work.filter(isCostly));
      if (compares) await this.#compare();
      if (this.#failure.goesOn) {
        log("Visitors' presence is written again");
        this.#failure.end();
      }
      return INTERVAL;
    } catch (error) {
      for (const { presence, pending, isSettled } of work) {
        if (isSettled) continue;
        this.#sendAgain(presence, pending);
      }
      this.#failure.note(error);
      return RETRY;
    }
  }

  /**
   * Corrects the database where it disagrees with this process on who is connected: after a crash or a failover it may
   * have lost acknowledged writes, and a restored backup is out of date. No write of this process may run meanwhile.
   */
  async #compare() {
    const { store, watch, siteKey } = this.#options;
    const recorded = await store.connectedTo(watch.process);
    for (const presence of this.#visitors.values()) {
      const isWritten = presence.pending?.isConnected === undefined;
      if (presence.isConnected && isWritten && recorded.get(presence.shortId) !== true) {
        this.#reassert(presence);
      }
    }
    const gone = [...recorded.keys(), ...await store.onlineWithoutConnection(siteKey)]
      .filter((shortId) => !this.#visitors.has(shortId));
    for (let start = 0; start < gone.length; start += MAX_CORRECTED) {
      const some = gone.slice(start, start + MAX_CORRECTED).filter((shortId) => !this.#visitors.has(shortId));
      await store.writePresence(
        watch.process,
        some.map((shortId) => ({ shortId, isNew: false, change: {}, isConnected: false })),
      );
    }
    this.#isComparisonDue = false;
  }

  #reassert(presence: PresentVisitor) {
    // When its connections were ended, its page view was removed too.
    this.#change(presence, {
      isConnected: true,
      findsCode: true,
      views: presence.view === null ? [] : [presence.view],
    });
  }

  /** Writes claims in batches short enough that other queries need not wait for long. */
  async #sendInBatches(work: Writing[]) {
    const start = this.#clock.now();
    for (let next = 0; next < work.length;) {
      const batchStart = this.#clock.now();
      // The other changes that came up meanwhile are written first.
      if (batchStart - start > INTERVAL && !this.#isClosed) {
        for (const writing of work.slice(next)) {
          writing.isSettled = true;
          writing.presence.claimsAt = -Infinity;
          this.#sendAgain(writing.presence, writing.pending);
        }
        return;
      }
      const batch = work.slice(next, next + this.#batchSize);
      next += batch.length;
      await this.#send(batch);
      const took = this.#clock.now() - batchStart;
      if (took > BATCH_BUDGET) this.#batchSize = Math.max(1, this.#batchSize >> 1);
      else if (took < BATCH_BUDGET / 2) this.#batchSize = Math.min(MAX_BATCH, this.#batchSize * 2);
      if (next < work.length && !this.#isClosed) await pause(took, this.#clock);
    }
  }

  /** Takes the pending changes for this write; later changes start a new batch, and so do claims that come too soon. */
  #take(presence: PresentVisitor): Writing {
    let pending = presence.pending!;
    presence.pending = null;
    const now = this.#clock.now();
    if (pending.claims !== null) {
      const mayWait = !pending.isNew && presence.pages.size > 0 && !this.#isClosed;
      if (mayWait && now < presence.claimsAt) {
        presence.pending = { ...NOTHING, claims: pending.claims };
        this.#changed.add(presence);
        pending = { ...pending, claims: null };
      } else presence.claimsAt = now + CLAIMS_INTERVAL;
    }
    const { isNew, change, claims, isConnected, findsCode, views } = pending;
    if (findsCode && presence.code === null) this.#giveCode(presence);
    const write = {
      shortId: presence.shortId,
      isNew,
      change,
      claims,
      ...(isConnected === undefined ? {} : { isConnected }),
      ...(findsCode ? { offeredCode: presence.code } : {}),
      ...(views.length === 0 ? {} : { pages: views }),
    };
    return { presence, pending, write, isSettled: false };
  }

  /** Writes all together; if that fails, writes each visitor alone, so that one failure does not affect the others. */
  async #send(work: Writing[]) {
    const { store, watch, log } = this.#options;
    if (work.length === 0) return;
    try {
      const results = await store.writePresence(watch.process, work.map(({ write }) => write));
      work.forEach((writing, i) => this.#settle(writing, results[i]));
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      if (work.length === 1) log("Cannot write a visitor's presence", "error", describeFailure(error));
      else for (const writing of work) await this.#send([writing]);
    }
  }

  /** Puts changes that were not written back, before the changes that are pending since. */
  #sendAgain(presence: PresentVisitor, pending: Pending) {
    presence.pending = presence.pending === null ? pending : mergePending(pending, presence.pending);
    this.#changed.add(presence);
  }

  #settle(writing: Writing, { exists, lookupCode, call, problem }: PresenceResult) {
    writing.isSettled = true;
    const { presence, pending, write } = writing;
    if (problem === "conflict") return this.#sendAgain(presence, pending);
    if (problem === "refused") this.#settleRefused(writing);
    const hasLeft = presence.pages.size === 0 && presence.pending === null && !presence.isConnected;
    if (hasLeft) this.#remove(presence);
    else if (exists) {
      if (pending.findsCode) this.#adoptCode(presence, lookupCode);
      if (call) this.#calls.note(presence, call, pending.findsCode || pending.asksForCall);
    } else if (!write.isNew) this.#createAgain(presence);
  }

  /** Drops a change that the database refuses; that the visitor connected or left is written in a change of its own. */
  #settleRefused({ presence, write }: Writing) {
    if (!this.#hasLoggedRefusal) {
      this.#hasLoggedRefusal = true;
      const what = write.isNew ? "a new visitor, who is missing from the lists" : "a change of a visitor";
      this.#options.log(`The database refuses ${what}`, "warning");
    }
    const { isNew, change, claims, isConnected } = write;
    const isMore = Object.keys(change).length > 0 || claims !== null && claims !== undefined;
    if (!isNew && isMore && isConnected !== undefined) this.#change(presence, { isConnected });
  }

  /** Adopts the lookup code that the visitor has after a write: a code that another process gave it stays. */
  #adoptCode(presence: PresentVisitor, code: string | null) {
    if (code !== null && code !== presence.code) {
      if (presence.code !== null) this.#codes.giveBack(presence.code);
      presence.code = code;
      this.#codeless.delete(presence);
    }
    this.#announceCode(presence);
  }

  #announceCode({ code, pages }: PresentVisitor) {
    for (const page of pages) page.send({ type: "lookup_code", lookup_code: code });
  }

  #remove(presence: PresentVisitor) {
    // The visitor's browser may have reconnected meanwhile.
    if (this.#visitors.get(presence.shortId) === presence) this.#visitors.delete(presence.shortId);
    this.#codeless.delete(presence);
    this.#calls.forget(presence);
    if (presence.code !== null) this.#codes.giveBack(presence.code);
  }

  /** Creates another visitor for the connected web pages of one that was removed through the API. */
  #createAgain(presence: PresentVisitor) {
    // A web page that is not admitted is closed, which may remove it from the set: hence the copy.
    if (![...presence.pages].some((page) => page.admitNewVisitor())) {
      presence.cancelLeaving();
      presence.pending = null;
      this.#changed.delete(presence);
      this.#remove(presence);
      return;
    }
    this.#visitors.delete(presence.shortId);
    presence.shortId = newShortId();
    this.#visitors.set(presence.shortId, presence);
    if (presence.code === null) this.#giveCode(presence);
    const now = new Date().toISOString();
    // Web pages send their claims again after the welcome.
    presence.pending = null;
    this.#change(presence, {
      isNew: true,
      change: { ...presence.profile, added_at: now, last_seen_at: now, lookup_code: presence.code },
      isConnected: true,
      views: this.#viewOf(presence, presence.profile.last_url ?? null, now),
    });
    this.#welcome(presence, presence.pages);
    this.#calls.note(presence, NO_CALL, true);
  }
}

/** No changes. */
const NOTHING: Pending = {
  isNew: false,
  change: {},
  claims: null,
  findsCode: false,
  views: [],
  asksForCall: false,
};

/** A write of a visitor that is being sent. */
interface Writing {
  presence: PresentVisitor;
  pending: Pending;
  write: PresenceWrite;
  /** Whether the result of the write was handled. */
  isSettled: boolean;
}

/** Merges changes with later ones. */
function mergePending(earlier: Pending, later: Pending): Pending {
  return {
    isNew: earlier.isNew || later.isNew,
    change: { ...earlier.change, ...later.change },
    claims: earlier.claims === null || later.claims === null
      ? earlier.claims ?? later.claims
      : mergeClaims(earlier.claims, later.claims),
    isConnected: later.isConnected ?? earlier.isConnected,
    findsCode: earlier.findsCode || later.findsCode,
    views: addPageViews(earlier.views, later.views),
    asksForCall: earlier.asksForCall || later.asksForCall,
  };
}
