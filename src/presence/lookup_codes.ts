/**
 * Lookup codes: four digits that a visitor reads out, each for one visitor online as long as there are enough.
 *
 * @module
 */
import { type Clock, pause, SYSTEM_CLOCK } from "../async/clock.ts";
import { describeFailure, type Log } from "../operations/log.ts";
import { type Leases, type PresenceStore, StoreUnavailable } from "../store/visitor_store.ts";

/** The 10,000 codes are in blocks, each leased to one process, so that two processes never offer the same code. */
const BLOCKS = 40;
const BLOCK_SIZE = 10_000 / BLOCKS;

/** How long a block is leased, and the pause between two renewals, in milliseconds. */
const LEASE = 60_000;
const RENEWAL = 15_000;

/** Codes that are ready for visitors; more are looked for when half of them are taken. */
const READY = 500;

/** The pause before the database is asked again after it did not answer, in milliseconds. */
const RETRY = 1000;

/** Receives what happens to lookup codes. */
export interface LookupCodesListener {
  /** There are codes, after there were none. */
  onCodesReady(): void;
}

/** Where lookup codes come from. */
export interface LookupCodesOptions {
  store: PresenceStore & Leases;
  /** The id of this process, which holds the leases. */
  holder: string;
  log: Log;
  clock?: Clock;
}

/** The lookup codes that this process gives out. */
export class LookupCodes {
  #store: PresenceStore & Leases;
  #holder: string;
  #log: Log;
  #clock: Clock;
  #listeners = new Set<LookupCodesListener>();
  #blocks = new Set<number>();
  /** Codes of the leased blocks that no visitor of this process has, the one unused longest first. */
  #free = new Set<string>();
  /** Codes that nobody online has, according to the database. */
  #ready: string[] = [];
  /** Codes that visitors of this process have, the one given out longest ago first. */
  #taken = new Set<string>();
  #refilling: Promise<void> | null = null;
  #isClosed = false;
  #cancelRenewal = () => {};
  /** No further block is asked for before this time, since all were leased. */
  #askAgainAt = 0;

  constructor({ store, holder, log, clock = SYSTEM_CLOCK }: LookupCodesOptions) {
    this.#store = store;
    this.#holder = holder;
    this.#log = log;
    this.#clock = clock;
  }

  /** Adds a listener. */
  subscribe(listener: LookupCodesListener) {
    this.#listeners.add(listener);
  }

  /** Starts looking for codes. */
  start() {
    this.#scheduleRenewal();
    this.#refill();
  }

  #scheduleRenewal() {
    this.#cancelRenewal = this.#clock.after(RENEWAL, () => {
      this.#scheduleRenewal();
      // Where it fails the next renewal comes in time.
      this.#renew().catch(() => {});
    });
  }

  /** Takes a code; `null` where none is ready yet. */
  take(): string | null {
    const code = this.#ready.shift() ?? null;
    if (this.#ready.length <= READY / 2) this.#refill();
    if (code !== null) this.#taken.add(code);
    return code;
  }

  /** Returns a code that its visitor no longer has. */
  giveBack(code: string) {
    // A code that its visitor brought from another process is that one's.
    if (this.#taken.delete(code) && this.#blocks.has(blockOf(code))) this.#free.add(code);
  }

  /** Leaves the codes to other processes. */
  async close() {
    this.#isClosed = true;
    this.#cancelRenewal();
    await this.#refilling;
    await Promise.allSettled(
      [...this.#blocks].map((block) => this.#store.releaseLease(leaseOf(block), this.#holder)),
    );
  }

  #refill() {
    this.#refilling ??= this.#work().finally(() => this.#refilling = null);
  }

  async #work() {
    while (!this.#isClosed && this.#ready.length < READY) {
      try {
        const wasEmpty = this.#ready.length === 0;
        await this.#findReady();
        if (wasEmpty) { for (const listener of this.#listeners) listener.onCodesReady(); }
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) {
          this.#log("Cannot find lookup codes", "error", describeFailure(error));
        }
        await pause(RETRY, this.#clock);
      }
    }
  }

  /** Finds some codes that nobody online has; where there is none, those given out longest ago are used again. */
  async #findReady() {
    if (this.#free.size === 0) await this.#takeBlock();
    const free = [...this.#free];
    for (let start = 0; start < free.length; start += BLOCK_SIZE) {
      if (await this.#tryCodes(free.slice(start, start + BLOCK_SIZE))) return;
    }
    if (await this.#takeBlock()) return;
    const oldest = this.#taken.size === 0 ? [randomCode()] : [...this.#taken].slice(0, READY);
    for (const code of oldest) this.#taken.delete(code);
    this.#ready.push(...oldest);
  }

  /** @returns whether some of them are ready now */
  async #tryCodes(codes: string[]): Promise<boolean> {
    const inUse = await this.#store.lookupCodesInUse(codes);
    // Another process may have leased their block meanwhile.
    const ready = codes.filter((code) => !inUse.has(code) && this.#free.delete(code));
    this.#ready.push(...ready);
    return ready.length > 0;
  }

  async #takeBlock(): Promise<boolean> {
    if (this.#clock.now() < this.#askAgainAt) return false;
    const others = Array.from({ length: BLOCKS }, (_, block) => block).filter((block) =>
      !this.#blocks.has(block)
    );
    for (const block of shuffle(others)) {
      if (!await this.#store.takeLease(leaseOf(block), this.#holder, LEASE)) continue;
      this.#blocks.add(block);
      for (const code of shuffle(codesOf(block))) if (!this.#taken.has(code)) this.#free.add(code);
      return true;
    }
    this.#askAgainAt = this.#clock.now() + RENEWAL;
    return false;
  }

  /** A block that another process leased while the database was away is lost; visitors keep their codes of it. */
  async #renew() {
    for (const block of [...this.#blocks]) {
      if (await this.#store.takeLease(leaseOf(block), this.#holder, LEASE)) continue;
      this.#blocks.delete(block);
      for (const code of codesOf(block)) this.#free.delete(code);
      this.#ready = this.#ready.filter((code) => blockOf(code) !== block);
    }
  }
}

function leaseOf(block: number): string {
  return `lookup codes ${block}`;
}

function blockOf(code: string): number {
  return Math.floor(Number(code) / BLOCK_SIZE);
}

function codesOf(block: number): string[] {
  return Array.from({ length: BLOCK_SIZE }, (_, i) => codeText(block * BLOCK_SIZE + i));
}

function codeText(number: number): string {
  return String(number).padStart(4, "0");
}

function randomCode(): string {
  return codeText(Math.floor(Math.random() * 10_000));
}

/** Shuffles a list in place (Fisher and Yates). */
function shuffle<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [items[i], items[other]] = [items[other], items[i]];
  }
  return items;
}
