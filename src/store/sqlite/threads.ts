/**
 * Calls to sessions in worker threads. Each thread has a connection of its own, and is started when it is first needed.
 * A store in memory cannot be shared between connections, so its one session answers on the event loop.
 *
 * @module
 */
import { StoreRefused, StoreUnavailable, VisitorChanged } from "../visitor_store.ts";
import { asStoreError, type ConnectionOptions, FileFailure, TimeBudgetOver } from "./file.ts";
import type { Session } from "./session.ts";

/** The methods of {@link Session}, which a thread can be asked to call. */
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
  /** When the call's time budget ends, in ms since 1970. A call that has not begun by then is rejected. */
  until: number;
}

/** A message from a thread. */
export type Answer = { id: number; result: unknown } | { id: number; error: ThreadError };

/** An error as it is sent between threads, since messages do not keep the class of an error. */
export type ThreadError =
  | { name: "late" | "changed" }
  | { name: "file"; reason: string; kind: FileFailure["kind"] }
  | { name: "unavailable" | "other"; message: string };

/** The file that a thread opens, and how. */
export interface ThreadFile extends ConnectionOptions {
  path: string;
  isWriter: boolean;
}

/** A session that can be called, here or in a thread. */
export interface CallableSession {
  /** The number of calls that are not answered yet. */
  readonly load: number;
  ask<Name extends Method>(method: Name, args: Arguments<Name>, until: number): Promise<Result<Name>>;
  close(): Promise<void>;
}

/**
 * Calls a session's method.
 *
 * @throws {StoreUnavailable} the file or its disk fails, or the time budget is over
 * @throws {VisitorChanged} the stored visitor differs from the expected one
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

/** A session that answers on the event loop. */
export class InlineSession implements CallableSession {
  readonly load = 0;
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  // deno-lint-ignore require-await -- errors reject, as a thread's do
  async ask<Name extends Method>(method: Name, args: Arguments<Name>, until: number): Promise<Result<Name>> {
    return callSession(this.#session, { method, args, until }) as Result<Name>;
  }

  /** Does nothing: the store closes its session. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** A session in a worker thread, which answers calls in their order. */
export class Thread implements CallableSession {
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

  /** Ends the thread once it has answered all earlier calls. */
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
    // The thread has failed. The next call starts another one.
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

/** Converts an error for a message to another thread. */
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
