/**
 * Web pages that replace built-in functions, render themselves again, or use a framework's zones.
 *
 * @module
 */
import assert from "node:assert/strict";
import { inFolder } from "../support/folders.ts";
import { runProcess } from "../support/processes.ts";
import { SITE_KEY, until } from "./installation.ts";
import { INIT, pageOf, type Sentences, shortIdOf, type Visit } from "./visit.ts";

const CLAIMS =
  `identities: ["Ada", "ada@example.com"], tags: ["#vip"], metadata: { plan: "pro", seats: 3 }, ` +
  `integrationIds: ["crm:1"]`;

/** Scripts that change a web page's built-in objects before the SDK is loaded. */
const CHANGES: Record<string, string> = {
  "Prototype.js gives toJSON to arrays": `
    Array.prototype.toJSON = function () { return "[" + this.join(", ") + "]" };
    String.prototype.toJSON = function () { return '"' + this + '"' };
    Number.prototype.toJSON = Object.prototype.toJSON = function () { return "x" };`,
  "its script replaces Set and Map": `
    window.Set = function () { this.items = [] };
    window.Map = window.WeakMap = function () { return {} };`,
  "its script replaces Promise": `
    window.Promise = function (work) { this.then = () => this; };
    Promise.resolve = Promise.reject = Promise.race = Promise.all = () => { throw new Error("no promise") };`,
  "its script replaces JSON": `window.JSON = { encode() {}, decode() {} };`,
  "its script extends every object and array": `
    Object.prototype.extend = Object.prototype.each = function () { return this };
    Array.prototype.each = Array.prototype.last = Array.prototype.flatten = function () { return this };
    String.prototype.blank = Function.prototype.delay = function () {};`,
  "its script brings methods of its own for arrays and objects": `
    Object.prototype.inherited = function () {};
    Object.keys = function (object) { const keys = []; for (const key in object) keys.push(key); return keys };
    Array.from = function (value) { return value && value.toArray ? value.toArray() : [].slice.call(value || []) };
    Array.prototype.reduce = function () { return this.length > 1 ? this : this[0] };
    Array.prototype.entries = Array.prototype.toArray = function () { return this.slice() };
    Array.prototype.find = Array.prototype.detect = function (test) {
      for (let i = 0; i < this.length; i++) if (test(this[i])) return this[i];
    };
    Array.prototype.flat = Array.prototype.flatMap = Array.prototype.at = undefined;
    Function.prototype.bind = function (object) { const f = this; return () => f.apply(object, arguments) };`,
  "its storage is blocked": `
    for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
      Object.defineProperty(window, name, { get() { throw new DOMException("blocked", "SecurityError") } });
    }`,
  "its storage is full":
    `Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError") };`,
  "its clock stands still": `
    const { Date: RealDate } = window;
    window.Date = class extends RealDate { constructor() { super(0) } static now() { return 0 } };`,
  "its script has taken newer functions away": `
    for (const name of ["queueMicrotask", "structuredClone", "requestIdleCallback", "BroadcastChannel", "navigation"]) {
      delete window[name];
      Object.defineProperty(window, name, { value: undefined });
    }
    Object.defineProperty(navigator, "locks", { value: undefined });
    Object.defineProperty(navigator, "userAgentData", { value: undefined });`,
  "its objects are frozen": `
    for (const name of ["Object", "Array", "String", "Function", "Promise", "RegExp", "Map", "Set"]) {
      Object.freeze(window[name].prototype);
      Object.freeze(window[name]);
    }`,
  "its JSON throws": `JSON.parse = JSON.stringify = () => { throw new Error("no JSON") };`,
};

/** Reads the source of Angular's zone.js. `deno install` fetches it, since not all of Deno's versions import text. */
async function readZoneJs(): Promise<string> {
  let script = "";
  await inFolder(async (folder) => {
    const config = { nodeModulesDir: "auto", imports: { "zone.js": "npm:zone.js@0.15.1" } };
    await Deno.writeTextFile(`${folder}/deno.json`, JSON.stringify(config));
    const { code, stderr } = await runProcess({ program: Deno.execPath(), args: ["install"], cwd: folder });
    assert.equal(code, 0, stderr);
    script = await Deno.readTextFile(`${folder}/node_modules/zone.js/bundles/zone.umd.js`);
  });
  return script;
}

const HEAD = `<!DOCTYPE html><link rel="icon" href="data:,">`;

async function isThere({ foyer, site, open }: Visit, name: string, changes: string) {
  const path = "/changed-" + name.replace(/[^a-z]+/gi, "-");
  const page = await open(site.add(path, {
    html: `${HEAD}<title>Changed</title><p id="code"></p><script>${changes}</script>` +
      pageOf(foyer, `Foyer("init", { apiKey: "${SITE_KEY}", lookupCodeElement: "#code", ${CLAIMS} });`)
        .replace(/^.*<p id="code"><\/p>/, ""),
  }));
  // The short id is read from the title, since promises may be broken on this page.
  await page.evaluate(`void Foyer("getShortId", (shortId) => document.title = shortId)`);
  await until("it has a short id", async () => await page.title() !== "Changed");
  const visitor = await foyer.untilVisitor(await page.title(), "it is there", ({ tags }) => tags.length > 0);
  assert.deepEqual(visitor.identities, ["Ada", "ada@example.com"]);
  assert.deepEqual([visitor.tags, visitor.integration_ids], [["#vip"], ["crm:1"]]);
  assert.deepEqual(visitor.metadata, { plan: "pro", seats: 3 });
  await until("its code is shown", async () => /^\d{4}$/.test(await page.textContent("#code") ?? ""));
}

/** Tests of the SDK on web pages that change its environment. */
export const CHANGED_PAGES: Sentences = {
  ...Object.fromEntries(
    Object.entries(CHANGES).map(([name, changes]) => [
      `A visitor appears although ${name}`,
      (visit: Visit) => isThere(visit, name, changes),
    ]),
  ),

  async "An element or a frame named Foyer is not mistaken for the SDK"({ foyer, site, open }) {
    for (
      const element of [
        `<p id="Foyer">`,
        `<form name="Foyer">`,
        `<iframe name="Foyer" src="${site.add("/frame", HEAD)}">`,
      ]
    ) {
      const page = await open(site.add(
        "/element",
        `${HEAD}<title>Element</title>${element}</iframe>
          <script src="${foyer.url}/sdk.js" data-api-key="${SITE_KEY}"></script>`,
      ));
      await foyer.untilOnline(await shortIdOf(page));
      await page.close();
      const early = await open(site.add(
        "/early-element",
        `${HEAD}<title>Element</title>${element}</iframe>` + pageOf(foyer, INIT).replace(/^.*<\/p>/, ""),
      ));
      await foyer.untilOnline(await shortIdOf(early));
      await early.close();
    }
  },

  async "An element for the lookup code that is added or replaced later shows the code"(
    { foyer, site, open },
  ) {
    const page = await open(site.add(
      "/drawn",
      `${HEAD}<title>Drawn</title><div id="app"></div>
        <script src="${foyer.url}/sdk.js"></script>
        <script>Foyer("init", { apiKey: "${SITE_KEY}", lookupCodeElement: "#late" });
          const draw = (html) => document.querySelector("#app").innerHTML = html;</script>`,
    ));
    await shortIdOf(page);
    const isShown = () =>
      until(
        "the code is shown",
        async () =>
          /^\d{4}$/.test(String(await page.evaluate(`document.querySelector("#late")?.textContent`))),
      );
    for (const html of [`<b id="late"></b>`, `<p>No code here.</p>`, `<div><i id="late">…</i></div>`]) {
      await page.evaluate(`void draw(${JSON.stringify(html)})`);
      if (html.includes("late")) await isShown();
    }
    await page.evaluate(`void (document.querySelector("#late").textContent = "")`);
    await isShown();
  },

  async "No error of the SDK reaches the page, whatever the page forbids"({ foyer, site, open, problems }) {
    const page = await open(site.add(
      "/forbids",
      `${HEAD}<title>Forbids</title><script>
          window.heard = [];
          addEventListener("error", ({ message }) => heard.push(message));
          addEventListener("unhandledrejection", ({ reason }) => heard.push(String(reason)));
          console.warn = () => { throw new Error("no console") };
          document.querySelector = () => { throw new Error("no element") };
          if (navigator.locks) navigator.locks.request = () => { throw new Error("no lock") };
        </script>
        <script src="${foyer.url}/sdk.js"></script>
        <script>Foyer("init", { apiKey: "${SITE_KEY}", lookupCodeElement: "#code", unknown: 1 });
          Foyer("nothing"); Foyer(Symbol()); Foyer("getShortId", 1);</script>`,
    ));
    await foyer.untilOnline(await shortIdOf(page));
    const again = await open(site.add(
      "/owned",
      `${HEAD}<title>Owned</title><script>
          window.heard = [];
          addEventListener("error", ({ message }) => heard.push(message));
          Object.defineProperty(window, "Foyer", { value: 1 });
        </script><script src="${foyer.url}/sdk.js"></script>`,
    ));
    for (const one of [page, again]) assert.deepEqual(await one.evaluate("heard"), []);
    assert.match(problems.splice(0).join(), /^(warning: Foyer: TypeError[^]*)?$/);
  },

  async "The SDK's timers run outside the zones of Angular, and the page's callbacks inside"(
    { foyer, site, open, context },
  ) {
    // Removes the Navigation API, so that the SDK polls the URL every second.
    await context.addInitScript(
      `delete window.navigation; Object.defineProperty(window, "navigation", { value: undefined });`,
    );
    site.add("/zone.js", { type: "text/javascript", html: await readZoneJs() });
    const page = await open(site.add(
      "/angular",
      `${HEAD}<title>Zones</title><p id="code"></p><script src="/zone.js"></script><script>
        const tasks = new Set();
        const heard = [];
        const angular = Zone.current.fork({
          name: "angular",
          onScheduleTask(delegate, current, target, task) {
            if (task.type === "macroTask") tasks.add(task.source);
            return delegate.scheduleTask(target, task);
          },
        });
        angular.run(() => {
          const script = document.createElement("script");
          script.src = "${foyer.url}/sdk.js";
          script.onload = () => angular.run(() => {
            Foyer("on", "connected", () => heard.push(Zone.current.name));
            Foyer("init", { apiKey: "${SITE_KEY}", lookupCodeElement: "#code" });
            Foyer("getShortId", (shortId) => heard.push(Zone.current.name));
          });
          document.head.append(script);
        });</script>`,
    ));
    await until("it is connected", () => page.evaluate("heard.length === 2"));
    await page.evaluate(`void history.pushState(null, "", "/angular/next")`);
    const shortId = await shortIdOf(page);
    await foyer.untilVisitor(
      shortId,
      "its page is known",
      ({ last_url }) => last_url!.endsWith("/angular/next"),
    );
    assert.deepEqual(await page.evaluate("[heard, [...tasks]]"), [["angular", "angular"], []]);
  },
};
