/**
 * Lookup codes: four digits that a visitor reads out. As long as there are enough, no two visitors online share one.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createHmac } from "node:crypto";
import { type Clock, SYSTEM_CLOCK } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { describeFailure, type Log } from "../operations/log.ts";
import { type Leases, type PresenceStore, StoreUnavailable } from "../store/visitor_store.ts";

/**
 * The 10,000 codes are divided into blocks. A process leases a block while it gives out the block's codes, so that two
 * processes never give out the same code. Once their visitors are written, the database shows which codes are in use,
 * and the lease ends. Blocks are small, so that there are enough for many processes.
 */
export const BLOCKS = 400;
const CODES = 10_000;
const BLOCK_SIZE = CODES / BLOCKS;

/**
 * How long a block is leased, and the pause between two renewals, in milliseconds. A block is given back if its last
 * code was given out longer ago than one lease: that code's visitor is written by then.
 */
const LEASE = 60_000;
const RENEWAL = 15_000;

/** The number of codes kept ready for visitors; the process looks for more when half of them are taken. */
const READY = 150;

/** The number of random blocks that are tried before the database is asked for all codes in use. */
const GUESSES = 5;

/** The pause before the database is asked again after it did not answer, in milliseconds. */
const RETRY = 1000;

/**
 * Used while other processes lease all free codes. `NEED` is the lease by which a process announces that it needs
 * codes; the others then give back the codes that they have ready, and look for codes only when they need one. In
 * milliseconds: how long that lease lasts, the pause before the next search, how long codes count as scarce, and the
 * age at which the last code's visitor is certainly written, so that its block can be given back.
 */
const NEED = "lookup codes needed";
const NEED_LEASE = 45_000;
const NEED_RETRY = 3000;
const SCARCITY = 60_000;
const WRITTEN = 10_000;

/** Receives the events of lookup codes. */
export interface LookupCodesListener {
  /** Codes are available again, after there were none. */
  onCodesReady(): void;
}

/** The dependencies of {@link LookupCodes}. */
export interface LookupCodesOptions {
  store: PresenceStore & Leases;
  /** The id of this process, which holds the leases. */
  holder: string;
  /** The secret that decides which block each code is in; the same in every process. */
  secret: string;
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
  #codes: CodeBlocks;
  /** The leased blocks, each with the time at which one of its codes was last given out or searched for. */
  #blocks = new Map<number, number>();
  /** Codes of the leased blocks that nobody online has, according to the database. */
  #ready: string[] = [];
  /** The codes of this process's visitors, the oldest first. */
  #taken = new Set<string>();
  #refilling: Promise<void> | null = null;
  /** Whether this process needs codes and finds none. */
  #isInNeed = false;
  /** The time until which codes count as scarce, so that none are kept ready. */
  #scarceUntil = -Infinity;
  #isClosed = false;
  #closing = Promise.withResolvers<void>();
  #cancelRenewal = () => {};

  constructor({ store, holder, secret, log, clock = SYSTEM_CLOCK }: LookupCodesOptions) {
    this.#store = store;
    this.#holder = holder;
    this.#codes = new CodeBlocks(secret);
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
      // After a failure, the next renewal still comes before the lease ends.
      this.#renew().catch(() => {});
    });
  }

  /** Takes a code for a visitor; `null` if none is ready. */
  take(): string | null {
    const code = this.#ready.shift() ?? null;
    if (code === null || !this.#isScarce && this.#ready.length <= READY / 2) this.#refill();
    if (code !== null) {
      this.#taken.add(code);
      const block = this.#codes.blockOf(code);
      if (this.#blocks.has(block)) this.#blocks.set(block, this.#clock.now());
    }
    return code;
  }

  /** Gives back the code of a visitor who left or has another code. */
  giveBack(code: string) {
    this.#taken.delete(code);
  }

  /** Stops giving out codes, and releases the leases so that other processes can use the codes. */
  async close() {
    this.#isClosed = true;
    this.#closing.resolve();
    this.#cancelRenewal();
    await this.#refilling;
    await Promise.allSettled(
      [...this.#blocks.keys()].map((block) => this.#store.releaseLease(leaseOf(block), this.#holder)),
    );
  }

  get #isScarce(): boolean {
    return this.#clock.now() < this.#scarceUntil;
  }

  #noteScarcity() {
    this.#scarceUntil = this.#clock.now() + SCARCITY;
  }

  #refill() {
    this.#refilling ??= this.#work().finally(() => this.#refilling = null);
  }

  async #work() {
    while (!this.#isClosed && this.#ready.length < (this.#isScarce ? 1 : READY)) {
      try {
        const wasEmpty = this.#ready.length === 0;
        const hasFound = await this.#findReady();
        if (wasEmpty && hasFound) { for (const listener of this.#listeners) listener.onCodesReady(); }
        if (hasFound) {
          if (this.#isInNeed) await this.#store.releaseLease(NEED, this.#holder);
          this.#isInNeed = false;
          continue;
        }
        this.#noteScarcity();
        if (this.#ready.length > 0) return;
        this.#isInNeed = true;
        await this.#store.takeLease(NEED, this.#holder, NEED_LEASE);
        await within(NEED_RETRY, this.#closing.promise, this.#clock);
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) {
          this.#log("Cannot reserve lookup codes for new visitors", "error", describeFailure(error));
        }
        await within(RETRY, this.#closing.promise, this.#clock);
      }
    }
  }

  /**
   * Finds some codes that nobody online has. If all codes are in use, the oldest ones of this process are used again.
   *
   * @returns whether there are any
   */
  async #findReady(): Promise<boolean> {
    const ready = new Set(this.#ready);
    const isOwn = (code: string) => this.#taken.has(code) || ready.has(code);
    const blocks = shuffle(Array.from({ length: BLOCKS }, (_, block) => block))
      .filter((block) => !this.#codes.of(block).every(isOwn));
    // While many codes are free, one of the first blocks has some.
    for (const block of blocks.splice(0, GUESSES)) {
      if (await this.#takeBlock(block)) return true;
    }
    const inUse = await this.#store.lookupCodesInUse(this.#codes.all);
    const isFree = (code: string) => !inUse.has(code) && !isOwn(code);
    for (const block of blocks.filter((block) => this.#codes.of(block).some(isFree))) {
      if (await this.#takeBlock(block)) return true;
    }
    if (this.#ready.length > 0 || this.#codes.all.some(isFree)) return false;
    const oldest = this.#taken.size === 0 ? [randomCode()] : [...this.#taken].slice(0, READY);
    for (const code of oldest) this.#taken.delete(code);
    this.#ready.push(...oldest);
    return true;
  }

  /** @returns whether the block is leased and has codes that nobody online has */
  async #takeBlock(block: number): Promise<boolean> {
    if (!await this.#store.takeLease(leaseOf(block), this.#holder, LEASE)) return false;
    this.#blocks.set(block, this.#clock.now());
    // Another process may have given out the block's codes until just now.
    const codes = shuffle(this.#codes.of(block));
    const inUse = await this.#store.lookupCodesInUse(codes);
    const ready = new Set(this.#ready);
    const found = codes.filter((code) => !inUse.has(code) && !this.#taken.has(code) && !ready.has(code));
    this.#ready.push(...found);
    if (found.length === 0 && !codes.some((code) => this.#taken.has(code) || ready.has(code))) {
      this.#blocks.delete(block);
      await this.#store.releaseLease(leaseOf(block), this.#holder);
    }
    return found.length > 0;
  }

  /**
   * Renews the leases of blocks in use and gives back the others. A block that another process leased while the
   * database was unavailable is lost; visitors who have a code of that block keep it.
   */
  async #renew() {
    if (!this.#isInNeed) {
      if (await this.#store.takeLease(NEED, this.#holder, NEED_LEASE)) {
        await this.#store.releaseLease(NEED, this.#holder);
      } else this.#noteScarcity();
    }
    for (const [block, usedAt] of [...this.#blocks]) {
      const isReady = this.#ready.some((code) => this.#codes.blockOf(code) === block);
      const unused = this.#clock.now() - usedAt;
      if (this.#isScarce ? unused > WRITTEN : !isReady && unused > LEASE) {
        this.#ready = this.#ready.filter((code) => this.#codes.blockOf(code) !== block);
        await this.#store.releaseLease(leaseOf(block), this.#holder);
        this.#blocks.delete(block);
      } else if (!await this.#store.takeLease(leaseOf(block), this.#holder, LEASE)) {
        this.#blocks.delete(block);
        this.#ready = this.#ready.filter((code) => this.#codes.blockOf(code) !== block);
      }
    }
  }
}

/**
 * Divides the codes into blocks. A block's codes are spread over the whole range, in an order derived from the secret,
 * so that nobody can guess other codes from one (`0815` does not mean that `0816` is in use).
 */
export class CodeBlocks {
  /** All codes. */
  readonly all: string[];
  #blocks = new Map<string, number>();

  constructor(secret: string) {
    // Random numbers that each process derives alike: a key stream (NIST SP 800-38A). 10,000 HMACs would take 0.1 s.
    const key = createHmac("sha256", secret).update("lookup codes").digest();
    const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
    const stream = Buffer.concat([cipher.update(Buffer.alloc(6 * CODES)), cipher.final()]);
    const ranks = Array.from({ length: CODES }, (_, number) => stream.readUIntBE(6 * number, 6));
    this.all = ranks.map((_, number) => number).sort((a, b) => ranks[a] - ranks[b]).map(codeText);
    this.all.forEach((code, i) => this.#blocks.set(code, Math.floor(i / BLOCK_SIZE)));
  }

  /** The codes of a block. */
  of(block: number): string[] {
    return this.all.slice(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
  }

  blockOf(code: string): number {
    return this.#blocks.get(code)!;
  }
}

function leaseOf(block: number): string {
  return `lookup codes ${block} of ${BLOCKS}`;
}

function codeText(number: number): string {
  return String(number).padStart(4, "0");
}

function randomCode(): string {
  return codeText(Math.floor(Math.random() * CODES));
}

/** Shuffles a list in place (Fisher and Yates). */
function shuffle<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [items[i], items[other]] = [items[other], items[i]];
  }
  return items;
}
