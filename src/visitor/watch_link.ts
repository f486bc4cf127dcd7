/**
 * The links by which an agent watches a visitor.
 *
 * @module
 */

/** A link that an agent follows, and that must not run anything: an http or https URL. */
// deno-lint-ignore no-control-regex -- none of them belongs into a URL
export const LINK = /^https?:\/\/[^\x00-\x20\x7f"<>\\^`{|}]+$/iu;

/** Who watches. */
export interface Agent {
  id: string;
  name: string;
}

/** No agent is known where a link is made for a list. */
export const NO_AGENT: Agent = { id: "", name: "" };

/**
 * The link of `WATCH_LINK` for a visitor and an agent, with their values percent-encoded.
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
