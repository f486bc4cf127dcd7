/**
 * The documentation of the REST API in a real browser. With `browser.ts` it is `deno task test:browser`.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Browser, Page } from "playwright-core";
import { startBrowser } from "../support/browser.ts";
import { assertAccessibleInBothSchemes, collectProblems } from "../support/axe.ts";
import { inFolder } from "../support/folders.ts";
import { Installation, REST_KEY, until } from "./installation.ts";

const WRITE_KEY = "write-key-of-the-tests";

/** Zoë Müller, of the sample visitors. */
const ZOE = "Cbjz29Cbfj";

/** A reader's tab. */
interface Reader {
  foyer: Installation;
  page: Page;
  /** Errors and warnings of the web page. The test fails if any are left. */
  problems: string[];
  /** All requests to the API. */
  requests: string[];
}

/** Enters a key, and waits until the form shows the result. */
async function enterKey(page: Page, key: string, verdict: string) {
  await page.fill("#key-field", key);
  await page.click("#key button:has-text('Use it')");
  await page.waitForSelector(`#key-state:has-text("${verdict}")`);
}

const withKey = (page: Page, key: string) =>
  enterKey(page, key, key === WRITE_KEY ? "It reads and changes. Kept" : "It reads. Kept");

/** Fills in the form of an operation and sends it. */
async function send(page: Page, operation: string, fields: Record<string, string> = {}) {
  for (const [name, value] of Object.entries(fields)) {
    const field = name === "body" ? `#${operation}-body` : `#${operation} [data-name="${name}"]`;
    await page.fill(field, value);
  }
  await page.click(`#${operation} .actions button:first-child`);
}

/** Waits until an operation's form shows a status, and returns the whole text of the answer. */
async function shown(page: Page, operation: string, status: string): Promise<string> {
  await page.waitForSelector(`#${operation} output .status:has-text("${status}")`);
  return await page.innerText(`#${operation} output`);
}

const SENTENCES: Record<string, (reader: Reader) => Promise<void>> = {
  async "It shows URLs with the host that the reader used"({ foyer, page }) {
    for (const host of ["localhost", "127.0.0.1"]) {
      await page.goto(`http://${host}:${foyer.port}/api/docs`);
      await page.waitForSelector(`#start code:has-text("http://${host}:${foyer.port}/api")`);
      const lines = await page.locator('[data-language="curl"]').allTextContents();
      assert.ok(lines.length > 8);
      for (const line of lines) assert.ok(line.includes(`'http://${host}:${foyer.port}/api/`), line);
    }
  },

  async "A wrong key is refused, and not stored"({ page, problems }) {
    await enterKey(page, "wrong", "Foyer does not know this key.");
    assert.deepEqual(await page.evaluate("({ ...sessionStorage })"), {});
    await enterKey(page, "schlüssel", "A key has only letters");
    // Only the browser's own message may be there.
    assert.match(problems.splice(0).join("\n"), /^Failed to load resource: [^\n]*401[^\n]*$/);
  },

  async "A key is stored for the tab only, and nowhere else"({ foyer, page }) {
    await withKey(page, REST_KEY);
    await page.reload();
    await page.waitForSelector('#key-state:has-text("This tab\'s key is used.")');
    await send(page, "getUsage");
    await shown(page, "getUsage", "200");
    assert.deepEqual(await page.evaluate("({ ...localStorage })"), {});
    assert.equal(await page.evaluate("document.cookie"), "");
    assert.ok(!page.url().includes(REST_KEY));
    assert.ok(!(await page.content()).includes(REST_KEY));
    const other = await page.context().newPage();
    await other.goto(`${foyer.url}/api/docs`);
    await send(other, "getUsage");
    await other.waitForSelector('#key-state:has-text("Enter your key first.")');
    await page.click("#key-forget");
    await page.waitForSelector('#key-state:has-text("Forgotten.")');
    assert.deepEqual(await page.evaluate("({ ...sessionStorage })"), {});
  },

  async "The console in the same tab has the same key"({ foyer, page }) {
    await withKey(page, REST_KEY);
    await page.click("text=Console");
    await page.waitForSelector(".table");
    await page.goto(`${foyer.url}/api/docs`);
    await page.waitForSelector('#key-state:has-text("This tab\'s key is used.")');
  },

  async "A form shows the answer to its request, and the curl command"({ foyer, page }) {
    await withKey(page, REST_KEY);
    await send(page, "searchVisitors", { q: "müller's #customer", max_results: "1" });
    assert.match(await shown(page, "searchVisitors", "200"), /"visitors": \[\]/);
    const line = () => page.innerText('#searchVisitors [data-language="curl"]');
    const quoted = `'${foyer.url}/api/visitors/list/search?max_results=1&q=m%C3%BCller%27s+%23customer'`;
    assert.ok((await line()).endsWith(quoted), await line());
    await send(page, "searchVisitors", { q: "muller" });
    const text = await shown(page, "searchVisitors", "200");
    await page.waitForSelector(`#searchVisitors output:has-text("${ZOE}")`);
    assert.match(text, /\d+ ms, [\d,]+ bytes/);
  },

  async "An error is shown with its remedy"({ page, problems }) {
    await withKey(page, REST_KEY);
    await send(page, "getVisitor", { short_id: "nobody/here" });
    const text = await shown(page, "getVisitor", "404");
    assert.match(text, /visitor_not_found/);
    assert.match(text, /Check the short id \(letter case counts\)/);
    await send(page, "updateVisitor", { short_id: ZOE, body: "{}" });
    await page.click("#confirm button[value=send]");
    assert.match(await shown(page, "updateVisitor", "403"), /Send REST_WRITE_KEY/);
    assert.equal(problems.splice(0).length, 2, "the browser's own messages");
  },

  async "A change is sent only if the form is filled in and the reader confirms"({ foyer, page, requests }) {
    await withKey(page, WRITE_KEY);
    const isChange = (request: string) => /^(PATCH|DELETE|PUT) /.test(request);
    const before = await foyer.visitor(ZOE);
    // The forms are empty at first.
    for (const operation of ["updateVisitor", "removeVisitor", "removeOfflineVisitors"]) {
      await send(page, operation);
      assert.ok(!await page.isVisible("#confirm"), operation);
    }
    const change = { short_id: ZOE, body: '{"nickname":"Zoe"}' };
    await send(page, "updateVisitor", change);
    const asked = await page.innerText("#confirm-request");
    assert.match(asked, new RegExp(`^PATCH ${foyer.url}/api/visitors/${ZOE}\\n+\\{"nickname":"Zoe"\\}$`));
    await page.click("#confirm button[value=cancel]");
    await send(page, "updateVisitor", change);
    await page.keyboard.press("Escape");
    await send(page, "updateVisitor", change);
    // Enter presses the button that has the focus, which cancels.
    await page.keyboard.press("Enter");
    await page.waitForSelector("#confirm", { state: "hidden" });
    assert.deepEqual(requests.filter(isChange), []);
    assert.deepEqual(await foyer.visitor(ZOE), before);
    await send(page, "updateVisitor", change);
    await page.click("#confirm button[value=send]");
    assert.match(await shown(page, "updateVisitor", "200"), /"nickname": "Zoe"/);
    assert.deepEqual(requests.filter(isChange), [`PATCH ${foyer.url}/api/visitors/${ZOE}`]);
    assert.equal((await foyer.visitor(ZOE))!.nickname, "Zoe");
  },

  async "A name that contains markup is shown as text"({ page, problems }) {
    await withKey(page, WRITE_KEY);
    const name = '<img src=x onerror="alert(1)"></pre><script>alert(2)</script>\u202e';
    await send(page, "updateVisitor", { short_id: ZOE, body: JSON.stringify({ nickname: name }) });
    await page.click("#confirm button[value=send]");
    assert.ok((await shown(page, "updateVisitor", "200")).includes(JSON.stringify(name).slice(1, 30)));
    assert.equal(await page.locator("output img, output script").count(), 0);
    assert.deepEqual(problems, []);
  },

  async "A stream shows events until the reader stops it"({ page }) {
    await withKey(page, WRITE_KEY);
    await send(page, "streamVisitors", { q: `${ZOE}` });
    await page.waitForSelector('#streamVisitors .events li:has-text("event: list")');
    await send(page, "updateVisitor", { short_id: ZOE, body: '{"nickname":"Listened to"}' });
    await page.click("#confirm button[value=send]");
    await page.waitForSelector('#streamVisitors .events li:has-text("Listened to")');
    await page.click("#streamVisitors [data-stop]");
    await page.waitForSelector('#streamVisitors output:has-text("Stopped.")');
    assert.ok(!await page.isVisible("#streamVisitors [data-stop]"));
  },

  async "An example of the search format fills in the search"({ page }) {
    await page.click('#search button:has-text("#client")');
    assert.equal(await page.inputValue("#searchVisitors-query-q"), "#client");
    assert.equal(await page.evaluate("document.activeElement.id"), "searchVisitors-query-q");
  },

  async "If the server does not answer, the form says so"({ foyer, page, problems }) {
    await withKey(page, REST_KEY);
    await foyer.stop("SIGKILL");
    await send(page, "getUsage");
    await page.waitForSelector('#getUsage output:has-text("Foyer does not answer.")');
    await foyer.start();
    await send(page, "getUsage");
    await shown(page, "getUsage", "200");
    assert.match(problems.splice(0).join("\n"), /^Failed to load resource: [^\n]*$/);
  },
};

async function readWith(browser: Browser, foyer: Installation, work: (reader: Reader) => Promise<void>) {
  const context = await browser.newContext();
  try {
    const problems = await collectProblems(context);
    const requests: string[] = [];
    context.on("request", (request) => requests.push(`${request.method()} ${request.url()}`));
    const page = await context.newPage();
    await page.goto(`${foyer.url}/api/docs`);
    await page.waitForSelector("#key:visible");
    await work({ foyer, page, problems, requests });
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

Deno.test("The documentation in a browser", (t) =>
  inFolder(async (folder) => {
    await using browser = await startBrowser();
    await using foyer = new Installation(folder, [], { REST_WRITE_KEY: WRITE_KEY });
    await foyer.start();
    for (const [sentence, work] of Object.entries(SENTENCES)) {
      await t.step(sentence, () => readWith(browser, foyer, work));
    }

    await t.step("It can be read without JavaScript", async () => {
      const context = await browser.newContext({ javaScriptEnabled: false });
      const page = await context.newPage();
      await page.goto(`${foyer.url}/api/docs`);
      assert.match(await page.innerText("main"), /You can read all of this/);
      assert.match(await page.innerText("#messages"), /invalid_site_key/);
      for (const form of await page.locator("form").all()) assert.ok(!await form.isVisible());
      await context.close();
    });

    const sizes = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 900 } };
    for (const [size, viewport] of Object.entries(sizes)) {
      await t.step(`axe finds no violation, light or dark, ${size}`, async () => {
        const context = await browser.newContext({ viewport, reducedMotion: "reduce" });
        const page = await context.newPage();
        await page.goto(`${foyer.url}/api/docs`);
        await page.waitForSelector("#key:visible");
        await assertAccessibleInBothSchemes(page, "first");
        // The document is as wide as the window: nothing is cut off, and there is no horizontal scrolling.
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), viewport.width);
        await enterKey(page, "wrong", "Foyer does not know this key.");
        await page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true");
        await assertAccessibleInBothSchemes(page, "a wrong key, and all unfolded");
        await withKey(page, WRITE_KEY);
        await send(page, "searchVisitors", { q: "muller" });
        await shown(page, "searchVisitors", "200");
        await send(page, "getVisitor", { short_id: "nobody" });
        await shown(page, "getVisitor", "404");
        await send(page, "streamVisitors");
        await page.waitForSelector("#streamVisitors .events li");
        await send(page, "removeVisitor", { short_id: "nobody" });
        await assertAccessibleInBothSchemes(page, "a change to confirm");
        await page.keyboard.press("Escape");
        await assertAccessibleInBothSchemes(page, "answers");
        await context.close();
      });
    }
    await until("nothing was removed", async () => (await foyer.visitor(ZOE)) !== undefined);
  }));
