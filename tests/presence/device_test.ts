import assert from "node:assert/strict";
import fc from "fast-check";
import { type ClientHints, readDevice } from "../../src/presence/device.ts";

type Names = [browser_name: string | null, device_name: string | null, device_type: string | null];

const NOTHING: Names = [null, null, null];

// deno-fmt-ignore
const USER_AGENTS: [userAgent: string, ...Names][] = [
  // Phones.
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1", "Mobile Safari", "iPhone", "mobile"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1", "Chrome iOS", "iPhone", "mobile"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 14_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/127.0 Mobile/15E148 Safari/605.1.15", "Firefox iOS", "iPhone", "mobile"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 EdgiOS/126.0.2592.56 Mobile/15E148 Safari/604.1", "Edge iOS", "iPhone", "mobile"],
  ["Mozilla/5.0 (iPod touch; CPU iPhone OS 12_5_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1", "Mobile Safari", "iPod touch", "mobile"],
  ["Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36", "Chrome Mobile", "Android phone", "mobile"],
  ["Mozilla/5.0 (Linux; Android 14; Pixel 8 Pro) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.144 Mobile Safari/537.36", "Chrome Mobile", "Pixel 8 Pro", "mobile"],
  ["Mozilla/5.0 (Linux; Android 13; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/112.0.0.0 Mobile Safari/537.36", "Chrome Mobile", "Samsung SM-S918B", "mobile"],
  ["Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36", "Samsung Internet", "Samsung SM-S921B", "mobile"],
  ["Mozilla/5.0 (Linux; Android 13; M2101K6G) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36", "Chrome Mobile", "Xiaomi M2101K6G", "mobile"],
  ["Mozilla/5.0 (Linux; Android 13; CPH2451) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36", "Chrome Mobile", "OPPO CPH2451", "mobile"],
  ["Mozilla/5.0 (Linux; Android 12; moto g stylus 5G) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36", "Chrome Mobile", "moto g stylus 5G", "mobile"],
  ["Mozilla/5.0 (Linux; Android 10; VOG-L29) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36", "Chrome Mobile", "Huawei VOG-L29", "mobile"],
  ["Mozilla/5.0 (Linux; Android 10; Redmi Note 8 Pro) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36", "Chrome Mobile", "Redmi Note 8 Pro", "mobile"],
  ["Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox Mobile", "Android phone", "mobile"],
  ["Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A.240105.004; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0.6099.144 Mobile Safari/537.36", "Chrome WebView", "Pixel 8", "mobile"],
  ["Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 [FBAN/FBIOS;FBAV/468.0.0.37.105;FBBV/606868284;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSV/17.5.1;FBSS/3;FBID/phone;FBLC/de_DE;FBOP/5]", "Facebook", "iPhone", "mobile"],
  ["Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Microsoft; Lumia 950) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/52.0.2743.116 Mobile Safari/537.36 Edge/15.15063", "Edge", "Lumia 950", "mobile"],
  // Tablets. Safari on an iPad says that it is a Mac, and cannot be distinguished from one.
  ["Mozilla/5.0 (iPad; CPU OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1", "Mobile Safari", "iPad", "tablet"],
  ["Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "Chrome Mobile", "Android tablet", "tablet"],
  ["Mozilla/5.0 (Linux; Android 13; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/23.0 Chrome/115.0.0.0 Safari/537.36", "Samsung Internet", "Samsung SM-X710", "tablet"],
  ["Mozilla/5.0 (Android 14; Tablet; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox Mobile", "Android tablet", "tablet"],
  ["Mozilla/5.0 (Linux; Android 9; KFMAWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/112.4.1 like Chrome/112.0.5615.213 Safari/537.36", "Silk", "Amazon KFMAWI", "tablet"],
  // Desktops.
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4.1 Safari/605.1.15", "Safari", "Mac", "desktop"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "Chrome", "Mac", "desktop"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "Mac", "desktop"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "Chrome", "Windows PC", "desktop"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0", "Edge", "Windows PC", "desktop"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 OPR/110.0.0.0", "Opera", "Windows PC", "desktop"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "Windows PC", "desktop"],
  ["Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; AS; rv:11.0) like Gecko", "IE", "Windows PC", "desktop"],
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "Chrome", "Linux PC", "desktop"],
  ["Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "Linux PC", "desktop"],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "Linux PC", "desktop"],
  ["Mozilla/5.0 (X11; Ubuntu; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Ubuntu Chromium/80.0.3987.87 Chrome/80.0.3987.87 Safari/537.36", "Chromium", "Linux PC", "desktop"],
  ["Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", "Chrome", "Chromebook", "desktop"],
  ["Mozilla/5.0 (X11; FreeBSD amd64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "FreeBSD PC", "desktop"],
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36", "Chrome Headless", "Linux PC", "desktop"],
  // Consoles.
  ["Mozilla/5.0 (PlayStation 4 11.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15", "PlayStation Browser", "PlayStation 4", "console"],
  ["Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15", "PlayStation Browser", "PlayStation 5", "console"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edge/44.18363.8131", "Edge", "Xbox One", "console"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98.0.4758.102 Safari/537.36 Edg/98.0.1108.62", "Edge", "Xbox", "console"],
  ["Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 (KHTML, like Gecko) NF/6.0.2.21.3 NintendoBrowser/5.1.0.22474", "Nintendo Browser", "Nintendo Switch", "console"],
  // Televisions.
  ["Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/87.0.4280.88 Safari/537.36 WebAppManager", "LG Browser", "LG webOS TV", "smarttv"],
  ["Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0.4606.128 Safari/537.36 LG Browser/8.00.00(LGE; 55UQ75006LF; 04.40.16; 1; DTV_W22H); webOS.TV-2022; LG NetCast.TV-2013 Compatible (LGE, 55UQ75006LF, wireless)", "LG Browser", "LG webOS TV", "smarttv"],
  ["Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.5) AppleWebKit/537.36 (KHTML, like Gecko) 85.0.4183.93/6.5 TV Safari/537.36", "Samsung Internet", "Samsung TV", "smarttv"],
  ["Mozilla/5.0 (SMART-TV; Linux; Tizen 5.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/2.2 Chrome/63.0.3239.84 TV Safari/537.36", "Samsung Internet", "Samsung TV", "smarttv"],
  ["Mozilla/5.0 (Linux; Android 9; AFTT Build/PS7223; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/70.0.3538.110 Mobile Safari/537.36", "Chrome WebView", "Fire TV", "smarttv"],
  ["Mozilla/5.0 (Linux; Android 12; BRAVIA VH2 Build/STT2.220929.001) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/110.0.0.0 Safari/537.36", "Chrome", "Sony BRAVIA VH2", "smarttv"],
  // A watch, and a car.
  ["Mozilla/5.0 (Linux; Tizen 2.3; SAMSUNG SM-R600) AppleWebKit/537.3 (KHTML, like Gecko) SamsungBrowser/1.1 Mobile Safari/537.3", "Samsung Internet", "Samsung SM-R600", "wearable"],
  ["Mozilla/5.0 (Linux; Android 11; SM-R890) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/16.0 Chrome/92.0.4515.166 Mobile Safari/537.36", "Samsung Internet", "Samsung SM-R890", "wearable"],
  ["Mozilla/5.0 (X11; Linux x86_64; Quest 3) AppleWebKit/537.36 (KHTML, like Gecko) OculusBrowser/33.0 Chrome/126.0.0.0 VR Safari/537.36", "Oculus Browser", "Quest 3", "wearable"],
  ["Mozilla/5.0 (X11; GNU/Linux) AppleWebKit/537.36 (KHTML, like Gecko) Chromium/79.0.3945.130 Chrome/79.0.3945.130 Safari/537.36 Tesla/2020.16.2.1-e99c70fff409", "Tesla", "Tesla", "embedded"],
  // Bots, and user agents without a device.
  ["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", null, null],
  ["Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.126 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot", null, null],
  ["Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36", "bingbot", null, null],
  ["curl/8.5.0", null, null,null],
  ["", ...NOTHING],
  [" ", ...NOTHING],
  ["constructor", ...NOTHING],
  ["{}", ...NOTHING],
  ["Mozilla/5.0", ...NOTHING],
  ["../../etc/passwd", ...NOTHING],
  ["\u0000\ud800\u202e", ...NOTHING],
  ["👩‍💻", ...NOTHING],
];

for (const [userAgent, ...names] of USER_AGENTS) {
  Deno.test(`${JSON.stringify(userAgent)} is ${names.join(", ")}`, () => {
    assert.deepEqual(namesOf(userAgent), names);
  });
}

const WINDOWS =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const MAC =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const LINUX =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
const ANDROID =
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36";
const ANDROID_TABLET = ANDROID.replace("Mobile ", "");
const SAFARI =
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15";
const XBOX = WINDOWS.replace("x64)", "x64; Xbox; Xbox Series X)") + " Edg/141.0.0.0";

const windows = (...brands: string[]) => ({ brands: named(brands), mobile: false, platform: "Windows" });
const phone = (model: string, ...brands: string[]) => ({
  brands: named(brands),
  mobile: true,
  platform: "Android",
  platformVersion: "14.0.0",
  model,
});
const tablet = (model: string, ...brands: string[]) => ({ ...phone(model, ...brands), mobile: false });

/** User agents with client hints that say more. */
const HINTS: [userAgent: string, hints: ClientHints, ...Names][] = [
  // Brands in any order, and with any punctuation of the meaningless one.
  [WINDOWS, windows("Chromium", "Google Chrome", "Not;A=Brand"), "Chrome", "Windows PC", "desktop"],
  [WINDOWS, windows(" Not A;Brand", "Google Chrome", "Chromium"), "Chrome", "Windows PC", "desktop"],
  [WINDOWS, windows("(Not(A:Brand", "Chromium", "Microsoft Edge"), "Edge", "Windows PC", "desktop"],
  [WINDOWS, windows("Not_A Brand", "Chromium", "Opera"), "Opera", "Windows PC", "desktop"],
  [WINDOWS, windows("Not.A/Brand", "Brave", "Chromium"), "Brave", "Windows PC", "desktop"],
  [
    WINDOWS,
    windows("Chromium", "Vivaldi", "Google Chrome", "Not?A_Brand"),
    "Vivaldi",
    "Windows PC",
    "desktop",
  ],
  [WINDOWS, windows("Chromium", "YaBrowser", "Not/A)Brand", "Yowser"), "Yandex", "Windows PC", "desktop"],
  [
    WINDOWS,
    windows("Not)A;Brand", "DuckDuckGo", "Microsoft Edge", "Chromium"),
    "DuckDuckGo",
    "Windows PC",
    "desktop",
  ],
  [WINDOWS, windows("Not:A-Brand", "Chromium"), "Chromium", "Windows PC", "desktop"],
  [WINDOWS, windows("Not:A-Brand"), "Chrome", "Windows PC", "desktop"],
  [WINDOWS, windows("constructor"), "constructor", "Windows PC", "desktop"],
  [
    LINUX,
    { brands: named(["HeadlessChrome", "Chromium"]), platform: "Linux" },
    "Chrome Headless",
    "Linux PC",
    "desktop",
  ],
  // Phones and tablets, which Chrome's own user agents hide.
  [ANDROID, phone("Pixel 9", "Google Chrome", "Chromium"), "Chrome Mobile", "Pixel 9", "mobile"],
  [
    ANDROID,
    phone("SM-S921B", "Samsung Internet", "Chromium"),
    "Samsung Internet",
    "Samsung SM-S921B",
    "mobile",
  ],
  [ANDROID, phone("SM-S921B", "Microsoft Edge", "Chromium"), "Edge Mobile", "Samsung SM-S921B", "mobile"],
  [ANDROID, phone("CPH2451", "Opera", "Chromium"), "Opera Mobile", "OPPO CPH2451", "mobile"],
  [ANDROID, phone("", "Brave", "Chromium"), "Brave", "Android phone", "mobile"],
  [ANDROID, phone("A phone); (iPad", "Brave", "Chromium"), "Brave", "A phone iPad", "mobile"],
  [ANDROID_TABLET, tablet("SM-X710", "Google Chrome"), "Chrome Mobile", "Samsung SM-X710", "tablet"],
  [ANDROID_TABLET, tablet("", "Google Chrome"), "Chrome Mobile", "Android tablet", "tablet"],
  [LINUX, tablet("Quest 3", "Oculus Browser", "Chromium"), "Oculus Browser", "Quest 3", "wearable"],
  // The SDK recognises an iPad by its number of touch points.
  [SAFARI, { model: "iPad", mobile: true }, "Mobile Safari", "iPad", "tablet"],
  [SAFARI, {}, "Safari", "Mac", "desktop"],
  // The platform, even if nothing else is known.
  [MAC, { brands: named(["Google Chrome"]), platform: "macOS", model: "" }, "Chrome", "Mac", "desktop"],
  ["", { brands: named(["Google Chrome"]), platform: "Chrome OS" }, "Chrome", "Chromebook", "desktop"],
  ["", { platform: "Windows" }, null, "Windows PC", "desktop"],
  ["", { platform: "constructor" }, ...NOTHING],
  [XBOX, windows("Microsoft Edge", "Chromium"), "Edge", "Xbox", "console"],
  // Hints without information.
  [WINDOWS, { brands: [], platform: "", model: "" }, "Chrome", "Windows PC", "desktop"],
  [WINDOWS, windows("", "  ", "\u0000"), "Chrome", "Windows PC", "desktop"],
  ["", { brands: [], mobile: true, platform: "", model: "" }, ...NOTHING],
];

for (const [userAgent, hints, ...names] of HINTS) {
  Deno.test(`${JSON.stringify(userAgent)} with ${JSON.stringify(hints)} is ${names.join(", ")}`, () => {
    assert.deepEqual(namesOf(userAgent, hints), names);
    assert.deepEqual(namesOf(userAgent, hints), names, "remembered");
  });
}

Deno.test("Names of browsers and devices are short text without control characters, whatever a web page sends", () => {
  const long = readDevice("", { brands: named(["A\u0000b\n\ud800".repeat(10_000)]) }).browser_name!;
  assert.ok(long.startsWith("Ab\ufffdAb") && long.length <= 64);
  const model = readDevice(ANDROID, phone("x\u0007".repeat(30_000))).device_name!;
  assert.equal(model, "x".repeat(32));
});

Deno.test("Only the beginning of a user agent is read, however long it is", () => {
  assert.deepEqual(namesOf(WINDOWS + " ".repeat(65_536) + "Edg/141.0"), ["Chrome", "Windows PC", "desktop"]);
  assert.deepEqual(namesOf(" ".repeat(65_536) + WINDOWS), NOTHING);
  for (
    const part of ["a", " ", "; ", "(", "Android ;", "bot", "sm-", "naver(", "opera tab ", "-", "\ud800"]
  ) {
    readDevice(part.repeat(65_536 / part.length));
  }
});

Deno.test("No user agent and no hints cause an error", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 600 }),
    fc.constantFrom(WINDOWS, ANDROID, SAFARI),
  );
  const hints = fc.record({
    brands: fc.array(fc.record({ brand: text, version: text }), { maxLength: 20 }),
    mobile: fc.boolean(),
    platform: fc.oneof(text, fc.constantFrom("Android", "Windows", "Linux")),
    model: text,
  }, { requiredKeys: [] });
  const types = [null, "desktop", "console", "mobile", "tablet", "smarttv", "wearable", "embedded"];
  fc.assert(fc.property(text, hints, (userAgent, hints) => {
    const [browser, device, type] = namesOf(userAgent, hints);
    assert.ok(types.includes(type));
    for (const name of [browser, device]) assert.ok(name === null || name !== "" && name.length <= 100);
  }));
});

function namesOf(userAgent: string, hints?: ClientHints): Names {
  const { browser_name, device_name, device_type } = readDevice(userAgent, hints);
  return [browser_name, device_name, device_type];
}

function named(brands: string[]): { brand: string; version: string }[] {
  return brands.map((brand) => ({ brand, version: "141" }));
}
