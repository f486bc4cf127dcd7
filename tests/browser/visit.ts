/**
 * A visit: a browser that was never here, and what its pages meet.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type Installation, SITE_KEY } from "./installation.ts";
import type { Site } from "./site.ts";

/** The lines of the README that keep calls made before the SDK is loaded; an element may be called Foyer. */
export const SNIPPET =
  `window.Foyer = typeof Foyer === "function" ? Foyer : function () { (Foyer.q = Foyer.q || []).push(arguments) };`;

/** A browser's own message, which no page can prevent. */
export const NO_CONNECTION = /^WebSocket connection to '[^']+' failed/;

/** Whoever visits: a browser that was never here, what its pages do wrong, and everything that they meet. */
export interface Visit {
  context: BrowserContext;
  /** Errors and warnings of all its pages. The test fails where any are left. */
  problems: string[];
  foyer: Installation;
  site: Site;
  /** Opens a page of the demo shop that is connected, and tells its visitor's short id. */
  openShop(path?: string): Promise<[page: Page, shortId: string]>;
  /** Opens a page of the site. */
  open(url: string): Promise<Page>;
}

/** The text of a page that calls Foyer and then loads the SDK. */
export function pageOf(foyer: Installation, calls: string): string {
  return `<!DOCTYPE html><title>A page</title><p id="code"></p>
    <script>${SNIPPET} ${calls}</script>
    <script async src="${foyer.url}/sdk.js"></script>`;
}

export const INIT = `Foyer("init", { apiKey: "${SITE_KEY}" });`;

export function shortIdOf(page: Page): Promise<string> {
  return page.evaluate(`new Promise((resolve, reject) => {
    Foyer("getShortId", resolve);
    setTimeout(() => reject(new Error("no short id")), 20_000);
  })`);
}

export async function isConnected(page: Page) {
  await page.waitForSelector("#connection.connected");
}

/** Sentences about Foyer, and what shows that they are true. */
export type Sentences = Record<string, (visit: Visit) => Promise<void>>;

/** Does some work as a visitor who was never here; fails where a page had problems that are left. */
export async function visitWith(
  browser: Browser,
  foyer: Installation,
  site: Site,
  work: (visit: Visit) => Promise<void>,
) {
  const context = await browser.newContext();
  const problems: string[] = [];
  follow(context, problems);
  try {
    await work({
      context,
      problems,
      foyer,
      site,
      async openShop(path = "") {
        const page = await context.newPage();
        await page.goto(`${foyer.url}/demo${path}`);
        await isConnected(page);
        return [page, await shortIdOf(page)];
      },
      async open(url) {
        const page = await context.newPage();
        await page.goto(url);
        return page;
      },
    });
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

/** Notes what goes wrong on the pages of a browser. */
export function follow(context: BrowserContext, problems: string[]) {
  context.setDefaultTimeout(20_000);
  context.on("weberror", (error) => problems.push(`error: ${error.error().message}`));
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${message.type()}: ${message.text()}`);
  });
}
