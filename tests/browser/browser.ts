/**
 * The web SDK and the demo shop in a real browser, with a server and either store behind them.
 *
 * It has a task of its own, `deno task test:browser`, since it needs a browser.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { startBrowser, startBrowserIn } from "../support/browser.ts";
import { inFolder } from "../support/folders.ts";
import { startMongo } from "../support/mongodb.ts";
import { Installation, SITE_KEY, until } from "./installation.ts";
import { Site } from "./site.ts";

/** The lines of the README that keep calls made before the SDK is loaded. */
const SNIPPET = `window.Foyer = window.Foyer || function () { (Foyer.q = Foyer.q || []).push(arguments) };`;

/** A browser's own message, which no page can prevent. */
const NO_CONNECTION = /^WebSocket connection to '[^']+' failed/;

/** Whoever visits: a browser that was never here, what its pages do wrong, and everything that they meet. */
interface Visit {
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
function pageOf(foyer: Installation, calls: string): string {
  return `<!DOCTYPE html><title>A page</title><p id="code"></p>
    <script>${SNIPPET} ${calls}</script>
    <script async src="${foyer.url}/sdk.js"></script>`;
}

const INIT = `Foyer("init", { apiKey: "${SITE_KEY}" });`;

function shortIdOf(page: Page): Promise<string> {
  return page.evaluate(`new Promise((resolve, reject) => {
    Foyer("getShortId", resolve);
    setTimeout(() => reject(new Error("no short id")), 20_000);
  })`);
}

async function isConnected(page: Page) {
  await page.waitForSelector("#connection.connected");
}

/** What visitors do, and what is then known of them. */
const SENTENCES: Record<string, (visit: Visit) => Promise<void>> = {
  async "A page that is opened is among those online within 2 seconds"({ foyer, context }) {
    const page = await context.newPage();
    await page.goto(`${foyer.url}/demo`, { waitUntil: "commit" });
    const isNew = Date.now() - 2000;
    const visitor = await until(
      "it is online",
      async () =>
        (await foyer.latest()).find(({ last_url, added_at }) =>
          last_url === `${foyer.url}/demo` && Date.parse(added_at!) > isNew
        ),
      2000,
    );
    assert.equal(visitor.short_id, await shortIdOf(page));
    assert.match(visitor.short_id, /^[2-9A-Za-z]{10}$/);
    assert.match(visitor.sdk!, /^web \d/);
    assert.equal(visitor.is_online, true);
    assert.equal(visitor.is_supported, true);
    assert.equal(visitor.js_configuration, true);
    assert.match(visitor.browser_name!, /Chrom/);
    assert.equal(visitor.device_type, "desktop");
  },

  async "Two tabs are one visitor, online until the last of them is closed"(
    { foyer, openShop, site, context },
  ) {
    const [first, shortId] = await openShop();
    const [second, sameId] = await openShop("/products/ember");
    assert.equal(sameId, shortId);
    await first.close();
    // Another visitor who leaves afterwards tells when the time is over after which the first would be offline.
    const other = await context.browser()!.newContext();
    const page = await other.newPage();
    await page.goto(site.add("/clock", pageOf(foyer, INIT)));
    const clock = await shortIdOf(page);
    assert.notEqual(clock, shortId);
    await foyer.untilOnline(clock);
    await other.close();
    await foyer.untilOffline(clock);
    assert.equal((await foyer.visitor(shortId))!.is_online, true);
    await second.close();
    await foyer.untilOffline(shortId);
  },

  async "Two tabs that a new visitor opens at the same moment are one visitor"({ foyer, site, context }) {
    const tag = `#together-${crypto.randomUUID().slice(0, 8)}`;
    const url = site.add(
      "/together",
      pageOf(foyer, `Foyer("init", { apiKey: "${SITE_KEY}", tags: ["${tag}"] })`),
    );
    const ids = await Promise.all(Array.from({ length: 3 }, async () => {
      const page = await context.newPage();
      await page.goto(url);
      return await shortIdOf(page);
    }));
    assert.equal(new Set(ids).size, 1);
    const found = await until("it is found", async () => {
      const found = await foyer.search(tag);
      return found.length > 0 ? found : null;
    });
    assert.deepEqual(found.map(({ short_id }) => short_id), [ids[0]]);
  },

  async "Without locks two such tabs are one visitor in the end"({ foyer, site, context }) {
    await context.addInitScript(`delete Navigator.prototype.locks`);
    const url = site.add("/no-locks", pageOf(foyer, INIT));
    const pages = await Promise.all([context.newPage(), context.newPage()]);
    await Promise.all(pages.map((page) => page.goto(url)));
    const [shortId] = await until("they are one", async () => {
      const [one, other] = await Promise.all(pages.map(shortIdOf));
      return one === other ? [one] : null;
    });
    await foyer.untilOnline(shortId);
  },

  async "Navigation is followed, and never makes a visitor offline"({ foyer, openShop }) {
    const [page, shortId] = await openShop();
    const isAt = (path: string) =>
      foyer.untilVisitor(
        shortId,
        `it is at ${path}`,
        ({ last_url }) => last_url === `${foyer.url}/demo${path}`,
      );
    await foyer.untilOnline(shortId);
    await using watched = foyer.watch(shortId);
    // Drawn by the page itself.
    await page.click("text=Harbour");
    await isAt("/products/harbour");
    // Loaded.
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
    assert.equal(watched.wasOffline, false);
  },

  async "Who signs in is found by name and address, and who signs out is somebody else"({ foyer, openShop }) {
    const [page, shortId] = await openShop("/account");
    const name = `Ada ${crypto.randomUUID().slice(0, 8)}`, email = `${shortId}@example.com`.toLowerCase();
    await page.fill("[name=name]", name);
    await page.fill("[name=email]", email);
    await page.click("#sign-in button");
    for (const q of [name, email, `"${name}" #customer`]) {
      const found = await until(`${q} is found`, async () => (await foyer.search(q))[0]);
      assert.deepEqual([found.short_id, found.name, found.email], [shortId, name, email]);
    }
    // It is claimed on the next page as well.
    await page.click("text=About us");
    await isConnected(page);
    assert.equal(await shortIdOf(page), shortId);

    const [otherTab] = await openShop();
    await page.click("text=Account");
    await page.click("#sign-out");
    const another = await until("there is another visitor", async () => {
      const id = await page.textContent("#short-id");
      return id !== shortId ? id : null;
    });
    await foyer.untilOffline(shortId);
    const visitor = await foyer.untilOnline(another);
    assert.deepEqual([visitor.name, visitor.email, visitor.identities, visitor.tags], [null, null, [], []]);
    assert.equal((await foyer.visitor(shortId))!.name, name);
    // The other tab is no longer of the one who left.
    await until("the other tab follows", async () => await otherTab.textContent("#short-id") === another);
    assert.equal((await foyer.visitor(another))!.name, null);
  },

  async "The code that a page shows finds its visitor"({ foyer, openShop }) {
    const [page, shortId] = await openShop();
    const code = await until("there is a code", async () => await page.textContent("#code"));
    assert.match(code, /^\d{4}$/);
    assert.equal(await page.evaluate(`new Promise((resolve) => Foyer("getLookupCode", resolve))`), code);
    const found = await until("it is found", async () => (await foyer.search(code))[0]);
    assert.equal(found.short_id, shortId);
    await page.evaluate(`Foyer("disconnect")`);
    assert.equal(await page.textContent("#code"), "", "nobody reads out a code that is somebody else's next");
  },

  async "Claims are changed one by one: null clears, integration ids add up"({ foyer, openShop }) {
    const [page, shortId] = await openShop();
    const claim = (claims: unknown) => page.evaluate(`Foyer("updateConnection", ${JSON.stringify(claims)})`);
    const is = (sentence: string, test: (visitor: Record<string, unknown>) => boolean) =>
      foyer.untilVisitor(shortId, sentence, test);
    await claim({
      identities: ["Ada Lovelace", "Acme"],
      uniqueId: "user-42",
      tags: ["#vip"],
      integrationIds: ["crm:1", "chat:2"],
      callName: "Line 3",
      name: "Ada",
      email: "ada@example.com",
      metadata: { plan: "pro", seats: 3, trial: false },
    });
    const visitor = await is("all of it is there", ({ name }) => name === "Ada");
    assert.deepEqual(
      [visitor.identities, visitor.unique_id, visitor.tags, visitor.integration_ids, visitor.call_name],
      [["Ada Lovelace", "Acme"], "user-42", ["#vip"], ["crm:1", "chat:2"], "Line 3"],
    );
    assert.deepEqual([visitor.email, visitor.metadata], ["ada@example.com", {
      plan: "pro",
      seats: 3,
      trial: false,
    }]);

    await claim({ name: null, tags: null, integrationIds: ["crm:", "help:3"] });
    const cleared = await is("the name is gone", ({ name }) => name === null);
    assert.deepEqual([cleared.tags, cleared.integration_ids], [[], ["chat:2", "help:3"]]);
    assert.deepEqual([cleared.unique_id, cleared.email], ["user-42", "ada@example.com"]);

    await claim({ integrationIds: null });
    await claim({ integrationIds: ["crm:9"], metadata: null, identities: null });
    const last = await is(
      "what was there before is cleared",
      ({ integration_ids }) => String(integration_ids) === "crm:9",
    );
    assert.deepEqual([last.identities, last.metadata], [[], {}]);
  },

  async "What a page claims wrongly is made right or left out, with a warning and no error"(visit) {
    const { foyer, site, open, problems } = visit;
    const page = await open(site.add(
      "/wrong",
      pageOf(
        foyer,
        `Foyer("init", {
          apiKey: "${SITE_KEY}",
          identities: "Ada",
          uniqueId: 42,
          tags: ["vip", "not a tag", "#good"],
          integrationIds: ["none", "crm:1"],
          callName: { a: 1 },
          name: "A\\ud800" + "da".repeat(1000),
          email: "nobody",
          metadata: { deep: {}, nothing: null, endless: 1 / 0, big: "x".repeat(5000), ["k".repeat(99)]: 1, fine: true },
          lookupCodeElement: 7,
          unknown: 1,
        });
        Foyer("updateConnection", { get email() { throw new Error("no") }, callName: 7n });
        Foyer("updateConnection", null);
        Foyer("on", "nothing", 1);
        Foyer("getShortId");
        Foyer("nothing");
        Foyer("toString");
        Foyer();`,
      ),
    ));
    const shortId = await shortIdOf(page);
    const visitor = await foyer.untilVisitor(shortId, "it has a name", ({ name }) => name !== null);
    assert.equal(visitor.name, "A\ufffd" + "da".repeat(127));
    assert.deepEqual(
      [
        visitor.identities,
        visitor.unique_id,
        visitor.tags,
        visitor.integration_ids,
        visitor.call_name,
        visitor.email,
      ],
      [["Ada"], "42", ["#vip", "#good"], ["crm:1"], "7", null],
    );
    assert.deepEqual(visitor.metadata, { big: "x".repeat(1000), fine: true });
    assert.ok(problems.length >= 6, problems.join("\n"));
    for (const problem of problems.splice(0)) assert.match(problem, /^warning: Foyer: /);
  },

  async "As much as may be claimed arrives"({ foyer, openShop }) {
    const [page, shortId] = await openShop();
    await page.evaluate(`Foyer("updateConnection", {
      identities: Array.from({ length: 20 }, (_, i) => i + "\u{1F9E1}".repeat(126)),
      tags: Array.from({ length: 50 }, (_, i) => "#" + "t".repeat(58) + i),
      integrationIds: Array.from({ length: 50 }, (_, i) => "crm:" + "i".repeat(200) + i),
      metadata: Object.fromEntries(Array.from({ length: 50 }, (_, i) => ["key" + i, "\u00e9".repeat(100)])),
      name: "all",
    })`);
    const visitor = await foyer.untilVisitor(
      shortId,
      "all of it is there",
      ({ name, metadata, tags, integration_ids, identities }) =>
        name === "all" && Object.keys(metadata).length === 50 && tags.length === 50 &&
        integration_ids.length === 50 && identities.length === 20,
    );
    assert.equal(visitor.identities[7], `7${"\u{1F9E1}".repeat(126)}`);
  },

  async "A page that disconnects stays away until it calls init again"({ foyer, openShop, context }) {
    const [page, shortId] = await openShop();
    await page.evaluate(`Foyer("disconnect")`);
    assert.equal(await page.textContent("#connection"), "Disconnected");
    let sockets = 0;
    page.on("websocket", () => sockets++);
    await context.setOffline(true);
    await context.setOffline(false);
    await page.evaluate(`Foyer("updateConnection", { name: "Back again" }); Foyer("getShortId", () => {})`);
    await foyer.untilOffline(shortId);
    assert.equal(sockets, 0);
    await page.evaluate(INIT);
    await isConnected(page);
    assert.equal(await shortIdOf(page), shortId);
    await foyer.untilVisitor(
      shortId,
      "it is back",
      ({ is_online, name }) => is_online && name === "Back again",
    );
  },

  async "Calls made before the SDK is loaded are kept in their order, whoever calls"({ foyer, site, open }) {
    const page = await open(site.add(
      "/early",
      `<!DOCTYPE html><title>Early</title><p id="code"></p><script>${SNIPPET}
        const kept = Foyer, heard = [];
        Foyer("on", "connected", ({ shortId }) => heard.push(shortId));
        Foyer("getShortId", (shortId) => heard.push(shortId));
        Foyer("init", { apiKey: "${SITE_KEY}", name: "first", lookupCodeElement: "#code" });
        Foyer("updateConnection", { name: "second", uniqueId: "early" });
        Foyer("updateConnection", { name: "third" });
        function load() {
          const script = document.createElement("script");
          script.src = "${foyer.url}/sdk.js";
          script.onload = () => kept("updateConnection", { callName: "late" });
          document.head.append(script);
        }
      </script>`,
    ));
    await page.evaluate("load()");
    const shortId = await shortIdOf(page);
    const visitor = await foyer.untilVisitor(
      shortId,
      "it calls late",
      ({ call_name }) => call_name === "late",
    );
    assert.deepEqual([visitor.name, visitor.unique_id], ["third", "early"]);
    assert.deepEqual(await page.evaluate("heard"), [shortId, shortId]);
    await until("the code is shown", async () => /^\d{4}$/.test(await page.textContent("#code") ?? ""));
  },

  async "Loading the SDK twice, and as a module too, connects once"({ foyer, site, context }) {
    const page = await context.newPage();
    let sockets = 0;
    page.on("websocket", () => sockets++);
    await page.goto(site.add(
      "/twice",
      `<!DOCTYPE html><title>Twice</title>
        <script src="${foyer.url}/sdk.js" data-api-key="${SITE_KEY}"></script>
        <script>const first = Foyer;</script>
        <script src="${foyer.url}/sdk.js?again" data-api-key="${SITE_KEY}"></script>
        <script type="module">
          import Foyer from "${foyer.url}/sdk.mjs";
          window.isSame = Foyer === first && window.Foyer === first;
        </script>`,
    ));
    const shortId = await shortIdOf(page);
    assert.equal(await page.evaluate("isSame"), true);
    const visitor = await foyer.untilOnline(shortId);
    assert.equal(visitor.js_configuration, false, "the script tag did it");
    assert.equal(sockets, 1);
  },

  async "The module can be imported"({ foyer, site, open }) {
    const page = await open(site.add(
      "/module",
      `<!DOCTYPE html><title>Module</title><script type="module">
        import Foyer from "${foyer.url}/sdk.mjs";
        Foyer("init", { apiKey: "${SITE_KEY}", name: "Module" });
        window.globals = Object.keys(window).filter((name) => /foyer/i.test(name));
      </script>`,
    ));
    const visitor = await foyer.untilVisitor(
      await shortIdOf(page),
      "it has a name",
      ({ name }) => name === "Module",
    );
    assert.equal(visitor.js_configuration, true);
    assert.deepEqual(await page.evaluate("globals"), ["Foyer"]);
  },

  async "A page whose own callbacks throw goes on, and sees its errors"({ foyer, site, open, problems }) {
    const page = await open(site.add(
      "/throws",
      pageOf(
        foyer,
        `const heard = [];
        Foyer("on", "connected", () => { throw new Error("of the page") });
        Foyer("on", "connected", () => heard.push("connected"));
        const never = () => heard.push("never");
        Foyer("on", "connected", never);
        Foyer("off", "connected", never);
        Foyer("getShortId", () => { throw new Error("of the page") });
        Foyer("getShortId", () => heard.push("shortId"));
        Foyer("init", { apiKey: "${SITE_KEY}", name: "Throws" });`,
      ),
    ));
    const shortId = await shortIdOf(page);
    await foyer.untilVisitor(shortId, "it is there", ({ name }) => name === "Throws");
    assert.deepEqual(await page.evaluate("heard"), ["connected", "shortId"]);
    assert.deepEqual(problems.splice(0), ["error: of the page", "error: of the page"]);
  },

  async "A page with a strict Content-Security-Policy connects by the README's lines"({ foyer, site, open }) {
    const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
    const [lines] = /^script-src .*\nconnect-src .*$/m.exec(readme)!;
    const policy = lines.replaceAll(/(http|ws)s:\/\/[^;]+/g, `$1://${new URL(foyer.url).host}`);
    site.add("/own.js", {
      type: "text/javascript",
      html: `${SNIPPET} ${INIT} Foyer("updateConnection", { name: "CSP" })`,
    });
    const page = await open(site.add("/csp", {
      csp: `default-src 'none'; ${policy.replace("script-src", "script-src 'self'").replace("\n", " ")}`,
      html: `<!DOCTYPE html><title>Strict</title><script src="/own.js"></script>
        <script async src="${foyer.url}/sdk.js"></script>`,
    }));
    await foyer.untilVisitor(
      await shortIdOf(page),
      "it is there",
      ({ name, is_online }) => is_online && name === "CSP",
    );
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

  async "A tab that is frozen is offline, and online again when it is thawed"({ foyer, openShop }) {
    const [page, shortId] = await openShop();
    // A browser without a window freezes no tab, so the page is told what it would be told.
    await page.evaluate(`document.dispatchEvent(new Event("freeze"))`);
    await foyer.untilOffline(shortId);
    await page.evaluate(`document.dispatchEvent(new Event("resume"))`);
    await foyer.untilOnline(shortId);
    await isConnected(page);
  },

  async "Without localStorage a page connects all the same"({ foyer, openShop, context }) {
    await context.addInitScript(
      `Object.defineProperty(window, "localStorage", { get() { throw new Error("blocked") } })`,
    );
    const [page, shortId] = await openShop();
    await page.click("text=Fern");
    await foyer.untilVisitor(
      shortId,
      "it moves",
      ({ last_url }) => last_url === `${foyer.url}/demo/products/fern`,
    );
    await page.evaluate(`Foyer("disconnect"); ${INIT}`);
    assert.equal(await shortIdOf(page), shortId);
    await isConnected(page);
  },

  async "A full localStorage is no reason to stay away"({ foyer, openShop, context }) {
    await context.addInitScript(`for (let size = 1 << 20; size > 0; size >>= 1) {
      try { for (let i = 0; ; i++) localStorage.setItem("full-" + size + "-" + i, "x".repeat(size)); } catch {}
    }`);
    const [page, shortId] = await openShop();
    await page.evaluate(`Foyer("disconnect"); ${INIT}`);
    await isConnected(page);
    assert.equal(await shortIdOf(page), shortId);
    await foyer.untilOnline(shortId);
  },

  async "A page with a wrong key says so, and does not try again and again"(
    { foyer, site, context, problems },
  ) {
    const page = await context.newPage();
    let sockets = 0;
    page.on("websocket", () => sockets++);
    await page.goto(site.add("/wrong-key", pageOf(foyer, `Foyer("init", { apiKey: "wrong" })`)));
    await until("it is told", () => problems.length > 0);
    assert.match(problems.splice(0).join("\n"), /^warning: Foyer: invalid_site_key/);
    await page.evaluate(`dispatchEvent(new Event("online")); ${INIT.replace(SITE_KEY, "wrong")}`);
    await page.waitForTimeout(1500);
    assert.equal(sockets, 1);
    // The right one is taken at once.
    await page.evaluate(INIT);
    await foyer.untilOnline(await shortIdOf(page));
  },
};

/** What happens where the server goes away, and what takes long. */
const SENTENCES_OF_PATIENCE: Record<string, (visit: Visit) => Promise<void>> = {
  "A server that stops is waited for, and knows its visitors again": (visit) => comesBack(visit, "SIGTERM"),
  "A server that is killed is waited for, and knows its visitors again": (visit) =>
    comesBack(visit, "SIGKILL"),

  async "What is claimed more often than the server takes arrives in the end"({ foyer, openShop }) {
    const [page, shortId] = await openShop();
    await page.evaluate(`new Promise((resolve) => {
    let count = 0;
    const timer = setInterval(() => {
      count++;
      Foyer("updateConnection", { metadata: { count } });
      history.replaceState(null, "", "/demo/count/" + count);
      if (count === 250) resolve(clearInterval(timer));
    }, 8);
  })`);
    await foyer.untilVisitor(
      shortId,
      "the last of it is there",
      ({ metadata, last_url }) => metadata.count === 250 && last_url === `${foyer.url}/demo/count/250`,
    );
  },

  async "A browser that blocks all that a page could store connects all the same"({ foyer }) {
    await inFolder(async (profile) => {
      const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
      await Deno.mkdir(`${profile}/Default`);
      await Deno.writeTextFile(`${profile}/Default/Preferences`, JSON.stringify(preferences));
      await using context = await startBrowserIn(profile);
      const problems: string[] = [];
      follow(context, problems);
      const page = await context.newPage();
      await page.goto(`${foyer.url}/demo`);
      await isConnected(page);
      await assert.rejects(page.evaluate("localStorage"), /SecurityError|Access is denied/);
      await foyer.untilOnline(await shortIdOf(page));
      assert.deepEqual(problems, []);
    });
  },
};

async function comesBack({ foyer, openShop, problems }: Visit, signal: "SIGTERM" | "SIGKILL") {
  const [page, shortId] = await openShop("/products/dusk");
  await page.evaluate(`Foyer("updateConnection", { name: "Patient" })`);
  await foyer.untilVisitor(shortId, "it has a name", ({ name }) => name === "Patient");
  await foyer.stop(signal);
  await page.waitForSelector("#connection:not(.connected)");
  // While nobody is there.
  await page.click("text=Cart");
  await page.evaluate(`Foyer("updateConnection", { callName: "Meanwhile" })`);
  await foyer.start();
  await isConnected(page);
  assert.equal(await shortIdOf(page), shortId);
  await foyer.untilVisitor(
    shortId,
    "what happened meanwhile is known",
    ({ is_online, call_name, name, last_url }) =>
      is_online && call_name === "Meanwhile" && name === "Patient" && last_url === `${foyer.url}/demo/cart`,
  );
  // Nothing but the browser's own messages.
  for (const problem of problems.splice(0)) assert.match(problem.replace("error: ", ""), NO_CONNECTION);
}

async function visitWith(
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

function follow(context: BrowserContext, problems: string[]) {
  context.setDefaultTimeout(20_000);
  context.on("weberror", (error) => problems.push(`error: ${error.error().message}`));
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`${message.type()}: ${message.text()}`);
  });
}

/** Two servers at once, since most of the time nothing is done but to wait until a visitor is offline. */
async function tryAll(t: Deno.TestContext, folder: string, store: Record<string, string>) {
  await using site = new Site();
  await using browser = await startBrowser();
  await Promise.all([SENTENCES, SENTENCES_OF_PATIENCE].map(async (sentences, i) => {
    await Deno.mkdir(`${folder}/${i}`);
    await using foyer = new Installation(`${folder}/${i}`, [site.url], store);
    await foyer.start();
    for (const [name, work] of Object.entries(sentences)) {
      await t.step({
        name,
        fn: () => visitWith(browser, foyer, site, work),
        // Without which no two steps run at once.
        ...{ sanitizeOps: false, sanitizeResources: false, sanitizeExit: false },
      });
    }
  }));
}

Deno.test("Visitors come in, with the embedded store", (t) => inFolder((folder) => tryAll(t, folder, {})));

Deno.test("Visitors come in, with MongoDB", (t) =>
  inFolder(async (folder) => {
    await using mongo = await startMongo();
    await tryAll(t, folder, { MONGO_URI: mongo.uri });
  }));
