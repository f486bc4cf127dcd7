/**
 * The names of a visitor's browser and device.
 *
 * @module
 */
import { LRUCache } from "lru-cache";
// Version 1, which is MIT: 2 is AGPL (https://github.com/faisalman/ua-parser-js#license).
import UAParser from "ua-parser-js";

/** What `navigator.userAgentData` says (User-Agent Client Hints), as far as a page sends it. */
export interface ClientHints {
  brands?: readonly { brand: string; version?: string }[];
  mobile?: boolean;
  platform?: string;
  platformVersion?: string;
  /** The model of a phone or tablet. The SDK sends `iPad` for Safari on an iPad, whose user agent says Macintosh. */
  model?: string;
}

/** A browser and its device, by the names of the Visitor's attributes. */
export interface Device {
  browser_name: string | null;
  device_name: string | null;
  /** `desktop`, `console`, `mobile`, `tablet`, `smarttv`, `wearable` or `embedded`. */
  device_type: string | null;
}

/**
 * The most characters read of a user agent, and of a name. Real ones are shorter; some patterns of the library take
 * quadratic time.
 */
const USER_AGENT_LENGTH = 350;
const NAME_LENGTH = 64;
const BRANDS = 8;

/** The most results that are cached. Most visitors share a few hundred user agents. */
const MAX_CACHED = 1000;

/** Brands that browsers built on another one list beside their own (Edge lists Chromium), the most specific first. */
const SHARED_BRANDS = [
  "Google Chrome",
  "Microsoft Edge",
  "Microsoft Edge WebView2",
  "Android WebView",
  "HeadlessChrome",
  "Chromium",
];

/** The names of browsers whose brand in client hints differs from their name. */
const BRAND_NAMES = new Map([
  ["Google Chrome", "Chrome"],
  ["Microsoft Edge", "Edge"],
  ["Microsoft Edge WebView2", "Edge WebView2"],
  ["Android WebView", "Chrome WebView"],
  ["HeadlessChrome", "Chrome Headless"],
  ["YaBrowser", "Yandex"],
]);

/** Browsers whose phone versions have the same name but are other browsers: the system is added to that name. */
const SAME_ON_PHONES = ["Chrome", "Edge", "Firefox", "Opera"];

/** The browsers of televisions and consoles, by system: their user agents name only the engine. */
const SYSTEM_BROWSERS = new Map([
  ["webOS", "LG Browser"],
  ["Tizen", "Samsung Internet"],
  ["PlayStation", "PlayStation Browser"],
  ["Nintendo", "Nintendo Browser"],
]);

/** Platform names in client hints that take precedence over the user agent, with their user agent names. */
const SYSTEMS = new Map([
  ["Android", "Android"],
  ["Chrome OS", "Chromium OS"],
  ["Chromium OS", "Chromium OS"],
  ["macOS", "Mac OS"],
  ["Windows", "Windows"],
]);

const DESKTOPS = new Map([
  ["Windows", "Windows PC"],
  ["Mac OS", "Mac"],
  ["Chromium OS", "Chromebook"],
]);

/** Parses a user agent. The library comes without types. */
const parse: (agent: string) => {
  browser: { name?: string };
  os: { name?: string };
  device: { vendor?: string; model?: string; type?: string };
} = UAParser;

const cache = new LRUCache<string, Device>({ max: MAX_CACHED });

/**
 * Reads a browser's and a device's names, from client hints where there are any and from the user agent otherwise.
 * Unknown names are `null`. Never throws, whatever a client sends.
 *
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) " +
 *   "Chrome/141.0.0.0 Safari/537.36";
 * assert.deepEqual(readDevice(windows), {
 *   browser_name: "Chrome",
 *   device_name: "Windows PC",
 *   device_type: "desktop",
 * });
 * assert.equal(readDevice(windows, { brands: [{ brand: "Brave" }] }).browser_name, "Brave");
 * ```
 */
export function readDevice(userAgent: string, hints: ClientHints = {}): Device {
  const agent = userAgent.slice(0, USER_AGENT_LENGTH);
  const brands = hints.brands?.slice(0, BRANDS).map(({ brand }) => trimName(brand)) ?? [];
  // The model is inserted into a user agent, where these characters are delimiters.
  const model = trimName(hints.model ?? "").replace(/[();]/g, "");
  const platform = trimName(hints.platform ?? "");
  const key = JSON.stringify([agent, brands, hints.mobile, platform, model]);
  let device = cache.get(key);
  if (!device) {
    // A copy, since V8 keeps a whole string in memory as long as a slice of it is referenced.
    device = Object.freeze(structuredClone(recognise(agent, brands, hints.mobile ?? false, platform, model)));
    cache.set(key, device);
  }
  return device;
}

function recognise(
  agent: string,
  brands: string[],
  mobile: boolean,
  platform: string,
  model: string,
): Device {
  const bot = /([\w-]{0,30}(?:bot|spider|crawler))\//i.exec(agent);
  if (bot) return { browser_name: trimName(bot[1]), device_name: null, device_type: null };

  const isPad = model === "iPad";
  const found = parse(agent);
  const { vendor, model: foundModel, type } = isPad
    ? { vendor: "Apple", model, type: "tablet" }
    // Chrome's own user agent does not name the model; the library finds models by their position in a user agent.
    : platform === "Android" && model
    ? parse(androidAgent(model, mobile)).device
    : found.device;
  const system = isPad ? "iOS" : SYSTEMS.get(platform) ?? found.os.name ?? "";

  const isTv = type === "smarttv" || system === "webOS" && /smarttv|webos\.tv/i.test(agent);
  const device = isTv
    ? { device_name: tvName(system, vendor, foundModel), device_type: "smarttv" }
    : type
    ? { device_name: deviceName(system, vendor, foundModel, type), device_type: type }
    : desktop(system, agent);
  return { browser_name: browserName(brands, found.browser.name, system, device.device_type), ...device };
}

function androidAgent(model: string, mobile: boolean): string {
  return `Mozilla/5.0 (Linux; Android 10; ${model}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 ` +
    `${mobile ? "Mobile " : ""}Safari/537.36`;
}

function browserName(brands: string[], found: string | undefined, system: string, type: string | null) {
  const brand = brands.find((brand) => brand && !isNoBrand(brand) && !SHARED_BRANDS.includes(brand)) ??
    SHARED_BRANDS.find((brand) => brands.includes(brand));
  const name = brand ? BRAND_NAMES.get(brand) ?? brand : trimName(found ?? "");
  if (!name) return null;
  if (type === "console" || type === "smarttv") return SYSTEM_BROWSERS.get(system) ?? name;
  if (system === "iOS" && name === "Safari") return "Mobile Safari";
  if (system === "iOS" && SAME_ON_PHONES.includes(name)) return `${name} iOS`;
  if (system === "Android" && SAME_ON_PHONES.includes(name)) return `${name} Mobile`;
  return name;
}

/** Browsers add a meaningless brand such as `Not;A=Brand`, with varying punctuation, lest sites rely on the list. */
function isNoBrand(brand: string): boolean {
  return /^notabrand$/i.test(brand.replace(/[^a-z]/gi, ""));
}

function deviceName(system: string, vendor: string | undefined, model: string | undefined, type: string) {
  // Chrome writes K for every model (https://www.chromium.org/updates/ua-reduction/).
  const name = trimName(model ?? "");
  if (name === "" || name === "K") {
    if (vendor) return vendor;
    return type === "mobile" || type === "tablet"
      ? `${system} ${type === "mobile" ? "phone" : type}`.trim()
      : null;
  }
  // A model code, or "Switch", means little without the name of the vendor.
  const needsVendor = vendor === "Nintendo" || !/[a-z]/.test(name);
  return vendor && needsVendor && !name.startsWith(vendor) ? `${vendor} ${name}` : name;
}

function tvName(system: string, vendor: string | undefined, model: string | undefined): string {
  if (system === "webOS") return "LG webOS TV";
  if (system === "Tizen") return "Samsung TV";
  if (vendor === "Amazon") return "Fire TV";
  return model ? deviceName(system, vendor, model, "smarttv")! : `${vendor ?? "Smart"} TV`;
}

function desktop(system: string, agent: string): Omit<Device, "browser_name"> {
  const name = DESKTOPS.get(system) ??
    (system.endsWith("BSD") ? `${system} PC` : /X11|Linux/.test(agent) ? "Linux PC" : null);
  return { device_name: name, device_type: name && "desktop" };
}

/** Removes control characters and limits the length, so that the text can be stored and shown as a name. */
function trimName(text: string): string {
  return text.slice(0, NAME_LENGTH).toWellFormed().replace(/\p{Cc}/gu, "").trim();
}
