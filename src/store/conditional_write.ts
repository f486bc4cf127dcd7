/**
 * Writes that depend on what was read (optimistic concurrency).
 *
 * @module
 */
import { Deadline } from "../async/deadline.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { REQUEST_DEADLINE, VisitorChanged, type VisitorWrites } from "./visitor_store.ts";

/**
 * Reads a visitor, and writes it if nobody has written it since; otherwise reads and writes again.
 *
 * @param write receives the visitor, with which it calls the store; throws where it must not be written
 * @returns what `write` does; `null` where there is no such visitor
 * @throws {DeadlineExceeded} others write all the time
 */
export async function writeAsRead<T>(
  store: Pick<VisitorWrites, "readForWrite">,
  shortId: string,
  write: (visitor: EncodedVisitor) => Promise<T | null>,
): Promise<T | null> {
  const deadline = new Deadline(REQUEST_DEADLINE);
  while (true) {
    const visitor = await deadline.race(store.readForWrite(shortId));
    if (visitor === null) return null;
    try {
      return await deadline.race(write(visitor));
    } catch (error) {
      if (!(error instanceof VisitorChanged)) throw error;
      void deadline.left;
    }
  }
}
