/**
 * Tests of visitors on web pages with the SDK, and of what the API then shows.
 *
 * @module
 */
import assert from "node:assert/strict";
import { SITE_KEY, until } from "./installation.ts";
import { INIT, isConnected, pageOf, type Sentences, shortIdOf } from "./visit.ts";

/** Tests of visitors. */
export const VISITORS: Sentences = {
  async "A visitor is online within 2 seconds after opening a web page"({ foyer, context }) {
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
    // Another visitor leaves later: once that one is offline, the first one's grace period is over too.
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

  async "Without Web Locks, two tabs opened at the same moment become one visitor"({ foyer, site, context }) {
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

  async "A visitor who signs in is found by name and address, and is another visitor after signing out"(
    { foyer, openShop },
  ) {
    const [page, shortId] = await openShop("/account");
    const name = `Ada ${crypto.randomUUID().slice(0, 8)}`, email = `${shortId}@example.com`.toLowerCase();
    await page.fill("[name=name]", name);
    await page.fill("[name=email]", email);
    await page.click("#sign-in button");
    for (const q of [name, email, `"${name}" #customer`]) {
      const found = await until(`${q} is found`, async () => (await foyer.search(q))[0]);
      assert.deepEqual([found.short_id, found.name, found.email], [shortId, name, email]);
    }
    // The next page makes the same claims.
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
    // The other tab must not keep the identity of the visitor who signed out.
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

  async "A request for a call lasts from page to page, until the visitor or an agent ends it"(
    { foyer, openShop },
  ) {
    const [page, shortId] = await openShop();
    await page.evaluate(`window.calls = []; Foyer("on", "call", (call) => calls.push(call))`);
    const calls = async (count: number) =>
      await until(`${count} events`, async () => {
        const calls = await page.evaluate("calls") as { isWaiting: boolean; since: string | null }[];
        return calls.length >= count ? calls : null;
      });
    await page.click("#call");
    const { waiting_since } = await foyer.untilVisitor(shortId, "it waits", (one) => one.is_waiting_for_call);
    assert.deepEqual(await calls(1), [{ isWaiting: true, since: waiting_since }]);
    await page.waitForSelector("#call:text('cancel')");
    const [other] = await openShop("/about");
    await other.waitForSelector("#call:text('cancel')");
    await other.click("#call");
    await foyer.untilVisitor(shortId, "it no longer waits", (one) => !one.is_waiting_for_call);
    assert.deepEqual((await calls(2))[1], { isWaiting: false, since: null });
    await other.close();
    await page.evaluate(`Foyer("requestCall")`);
    await foyer.untilVisitor(shortId, "it waits again", (one) => one.is_waiting_for_call);
    assert.ok((await calls(3))[2].isWaiting);
    await foyer.change(shortId, { is_in_session: true });
    assert.deepEqual((await calls(4))[3], { isWaiting: false, since: null });
    await foyer.change(shortId, { is_in_session: false });
    // After a reset, the next visitor has not asked for a call.
    await page.click("#call");
    await page.waitForSelector("#call:text('cancel')");
    await page.evaluate(`Foyer("reset")`);
    await page.waitForSelector("#call:text('Ask')");
    assert.equal((await calls(6)).length, 6);
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

  async "Invalid claims are corrected or left out, with a warning and without an error"(visit) {
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

  async "The largest possible claims arrive"({ foyer, openShop }) {
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
};
