/**
 * The last web pages of a visitor, which are stored beside the visitor while it is online.
 *
 * @module
 */

/** The most web pages that are stored for one visitor. */
const MAX_PAGES = 10;

/** A web page that a visitor was on. */
export interface PageView {
  /** The web page's URL, shortened as `last_url` is. */
  url: string;
  /** When the web page was shown, in ISO 8601. */
  at: string;
}

/**
 * Adds web pages to a visitor's last ones, in the order of their times. The same URL several times in a row, as after a
 * reload, counts once. Adding the same page views again changes nothing.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const [home, cart, again] = ["/", "/cart", "/cart"].map((url, i) => ({ url, at: new Date(i).toISOString() }));
 * assert.deepEqual(addPageViews([home], [home, cart, again]), [home, cart]);
 * ```
 */
export function addPageViews(views: PageView[], more: PageView[]): PageView[] {
  const isNew = (view: PageView) => !views.some(({ url, at }) => url === view.url && at === view.at);
  const ordered = [...views, ...more.filter(isNew)].sort((a, b) => a.at < b.at ? -1 : Number(a.at > b.at));
  return ordered.filter(({ url }, i) => url !== ordered[i - 1]?.url).slice(-MAX_PAGES);
}
