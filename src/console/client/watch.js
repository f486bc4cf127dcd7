/**
 * Opens the web page on which an agent watches a visitor. The server makes its URL, with the agent's name.
 *
 * @module
 */
import { visitorPath } from "./api.js";
import { ELSEWHERE, safeUrl } from "./links.js";

/**
 * Opens the web page on which a visitor is watched.
 *
 * @param {import("./api.js").Api} api
 * @param {string} agent
 * @param {string} shortId
 * @returns {Promise<string>} a sentence for the agent if the web page was not opened, otherwise empty
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
