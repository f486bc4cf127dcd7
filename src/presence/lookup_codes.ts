/**
 * Lookup codes: four digits that a visitor reads out, each for one visitor online as long as there are enough.
 *
 * @module
 */
import { describeFailure, type Log } from "../operations/log.ts";
import { type Leases, type PresenceStore, StoreUnavailable } from "../store/visitor_store.ts";

/** The 10,000 codes are in blocks, each leased to one process: two processes never try the same code. */
const BLOCKS = 40;
const BLOCK_SIZE = 10_000 / BLOCKS;

/** How long a block stays with a process that does not ask again, and how often it asks, in milliseconds. */
const LEASE = 60_000;
const RENEWAL = 15_000;

/** Codes that wait for a visitor; a further look at the database is taken when half of them are gone. */
const READY = 500;

/** How long until the database is asked again that did not answer, in milliseconds. */
const RETRY = 1000;

/** How codes are had. */
export interface LookupCodesOptions {
  store: PresenceStore & Leases;
  /** Tells this process from others. */
  holder: string;
  log: Log;
  /** Told when there are codes again after there were none. */
  onReady: () => void;
}

/** What codes are taken from. */
export class LookupCodes {
  #store: PresenceStore & Leases;
  #holder: string;
  #log: Log;
  #onReady: () => void;
  #blocks = new Set<number>();
  /** Codes of these blocks that no visitor here has, the one unused longest first. */
  #free = new Set<string>();
  /** Codes that nobody online has, as the database says. */
  #ready: string[] = [];
  /** Codes that visitors here have, the one given out longest ago first. */
  #taken = new Set<string>();
  #refilling: Promise<void> | null = null;
  #isClosed = false;
  #renewal: ReturnType<typeof setInterval> | undefined;
  /** Before this time no further block is asked for: there was none. */
  #askAgainAt = 0;

  constructor({ store, holder, log, onReady }: LookupCodesOptions) {
    this.#store = store;
    this.#holder = holder;
    this.#log = log;
    this.#onReady = onReady;
  }

  /** Begins to look for codes. */
  start() {
    this.#renewal = setInterval(() => void this.#renew().catch(() => {}), RENEWAL);
    this.#refill();
  }

  /** A code; `null` where none is known to be free yet. */
  take(): string | null {
    const code = this.#ready.shift() ?? null;
    if (this.#ready.length <= READY / 2) this.#refill();
    if (code !== null) this.#taken.add(code);
    return code;
  }

  /** Takes back a code that its visitor has no more. */
  giveBack(code: string) {
    // Not one that came with its visitor from another process.
    if (this.#taken.delete(code) && this.#blocks.has(blockOf(code))) this.#free.add(code);
  }

  /** Leaves the codes to others. */
  async close() {
    this.#isClosed = true;
    clearInterval(this.#renewal);
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
        if (wasEmpty) this.#onReady();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) {
          this.#log("Lookup codes are not found", "error", describeFailure(error));
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
  }

  /** Finds some codes that nobody online has; where all are had, those given out longest ago serve again. */
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
    // Another process may have got their block meanwhile.
    const ready = codes.filter((code) => !inUse.has(code) && this.#free.delete(code));
    this.#ready.push(...ready);
    return ready.length > 0;
  }

  async #takeBlock(): Promise<boolean> {
    if (performance.now() < this.#askAgainAt) return false;
    const others = Array.from({ length: BLOCKS }, (_, block) => block).filter((block) =>
      !this.#blocks.has(block)
    );
    for (const block of shuffle(others)) {
      if (!await this.#store.takeLease(leaseOf(block), this.#holder, LEASE)) continue;
      this.#blocks.add(block);
      for (const code of shuffle(codesOf(block))) if (!this.#taken.has(code)) this.#free.add(code);
      return true;
    }
    this.#askAgainAt = performance.now() + RENEWAL;
    return false;
  }

  /** A block that another process got while the database was away is lost; who has a code of it keeps the code. */
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

/** In another order, each as likely (Fisher and Yates). */
function shuffle<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [items[i], items[other]] = [items[other], items[i]];
  }
  return items;
}
