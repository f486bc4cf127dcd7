/**
 * The states of the console, for checks by axe and for screenshots.
 *
 * @module
 */
import type { Console, Scene } from "./agents.ts";
import { until } from "./installation.ts";

const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);

/** Visitors as a shop might have them. */
export const VISITORS_TO_SEE: Record<string, unknown>[] = [
  {
    name: "Zoë Müller",
    email: "zoe.mueller@example.net",
    identities: ["Zoë Müller", "Fjord & Søn"],
    unique_id: "user-1000",
    tags: ["#customer", "#vip"],
    last_url: "https://shop.example/checkout/payment",
    location_city: "München",
    location_country_name: "Germany",
    browser_name: "Firefox",
    device_name: "Windows PC",
    lookup_code: "9150",
    metadata: { plan: "pro", orders: 26 },
    is_waiting_for_call: true,
    waiting_since: minutesAgo(6.2),
  },
  {
    name: "Marcus Johnson",
    email: "marcus@example.org",
    tags: ["#returning"],
    last_url: "https://shop.example/pricing",
    location_city: "Chicago",
    location_country_name: "United States",
    browser_name: "Safari",
    device_name: "iPhone",
    is_waiting_for_call: true,
    waiting_since: minutesAgo(2.6),
  },
  {
    name: "Priya Okafor",
    last_url: "https://shop.example/help/returns",
    location_city: "Leeds",
    location_country_name: "United Kingdom",
    browser_name: "Chrome",
    device_name: "Mac",
    is_waiting_for_call: true,
    waiting_since: minutesAgo(0.4),
  },
  {
    name: "أحمد الشاذلي",
    email: "ahmed@example.net",
    tags: ["#customer"],
    last_url: "https://shop.example/products/café-crème",
    location_city: "Alexandria",
    location_country_name: "Egypt",
    browser_name: "Chrome Mobile",
    device_name: "Pixel 9",
  },
  {
    last_url: "https://shop.example/",
    location_city: "Köln",
    location_country_name: "Germany",
    browser_name: "Edge",
    device_name: "Windows PC",
  },
  {
    name: "Inês Gonçalves",
    email: "ines@example.net",
    tags: ["#newsletter"],
    last_url: "https://shop.example/search?q=green+tea",
    location_city: "Lisboa",
    location_country_name: "Portugal",
    browser_name: "Safari",
    device_name: "Mac",
    is_in_session: true,
  },
  {
    email: "t.mazur@example.com",
    tags: ["#trial"],
    last_url: "https://shop.example/account/orders",
    location_city: "Kraków",
    location_country_name: "Poland",
    browser_name: "Firefox",
    device_name: "Linux PC",
  },
].map((visitor, i) => ({
  short_id: `see-${i}`,
  last_seen_at: minutesAgo(1 + i * 3),
  added_at: minutesAgo(i % 2 === 0 ? 25 + i : 60 * 24 * 40),
  ...visitor,
}));

/** A visitor with hostile attributes. */
const HOSTILE = {
  short_id: "see-hostile",
  name: "\u202eevil\u202c <b>markup</b>",
  tags: ["#trial"],
  last_url: "javascript:alert(1)",
  browser_name: "Chrome",
  device_name: "Windows PC",
};

/** Brings a console that shows the sign-in form into a state. */
type State = (console: Console, scene: Scene) => Promise<void>;

/** Signs in, and waits until the visitors are shown. */
async function signIn(console: Console, { put, ask }: Scene, key?: string) {
  await put(...VISITORS_TO_SEE);
  await ask("PUT", "visitors/see-3/claim", { agent: "Alan" });
  await console.signIn("Grace", key);
  await console.row("see-0").waitFor();
  await console.row("see-3").locator("text=Alan is on it").waitFor();
}

async function openFirst(console: Console, scene: Scene, key?: string) {
  await signIn(console, scene, key);
  await console.row("see-0").click();
  await console.page.waitForSelector(".attributes .meaning:has-text('first seen')");
}

async function typeCode(console: Console, scene: Scene, code: string, selector: string) {
  await signIn(console, scene);
  await console.page.keyboard.press("c");
  await console.page.keyboard.type(code);
  await console.page.waitForSelector(selector);
}

/** The answer of a server that limits requests. */
const tooMany = {
  status: 429,
  headers: { "Retry-After": "42" },
  json: { error: "too_many_requests", message: "Wait." },
};

/** The states by name. */
export const STATES: Record<string, State> = {
  "sign-in": async () => {},
  "wrong key": async ({ page }) => {
    await page.fill("#key", "wrong");
    await page.click("button[type=submit]");
    await page.waitForSelector("#key-note.problem");
  },
  "first load": async (console) => {
    await console.page.route("**/list/**", () => {});
    await console.page.fill("#key", "anything");
    await console.page.route("**/usage", () => {});
    await console.page.click("button[type=submit]");
    await console.page.waitForSelector(".skeleton");
  },
  "list": async (console, scene) => {
    await signIn(console, scene);
    await console.page.waitForSelector(".counts:has-text('3 waiting')");
  },
  "compact list": async (console, scene) => {
    await signIn(console, scene);
    const button = console.page.locator("[aria-label='Columns and density']");
    // On a phone rows are cards, which have no columns or density.
    if (!await button.isVisible()) return;
    await button.click();
    await console.page.click("label:has-text('Compact')");
    await console.page.keyboard.press("Escape");
  },
  "newcomers and leavers": async (console, scene) => {
    await signIn(console, scene);
    await console.page.keyboard.press("j");
    await scene.put({ short_id: "see-new", name: "Newcomer" }, { ...VISITORS_TO_SEE[6], is_online: false });
    await console.page.waitForSelector(".newer");
    await console.row("see-6").locator("text=Left").waitFor();
    await console.page.waitForTimeout(1500);
  },
  "ringing": async (console, scene) => {
    await signIn(console, scene);
    await scene.ask("PATCH", "visitors/see-4", { is_waiting_for_call: true });
    await console.page.waitForSelector(".ringing");
  },
  "visitor": openFirst,
  "visitor with the write key": async (console, scene) => {
    await openFirst(console, scene);
    await console.page.click("button:has-text('Tags')");
    await console.page.click("button:has-text('Delete')");
    await console.page.waitForSelector("[aria-label=Delete]");
  },
  "hostile visitor": async (console, scene) => {
    await scene.put(HOSTILE);
    await signIn(console, scene);
    await console.row("see-hostile").click();
    await console.page.waitForSelector("#visitor-name .hidden-character");
  },
  "take over": async (console, scene) => {
    await signIn(console, scene);
    await console.row("see-3").click();
    await console.page.click(".actions button:has-text('Take over')");
    await console.page.waitForSelector("[aria-label='Take over']");
  },
  "code found": (console, scene) => typeCode(console, scene, "9150", ".found"),
  "code of nobody": (console, scene) => typeCode(console, scene, "0000", ".code-answer.nobody"),
  "code too often": async (console, scene) => {
    await console.page.route("**/list/search*", (route) => route.fulfill(tooMany));
    await typeCode(console, scene, "1234", ".code-answer.wait");
  },
  "keys": async (console, scene) => {
    await signIn(console, scene);
    await console.page.keyboard.press("?");
    await console.page.waitForSelector("#help-dialog-title");
  },
  "search help": async (console, scene) => {
    await signIn(console, scene);
    await console.page.click("[aria-label='What can be searched for']");
    await console.page.waitForSelector("#search-dialog-title");
  },
  "search": async (console, scene) => {
    await signIn(console, scene);
    await console.search("#customer");
    await until("it is searched for", async () => (await console.names()).length === 2);
  },
  "columns": async (console, scene) => {
    await signIn(console, scene);
    const button = console.page.locator("[aria-label='Columns and density']");
    if (!await button.isVisible()) return;
    await button.click();
    await console.page.waitForSelector("#columns-dialog-title");
  },
  "nobody online": async (console) => {
    await console.signIn();
    await console.page.waitForSelector("text=Nobody is online");
  },
  "nobody found": async (console, scene) => {
    await signIn(console, scene);
    await console.search("nobody-is-called-so");
    await console.page.waitForSelector("text=Nobody matches");
  },
  "search that cannot be used": async (console, scene) => {
    await signIn(console, scene);
    await console.page.evaluate(`location.hash = "#q=" + "x".repeat(300)`);
    await console.page.waitForSelector("text=This search cannot be used");
  },
  "too often": async (console) => {
    await console.page.route("**/list/**", (route) => route.fulfill(tooMany));
    await console.page.fill("#key", "anything");
    await console.page.route("**/usage", () => {});
    await console.page.click("button[type=submit]");
    await console.page.waitForSelector("text=This key is used too often");
  },
  "connection lost": async (console, scene) => {
    await console.page.clock.install();
    await console.page.reload();
    await signIn(console, scene);
    await console.page.route("**/list/**", (route) => route.abort());
    await console.context.setOffline(true);
    await console.page.clock.fastForward(25_000);
    await console.page.waitForSelector("#freshness.old, #freshness.lost");
    await console.page.clock.fastForward(60_000);
    await console.page.waitForSelector(".interruption");
  },
};
