/**
 * A thread of the embedded store: opens the file that the first message names, and answers all others.
 *
 * @module
 */
import { StoreRefused, StoreUnavailable, VisitorChanged } from "../visitor_store.ts";
import { asStoreError, Connection, TimeBudgetOver } from "./file.ts";
import { Session } from "./session.ts";
import { type Answer, callSession, type ErrorKind, type Question, type ThreadFile } from "./threads.ts";

/** What a worker's global scope has; the types of a window are those that are checked. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(answer: Answer): void;
};

scope.onmessage = ({ data }: MessageEvent<ThreadFile>) => {
  let session: Session | null = null;
  scope.onmessage = ({ data: question }: MessageEvent<Question>) => {
    const { id } = question;
    try {
      // Here, so that a file that cannot be opened is each question's failure and not the thread's.
      session ??= open(data);
      scope.postMessage({ id, result: callSession(session, question) });
    } catch (error) {
      scope.postMessage({ id, error: (error as Error).message, kind: kindOf(error) });
    }
  };
};

function open({ path, busyMilliseconds, isWriter }: ThreadFile): Session {
  const connection = new Connection(path, { busyMilliseconds, isWriter });
  try {
    connection.configure();
    return new Session(connection);
  } catch (error) {
    connection.close();
    throw asStoreError(error);
  }
}

function kindOf(error: unknown): ErrorKind {
  if (error instanceof TimeBudgetOver) return "late";
  if (error instanceof VisitorChanged) return "changed";
  return error instanceof StoreUnavailable || error instanceof StoreRefused ? "unavailable" : "other";
}
