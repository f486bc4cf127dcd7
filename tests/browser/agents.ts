/**
 * Helpers for the tests of the console in a browser: consoles, and the visitors that they show.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import { openStore } from "../../src/store/open.ts";
import type { VisitorStore } from "../../src/store/visitor_store.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";
import { collectProblems } from "../support/axe.ts";
import { type Installation, REST_KEY, until } from "./installation.ts";

export const WRITE_KEY = "write-key-of-the-tests";

/** A browser's own messages about refused requests and lost connections. */
const REFUSED = /^Failed to load resource/;

/** An open console. */
export class Console {
  constructor(readonly page: Page, readonly context: BrowserContext, readonly problems: string[]) {}

  /** Signs in, and waits for the first list. */
  async signIn(agent = "Grace", key = WRITE_KEY) {
    await this.page.fill("#key", key);
    await this.page.fill("#agent", agent);
    await this.page.click("button[type=submit]");
    await this.page.waitForSelector(".table, .nothing");
    // The table appears under the pointer, which would freeze its order.
    await this.page.mouse.move(0, 0);
  }

  /** The row of a visitor. */
  row(shortId: string): Locator {
    return this.page.locator(`.row[data-id="${shortId}"]`);
  }

  /** The names of the visitors in the table, from the top; a minus marks those who have left. */
  async names(): Promise<string[]> {
    return await this.page.evaluate(() =>
      // deno-lint-ignore no-explicit-any -- the page's types are not the test's
      Array.from((globalThis as any).document.querySelectorAll(".row"), (row: any) => ({
        index: Number(row.getAttribute("aria-rowindex")),
        name: row.querySelector(".name").textContent + (row.classList.contains("leaving") ? "-" : ""),
      })).sort((a, b) => a.index - b.index).map(({ name }) => name)
    );
  }

  /** Waits until the table has exactly these visitors, from the top. */
  async untilNames(...names: string[]) {
    let last: string[] = [];
    try {
      await until("they are shown", async () => {
        last = await this.names();
        return last.join() === names.join();
      });
    } catch {
      assert.deepEqual(last, names);
    }
  }

  /** Types a search, and starts it. */
  async search(q: string) {
    await this.page.fill("#search", q);
    await this.page.press("#search", "Enter");
  }

  /** Drops the browser's own messages about refused requests, and keeps all other problems. */
  forgetRefusals() {
    const others = this.problems.splice(0).filter((problem) => !REFUSED.test(problem));
    this.problems.push(...others);
  }
}

/** The environment of a test of the console. */
export interface Scene {
  foyer: Installation;
  store: VisitorStore;
  /** Writes visitors to the database, like other software. */
  put(...documents: Record<string, unknown>[]): Promise<void>;
  /** Opens a console in a new browser context, and signs in unless `key` is `null`. */
  openConsole(
    options?: BrowserContextOptions & { agent?: string; key?: string | null; path?: string },
  ): Promise<Console>;
  /** Opens another tab in the browser context of a console. */
  openTab(console: Console, path?: string): Promise<Console>;
  /** Sends a request to the API with the write key. */
  ask(method: string, path: string, body?: unknown): Promise<Response>;
}

/** Tests of the console: sentences, each with the function that proves it. */
export type ConsoleSentences = Record<string, (scene: Scene) => Promise<void>>;

/** Makes a visitor of a document; online by default. */
function visitorOf(document: Record<string, unknown>) {
  return readVisitor({ is_online: true, last_seen_at: new Date(), added_at: new Date(), ...document })!;
}

/** Opens the store of an installation from this process, like other software. */
export async function openSceneStore(folder: string, mongoUri: string | undefined): Promise<VisitorStore> {
  return await openStore(
    mongoUri === undefined
      ? { kind: "sqlite", path: `${folder}/foyer-dev.db`, isChosen: true }
      : { kind: "mongodb", uri: mongoUri, collection: "visitors" },
    "command",
    () => {},
  );
}

/** Runs a test with an empty store. Fails if a web page had problems that the test did not drop. */
export async function playScene(
  browser: Browser,
  foyer: Installation,
  store: VisitorStore,
  work: (scene: Scene) => Promise<void>,
) {
  for await (const { short_id } of store.allVisitors()) await store.removeVisitor(short_id);
  const consoles: Console[] = [];
  const openPage = async (context: BrowserContext, problems: string[], path: string) => {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(foyer.url + path);
    return new Console(page, context, problems);
  };
  try {
    await work({
      foyer,
      store,
      put: async (...documents) => {
        assert.deepEqual(await store.putVisitors(documents.map(visitorOf)), []);
      },
      async openConsole({ agent, key = WRITE_KEY, path = "/", ...options } = {}) {
        const context = await browser.newContext(options);
        const console = await openPage(context, await collectProblems(context), path);
        consoles.push(console);
        if (key !== null) await console.signIn(agent, key);
        return console;
      },
      openTab: ({ context, problems }, path = "/") => openPage(context, problems, path),
      ask: (method, path, body) =>
        fetch(`${foyer.url}/api/${path}`, {
          method,
          headers: { Authorization: WRITE_KEY },
          body: body === undefined ? undefined : JSON.stringify(body),
        }),
    });
    for (const { problems } of consoles) assert.deepEqual(problems, []);
  } finally {
    for (const { context } of consoles) await context.close();
  }
}

export { REST_KEY };
