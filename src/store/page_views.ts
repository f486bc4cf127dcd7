/**
 * The last web pages of a visitor, which are kept beside it while it is online.
 *
 * @module
 */

/** The most web pages that are kept of a visitor. */
const MAX_PAGES = 10;

/** A web page that a visitor was on. */
export interface PageView {
  /** As `last_url` is stored. */
  url: string;
  /** When it was shown, as ISO 8601. */
  at: string;
}

/**
 * The last web pages, with further ones, in the order of their times. One that is shown again, as after a reload, stays
 * one. Those that were added before may be added again.
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
