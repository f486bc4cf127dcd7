/**
 * The visitors whose pages are connected to this process, and what of them is still to be written.
 *
 * @module
 */
import { describeFailure, type Log } from "../operations/log.ts";
import { OngoingFailure } from "../operations/ongoing_failure.ts";
import { type Claims, mergeClaims } from "../store/claims.ts";
import {
  type Leases,
  type PresenceResult,
  type PresenceStore,
  type PresenceWrite,
  StoreUnavailable,
  type VisitorChange,
} from "../store/visitor_store.ts";
import { newShortId, type Tokens } from "./identity.ts";
import { LookupCodes } from "./lookup_codes.ts";
import type { ServerMessage } from "./messages.ts";
import type { ProcessWatch } from "./process_watch.ts";

/** Writes begin no faster after each other, in milliseconds. */
const INTERVAL = 500;

/** How long after the database failed it is tried again, in milliseconds. */
const RETRY = 1000;

/** A page that is connected. */
export interface Page {
  tell(message: ServerMessage): void;
}

/** What is to be written of a visitor. */
interface Pending {
  isNew: boolean;
  change: VisitorChange;
  claims: Claims | null;
  isConnected?: boolean;
  /** Whether its lookup code has to be found out: one that it has elsewhere stays its own. */
  findsCode: boolean;
}

/** A visitor who is here, or was just now. */
export interface PresentVisitor {
  shortId: string;
  pages: Set<Page>;
  /** What its pages told of themselves, for a visitor that has to be made anew. */
  profile: VisitorChange;
  code: string | null;
  pending: Pending | null;
  /** Whether this process is the visitor's, as is written or will be. */
  isConnected: boolean;
  goodbye: ReturnType<typeof setTimeout> | undefined;
}

/** How visitors are kept. */
export interface RosterOptions {
  store: PresenceStore & Leases;
  watch: ProcessWatch;
  tokens: Tokens;
  log: Log;
  /** How long a visitor stays online after its last page, in milliseconds. */
  grace: number;
  /** Visitors that are kept at the most, those included who left while the database was away. */
  most: number;
}

/** Visitors who are here. */
export class Roster {
  #options: RosterOptions;
  #visitors = new Map<string, PresentVisitor>();
  #changed = new Set<PresentVisitor>();
  #codes: LookupCodes;
  /** Whom no code could be given yet. */
  #codeless = new Set<PresentVisitor>();
  #writing: Promise<void> | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastWriteAt = -Infinity;
  #isClosed = false;
  #hasToldRefusal = false;
  #failure: OngoingFailure;

  constructor(options: RosterOptions) {
    this.#options = options;
    const { store, watch, log } = options;
    this.#failure = new OngoingFailure(log, "Visitors' presence is not written yet");
    this.#codes = new LookupCodes({ store, holder: watch.process, log, onReady: () => this.#giveCodes() });
  }

  /** Begins to look for lookup codes. */
  start() {
    this.#codes.start();
  }

  /** How many visitors are here, those included who left and are not written yet. */
  get size(): number {
    return this.#visitors.size;
  }

  /** How many of them wait to be written. */
  get waiting(): number {
    return this.#changed.size;
  }

  /** Whether as many are here as can be kept. */
  get isFull(): boolean {
    return this.#visitors.size >= this.#options.most;
  }

  /**
   * A page connects.
   *
   * @param shortId whose token it has; `null`: a new visitor
   * @param profile what it tells of itself
   */
  enter(page: Page, shortId: string | null, profile: VisitorChange): PresentVisitor {
    const known = shortId === null ? undefined : this.#visitors.get(shortId);
    const presence = known ?? this.#add(shortId ?? newShortId());
    clearTimeout(presence.goodbye);
    presence.pages.add(page);
    presence.profile = profile;
    const now = new Date().toISOString();
    const isNew = shortId === null;
    // Whoever comes back to this process has its code still; that of another process may be kept.
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
    });
    presence.isConnected = true;
    this.#welcome(presence, [page]);
    return presence;
  }

  /** A page has closed. */
  leave(page: Page, presence: PresentVisitor) {
    presence.pages.delete(page);
    if (presence.pages.size > 0 || this.#isClosed) return;
    const last_seen_at = new Date().toISOString();
    presence.goodbye = setTimeout(() => {
      presence.isConnected = false;
      this.#change(presence, { change: { last_seen_at }, isConnected: false });
    }, this.#options.grace);
  }

  /** A page shows another URL. */
  showPage(presence: PresentVisitor, last_url: string | null) {
    presence.profile.last_url = last_url;
    this.#change(presence, { change: { last_url, last_seen_at: new Date().toISOString() } });
  }

  /** A page says something of its visitor. */
  claim(presence: PresentVisitor, claims: Claims) {
    this.#change(presence, { change: { last_seen_at: new Date().toISOString() }, claims });
  }

  /** A page asks for a lookup code. */
  askForCode(presence: PresentVisitor, page: Page) {
    if (presence.code !== null) page.tell({ type: "lookup_code", lookup_code: presence.code });
    // Otherwise it is told as soon as there is one.
  }

  /** Writes once more that the visitors who are here are here. */
  reassert() {
    for (const presence of this.#visitors.values()) {
      if (presence.isConnected) this.#reassert(presence);
    }
  }

  /** Tells all pages that they shall come back, spread over a time in milliseconds. */
  sendAway(within: number) {
    for (const { pages } of this.#visitors.values()) {
      for (const page of pages) page.tell({ type: "reconnect", after: Math.floor(Math.random() * within) });
    }
  }

  /** Writes what is left, as far as the database takes it. Who is here stays online: they come back. */
  async close() {
    this.#isClosed = true;
    for (const { goodbye } of this.#visitors.values()) clearTimeout(goodbye);
    clearTimeout(this.#timer);
    await this.#writing;
    clearTimeout(this.#timer);
    await this.#write();
    await this.#codes.close();
  }

  #add(shortId: string): PresentVisitor {
    const presence: PresentVisitor = {
      shortId,
      pages: new Set(),
      profile: {},
      code: null,
      pending: null,
      isConnected: true,
      goodbye: undefined,
    };
    this.#visitors.set(shortId, presence);
    return presence;
  }

  #welcome({ shortId, code }: PresentVisitor, pages: Iterable<Page>) {
    const token = this.#options.tokens.make(shortId);
    for (const page of pages) page.tell({ type: "welcome", short_id: shortId, token, lookup_code: code });
  }

  #giveCode(presence: PresentVisitor) {
    presence.code = this.#codes.take();
    if (presence.code === null) this.#codeless.add(presence);
    else this.#codeless.delete(presence);
  }

  /** There are codes again. */
  #giveCodes() {
    for (const presence of this.#codeless) {
      const code = this.#codes.take();
      if (code === null) return;
      this.#codeless.delete(presence);
      presence.code = code;
      this.#tellCode(presence);
      this.#change(presence, { change: { lookup_code: code } });
    }
  }

  #change(presence: PresentVisitor, more: Partial<Pending>) {
    const pending = { isNew: false, change: {}, claims: null, findsCode: false, ...more };
    presence.pending = presence.pending === null ? pending : mergePending(presence.pending, pending);
    this.#changed.add(presence);
    this.#schedule(INTERVAL);
  }

  #schedule(pause: number) {
    if (this.#timer !== undefined || this.#writing !== null || this.#isClosed) return;
    const wait = Math.max(0, this.#lastWriteAt + pause - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write().then((pause) => {
        this.#writing = null;
        if (this.#changed.size > 0) this.#schedule(pause);
      });
    }, wait);
  }

  /** @returns how long after it began the next may begin */
  async #write(): Promise<number> {
    const { watch, log } = this.#options;
    const batch = [...this.#changed];
    if (batch.length === 0) return INTERVAL;
    this.#changed.clear();
    this.#lastWriteAt = performance.now();
    const work = batch.map((presence) => this.#take(presence));
    try {
      // Register this process first; otherwise nobody would clean up its connections after a crash.
      if (!watch.isKnown) await watch.heartbeat();
      await this.#send(work);
      if (this.#failure.goesOn) {
        await this.#compare();
        log("Visitors' presence is written again");
        this.#failure.end();
      }
      return INTERVAL;
    } catch (error) {
      for (const { presence, pending, isSettled } of work) {
        if (isSettled) continue;
        presence.pending = presence.pending === null ? pending : mergePending(pending, presence.pending);
        this.#changed.add(presence);
      }
      this.#failure.note(error);
      return RETRY;
    }
  }

  /**
   * Makes the database and this process agree on who is connected to it: a database that crashed, or another of its
   * servers, may have forgotten what it had acknowledged.
   */
  async #compare() {
    const { store, watch } = this.#options;
    const noted = await store.connectedTo(watch.process);
    for (const presence of this.#visitors.values()) {
      if (presence.isConnected && !noted.has(presence.shortId)) this.#reassert(presence);
    }
    for (const shortId of noted) {
      if (this.#visitors.has(shortId)) continue;
      const gone = this.#add(shortId);
      gone.isConnected = false;
      this.#change(gone, { isConnected: false });
    }
  }

  #reassert(presence: PresentVisitor) {
    this.#change(presence, { isConnected: true, findsCode: true });
  }

  /** Takes the pending changes for this write; later changes start a new batch. */
  #take(presence: PresentVisitor): Writing {
    const pending = presence.pending!;
    presence.pending = null;
    const { isNew, change, claims, isConnected, findsCode } = pending;
    if (findsCode && presence.code === null) this.#giveCode(presence);
    const write = {
      shortId: presence.shortId,
      isNew,
      change,
      claims,
      ...(isConnected === undefined ? {} : { isConnected }),
      ...(findsCode ? { offeredCode: presence.code } : {}),
    };
    return { presence, pending, write, isSettled: false };
  }

  /** What nobody foresaw of one visitor does not keep the others from being written. */
  async #send(work: Writing[]) {
    const { store, watch, log } = this.#options;
    try {
      const results = await store.writePresence(watch.process, work.map(({ write }) => write));
      work.forEach((writing, i) => this.#settle(writing, results[i]));
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error;
      if (work.length === 1) log("A visitor's presence is not written", "error", describeFailure(error));
      else for (const writing of work) await this.#send([writing]);
    }
  }

  #settle(writing: Writing, { exists, lookupCode }: PresenceResult) {
    writing.isSettled = true;
    const { presence, pending, write } = writing;
    const hasLeft = presence.pages.size === 0 && presence.pending === null && !presence.isConnected;
    if (hasLeft) this.#remove(presence);
    else if (exists) {
      if (pending.findsCode) this.#adoptCode(presence, lookupCode);
    } else if (!write.isNew) this.#makeAnew(presence);
    else if (!this.#hasToldRefusal) {
      this.#hasToldRefusal = true;
      this.#options.log("The database refuses a new visitor: it is not listed", "warning");
    }
  }

  /** The code that the visitor has after a write: one that it had elsewhere, such as in another process, is kept. */
  #adoptCode(presence: PresentVisitor, code: string | null) {
    if (code !== null && code !== presence.code) {
      if (presence.code !== null) this.#codes.giveBack(presence.code);
      presence.code = code;
      this.#codeless.delete(presence);
    }
    this.#tellCode(presence);
  }

  #tellCode({ code, pages }: PresentVisitor) {
    for (const page of pages) page.tell({ type: "lookup_code", lookup_code: code });
  }

  #remove(presence: PresentVisitor) {
    this.#visitors.delete(presence.shortId);
    this.#codeless.delete(presence);
    if (presence.code !== null) this.#codes.giveBack(presence.code);
  }

  /** It was removed, for good: who comes is another one. */
  #makeAnew(presence: PresentVisitor) {
    if (presence.pages.size === 0) {
      clearTimeout(presence.goodbye);
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
    // Claims for the one before come again.
    presence.pending = null;
    this.#change(presence, {
      isNew: true,
      change: { ...presence.profile, added_at: now, last_seen_at: now, lookup_code: presence.code },
      isConnected: true,
    });
    this.#welcome(presence, presence.pages);
  }
}

/** What is being written of a visitor. */
interface Writing {
  presence: PresentVisitor;
  pending: Pending;
  write: PresenceWrite;
  /** Whether what came of it is known. */
  isSettled: boolean;
}

/** What is to be written, and what comes after it, as one. */
function mergePending(earlier: Pending, later: Pending): Pending {
  return {
    isNew: earlier.isNew || later.isNew,
    change: { ...earlier.change, ...later.change },
    claims: earlier.claims === null || later.claims === null
      ? earlier.claims ?? later.claims
      : mergeClaims(earlier.claims, later.claims),
    isConnected: later.isConnected ?? earlier.isConnected,
    findsCode: earlier.findsCode || later.findsCode,
  };
}
