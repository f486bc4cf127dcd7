/**
 * The last web pages of a visitor, which are kept beside it while it is online.
 *
 * @module
 */

/** So many web pages are kept of a visitor. */
const MAX_PAGES = 10;

/** A web page that a visitor was on. */
export interface PageView {
  /** As `last_url` is stored. */
  url: string;
  /** When it was shown, as ISO 8601. */
  at: string;
}

/**
 * The last web pages, with further ones; the newest last. One that is shown again, as after a reload, stays one.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const [home, cart] = ["/", "/cart"].map((url, i) => ({ url, at: new Date(i).toISOString() }));
 * assert.deepEqual(addPageViews([home], [home, cart, cart]), [home, cart]);
 * ```
 */
export function addPageViews(views: PageView[], more: PageView[]): PageView[] {
  const all = [...views];
  for (const view of more) {
    // What was written already may be sent again.
    const isThere = all.some(({ url, at }) => url === view.url && at === view.at);
    if (all.at(-1)?.url !== view.url && !isThere) all.push(view);
  }
  return all.slice(-MAX_PAGES);
}
