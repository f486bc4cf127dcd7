/**
 * The deadline of an answer.
 *
 * @module
 */
import { Deadline } from "../async/deadline.ts";
import type { Answer } from "./answer.ts";

/** How long an answer may take in all, in milliseconds: a little longer than the store's own deadline, whose errors say more. */
const DEADLINE = 2700;

/**
 * Gives a handler one deadline for all that it waits for. The time in which the client sends its body does not count.
 *
 * @returns a handler that throws {@link DeadlineExceeded} then; the work goes on
 */
export function withDeadline(answer: Answer): Answer {
  return async (context) => {
    const work = answer(context);
    if (work instanceof Response) return work;
    const { received } = context.env;
    if (received !== undefined) await Promise.race([received, work]);
    return await new Deadline(DEADLINE).race(work);
  };
}
