/**
 * Writes that depend on what was read (optimistic concurrency).
 *
 * @module
 */
import { Deadline } from "../async/deadline.ts";
import type { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { REQUEST_DEADLINE, VisitorChanged, type VisitorWrites } from "./visitor_store.ts";

/**
 * Reads a visitor and writes it; where somebody else wrote it in between, reads and writes again.
 *
 * @param write receives the visitor as read, and passes it to the store as `expected`; throws if it must not be written
 * @returns the result of `write`; `null` where there is no such visitor
 * @throws {DeadlineExceeded} others wrote the visitor at each try, for {@link REQUEST_DEADLINE}
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
