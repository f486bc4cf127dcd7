/**
 * Tests of the console's list: visitors who arrive, change and leave, and the frozen order.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type ConsoleSentences, REST_KEY } from "./agents.ts";
import { until } from "./installation.ts";

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

const person = (name: string, more: Record<string, unknown> = {}) => ({
  short_id: `id-${name}`,
  name,
  last_url: "https://shop.example/",
  ...more,
});

const waiting = (name: string, minutes: number) =>
  person(name, { is_waiting_for_call: true, waiting_since: minutesAgo(minutes) });

/** Tests of the list. */
export const CONSOLE_LIST: ConsoleSentences = {
  async "An agent signs in with a key, which is stored for the tab only"({ put, openConsole, openTab }) {
    await put(person("Ada"));
    const console = await openConsole({ key: null });
    const { page } = console;
    await page.fill("#key", "wrong");
    await page.click("button[type=submit]");
    await page.waitForSelector('#key-note:has-text("This key is wrong")');
    console.forgetRefusals();
    await console.signIn("Grace", ` ${REST_KEY} `);
    await console.untilNames("Ada");
    assert.deepEqual(await page.evaluate("Object.keys(localStorage)"), []);
    assert.equal(await page.evaluate("document.cookie"), "");
    assert.ok(!page.url().includes(REST_KEY));
    await page.reload();
    await console.untilNames("Ada");
    const other = await openTab(console);
    await other.page.waitForSelector("#key");
    await page.click("[aria-label='Sign out']");
    await page.waitForSelector("#key");
    assert.deepEqual(await page.evaluate("({ ...sessionStorage })"), {});
    assert.ok(!(await page.content()).includes("Ada"));
  },

  async "Visitors who arrive, change and leave are shown without a reload"({ put, openConsole, store, ask }) {
    const console = await openConsole();
    const { page } = console;
    await page.waitForSelector("text=Nobody is online");
    await put(person("Ada"), person("Bob"));
    await until("both are there", async () => (await console.names()).length === 2);
    await put(
      person("Ada", { last_url: "https://shop.example/pricing", tags: ["#vip"], location_city: "Köln" }),
    );
    await console.row("id-Ada").locator(".page:has-text('/pricing')").waitFor();
    await console.row("id-Ada").locator(".place:has-text('Köln')").waitFor();
    await console.row("id-Ada").locator(".tag:has-text('#vip')").waitFor();
    await ask("PATCH", "visitors/id-Ada", { name: "Ada Lovelace" });
    await console.row("id-Ada").locator(".name:has-text('Ada Lovelace')").waitFor();
    await put(person("Bob", { is_online: false }));
    await console.row("id-Bob").locator("text=Left").waitFor();
    await console.untilNames("Ada Lovelace");
    await store.removeVisitor("id-Ada");
    await page.waitForSelector("text=Nobody is online");
    await page.waitForSelector("#freshness:has-text('Live')");
  },

  async "Waiting visitors come first, the longest wait first, and their times turn amber and red"(
    { put, openConsole },
  ) {
    await put(person("Visitor"), waiting("Short", 1), waiting("Long", 7.5), waiting("Middle", 3));
    const console = await openConsole();
    await console.untilNames("Long", "Middle", "Short", "Visitor");
    for (const [name, urgency] of [["Short", "fresh"], ["Middle", "amber"], ["Long", "red"]]) {
      await console.row(`id-${name}`).locator(`.state.${urgency}`).waitFor();
    }
    const time = console.row("id-Long").locator(".state .time");
    const first = await time.textContent();
    assert.match(first!, /^7:\d\d$/);
    await until("it ticks", async () => await time.textContent() !== first);
    await console.page.waitForSelector(".counts:has-text('3 waiting')");
    await until("the title has it", async () => await console.page.title() === "(3) 4 online · Foyer");
    const icon = await console.page.getAttribute("#icon", "href");
    assert.match(icon!, /icons\/3\.svg$/);
  },

  async "No row moves under the pointer, and a button shows the number of new visitors"(
    { put, openConsole },
  ) {
    await put(...["One", "Two", "Three", "Four"].map((name) => person(name)));
    const console = await openConsole();
    const { page } = console;
    await until("they are there", async () => (await console.names()).length === 4);
    const before = await console.names();
    await page.locator(".row").nth(1).hover();
    await put(person("Newer"), waiting("Urgent", 3));
    await put(
      person(before[2], { is_online: false }),
      person(before[3], { last_url: "https://shop.example/moved" }),
    );
    await page.waitForSelector(".newer:has-text('2 newer, 1 waiting')");
    await console.row(`id-${before[3]}`).locator("text=/moved").waitFor();
    await console.row(`id-${before[2]}`).locator("text=Left").waitFor();
    const stands = [before[0], before[1], `${before[2]}-`, before[3]];
    // Longer than a visitor who left takes to fade out in a list that is not frozen.
    await page.waitForTimeout(2500);
    assert.deepEqual(await console.names(), stands);
    await page.click(".newer");
    await console.untilNames("Urgent", "Newer", before[0], before[1], before[3]);
    await page.waitForSelector(".newer", { state: "detached" });
    await page.mouse.move(2, 2);
    await page.locator("#search").focus();
    await put(person("Last"));
    await console.untilNames("Urgent", "Last", "Newer", before[0], before[1], before[3]);
  },

  async "The order is frozen while the keyboard focus is in the list"({ put, openConsole }) {
    await put(person("One"), person("Two"));
    const console = await openConsole();
    const { page } = console;
    await until("they are there", async () => (await console.names()).length === 2);
    const [first, second] = await console.names();
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    assert.equal(await page.evaluate("document.activeElement.dataset.id"), `id-${second}`);
    await put(person("Newer"));
    await page.waitForSelector(".newer:has-text('1 newer')");
    await put(person("Newer", { is_online: false }));
    await page.waitForSelector(".newer", { state: "detached" });
    assert.deepEqual(await console.names(), [first, second]);
    assert.equal(await page.evaluate("document.activeElement.dataset.id"), `id-${second}`);
    await put(person("Again"));
    await page.waitForSelector(".newer");
    await page.keyboard.press("/");
    await console.untilNames("Again", first, second);
  },

  async "Each search operator finds its visitors, and visitors who no longer match disappear"(
    { put, openConsole },
  ) {
    const url = "https://shop.example/pricing";
    await put(
      person("Müller", {
        email: "zoe@example.com",
        unique_id: "user-1",
        tags: ["#vip"],
        ip_address: "192.0.2.7",
        integration_ids: ["crm:77"],
        lookup_code: "4711",
        last_url: url,
      }),
      person("Other", { last_url: "https://shop.example/cart" }),
      person("Away", { is_online: false }),
    );
    const console = await openConsole();
    const { page } = console;
    await until("those online are there", async () => (await console.names()).length === 2);
    for (
      const q of [
        "muller",
        "zoe@example.com",
        "id:user-1",
        "#vip",
        "ip:192.0.2.7",
        "integration_id:crm:77",
        "4711",
        "url:pricing",
      ]
    ) {
      await console.search(q);
      await console.untilNames("Müller");
      assert.equal(new URL(page.url()).hash, `#q=${encodeURIComponent(q)}`);
    }
    await console.search("-online");
    await console.untilNames("Away");
    await page.click(".chip:has-text('Online')");
    await until("both are there", async () => (await console.names()).length === 2);
    await page.click(".chip:has-text('#vip')");
    await console.untilNames("Müller");
    assert.equal(await page.inputValue("#search"), "online #vip");
    await put(person("Müller", { tags: [], last_url: url }), person("Other", { tags: ["#vip"] }));
    await console.untilNames("Other");
    await console.search("nobody-is-called-so");
    await page.waitForSelector("text=Nobody matches");
    await page.keyboard.press("Escape");
    await until("those online are there", async () => (await console.names()).length === 2);
    assert.equal(new URL(page.url()).hash, "");
  },

  async "A search can be sent to a colleague as a link, and survives a reload"({ put, openConsole }) {
    await put(person("Ada", { tags: ["#vip"] }), person("Bob"));
    const console = await openConsole({ path: "/#q=%23vip" });
    await console.untilNames("Ada");
    assert.equal(await console.page.inputValue("#search"), "#vip");
    await console.page.reload();
    await console.untilNames("Ada");
    await console.page.evaluate(() => location.hash = "#q=bob");
    await console.untilNames("Bob");
  },

  async "Thousands of visitors scroll in one list, of which only the visible rows are rendered"(
    { put, openConsole },
  ) {
    const started = Date.now();
    await put(...Array.from({ length: 900 }, (_, i) => ({
      short_id: `many-${i}`,
      name: `Visitor ${i}`,
      last_seen_at: new Date(started - i * 1000),
    })));
    const console = await openConsole();
    const { page } = console;
    await page.waitForSelector('.table[aria-rowcount="901"]');
    const count = await page.locator(".row").count();
    assert.ok(count > 10 && count < 60, `${count} rows`);
    await page.locator(".row").first().focus();
    await page.keyboard.press("End");
    await console.row("many-899").waitFor();
    assert.equal(await console.row("many-899").getAttribute("aria-rowindex"), "901");
    assert.equal(await page.evaluate("document.activeElement.dataset.id"), "many-899");
    await page.keyboard.press("Home");
    await console.row("many-0").waitFor();
    assert.ok(await page.locator(".row").count() < 60);
  },

  async "Columns and density are stored on the device, without any data of visitors"(
    { put, openConsole },
  ) {
    await put(person("Ada", { email: "ada@example.com", location_city: "Köln" }));
    const console = await openConsole();
    const { page } = console;
    const titles = () => page.locator("[role=columnheader]").allTextContents();
    assert.deepEqual(await titles(), ["Status", "Visitor", "Page", "Place", "Device", "Tags", "Here"]);
    await page.click("[aria-label='Columns and density']");
    await page.click("label:has-text('E-mail')");
    await page.click("label:has-text('Device')");
    await page.click("[aria-label='Move Place to the left']");
    await page.click("label:has-text('Compact')");
    await page.keyboard.press("Escape");
    const chosen = ["Status", "Visitor", "Place", "Page", "Tags", "Here", "E-mail"];
    assert.deepEqual(await titles(), chosen);
    await page.reload();
    await console.untilNames("Ada");
    assert.deepEqual(await titles(), chosen);
    assert.equal(await console.row("id-Ada").evaluate((row) => row.clientHeight) < 40, true);
    const kept = JSON.stringify(await page.evaluate("({ ...localStorage })"));
    assert.doesNotMatch(kept, /Ada|ada@|Köln|Grace|key-of/);
  },
};
