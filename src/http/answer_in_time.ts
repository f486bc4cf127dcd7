/**
 * Answers within a request's time.
 *
 * @module
 */
import { Deadline } from "../async/deadline.ts";
import type { Answer } from "./answer.ts";

/** How long an answer may take in all, in milliseconds: a little longer than the store's own deadline, whose errors say more. */
const DEADLINE = 2700;

/**
 * Answers in time, however many things the handler waits for, one after the other. The time in which the client sends
 * its body does not count.
 *
 * @returns throws {@link DeadlineExceeded}; the work goes on
 */
export function inTime(answer: Answer): Answer {
  return async (context) => {
    const work = answer(context);
    if (work instanceof Response) return work;
    const { received } = context.env;
    if (received !== undefined) await Promise.race([received, work]);
    return await new Deadline(DEADLINE).race(work);
  };
}
