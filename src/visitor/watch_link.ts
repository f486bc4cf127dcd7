/**
 * The links by which an agent watches a visitor.
 *
 * @module
 */

/** An http or https URL. Agents click on links, so other schemes, such as `javascript:`, are not accepted. */
// deno-lint-ignore no-control-regex -- none of them belongs into a URL
export const LINK = /^https?:\/\/[^\x00-\x20\x7f"<>\\^`{|}]+$/iu;

/** The agent who watches a visitor. */
export interface Agent {
  id: string;
  name: string;
}

/** Used where a link is not made for a certain agent, as in lists. */
export const NO_AGENT: Agent = { id: "", name: "" };

/**
 * Fills the pattern `WATCH_LINK` with a visitor's and an agent's values, percent-encoded.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const link = fillWatchLink("https://acme.com/{short_id}?by={agent_name}", "a/b", { id: "7", name: "Zoë" });
 * assert.equal(link, "https://acme.com/a%2Fb?by=Zo%C3%AB");
 * ```
 */
export function fillWatchLink(pattern: string, shortId: string, agent: Agent): string {
  const values: Record<string, string> = { short_id: shortId, agent_id: agent.id, agent_name: agent.name };
  return pattern.replace(
    /\{(short_id|agent_id|agent_name)\}/g,
    (_, name) => encodeURIComponent(values[name].toWellFormed()),
  );
}
