/**
 * The handlers for load balancers and monitoring, which need no key: liveness, readiness and metrics.
 *
 * @module
 */
import type { Health } from "../operations/health.ts";
import type { Metrics } from "../operations/metrics.ts";
import { StoreUnavailable } from "../store/visitor_store.ts";
import { type Answer, answer, answerJson } from "./answer.ts";
import { ApiError } from "./errors.ts";

/** `/live`: 200 while the process answers requests. */
export const live: Answer = (context) => answerJson(context, { status: "ok" });

/** `/ready`: 200; 503 once the server is stopping, or while the database does not answer. */
export function ready(health: Health): Answer {
  return (context) => {
    if (health.isStopping) throw new ApiError("stopping", "The server is about to stop.");
    if (!health.isReady) throw new StoreUnavailable("The database did not answer when last asked");
    return answerJson(context, { status: "ok" });
  };
}

/** `/metrics`, in Prometheus' text format. */
export function metricsPage(metrics: Metrics): Answer {
  return async (context) => {
    const { contentType, body } = await metrics.text();
    return answer(context, 200, body, { "Content-Type": contentType });
  };
}
