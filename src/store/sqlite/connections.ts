/**
 * The connections to the embedded store's file. They are opened and closed together, and reopened once a failure is
 * over.
 *
 * @module
 */
import { Deadline, DeadlineExceeded } from "../../async/deadline.ts";
import { StoreRebuilding, StoreRefused, StoreUnavailable } from "../visitor_store.ts";
import { asStoreError, DAMAGED, type FileAccess, FileFailure, READ_ONLY, TimeBudgetOver } from "./file.ts";
import { absenceOf, type FileProblem, FileWatch, isDiskFull, putLogAside } from "./file_watch.ts";
import { openFile } from "./open.ts";
import { exposureOf } from "./private_file.ts";
import { Session } from "./session.ts";
import {
  type Arguments,
  type CallableSession,
  InlineSession,
  type Method,
  type Result,
  Thread,
} from "./threads.ts";

/**
 * The number of reading threads: two, so that one long search does not block all others, but one where a second would
 * leave no processor for the event loop.
 */
const READERS = navigator.hardwareConcurrency > 2 ? 2 : 1;

/** How often a server checks its file, and whether a failure is over, in milliseconds. */
const WATCH_INTERVAL = 1000;

/** How often a server checks whether its disk is full, in milliseconds. */
const TRIAL_INTERVAL = 5000;

/** A larger file, in bytes, is inspected only after SQLite found damage, since inspecting it takes long. */
const MAX_INSPECTED = 64 * 1024 * 1024;

/** The pause after an inspection as a multiple of the inspection's duration, and the longest pause in milliseconds. */
const [INSPECTION_PAUSE, MAX_INSPECTION_PAUSE] = [30, 30_000];

/** How often the progress of a rebuild is logged, in milliseconds. */
const PROGRESS_INTERVAL = 10_000;

/** The pause before a failed rebuild is tried again, in milliseconds. */
const RETRY = 1000;

/** How much longer than its time budget a call is waited for, in milliseconds: a write that began in time was done. */
const GRACE = 100;

/** How a file is used. */
export interface FileUse {
  path: string;
  use: "request" | "command";
  /** When a request's answer is due, in milliseconds; a command's has no deadline. */
  deadline: number;
  /** How long a write waits while another process writes, in milliseconds. */
  busyMilliseconds: number;
  log: (sentence: string, level?: "warning") => void;
}

/** All connections, while they are open. */
interface Opened {
  /** The connection of the event loop. */
  session: Session;
  writer: CallableSession;
  readers: CallableSession[];
  access: FileAccess;
  /** `null` for a database in memory. */
  watch: FileWatch | null;
}

/** Why the file cannot be used as it should. */
interface Failure {
  reason: string;
  /**
   * `busy`: another process holds the lock; the failure is over with the next write that succeeds. `damaged`: nothing may
   * be read or written. `closing`: another file is at the path, so the connections must be closed.
   */
  kind: "busy" | "damaged" | "closing" | "other";
}

/** A removed file is `other`: it may be put back, and the open connections can read it until then. */
const FAILURE_OF = {
  removed: "other",
  replaced: "closing",
  emptied: "damaged",
  "read-only": "other",
} as const satisfies Record<FileProblem["kind"], Failure["kind"]>;

/** A file, or a database in memory, and all connections to it. */
export class Connections {
  #use: FileUse;
  /** `null` while the file cannot be opened. */
  #opened: Opened | null;
  /** Settles when the previous connections are closed. */
  #closing = Promise.resolve();
  /** How often the connections were reopened; a part of {@link version}, since SQLite's own count restarts then. */
  #generation = 0;
  #isClosed = false;
  #failure: Failure | null = null;
  /** The rebuild of the file, while one runs. */
  #rebuild: Promise<void> | null;
  /** The check that the timer started, while it runs. */
  #watching: Promise<void> | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isUninspected = true;
  /** When the disk is checked next, in milliseconds of `performance.now`. */
  #trialAt = 0;
  /** When the next inspection may begin, in milliseconds of `performance.now`. */
  #inspectionAt = 0;

  /** @throws {StoreRefused} the file is not a Foyer database, is newer than this Foyer or cannot be made */
  constructor(use: FileUse) {
    this.#use = use;
    this.#opened = this.#open();
    this.#rebuild = this.#startRebuild();
    if (use.path === ":memory:") return;
    const exposure = exposureOf(use.path);
    if (exposure !== null) use.log(exposure, "warning");
    if (use.use === "request") this.#timer = setInterval(() => this.#onTimer(), WATCH_INTERVAL);
  }

  /** Calls a session's method on the event loop. Only for methods whose work is bounded by their result page. */
  onLoop<Name extends Method>(method: Name, ...args: Arguments<Name>): Promise<Result<Name>> {
    return this.#ask(({ session }) => new InlineSession(session), method, args);
  }

  /** Calls a session's method in the reading thread with the fewest calls under way. */
  read<Name extends Method>(method: Name, ...args: Arguments<Name>): Promise<Result<Name>> {
    return this.#ask(({ readers }) => readers.reduce((a, b) => b.load < a.load ? b : a), method, args);
  }

  /**
   * Calls a session's method in the writing thread.
   *
   * @throws {StoreUnavailable} the write failed, or may be lost since the file was removed or replaced meanwhile
   */
  async write<Name extends Method>(method: Name, ...args: Arguments<Name>): Promise<Result<Name>> {
    const result = await this.#ask(({ writer }) => writer, method, args);
    if (!this.#isInPlace()) throw this.#unavailable();
    if (this.#failure?.kind === "busy") this.#endFailure();
    return result;
  }

  /** A token that changes after every write, by this process or another one. */
  get version(): string {
    try {
      return `${this.#generation} ${this.#requireOpened().session.version}`;
    } catch (error) {
      throw asStoreError(error);
    }
  }

  isReady(): boolean {
    return !this.#isClosed && this.#rebuild === null && this.#failure === null && this.#isInPlace();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    await this.#watching;
    await this.#closeOpened();
  }

  #open(): Opened {
    const { path, busyMilliseconds } = this.#use;
    const connection = openFile(path, { busyMilliseconds });
    const { access } = connection;
    const session = new Session(connection);
    const isInMemory = path === ":memory:";
    const inline = new InlineSession(session);
    const thread = (isWriter: boolean) =>
      isInMemory ? inline : new Thread({ path, busyMilliseconds, isWriter, access });
    if (access !== "write") this.#fail({ reason: READ_ONLY, kind: "other" });
    return {
      session,
      access,
      writer: thread(true),
      readers: Array.from({ length: READERS }, () => thread(false)),
      watch: isInMemory ? null : new FileWatch(path),
    };
  }

  /** Closes the open connections, if there are any; resolves when they are closed. */
  #closeOpened(): Promise<void> {
    if (this.#opened !== null) {
      this.#closing = this.#close(this.#opened);
      this.#opened = null;
    }
    return this.#closing;
  }

  async #close({ session, writer, readers }: Opened) {
    session.close();
    await this.#rebuild;
    await Promise.all([writer, ...readers].map((asked) => asked.close()));
  }

  #requireOpened(): Opened {
    if (this.#isClosed) throw new StoreUnavailable("The embedded store is closed");
    if (this.#opened === null) throw this.#unavailable();
    return this.#opened;
  }

  /** The error to throw while the file fails. A server logs the reason once, so requests' errors do not repeat it. */
  #unavailable(): StoreUnavailable {
    return this.#use.use === "request" || this.#failure === null
      ? new StoreUnavailable("The embedded store does not answer")
      : new FileFailure(this.#failure.reason);
  }

  async #ask<Name extends Method>(
    choose: (opened: Opened) => CallableSession,
    method: Name,
    args: Arguments<Name>,
  ): Promise<Result<Name>> {
    const isRequest = this.#use.use === "request";
    if (this.#rebuild !== null) {
      if (isRequest) {
        throw new StoreRebuilding("The embedded store is being rebuilt for this version of Foyer");
      }
      await this.#rebuild;
    }
    const asked = choose(this.#requireOpened());
    const milliseconds = isRequest ? this.#use.deadline : Infinity;
    try {
      const asking = asked.ask(method, args, Date.now() + milliseconds);
      return await new Deadline(milliseconds + GRACE).race(asking);
    } catch (error) {
      if (error instanceof DeadlineExceeded) throw new TimeBudgetOver();
      throw this.#noteError(error) ? this.#unavailable() : error;
    }
  }

  /** Whether the path still leads to the open file; records a failure if not. */
  #isInPlace(): boolean {
    const problem = this.#opened?.watch?.look() ?? null;
    if (problem === null) return true;
    this.#fail({ reason: problem.reason, kind: FAILURE_OF[problem.kind] });
    return false;
  }

  /** Records an error as a failure if it is the file's. Returns whether it is. */
  #noteError(error: unknown): boolean {
    if (!(error instanceof StoreUnavailable) || error instanceof TimeBudgetOver) return false;
    this.#fail(error instanceof FileFailure ? error : { reason: error.message, kind: "other" });
    return true;
  }

  #fail({ reason, kind }: Failure) {
    const isKnown = this.#failure?.reason === reason ||
      this.#failure?.kind === "damaged" && kind === "damaged";
    if (this.#isClosed || isKnown) return;
    this.#failure = { reason, kind };
    if (this.#use.use === "command") return;
    const log = () => this.#use.log(`The embedded store does not answer: ${reason}`, "warning");
    if (kind !== "damaged") return log();
    // The connections are closed before the damage is logged, since the log leads an operator to put a good file there.
    this.#closing = this.#closeOpened().then(() => putLogAside(this.#use.path));
    this.#closing.then(log);
  }

  #endFailure() {
    this.#failure = null;
    this.#use.log("The embedded store answers again");
  }

  #onTimer() {
    if (this.#watching !== null || this.#rebuild !== null) return;
    const isInPlace = this.#isInPlace();
    this.#watching = (this.#failure === null ? this.#lookForTrouble() : this.#recover(isInPlace))
      .finally(() => this.#watching = null);
  }

  async #lookForTrouble() {
    if (performance.now() >= this.#trialAt) {
      this.#trialAt = performance.now() + TRIAL_INTERVAL;
      // A write to the store proves nothing: SQLite reuses space in its write-ahead log, so it may work on a full disk.
      if (await isDiskFull(this.#use.path) && !await this.#try(this.#opened!.writer, "tryWriting")) return;
    }
    await this.#inspectChanged();
  }

  /** Inspects the file for damage, once after it was opened and again after any program wrote it. */
  async #inspectChanged() {
    const { isWritten, size } = this.#opened!.watch!.lookAtContent();
    this.#isUninspected ||= isWritten;
    const start = performance.now();
    if (!this.#isUninspected || start < this.#inspectionAt || size > MAX_INSPECTED) return;
    this.#isUninspected = false;
    await this.#inspect("isWhole");
    const end = performance.now();
    this.#inspectionAt = end + Math.min(INSPECTION_PAUSE * (end - start), MAX_INSPECTION_PAUSE);
  }

  /** Calls a check on a new connection, which has nothing cached; returns whether the file passed. */
  async #inspect(method: "isWhole" | "tryWriting"): Promise<boolean> {
    const { path, busyMilliseconds } = this.#use;
    // Read-only for an inspection, since somebody may be copying the file there at this moment.
    const access = method === "isWhole" ? "read" : "write";
    const thread = new Thread({ path, busyMilliseconds, isWriter: true, access });
    try {
      return await this.#try(thread, method);
    } finally {
      await thread.close();
    }
  }

  async #try(asked: CallableSession, method: "isWhole" | "tryWriting"): Promise<boolean> {
    try {
      if (await asked.ask(method, [], Infinity) === false) throw new FileFailure(DAMAGED, "damaged");
      return true;
    } catch (error) {
      // If the file was replaced meanwhile, the error is about the old one.
      if (this.#isInPlace()) this.#noteError(error);
      return false;
    }
  }

  /** Checks whether a failure is over, and if so reopens the connections where that is needed. */
  async #recover(isInPlace: boolean) {
    const { path } = this.#use;
    const { kind } = this.#failure!;
    if (kind === "closing") {
      // SQLite would apply a leftover write-ahead log of the old file to the new one.
      await this.#opened?.writer.ask("emptyLog", [], Infinity).catch(() => {});
      await this.#closeOpened();
    } else if (!isInPlace) return;
    await this.#closing;
    const absence = absenceOf(path);
    if (absence !== null) return this.#fail({ reason: absence.reason, kind: "damaged" });
    const before = this.#opened;
    if (before?.access === "write") {
      // Through the open connection, since a new one might open a file that is just being replaced.
      if (await this.#try(before.writer, "tryWriting") && this.#isInPlace()) this.#endFailure();
      // A thread that opened the file while it was read-only can never write; the next call starts another one.
      else if (this.#failure?.reason === READ_ONLY) await before.writer.close();
      return;
    }
    if (before === null && !await this.#inspect("isWhole")) return;
    if (!await this.#inspect("tryWriting") || this.#isClosed) return;
    try {
      this.#opened = this.#open();
    } catch (error) {
      if (!(error instanceof StoreRefused)) throw error;
      return this.#fail({ reason: error.message, kind: "damaged" });
    }
    if (before !== null) this.#closing = this.#close(before);
    this.#generation++;
    this.#endFailure();
    this.#rebuild = this.#startRebuild();
  }

  /** Starts to rebuild a file of an earlier version; `null` if the file needs no rebuild. */
  #startRebuild(): Promise<void> | null {
    return this.#opened!.session.isUnbuilt ? this.#rebuildFile(this.#opened!) : null;
  }

  async #rebuildFile({ session, writer }: Opened) {
    const { log } = this.#use;
    let loggedAt = -Infinity;
    while (!this.#isClosed) {
      try {
        if (performance.now() - loggedAt > PROGRESS_INTERVAL) {
          log(
            `Rebuilding the embedded store for this version of Foyer, ${session.countUnbuilt()} visitors are left`,
          );
          loggedAt = performance.now();
        }
        if (!await writer.ask("rebuild", [], Infinity)) {
          this.#rebuild = null;
          return;
        }
      } catch (error) {
        if (this.#isClosed) return;
        log(`The embedded store cannot be rebuilt now: ${(error as Error).message}`, "warning");
        await new Promise((resolve) => setTimeout(resolve, RETRY));
      }
    }
  }
}
