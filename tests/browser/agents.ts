/**
 * Agents at their consoles, for the tests in a browser, and the visitors that they see.
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

/** A browser's own messages about requests that were refused, and connections that were lost. */
const REFUSED = /^Failed to load resource/;

/** A console. */
export class Console {
  constructor(readonly page: Page, readonly context: BrowserContext, readonly problems: string[]) {}

  /** Signs in, and waits for the first list. */
  async signIn(agent = "Grace", key = WRITE_KEY) {
    await this.page.fill("#key", key);
    await this.page.fill("#agent", agent);
    await this.page.click("button[type=submit]");
    await this.page.waitForSelector(".table, .nothing");
    // Where the button was, the table is.
    await this.page.mouse.move(0, 0);
  }

  /** The row of a visitor. */
  row(shortId: string): Locator {
    return this.page.locator(`.row[data-id="${shortId}"]`);
  }

  /** The names of the visitors in the table, from the top; who is leaving has a minus. */
  async names(): Promise<string[]> {
    return await this.page.evaluate(() =>
      // deno-lint-ignore no-explicit-any -- the page's types are not the test's
      Array.from((globalThis as any).document.querySelectorAll(".row"), (row: any) => ({
        index: Number(row.getAttribute("aria-rowindex")),
        name: row.querySelector(".name").textContent + (row.classList.contains("leaving") ? "-" : ""),
      })).sort((a, b) => a.index - b.index).map(({ name }) => name)
    );
  }

  /** Waits until the table has these visitors, from the top. */
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

  /** Searches for something. */
  async search(q: string) {
    await this.page.fill("#search", q);
    await this.page.press("#search", "Enter");
  }

  /** Takes the browser's own messages of refused requests away. */
  forgetRefusals() {
    const others = this.problems.splice(0).filter((problem) => !REFUSED.test(problem));
    this.problems.push(...others);
  }
}

/** What a sentence about the console is given. */
export interface Scene {
  foyer: Installation;
  store: VisitorStore;
  /** Puts visitors into the database, as other software does. */
  put(...documents: Record<string, unknown>[]): Promise<void>;
  /** Opens a console in a browser of its own, and signs in unless that is not wanted. */
  openConsole(
    options?: BrowserContextOptions & { agent?: string; key?: string | null; path?: string },
  ): Promise<Console>;
  /** Opens a page of the console in a browser that is open already. */
  openTab(console: Console, path?: string): Promise<Console>;
  /** Asks the API with the write key. */
  ask(method: string, path: string, body?: unknown): Promise<Response>;
}

/** Sentences about the console, and what shows that they are true. */
export type ConsoleSentences = Record<string, (scene: Scene) => Promise<void>>;

/** The visitors of a document's attributes; online unless they say otherwise. */
function visitorOf(document: Record<string, unknown>) {
  return readVisitor({ is_online: true, last_seen_at: new Date(), added_at: new Date(), ...document })!;
}

/** Opens the store of an installation from this process, as other software would. */
export async function openSceneStore(folder: string, mongoUri: string | undefined): Promise<VisitorStore> {
  return await openStore(
    mongoUri === undefined
      ? { kind: "sqlite", path: `${folder}/foyer-dev.db`, isChosen: true }
      : { kind: "mongodb", uri: mongoUri, collection: "visitors" },
    "command",
    () => {},
  );
}

/** Does what shows a sentence, with no visitor there before it; fails where a page had problems that are left. */
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
