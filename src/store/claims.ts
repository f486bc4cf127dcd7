/**
 * Claims: what a web page says of its visitor, as a change of the visitor.
 *
 * @module
 */
import { isEmailAddress } from "../search/parse.ts";
import type { Visitor, VisitorChange } from "../visitor/visitor.ts";

/** What a web page says of its visitor: an empty value clears an attribute, an absent one leaves it as it is. */
export interface Claims {
  identities?: string[];
  unique_id?: string | null;
  tags?: string[];
  /** Steps, in their order: `system:id` adds that id, `system:` removes the ids of that system, `null` removes all ids. */
  integration_ids?: (string | null)[];
  call_name?: string | null;
  name?: string | null;
  email?: string | null;
  metadata?: Visitor["metadata"];
}

/** The most integration ids of a visitor; where there are more, the oldest are dropped. */
const MAX_INTEGRATION_IDS = 200;

/** Merges claims with later claims: the result does what both did, one after the other. */
export function mergeClaims(earlier: Claims, later: Claims): Claims {
  const merged = { ...earlier, ...later };
  if (earlier.integration_ids && later.integration_ids) {
    const steps = [...earlier.integration_ids, ...later.integration_ids];
    // Steps before the last one that clears all have no effect.
    merged.integration_ids = steps.slice(Math.max(0, steps.lastIndexOf(null))).slice(-MAX_INTEGRATION_IDS);
  }
  return merged;
}

/**
 * The change of a visitor that claims make. Where the page gives identities and no `email`, `email` becomes the first
 * address among the identities, unless the visitor's `email` came from elsewhere.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readVisitor } from "../visitor/visitor.ts";
 *
 * const ada = readVisitor({ short_id: "a", integration_ids: ["crm:1", "chat:2"] })!;
 * assert.deepEqual(changeOfClaims(ada, { integration_ids: ["crm:", "help:3"], identities: ["ada@example.com"] }), {
 *   integration_ids: ["chat:2", "help:3"],
 *   identities: ["ada@example.com"],
 *   email: "ada@example.com",
 * });
 * ```
 */
export function changeOfClaims(visitor: Visitor, claims: Claims): VisitorChange {
  const { integration_ids, ...others } = claims;
  const change: VisitorChange = { ...others };
  if (integration_ids !== undefined) {
    change.integration_ids = addIntegrationIds(visitor.integration_ids, integration_ids);
  }
  const isOurs = visitor.email === null || visitor.identities.includes(visitor.email);
  if (claims.identities !== undefined && claims.email === undefined && isOurs) {
    change.email = claims.identities.find(isEmailAddress) ?? null;
  }
  return change;
}

function addIntegrationIds(existing: string[], steps: (string | null)[]): string[] {
  let ids = existing;
  for (const step of steps) {
    const isClearing = step === null || step.endsWith(":");
    ids = step === null ? [] : ids.filter((id) => isClearing ? !id.startsWith(step) : id !== step);
    if (!isClearing) ids = [...ids, step];
  }
  return ids.slice(-MAX_INTEGRATION_IDS);
}
