/**
 * Tests of navigation, in browsers with a back/forward cache, where a web page that was left is kept and may come back.
 *
 * @module
 */
import assert from "node:assert/strict";
import { until } from "./installation.ts";
import { isConnected, type Sentences, shortIdOf } from "./visit.ts";

/** Tests of web pages that a browser keeps. */
export const CACHED_PAGES: Sentences = {
  async "Navigation changes the last URL, and never makes a visitor offline"({ foyer, openShop }) {
    const [page, shortId] = await openShop();
    const isAt = (path: string) =>
      foyer.untilVisitor(
        shortId,
        `it is at ${path}`,
        ({ last_url }) => last_url === `${foyer.url}/demo${path}`,
      );
    await foyer.untilOnline(shortId);
    await using watched = foyer.watch(shortId);
    // A navigation without a page load.
    await page.click("text=Harbour");
    await isAt("/products/harbour");
    // A navigation with a page load.
    await page.click("text=About us");
    await isAt("/about");
    await page.click("text=Account");
    await isAt("/account");
    await page.goBack({ waitUntil: "commit" });
    await isAt("/about");
    await page.reload();
    await isConnected(page);
    await page.evaluate(`history.replaceState(null, "", "/demo/cart?from=1")`);
    await isAt("/cart");
    assert.deepEqual(
      await foyer.pages(shortId),
      ["/cart", "/about", "/account", "/about", "/products/harbour", ""].map((path) => `/demo${path}`),
    );
    assert.equal(watched.wasOffline, false);
  },

  async "A page that comes back from the back/forward cache is online again"({ foyer, site, openShop }) {
    const [page, shortId] = await openShop("/cart");
    await page.evaluate(`addEventListener("pageshow", (event) => window.isFromCache = event.persisted)`);
    await page.goto(site.add("/elsewhere", "<!DOCTYPE html><title>Elsewhere</title>"));
    await foyer.untilOffline(shortId);
    await page.goBack({ waitUntil: "commit" });
    await until("the page is back", () => page.evaluate("window.isFromCache"));
    await isConnected(page);
    assert.equal(await shortIdOf(page), shortId);
    await foyer.untilOnline(shortId);
  },
};
