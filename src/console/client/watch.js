/**
 * Watching a visitor: the server says where, and fills the agent's name in.
 *
 * @module
 */
import { visitorPath } from "./api.js";
import { ELSEWHERE, safeUrl } from "./links.js";

/**
 * Opens the page where a visitor is watched.
 *
 * @param {import("./api.js").Api} api
 * @param {string} agent
 * @param {string} shortId
 * @returns {Promise<string>} why it was not opened, as a sentence for the agent; empty where it was
 */
export async function watchVisitor(api, agent, shortId) {
  const json = agent === "" ? {} : { agent: { id: agent, name: agent } };
  try {
    const { watch_url } = await api.request(visitorPath(shortId, "/watch_url"), { method: "POST", json });
    const href = safeUrl(watch_url);
    if (href === null) return "The link by which this visitor is watched cannot be followed.";
    const link = Object.assign(document.createElement("a"), { href, ...ELSEWHERE });
    link.click();
    return "";
  } catch (error) {
    const failure = /** @type {import("./api.js").ApiFailure} */ (error);
    return failure.code === "no_watch_link"
      ? "Nothing says where visitors are watched. Set WATCH_LINK, such as https://support.example.com/watch/{short_id}."
      : failure.message;
  }
}
