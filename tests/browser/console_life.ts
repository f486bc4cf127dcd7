/**
 * Tests of the console's robustness: lost connections, restarts, several tabs, hostile visitors.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type Console, type ConsoleSentences, REST_KEY, WRITE_KEY } from "./agents.ts";
import { until } from "./installation.ts";

const person = (name: string, more: Record<string, unknown> = {}) => ({
  short_id: `id-${name}`,
  name,
  last_url: "https://shop.example/",
  ...more,
});

/** Counts the streams that the tabs of a browser context open. */
function countStreams(console: Console): { opened: number } {
  const counted = { opened: 0 };
  console.context.on("request", (request) => {
    if (request.url().includes("/list/stream")) counted.opened++;
  });
  return counted;
}

/** Text that would do harm if it were interpreted as markup, a URL or code. */
const HOSTILE = [
  `<img src=x onerror="globalThis.harmed=1">`,
  `"><script>globalThis.harmed=1</script>`,
  `javascript:globalThis.harmed=1`,
  `{{constructor.constructor('globalThis.harmed=1')()}}`,
  `\u202egnp.exe\u202c`,
  `a\u0000b\u001b[31m`,
  `' onmouseover='globalThis.harmed=1`,
  `\u2066\u2067\u200f${"x".repeat(300)}`,
];

/** Tests of the console's robustness. */
export const CONSOLE_LIFE: ConsoleSentences = {
  async "A lost connection is shown at once, and no change is missed after the reconnect"(
    { put, openConsole, foyer, store },
  ) {
    await put(person("Ada"), person("Bob"));
    const console = await openConsole();
    const { page } = console;
    await until("both are there", async () => (await console.names()).length === 2);
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      await foyer.stop(signal);
      await page.waitForSelector("#freshness:has-text('s old')");
      await put(person("Ada", { name: `Ada ${signal}` }), person(`New${signal}`));
      await store.removeVisitor("id-Bob");
      await foyer.start();
      await page.waitForSelector("#freshness:has-text('Live')");
      await console.row("id-Ada").locator(`.name:has-text('Ada ${signal}')`).waitFor();
      await console.row(`id-New${signal}`).waitFor();
      await console.row("id-Bob").waitFor({ state: "detached" });
      await put(person("Bob"));
      await console.row("id-Bob").waitFor();
    }
    console.forgetRefusals();
  },

  async "A silent connection is aborted, and the console shows since when the list is old"(
    { put, openConsole, foyer },
  ) {
    await put(person("Ada"));
    // Simulates a network that accepts requests and delivers no answers.
    let isSilent = false;
    const relay = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const connections = new Set<Deno.Conn>();
    const accepting = (async () => {
      for await (const client of relay) {
        const server = await Deno.connect({ hostname: "127.0.0.1", port: foyer.port });
        connections.add(client).add(server);
        const pass = async (from: Deno.Conn, to: Deno.Conn) => {
          for await (const bytes of from.readable) if (!isSilent) await to.write(bytes);
        };
        for (const passing of [pass(client, server), pass(server, client)]) passing.catch(() => {});
      }
    })();
    const console = await openConsole({ key: null });
    const { page } = console;
    await page.clock.install();
    await page.goto(`http://127.0.0.1:${relay.addr.port}/`);
    await console.signIn();
    await console.untilNames("Ada");
    await page.waitForSelector("#freshness:has-text('Live')");
    isSilent = true;
    await page.clock.fastForward(22_000);
    await page.waitForSelector("#freshness:has-text('s old')");
    await page.clock.fastForward(60_000);
    await page.waitForSelector("#freshness:has-text('Not connected since')");
    await page.waitForSelector(".interruption:has-text('The list is as it was at')");
    await until("the title says it", async () => await page.title() === "Not connected · Foyer");
    isSilent = false;
    await page.click("text=Try now");
    await page.clock.fastForward(20_000);
    await page.waitForSelector("#freshness:has-text('Live')");
    await page.close();
    relay.close();
    for (const connection of connections) {
      try {
        connection.close();
      } catch {
        // The connection is closed already.
      }
    }
    await accepting.catch(() => {});
    console.forgetRefusals();
  },

  async "Tabs with the same key and search share one stream, which another tab resumes when its tab is closed"(
    { put, openConsole, openTab },
  ) {
    await put(person("Ada"));
    const first = await openConsole({ key: null });
    const streams = countStreams(first);
    await first.signIn();
    await first.untilNames("Ada");
    const second = await openTab(first);
    await second.signIn();
    await second.untilNames("Ada");
    await put(person("Bob"));
    for (const tab of [first, second]) await tab.row("id-Bob").waitFor();
    assert.equal(streams.opened, 1);
    await first.page.close();
    await put(person("Cleo"));
    await second.row("id-Cleo").waitFor();
    await until("the other tab has a stream", () => streams.opened === 2);
    const other = await openTab(first);
    await other.signIn("Alan", REST_KEY);
    await other.row("id-Cleo").waitFor();
    await until("another key has a stream of its own", () => streams.opened === 3);
    await other.search("ada");
    await other.untilNames("Ada");
    await until("another search has a stream of its own", () => streams.opened === 4);
    await until("the others are still there", async () => (await second.names()).length === 3);
  },

  async "In a browser without Web Locks, each tab has its own stream"({ put, openConsole, openTab }) {
    await put(person("Ada"));
    const first = await openConsole({ key: null });
    await first.context.addInitScript("delete Navigator.prototype.locks");
    await first.page.reload();
    await first.signIn();
    const second = await openTab(first);
    await second.signIn();
    await put(person("Bob"));
    for (const tab of [first, second]) await tab.row("id-Bob").waitFor();
  },

  async "All attributes of a visitor are shown as text, whatever they contain"({ put, openConsole, store }) {
    await put(...HOSTILE.map((text, i) => ({
      short_id: `hostile-${i} ${text.replace(/[^ -~]/g, "")}`,
      name: text,
      nickname: text,
      email: text,
      identities: [text, text],
      unique_id: text,
      call_name: text,
      tags: [text, `#${text}`],
      last_url: text,
      location_city: text,
      location_country_name: text,
      browser_name: text,
      device_name: text,
      integration: text,
      integration_ids: [text],
      metadata: { [text]: text },
      lookup_code: text,
      sdk: text,
      claimed_by: text,
      is_waiting_for_call: i % 2 === 0,
    })));
    const count = (await Array.fromAsync(store.allVisitors())).length;
    assert.equal(count, HOSTILE.length);
    const console = await openConsole();
    const { page } = console;
    await until("they are there", async () => (await console.names()).length === count);
    const all = ["email", "identities", "unique_id", "lookup_code", "integration", "call_name", "short_id"];
    await page.evaluate((columns) =>
      // deno-lint-ignore no-explicit-any -- the page's storage is not the test's
      (globalThis as any).localStorage.setItem(
        "foyer table /",
        JSON.stringify({ columns: ["page", "place", "device", "tags", "here", ...columns] }),
      ), all);
    await page.reload();
    await until("they are there", async () => (await console.names()).length === count);
    for (let i = 0; i < count; i++) {
      await page.locator(".row").nth(i).click();
      await page.waitForSelector(".attributes .meaning >> nth=3");
      await page.waitForTimeout(100);
      for (const link of await page.locator("a").all()) {
        assert.match(await link.getAttribute("href") ?? "", /^https?:/);
      }
    }
    assert.equal(await page.evaluate("globalThis.harmed"), undefined);
    assert.equal(await page.locator("img, iframe, .row script, .visitor script").count(), 0);
    await console.search(`"exe"`);
    await page.locator(".row").first().click();
    await page.waitForSelector(".hidden-character:has-text('RLO')");
    assert.ok(await page.locator(".attributes bdi").count() > 10);
    assert.ok(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"));
  },

  async "Right-to-left names have their own direction, and do not affect the text around them"(
    { put, openConsole },
  ) {
    await put(person("שלום", { email: "a@example.com" }), person("Ada"));
    const console = await openConsole();
    const name = console.row("id-שלום").locator("bdi.name");
    const style =
      `const { direction, unicodeBidi } = getComputedStyle(document.querySelector('[data-id="id-שלום"] .name'));
      JSON.stringify([direction, unicodeBidi])`;
    await name.waitFor();
    assert.equal(await console.page.evaluate(style), '["rtl","isolate"]');
  },

  async "If the server is busy or limits requests, the console says so and waits"({ put, openConsole }) {
    await put(person("Ada"));
    const console = await openConsole({ key: null });
    const { page } = console;
    let answer = { status: 429, error: "too_many_requests" };
    await page.route("**/list/**", (route) =>
      answer.status === 200 ? route.continue() : route.fulfill({
        status: answer.status,
        headers: { "Retry-After": "2" },
        json: { status: "error", error: answer.error, message: "Not now." },
      }));
    await page.fill("#key", WRITE_KEY);
    await page.click("button[type=submit]");
    await page.waitForSelector("text=/This key is used too often. Trying again in \\d s/");
    answer = { status: 503, error: "stopping" };
    await page.waitForSelector("text=The server is restarting");
    answer = { status: 503, error: "database_unavailable" };
    await page.waitForSelector("text=The database does not answer");
    answer = { status: 200, error: "" };
    await console.untilNames("Ada");
    console.forgetRefusals();
  },

  async "If no more streams may be open, the console polls the list"({ put, openConsole }) {
    await put(person("Ada"));
    const console = await openConsole({ key: null });
    await console.page.route("**/list/stream*", (route) =>
      route.fulfill({
        status: 503,
        headers: { "Retry-After": "10" },
        json: { status: "error", error: "too_many_streams", message: "1000 streams are open." },
      }));
    await console.signIn();
    await console.untilNames("Ada");
    await put(person("Bob"));
    await console.row("id-Bob").waitFor();
    console.forgetRefusals();
  },
};
