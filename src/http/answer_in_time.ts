/**
 * A deadline for handlers.
 *
 * @module
 */
import { Deadline } from "../async/deadline.ts";
import type { Answer } from "./answer.ts";

/** How long a handler may take, in milliseconds: a little longer than the store's deadline, whose errors say more. */
const DEADLINE = 2700;

/**
 * Gives a handler one deadline for all its work. The time in which the client sends the request's body does not count.
 *
 * @returns a handler that rejects with {@link DeadlineExceeded} after the deadline; the work itself goes on
 */
export function withDeadline(answer: Answer, milliseconds = DEADLINE): Answer {
  return async (context) => {
    const work = answer(context);
    if (work instanceof Response) return work;
    const { received } = context.env;
    if (received !== undefined) await Promise.race([received, work]);
    return await new Deadline(milliseconds).race(work);
  };
}
