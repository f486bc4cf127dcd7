/**
 * The threads of a store: one writes, two read, each with a connection of its own and started when first needed. A store
 * in memory, which connections cannot share, has one session that answers at once.
 *
 * @module
 */
import { StoreRefused, StoreUnavailable, VisitorChanged } from "../visitor_store.ts";
import { asStoreError, type ConnectionOptions, FileFailure, TimeBudgetOver } from "./file.ts";
import type { Session } from "./session.ts";

/** What a thread is asked: a method of {@link Session}. */
export type Method = {
  [Name in keyof Session]: Session[Name] extends (...args: never[]) => unknown ? Name : never;
}[keyof Session];
export type Arguments<Name extends Method> = Parameters<Session[Name]>;
export type Result<Name extends Method> = ReturnType<Session[Name]>;

/** A message to a thread. */
export interface Question {
  id: number;
  method: Method;
  args: unknown[];
  /** When its time budget ends, in ms since 1970: a later answer is of no use, and the work is not begun. */
  until: number;
}

/** A message from a thread. */
export type Answer = { id: number; result: unknown } | { id: number; error: ThreadError };

/** Errors cross threads without their classes. */
export type ThreadError =
  | { name: "late" | "changed" }
  | { name: "file"; reason: string; kind: FileFailure["kind"] }
  | { name: "unavailable" | "other"; message: string };

/** What a thread needs to know of its file. */
export interface ThreadFile extends ConnectionOptions {
  path: string;
  isWriter: boolean;
}

/** Asks a session. */
export interface Asked {
  /** How many answers are waited for. */
  readonly load: number;
  ask<Name extends Method>(method: Name, args: Arguments<Name>, until: number): Promise<Result<Name>>;
  close(): Promise<void>;
}

/**
 * Calls a session's method.
 *
 * @throws {StoreUnavailable} SQLite says so, or the time budget is over
 * @throws {VisitorChanged}
 */
export function callSession(session: Session, { method, args, until }: Omit<Question, "id">): unknown {
  if (Date.now() > until) throw new TimeBudgetOver();
  session.until = until;
  try {
    return (session[method] as (...args: unknown[]) => unknown)(...args);
  } catch (error) {
    throw asStoreError(error);
  }
}

/** A session that answers where it is asked. */
export class InlineSession implements Asked {
  readonly load = 0;
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  // deno-lint-ignore require-await -- as a thread does
  async ask<Name extends Method>(method: Name, args: Arguments<Name>, until: number): Promise<Result<Name>> {
    return callSession(this.#session, { method, args, until }) as Result<Name>;
  }

  /** The session belongs to the store. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** A session in a thread, which answers in the order in which it is asked. */
export class Thread implements Asked {
  #file: ThreadFile;
  #worker: Worker | null = null;
  #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(file: ThreadFile) {
    this.#file = file;
  }

  get load(): number {
    return this.#waiting.size;
  }

  ask<Name extends Method>(method: Name, args: Arguments<Name>, until: number): Promise<Result<Name>> {
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { resolve, reject });
    this.#worker ??= this.#start();
    this.#worker.postMessage({ id, method, args, until } satisfies Question);
    return promise as Promise<Result<Name>>;
  }

  /** Ends the thread once it has answered what it was asked before. */
  async close(): Promise<void> {
    if (this.#worker === null) return;
    await this.ask("close", [], Infinity).catch(() => {});
    this.#worker?.terminate();
    this.#worker = null;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./thread.ts", import.meta.url), { type: "module", name: "sqlite" });
    worker.postMessage(this.#file);
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("result" in data) waiting?.resolve(data.result);
      else waiting?.reject(errorOf(data.error));
    };
    // It is started again by the next question.
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      this.#worker = null;
      for (const { reject } of this.#waiting.values()) {
        reject(new StoreUnavailable(`The embedded store's thread ended: ${event.message}`));
      }
      this.#waiting.clear();
    };
    return worker;
  }
}

/** An error for its way across threads. */
export function threadErrorOf(error: unknown): ThreadError {
  if (error instanceof TimeBudgetOver) return { name: "late" };
  if (error instanceof VisitorChanged) return { name: "changed" };
  if (error instanceof FileFailure) return { name: "file", reason: error.reason, kind: error.kind };
  const isForeseen = error instanceof StoreUnavailable || error instanceof StoreRefused;
  return { name: isForeseen ? "unavailable" : "other", message: (error as Error).message };
}

function errorOf(error: ThreadError): Error {
  switch (error.name) {
    case "late":
      return new TimeBudgetOver();
    case "changed":
      return new VisitorChanged();
    case "file":
      return new FileFailure(error.reason, error.kind);
    case "unavailable":
      return new StoreUnavailable(error.message);
    default:
      return new Error(error.message);
  }
}
