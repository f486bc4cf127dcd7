/**
 * The environment of the SDK's tests: a new browser context, an installation and a site.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type Installation, SITE_KEY } from "./installation.ts";
import type { Site } from "./site.ts";

/** The README's snippet, which queues calls made before the SDK is loaded. */
export const SNIPPET =
  `window.Foyer = typeof Foyer === "function" ? Foyer : function () { (Foyer.q = Foyer.q || []).push(arguments) };`;

/** A browser's own message about a failed connection, which no page can prevent. */
export const NO_CONNECTION = /^WebSocket connection to '[^']+' failed/;

/** The environment of one test, with a new browser context. */
export interface Visit {
  context: BrowserContext;
  /** Errors and warnings of all its web pages. The test fails if any are left. */
  problems: string[];
  foyer: Installation;
  site: Site;
  /** Opens a page of the demo shop, waits until it is connected, and returns its visitor's short id too. */
  openShop(path?: string): Promise<[page: Page, shortId: string]>;
  /** Opens a page of the site. */
  open(url: string): Promise<Page>;
}

/** The HTML of a web page that calls Foyer and then loads the SDK. */
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

/** Tests of the SDK: sentences, each with the function that proves it. */
export type Sentences = Record<string, (visit: Visit) => Promise<void>>;

/** Runs a test as a new visitor. Fails if a web page had problems that the test did not drop. */
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

/** Collects the errors and warnings of a browser context's web pages. */
export function follow(context: BrowserContext, problems: string[]) {
  context.setDefaultTimeout(20_000);
  context.on("weberror", (error) => problems.push(`error: ${error.error().message}`));
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${message.type()}: ${message.text()}`);
  });
}
