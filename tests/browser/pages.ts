/**
 * Tests of the SDK's robustness against web pages, browsers and servers.
 *
 * @module
 */
import assert from "node:assert/strict";
import { startFullBrowserIn } from "../support/browser.ts";
import { inFolder } from "../support/folders.ts";
import { SITE_KEY, until } from "./installation.ts";
import {
  follow,
  INIT,
  isConnected,
  NO_CONNECTION,
  pageOf,
  type Sentences,
  shortIdOf,
  SNIPPET,
  type Visit,
} from "./visit.ts";

/** Tests of the SDK with unusual web pages and browsers. */
export const PAGES: Sentences = {
  async "A web page that calls disconnect stays disconnected until it calls init again"(
    { foyer, openShop, context },
  ) {
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

  async "Calls made before the SDK is loaded are executed in their order"({ foyer, site, open }) {
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

  async "Errors of a web page's own callbacks are reported to the page, and do not stop the SDK"(
    { foyer, site, open, problems },
  ) {
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

  async "A web page with the strict Content-Security-Policy in the README connects"({ foyer, site, open }) {
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

  async "A tab that is frozen is offline, and online again when it is thawed"({ foyer, openShop }) {
    const [page, shortId] = await openShop();
    // A headless browser freezes no tab, so the event is dispatched by hand.
    await page.evaluate(`document.dispatchEvent(new Event("freeze"))`);
    await foyer.untilOffline(shortId);
    await page.evaluate(`document.dispatchEvent(new Event("resume"))`);
    await foyer.untilOnline(shortId);
    await isConnected(page);
  },

  async "A web page without localStorage connects"({ foyer, openShop, context }) {
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

  async "A web page with a full localStorage connects"({ foyer, openShop, context }) {
    await context.addInitScript(`for (let size = 1 << 20; size > 0; size >>= 1) {
      try { for (let i = 0; ; i++) localStorage.setItem("full-" + size + "-" + i, "x".repeat(size)); } catch {}
    }`);
    const [page, shortId] = await openShop();
    await page.evaluate(`Foyer("disconnect"); ${INIT}`);
    await isConnected(page);
    assert.equal(await shortIdOf(page), shortId);
    await foyer.untilOnline(shortId);
  },

  async "A web page with a wrong key logs a warning, and does not retry at once"(
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
    // The right key is used at once.
    await page.evaluate(INIT);
    await foyer.untilOnline(await shortIdOf(page));
  },
};

/** Tests with an unavailable server, and tests that take long. */
export const PATIENCE: Sentences = {
  "After a server stops and starts again, its visitors reconnect as before": (visit) =>
    comesBack(visit, "SIGTERM"),
  "After a server is killed and started again, its visitors reconnect as before": (visit) =>
    comesBack(visit, "SIGKILL"),

  async "Claims that change faster than the server accepts arrive in the end"({ foyer, openShop }) {
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

  async "A browser that blocks all storage connects"({ foyer }) {
    await inFolder(async (profile) => {
      const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
      await Deno.mkdir(`${profile}/Default`);
      await Deno.writeTextFile(`${profile}/Default/Preferences`, JSON.stringify(preferences));
      await using context = await startFullBrowserIn(profile);
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
  // The server does not run at this moment.
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
  // Only the browser's own messages may be there.
  for (const problem of problems.splice(0)) assert.match(problem.replace("error: ", ""), NO_CONNECTION);
}
