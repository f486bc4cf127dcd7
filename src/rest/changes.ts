/**
 * The routes that change and remove visitors.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { removeOfflineVisitors } from "../operations/removal.ts";
import { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import type { VisitorWrites } from "../store/visitor_store.ts";
import { type AttributeName, ATTRIBUTES } from "../visitor/visitor.ts";
import { type Answer, answer, answerJson, type ApiContext } from "../http/answer.ts";
import { ApiError, visitorNotFound } from "../http/errors.ts";
import { OPERATIONS, visitorChange } from "./operations.ts";
import { readBody, readQuery, shortIdsOf } from "./parameters.ts";
import { presenter } from "./presentation.ts";

/**
 * The handlers that write.
 *
 * @param onWritten called after each write, before it is answered
 */
export function changeHandlers(store: VisitorWrites, config: Config, onWritten: () => void) {
  const present = presenter(config);

  const updateVisitor: Answer = async (context) => {
    const change = await readBody(context, visitorChange);
    requireReadable(change);
    const visitor = await firstOf(context, (shortId) => store.updateVisitor(shortId, change));
    if (visitor === null) throw visitorNotFound();
    onWritten();
    return answer(context, 200, `{"status":"ok","visitor":${present(new EncodedVisitor(visitor))}}`, {
      "Content-Type": "application/json",
    });
  };

  const removeVisitor: Answer = async (context) => {
    const isRemoved = await firstOf(context, async (shortId) => await store.removeVisitor(shortId) || null);
    if (isRemoved === null) throw visitorNotFound();
    onWritten();
    return answerJson(context, { status: "ok" });
  };

  const removeAllOffline: Answer = async (context) => {
    readQuery(context, OPERATIONS.removeOfflineVisitors.query);
    requireOnce(context, "all");
    // A client that has gone did not wait for the end, and may not want it.
    const { signal } = context.req.raw;
    const count = await removeOfflineVisitors(store, {
      onRemoved: onWritten,
      mayGoOn: () => !signal.aborted,
    });
    return answerJson(context, { status: "ok", count });
  };

  return { updateVisitor, removeVisitor, removeOfflineVisitors: removeAllOffline };
}

/** The result for the first visitor whom the path may mean; `null` where there is none. */
async function firstOf<T>(
  context: ApiContext,
  write: (shortId: string) => Promise<T | null>,
): Promise<T | null> {
  for (const shortId of shortIdsOf(context)) {
    const result = await write(shortId);
    if (result !== null) return result;
  }
  return null;
}

/** Elsewhere the first value of a parameter counts; a request that removes many visitors must not contradict itself. */
function requireOnce(context: ApiContext, name: string) {
  if (context.req.queries(name)!.length > 1) {
    throw new ApiError("invalid_parameter", `${name} must be given once.`);
  }
}

/** Refuses values that would be read differently than they were written, such as half a character. */
function requireReadable(change: Record<string, unknown>) {
  for (const [name, value] of Object.entries(change)) {
    const read = ATTRIBUTES[name as AttributeName].read(value);
    if (JSON.stringify(read) !== JSON.stringify(value)) {
      throw new ApiError(
        "invalid_parameter",
        `${name} holds something that cannot be stored, such as half a character.`,
      );
    }
  }
}
