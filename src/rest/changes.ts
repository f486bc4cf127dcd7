/**
 * The routes that change and remove visitors.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { removeOfflineVisitors } from "../operations/removal.ts";
import { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { REQUEST_DEADLINE, type VisitorReads, type VisitorWrites } from "../store/visitor_store.ts";
import { Deadline, DeadlineExceeded } from "../async/deadline.ts";
import { matchesTag } from "../http/representation.ts";
import { type AttributeName, ATTRIBUTES, type Visitor } from "../visitor/visitor.ts";
import { type Answer, answer, answerJson, type ApiContext } from "../http/answer.ts";
import { ApiError, visitorNotFound } from "../http/errors.ts";
import { OPERATIONS, visitorChange } from "./operations.ts";
import { readBody, readQuery, shortIdsOf } from "./parameters.ts";
import { presenter, representVisitor } from "./presentation.ts";

/**
 * The handlers that write.
 *
 * @param onWritten called after each write, before it is answered
 */
export function changeHandlers(
  store: VisitorWrites & Pick<VisitorReads, "getVisitors">,
  config: Config,
  onWritten: () => void,
) {
  const present = presenter(config);
  const represent = (visitor: Visitor) => representVisitor(present(new EncodedVisitor(visitor)));

  /** The last write of each visitor that has a condition. */
  const turns = new Map<string, Promise<unknown>>();

  /** Of one visitor, writes with `If-Match` come one after the other: none changes what another has just checked. */
  async function inTurn<T>(context: ApiContext, shortId: string, write: () => Promise<T>): Promise<T> {
    if (context.req.header("If-Match") === undefined) return await write();
    const deadline = new Deadline(REQUEST_DEADLINE);
    const before = turns.get(shortId);
    const turn = (async () => {
      await before?.catch(() => {});
      if (deadline.isOver) throw new DeadlineExceeded();
      return await write();
    })();
    turns.set(shortId, turn);
    const end = () => {
      if (turns.get(shortId) === turn) turns.delete(shortId);
    };
    turn.then(end, end);
    return await deadline.race(turn);
  }

  /**
   * Refuses a request whose `If-Match` does not name the visitor's current state.
   *
   * @returns the same check for the moment of the write; `undefined` without the header
   */
  async function requireMatch(context: ApiContext, shortId: string) {
    const ifMatch = context.req.header("If-Match");
    if (ifMatch === undefined) return undefined;
    const check = (visitor: Visitor) => {
      if (matchesTag(ifMatch, represent(visitor).tag)) return;
      throw new ApiError("precondition_failed", "The visitor changed since, so that nothing was written.");
    };
    const [stored] = await new Deadline(REQUEST_DEADLINE).race(store.getVisitors([shortId]));
    if (stored !== null) check(stored.visitor);
    return check;
  }

  const updateVisitor: Answer = async (context) => {
    const change = await readBody(context, visitorChange);
    requireReadable(change);
    const visitor = await firstOf(context, (shortId) =>
      inTurn(
        context,
        shortId,
        async () => await store.updateVisitor(shortId, change, await requireMatch(context, shortId)),
      ));
    if (visitor === null) throw visitorNotFound();
    onWritten();
    const { body, tag } = represent(visitor);
    return answer(context, 200, body, { "Content-Type": "application/json", ETag: `"${tag}"` });
  };

  const removeVisitor: Answer = async (context) => {
    const isRemoved = await firstOf(context, (shortId) =>
      inTurn(context, shortId, async () => {
        await requireMatch(context, shortId);
        return await store.removeVisitor(shortId) || null;
      }));
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
