/**
 * The routes that change and remove visitors.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { removeOfflineVisitors } from "../operations/removal.ts";
import { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { writeAsRead } from "../store/conditional_write.ts";
import type { VisitorWrites } from "../store/visitor_store.ts";
import { matchesTag } from "../http/representation.ts";
import { type AttributeName, ATTRIBUTES } from "../visitor/visitor.ts";
import { type Answer, answer, answerJson, type ApiContext } from "../http/answer.ts";
import { ApiError, visitorNotFound } from "../http/errors.ts";
import { OPERATIONS, visitorChange } from "./operations.ts";
import { firstOf, readBody, readQuery } from "./parameters.ts";
import { presenter, representVisitor } from "../http/presentation.ts";

/**
 * The handlers that change and remove visitors.
 *
 * @param onWritten called after each write, before the answer
 */
export function changeHandlers(
  store: VisitorWrites,
  config: Config,
  onWritten: () => void,
) {
  const present = presenter(config);
  const represent = (visitor: EncodedVisitor) => representVisitor(present(visitor));

  /**
   * Writes to the first visitor that the path may mean, if the request's `If-Match` allows it.
   *
   * @param write receives the visitor that the stored one must still equal; `undefined` without `If-Match`
   * @throws {ApiError} `precondition_failed`: `If-Match` does not contain the tag of the visitor's current state
   */
  function writeIfMatching<T>(
    context: ApiContext,
    write: (shortId: string, expected?: EncodedVisitor) => Promise<T | null>,
  ): Promise<T | null> {
    const ifMatch = context.req.header("If-Match");
    if (ifMatch === undefined) return firstOf(context, write);
    return firstOf(context, (shortId) =>
      writeAsRead(store, shortId, (visitor) => {
        if (matchesTag(ifMatch, represent(visitor).tag)) return write(shortId, visitor);
        throw new ApiError(
          "precondition_failed",
          "The visitor is not as If-Match says; nothing was written.",
        );
      }));
  }

  const updateVisitor: Answer = async (context) => {
    const change = await readBody(context, visitorChange);
    requireReadable(change);
    const visitor = await writeIfMatching(
      context,
      (shortId, expected) => store.updateVisitor(shortId, change, expected),
    );
    if (visitor === null) throw visitorNotFound();
    onWritten();
    const { body, tag } = represent(new EncodedVisitor(visitor));
    return answer(context, 200, body, { "Content-Type": "application/json", ETag: `"${tag}"` });
  };

  const removeVisitor: Answer = async (context) => {
    const isRemoved = await writeIfMatching(
      context,
      async (shortId, expected) => await store.removeVisitor(shortId, expected) || null,
    );
    if (isRemoved === null) throw visitorNotFound();
    onWritten();
    return answerJson(context, { status: "ok" });
  };

  const removeAllOffline: Answer = async (context) => {
    readQuery(context, OPERATIONS.removeOfflineVisitors.query);
    requireOnce(context, "all");
    // Stops if the client disconnects, since it may have done so to cancel the removal.
    const { signal } = context.req.raw;
    const count = await removeOfflineVisitors(store, {
      onRemoved: onWritten,
      mayGoOn: () => !signal.aborted,
    });
    return answerJson(context, { status: "ok", count });
  };

  return { updateVisitor, removeVisitor, removeOfflineVisitors: removeAllOffline };
}

/**
 * Refuses a parameter that is given several times. (Elsewhere the first value counts; a request that removes many visitors
 * must not be ambiguous.)
 */
function requireOnce(context: ApiContext, name: string) {
  if (context.req.queries(name)!.length > 1) {
    throw new ApiError("invalid_parameter", `${name} must be given once.`);
  }
}

/** Refuses values that would not be read as they were written, such as text with a lone surrogate. */
function requireReadable(change: Record<string, unknown>) {
  for (const [name, value] of Object.entries(change)) {
    const read = ATTRIBUTES[name as AttributeName].read(value);
    if (JSON.stringify(read) !== JSON.stringify(value)) {
      throw new ApiError(
        "invalid_parameter",
        `${name} contains a value that cannot be stored, such as text with a lone surrogate.`,
      );
    }
  }
}
