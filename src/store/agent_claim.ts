/**
 * Agents' claims: which agent takes care of a visitor.
 *
 * @module
 */
import type { Visitor } from "../visitor/visitor.ts";

/** How long a claim lasts unless it is renewed, in milliseconds. */
export const CLAIM_DURATION = 300_000;

/** An agent's request to claim a visitor, or to end the agent's claim of it. */
export interface AgentClaim {
  agent: string;
  /** When the claim ends unless it is renewed; `null`: it ends now. */
  until: Date | null;
  /** Whether the request may replace another agent's claim. */
  takesOver: boolean;
}

/** The result of a claim. */
export interface ClaimResult {
  /** The visitor after the claim; unchanged if the claim was refused. */
  visitor: Visitor;
  /** Why nothing was written: another agent has the visitor (`claimed`), or it is not online (`offline`). */
  refusal: "claimed" | "offline" | null;
}

/**
 * Applies a claim to a visitor, or refuses it.
 *
 * @param isOver whether the claim that is stored with the visitor has expired
 */
export function claim(
  visitor: Visitor,
  { agent, until, takesOver }: AgentClaim,
  isOver: boolean,
): ClaimResult {
  // Other software may store "" instead of removing the field.
  const claimed_by = visitor.claimed_by || null;
  if (claimed_by !== null && claimed_by !== agent && !isOver && !takesOver) {
    return { visitor, refusal: "claimed" };
  }
  if (until !== null && !visitor.is_online) return { visitor, refusal: "offline" };
  return { visitor: { ...visitor, claimed_by: until === null ? null : agent }, refusal: null };
}

/** When the claim of an imported visitor ends; `null` if it has none. */
export function importedClaimEnd({ claimed_by }: Visitor): Date | null {
  return claimed_by === null ? null : new Date(Date.now() + CLAIM_DURATION);
}
