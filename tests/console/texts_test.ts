import assert from "node:assert/strict";
import { digitsOf } from "../../src/console/client/code_entry.js";
import { safeUrl } from "../../src/console/client/links.js";
import { parsePreferences } from "../../src/console/client/preferences.js";
import { readKey } from "../../src/console/client/keys.js";
import {
  fragmentOf,
  hasPart,
  partsOf,
  searchFor,
  searchOf,
  togglePart,
} from "../../src/console/client/search_parts.js";
import { piecesOf, plainText } from "../../src/console/client/shown_text.js";
import { freshness, iconName, titleText } from "../../src/console/client/summary.js";
import { durationText, urgencyOf, waitText } from "../../src/console/client/times.js";
import { detailOf, nameOf, pageText } from "../../src/console/client/who.js";

const visitor = (more: Record<string, unknown>) => ({ short_id: "aB3dE5fG7h", identities: [], ...more });

Deno.test("A visitor's display name is the most telling attribute, never a bare id", () => {
  const all = {
    name: "Ada Lovelace",
    nickname: "Ada",
    email: "ada@example.com",
    identities: ["Countess"],
    browser_name: "Chrome",
    location_city: "Köln",
    location_country_name: "Germany",
    unique_id: "user-1",
  };
  const names: string[] = [];
  const rest: Record<string, unknown> = { ...all };
  for (
    const taken of [
      "name",
      "nickname",
      "email",
      "identities",
      "location_city",
      "location_country_name",
      "browser_name",
    ]
  ) {
    names.push(nameOf(visitor(rest)));
    rest[taken] = taken === "identities" ? [] : taken === "nickname" ? "  " : null;
  }
  assert.deepEqual(names, [
    "Ada Lovelace",
    "Ada",
    "ada@example.com",
    "Countess",
    "Chrome, Köln",
    "Chrome, Germany",
    "Chrome",
  ]);
  assert.equal(nameOf(visitor({ location_city: "Köln" })), "Visitor, Köln");
  assert.equal(nameOf(visitor({})), "Unknown visitor");
  assert.equal(nameOf({ short_id: "x" }), "Unknown visitor", "hidden attributes are absent");
  assert.equal(detailOf(visitor(all)), "ada@example.com");
  assert.equal(detailOf(visitor({ email: "a@b.c" })), "");
  assert.equal(detailOf(visitor({ name: "Ada", identities: ["Ada", "Acme"] })), "Acme");
});

Deno.test("A web page is shown as its path, and any other text unchanged", () => {
  for (
    const [url, text] of [
      ["https://acme.com/pricing", "/pricing"],
      ["https://acme.com", "/"],
      ["https://acme.com/caf%C3%A9?q=a%20b#c", "/café?q=a b"],
      ["https://acme.com/%E0%A4%A", "/%E0%A4%A"],
      ["javascript:alert(1)", "javascript:alert(1)"],
      ["nothing", "nothing"],
      [null, ""],
    ]
  ) assert.equal(pageText(url), text);
});

Deno.test("Only http and https URLs are links", () => {
  for (
    const given of [
      "javascript:alert(1)",
      "JavaScript:alert(1)",
      " javascript:alert(1)",
      "java\nscript:alert(1)",
      "data:text/html,x",
      "vbscript:x",
      "blob:https://acme.com/1",
      "//acme.com",
      "/path",
      "https:acme.com",
      "ftp://acme.com",
      "acme.com",
      "",
      null,
      7,
    ]
  ) assert.equal(safeUrl(given), null, String(given));
  assert.equal(safeUrl("https://acme.com/a?b#c"), "https://acme.com/a?b#c");
  assert.equal(safeUrl("HTTP://acme.com"), "http://acme.com/");
});

Deno.test("Hidden characters are shown by their names, and a row leaves them out", () => {
  const shown = (text: string) =>
    piecesOf(text).map(({ text, isHidden }) => isHidden ? `[${text}]` : text).join("");
  for (
    const [text, expected, plain] of [
      ["Ada", "Ada", "Ada"],
      ["\u202eevil\u202c", "[RLO]evil[PDF]", "evil"],
      ["a\u0000b\u0007", "a[NUL]b[U+0007]", "ab"],
      ["a\tb\nc", "a[TAB]b[LF]c", "a b c"],
      ["pay\u200bpal\u2066\u2069\ufeff", "pay[ZWSP]pal[LRI][PDI][BOM]", "paypal"],
      ["\u{e0041}x", "[U+E0041]x", "x"],
      ["👩‍👩‍👧 é", "👩‍👩‍👧 é", "👩‍👩‍👧 é"],
      ["a\u200db", "a[ZWJ]b", "ab"],
      ["שלום", "שלום", "שלום"],
    ]
  ) {
    assert.equal(shown(text), expected);
    assert.equal(plainText(text), plain);
  }
});

Deno.test("Times and durations are shown in a short form", () => {
  const minutes = (count: number) => count * 60_000;
  for (
    const [ms, wait, duration, urgency] of [
      [-5, "0:00", "0 s", "fresh"],
      [7_900, "0:07", "7 s", "fresh"],
      [minutes(2) - 1, "1:59", "1 min", "fresh"],
      [minutes(2), "2:00", "2 min", "amber"],
      [minutes(5) - 1, "4:59", "4 min", "amber"],
      [minutes(5), "5:00", "5 min", "red"],
      [minutes(125), "2:05:00", "2 h 5 min", "red"],
      [minutes(120), "2:00:00", "2 h", "red"],
      [minutes(60 * 49), "49:00:00", "2 d", "red"],
    ] as [number, string, string, string][]
  ) assert.deepEqual([waitText(ms), durationText(ms), urgencyOf(ms)], [wait, duration, urgency]);
});

Deno.test("The status says how current the list is", () => {
  const at = Date.parse("2026-01-01T10:42:00Z");
  const text = (state: "loading" | "live" | "lost", age: number) =>
    freshness({ state, at, code: "", message: "", waitUntil: null }, at + age);
  assert.deepEqual(text("loading", 0), { kind: "loading", text: "Connecting" });
  assert.deepEqual(text("live", 16_000), { kind: "live", text: "Live" });
  assert.equal(text("lost", 2_000).text, "Live", "a connection that is opened anew at once was not lost");
  assert.deepEqual(text("lost", 3_000), { kind: "old", text: "3 s old" });
  assert.match(text("lost", 61_000).text, /^Not connected since .*42/);
  assert.equal(titleText({ online: 41, waiting: 2 }, true), "(2) 41 online · Foyer");
  assert.equal(titleText({ online: 41, waiting: 0 }, true), "41 online · Foyer");
  assert.equal(titleText({ online: 41, waiting: 0 }, false), "Not connected · Foyer");
  assert.deepEqual([0, 9, 10].map((count) => iconName(count, true)), ["0.svg", "9.svg", "more.svg"]);
  assert.equal(iconName(3, false), "away.svg");
});

Deno.test("Any search can be stored in the URL's fragment", () => {
  for (const q of ["müller #vip", 'url:"a b" -online', "100% & more + #?=", "日本", "\ud800"]) {
    assert.equal(searchOf(fragmentOf(q)), q.toWellFormed());
  }
  assert.equal(fragmentOf("  "), "");
  assert.equal(searchOf(""), "");
  assert.equal(searchOf("#other=1"), "");
});

Deno.test("A chip adds its part to the search, and removes it", () => {
  assert.deepEqual(partsOf(' a "b c" id:"d e" #f "g'), ["a", '"b c"', 'id:"d e"', "#f", '"g']);
  assert.equal(togglePart("ada", "#vip"), "ada #vip");
  assert.equal(togglePart("ada #VIP", "#vip"), "ada");
  assert.equal(togglePart("-online ada", "online", ["-online"]), "ada online");
  assert.equal(hasPart("adа-online", "-online"), false);
  assert.equal(hasPart('"-online"', "-online"), false, "quoted it is text");
});

Deno.test("A search for a value is quoted if necessary", () => {
  for (
    const [operator, value, q] of [
      ["id:", "user-1", "id:user-1"],
      ["id:", "a b", 'id:"a b"'],
      ["", "ada@example.com", "ada@example.com"],
      ["", "#vip", '"#vip"'],
      ["", "url:x", '"url:x"'],
      ["", 'say "x"', '"say  x "'],
    ]
  ) assert.equal(searchFor(operator, value), q);
});

Deno.test("A lookup code may be typed in the digits of any script", () => {
  for (
    const [typed, digits] of [
      ["1234", "1234"],
      [" 12 34 ", "1234"],
      ["code: 0094.", "0094"],
      ["123456", "1234"],
      ["١٢٣٤", "1234"],
      ["۰۹", "09"],
      ["１２", "12"],
      ["𝟙𝟚", "12"],
      ["abc", ""],
    ]
  ) assert.equal(digitsOf(typed), digits, typed);
});

Deno.test("A text that a header cannot carry is no key", () => {
  assert.equal(readKey(" key with space\n"), "key with space");
  for (const given of ["", "  ", "schlüssel", "a\nb"]) assert.equal(readKey(given), null);
});

Deno.test("Missing or unusable stored preferences are replaced by the defaults", () => {
  const defaults = parsePreferences(null);
  assert.deepEqual(defaults.columns, ["page", "place", "device", "tags", "here"]);
  for (
    const stored of ["", "{", "null", "[]", "7", '{"columns":7,"density":"x"}', '{"columns":["nothing"]}']
  ) {
    assert.deepEqual(parsePreferences(stored), defaults, stored);
  }
  assert.deepEqual(
    parsePreferences('{"columns":["here","page","here"],"density":"compact","shortcuts":false}'),
    { columns: ["here", "page"], density: "compact", shortcuts: false },
  );
});
