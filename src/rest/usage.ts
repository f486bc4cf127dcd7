/**
 * `/usage`: how many visitors there are.
 *
 * @module
 */
import type { SharedReads } from "../store/shared_reads.ts";
import { type Answer, answerJson } from "../http/answer.ts";
import { KEY_HEADER } from "./operations.ts";

/** Answers with counts in the form of the product's cloud API; {@link KEY_HEADER} says what the key may do. */
export function getUsage(reads: SharedReads): Answer {
  return async (context) => {
    const { online, lastDay, last30Days, inSession, waiting } = await reads.countVisitors();
    return answerJson(
      context,
      {
        status: "ok",
        usage: {
          visitors: { online_now: online, last_24_hrs: lastDay, last_30_days: last30Days },
          session_counts: { now: inSession },
          waiting,
        },
      },
      200,
      { [KEY_HEADER]: context.env.key === "write" ? "write" : "read" },
    );
  };
}
