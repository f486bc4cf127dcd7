/**
 * `/visitors/{short_id}/claim`: which agent takes care of a visitor.
 *
 * @module
 */
import type { Config } from "../config.ts";
import { type Answer, answer, type ApiContext } from "../http/answer.ts";
import { ApiError, visitorNotFound } from "../http/errors.ts";
import { type AgentClaim, CLAIM_DURATION } from "../store/agent_claim.ts";
import type { AgentClaims } from "../store/visitor_store.ts";
import { asciiJson } from "../visitor/ascii_json.ts";
import { EncodedVisitor } from "../visitor/encoded_visitor.ts";
import { claimRequest, releaseRequest } from "./operations.ts";
import { firstOf, readBody } from "./parameters.ts";
import { presenter } from "../http/presentation.ts";

/**
 * The handlers that claim and release visitors.
 *
 * @param onWritten called after each write, before the answer
 */
export function claimHandlers(
  store: AgentClaims,
  config: Config,
  onWritten: () => void,
): Record<"claimVisitor" | "releaseVisitor", Answer> {
  const present = presenter(config);

  /**
   * Writes a claim, and answers with the visitor after it.
   *
   * @param cure what the agent can do if another one has claimed the visitor: a phrase for the error's message
   */
  async function write(context: ApiContext, claim: AgentClaim, cure: string): Promise<Response> {
    const result = await firstOf(context, (shortId) => store.claimVisitor(shortId, claim));
    if (result === null) throw visitorNotFound();
    const { visitor, refusal } = result;
    if (refusal === "offline") {
      throw new ApiError("visitor_offline", "This visitor is offline; only visitors online can be claimed.");
    }
    if (refusal === "claimed") {
      const shown = config.hiddenAttributes.has("claimed_by") ? {} : { claimed_by: visitor.claimed_by };
      throw new ApiError("already_claimed", `Another agent has claimed this visitor: ${cure}.`, {}, shown);
    }
    onWritten();
    const until = claim.until === null ? "" : `,"claimed_until":${asciiJson(claim.until.toISOString())}`;
    const body = `{"status":"ok","visitor":${present(new EncodedVisitor(visitor))}${until}}`;
    return answer(context, 200, body, { "Content-Type": "application/json" });
  }

  return {
    claimVisitor: async (context) => {
      const { agent, take_over = false } = await readBody(context, claimRequest);
      const until = new Date(Date.now() + CLAIM_DURATION);
      return await write(
        context,
        { agent: agent.trim(), until, takesOver: take_over },
        'send "take_over": true to take the visitor over',
      );
    },

    releaseVisitor: async (context) => {
      const { agent } = await readBody(context, releaseRequest);
      return await write(
        context,
        { agent: agent.trim(), until: null, takesOver: false },
        "only that agent can end the claim",
      );
    },
  };
}
