/**
 * A thread of the embedded store: opens the file that the first message names, and answers all others.
 *
 * @module
 */
import { asStoreError, Connection } from "./file.ts";
import { Session } from "./session.ts";
import { type Answer, callSession, type Question, threadErrorOf, type ThreadFile } from "./threads.ts";

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
      scope.postMessage({ id, error: threadErrorOf(error) });
    }
  };
};

function open({ path, ...options }: ThreadFile): Session {
  const connection = new Connection(path, options);
  try {
    connection.configure();
    return new Session(connection);
  } catch (error) {
    connection.close();
    throw asStoreError(error);
  }
}
