/**
 * Agents' claims: which agent takes care of a visitor.
 *
 * @module
 */
import type { Visitor } from "../visitor/visitor.ts";

/** How long a claim lasts unless it is renewed, in milliseconds. */
export const CLAIM_DURATION = 300_000;

/** What an agent wants of a visitor. */
export interface AgentClaim {
  agent: string;
  /** When the claim ends unless it is renewed; `null`: it ends now. */
  until: Date | null;
  /** Whether another agent's claim ends by it. */
  takesOver: boolean;
}

/** What came of a claim. */
export interface ClaimResult {
  /** The visitor after the claim; where it was refused, as it is. */
  visitor: Visitor;
  /** Why nothing was written: another agent has the visitor (`claimed`), or it is not online (`offline`). */
  refusal: "claimed" | "offline" | null;
}

/**
 * What a claim does to a visitor.
 *
 * @param isOver whether the time of the visitor's claim is over, though it is still there
 */
export function claim(
  visitor: Visitor,
  { agent, until, takesOver }: AgentClaim,
  isOver: boolean,
): ClaimResult {
  const { claimed_by } = visitor;
  if (claimed_by !== null && claimed_by !== agent && !isOver && !takesOver) {
    return { visitor, refusal: "claimed" };
  }
  if (until !== null && !visitor.is_online) return { visitor, refusal: "offline" };
  return { visitor: { ...visitor, claimed_by: until === null ? null : agent }, refusal: null };
}

/** When the claim ends that a visitor brings who is imported; `null` without one. */
export function importedClaimEnd({ claimed_by }: Visitor): Date | null {
  return claimed_by === null ? null : new Date(Date.now() + CLAIM_DURATION);
}
