/**
 * A worker thread of the embedded store: the first message names the file, each further one is a question to answer.
 *
 * @module
 */
import { asStoreError, Connection } from "./file.ts";
import { Session } from "./session.ts";
import { type Answer, callSession, type Question, threadErrorOf, type ThreadFile } from "./threads.ts";

/** The part of a worker's global scope that is used; `deno check` only knows the types of a window. */
const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(answer: Answer): void;
};

scope.onmessage = ({ data }: MessageEvent<ThreadFile>) => {
  let session: Session | null = null;
  scope.onmessage = ({ data: question }: MessageEvent<Question>) => {
    const { id } = question;
    try {
      // Opened here, so that a file that cannot be opened rejects each question and does not end the thread.
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
