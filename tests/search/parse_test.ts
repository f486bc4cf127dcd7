import assert from "node:assert/strict";
import fc from "fast-check";
import { EMAIL_ATTRIBUTES, parseSearch, type SearchPart, TEXT_ATTRIBUTES } from "../../src/search/parse.ts";
import type { AttributeName } from "../../src/visitor/visitor.ts";

const NOBODY: SearchPart = { kind: "nobody" };
const ip = (address: string): SearchPart => ({ kind: "ip", address });
const id = (value: string): SearchPart => ({ kind: "unique_id", value });
const code = (digits: string): SearchPart => ({ kind: "code", digits, inLookupCode: true });
const tag = (value: string): SearchPart => ({ kind: "tag", tag: value });
const url = (value: string): SearchPart => ({ kind: "url", text: value });
const integration = (value: string): SearchPart => ({ kind: "integration_id", value });
const online = (value: boolean): SearchPart => ({ kind: "online", online: value });
const email = (address: string): SearchPart => ({ kind: "email", address, attributes: EMAIL_ATTRIBUTES });
const text = (folded: string, shortId = folded): SearchPart => ({
  kind: "text",
  text: folded,
  shortId,
  attributes: TEXT_ATTRIBUTES,
  inUrl: true,
});

/** Each table: what is typed, and the parts it is understood as. */
const TABLES: Record<string, [q: string, parts: SearchPart[]][]> = {
  "An operator finds by its attribute": [
    ["online", [online(true)]],
    ["-online", [online(false)]],
    ["ip:1.1.1.1", [ip("1.1.1.1")]],
    ["ip:2001:DB8:0:0::1", [ip("2001:db8::1")]],
    ["ip:::ffff:1.2.3.4", [ip("1.2.3.4")]],
    ["ip:1.1.1", [ip("1.1.1")]],
    ["id:user123", [id("user123")]],
    ["id:User 123", [id("User"), text("123")]],
    ["id:jane@acme.com", [id("jane@acme.com")]],
    ["id:id:x", [id("id:x")]],
    ["id:#x", [id("#x")]],
    ["1234", [code("1234")]],
    ["0000", [code("0000")]],
    ["#client", [tag("#client")]],
    ["#Café", [tag("#café")]],
    ["##client", [tag("##client")]],
    ["#1234", [tag("#1234")]],
    ["#a@b.cd", [tag("#a@b.cd")]],
    ["integration_id:acmechat:1234", [integration("acmechat:1234")]],
    ["url:pricing", [url("pricing")]],
    ["url:https://acme.com/Café", [url("https://acme.com/cafe")]],
  ],
  "An operator without a value finds nobody": [
    ["#", [NOBODY]],
    ["ip:", [NOBODY]],
    ["id:", [NOBODY]],
    ["integration_id:", [NOBODY]],
    ["url:", [NOBODY]],
    ['id:""', [NOBODY]],
    ['#""', [NOBODY]],
    ['id:"', [NOBODY]],
    ["id: user123", [NOBODY, text("user123")]],
  ],
  "Operator names are lower case, anything else is text": [
    ["Online", [text("online", "Online")]],
    ["ONLINE", [text("online", "ONLINE")]],
    ["-Online", [text("-online", "-Online")]],
    ["ID:user123", [text("id:user123", "ID:user123")]],
    ["Ip:1.1.1.1", [text("ip:1.1.1.1", "Ip:1.1.1.1")]],
    ["URL:pricing", [text("url:pricing", "URL:pricing")]],
    ["online:", [text("online:")]],
    ["xid:1", [text("xid:1")]],
    ["unique_id:1", [text("unique_id:1")]],
    ["-id:1", [text("-id:1")]],
    ["--online", [text("--online")]],
    ["＃client", [text("#client", "＃client")]],
  ],
  "Only four ASCII digits make a lookup code": [
    ["123", [text("123")]],
    ["12345", [text("12345")]],
    ["１２３４", [text("1234", "１２３４")]],
    ["١٢٣٤", [text("١٢٣٤")]],
    ["12.4", [text("12.4")]],
    ["-123", [text("-123")]],
    ["1e10", [text("1e10")]],
    ["²345", [text("2345", "²345")]],
    ["1234\n", [code("1234")]],
    ["1234 5678", [code("1234"), code("5678")]],
    ['12"34"', [code("1234")]],
  ],
  "An e-mail address is found as one, letter case aside": [
    ["jane@acme.com", [email("jane@acme.com")]],
    ["Jane.Doe+tag@ACME.co.uk", [email("jane.doe+tag@acme.co.uk")]],
    ["o'neill_{x}~!$%&*/=?^`|@acme.com", [email("o'neill_{x}~!$%&*/=?^`|@acme.com")]],
    ["jürgen@müller.de", [email("jürgen@müller.de")]],
    ["иван@пример.рф", [email("иван@пример.рф")]],
    ["JÜRGEN@MÜLLER.DE", [email("jürgen@müller.de")]],
    ["-online@acme.com", [email("-online@acme.com")]],
    ["1234@acme.com", [email("1234@acme.com")]],
  ],
  "What is no whole e-mail address is text": [
    ["@acme.com", [text("@acme.com")]],
    ["jane@", [text("jane@")]],
    ["jane@acme", [text("jane@acme")]],
    ["jane@acme.", [text("jane@acme.")]],
    ["jane@.com", [text("jane@.com")]],
    ["jane@acme..com", [text("jane@acme..com")]],
    ["jane@acme.com,", [text("jane@acme.com,")]],
    ["jane@@acme.com", [text("jane@@acme.com")]],
    ["<jane@acme.com>", [text("<jane@acme.com>")]],
    ["mailto:jane@acme.com", [text("mailto:jane@acme.com")]],
    ["@", [text("@")]],
  ],
  "White space separates, however much of it and whichever": [
    ["online #vip", [online(true), tag("#vip")]],
    ["  jane \t\n doe  ", [text("jane"), text("doe")]],
    ["jane\u00a0doe", [text("jane"), text("doe")]],
    ["jane\u3000doe\u2003x", [text("jane"), text("doe"), text("x")]],
    ["jane\ufeffdoe", [text("jane"), text("doe")]],
    ["online online", [online(true), online(true)]],
    ["online -online", [online(true), online(false)]],
  ],
  "Double quotes keep words together, and what begins with one is text": [
    ['"jane doe"', [text("jane doe")]],
    ['"online"', [text("online")]],
    ['"#vip"', [text("#vip")]],
    ['"1234"', [text("1234")]],
    ['"id:7"', [text("id:7")]],
    ['"jane@acme.com"', [text("jane@acme.com")]],
    ['"jane"doe', [text("janedoe")]],
    ['""online', [text("online")]],
    ['""1234', [text("1234")]],
    ['ja"ne d"oe', [text("jane doe")]],
    ['id:"a b"', [id("a b")]],
    ['id:a" "b', [id("a b")]],
    ['#"big client"', [tag("#big client")]],
    ['url:"a b"', [url("a b")]],
    ['i"d:7"', [id("7")]],
    ['"a""b"', [text("ab")]],
    ['"a" "b"', [text("a"), text("b")]],
    ['"Łódź  New"', [text("lodz  new", "Łódź  New")]],
    ["'jane doe'", [text("'jane"), text("doe'")]],
    ["“jane doe”", [text("“jane"), text("doe”")]],
  ],
  "An unclosed quote runs to the end": [
    ['"jane doe', [text("jane doe")]],
    ['id:"a b', [id("a b")]],
    ['jane "doe online', [text("jane"), text("doe online")]],
    ['"a" "b c', [text("a"), text("b c")]],
    ['"jane doe ', [text("jane doe ")]],
  ],
  "An empty part is ignored; where none is left nothing was asked": [
    ["", []],
    [" ", []],
    ["\t\r\n\u00a0", []],
    ['""', []],
    ['"', []],
    ['"" ""', []],
    [' "" " ', [text(" ")]],
    ['"" jane ""', [text("jane")]],
    ["\u0301", []],
    ["\u0301\u0302 jane", [text("jane")]],
  ],
  "Punctuation is literal": [
    ["[x]*.?", [text("[x]*.?")]],
    ["$gt", [text("$gt")]],
    ['{"$gt":1}', [text("{$gt:1}", "{$gt:1}")]],
    ["%_'; DROP", [text("%_';"), text("drop", "DROP")]],
    ["a\\", [text("a\\")]],
    ["(", [text("(")]],
    ["*", [text("*")]],
    ["-", [text("-")]],
    ["NEAR(a,b)", [text("near(a,b)", "NEAR(a,b)")]],
  ],
  "Control characters are characters": [
    ["a\0b", [text("a\0b")]],
    ["\0", [text("\0")]],
    ["id:a\0b", [id("a\0b")]],
    ["#\0", [tag("#\0")]],
    ["a\u0001\u001b\u007fb", [text("a\u0001\u001b\u007fb")]],
    ["a\u200bb", [text("a\u200bb")]],
    ["a\u202eb", [text("a\u202eb")]],
  ],
  "Text is folded, and kept as it is for the short id": [
    ["Müller", [text("muller", "Müller")]],
    ["ŁÓDŹ", [text("lodz", "ŁÓDŹ")]],
    ["STRASSE", [text("strasse", "STRASSE")]],
    ["Straße", [text("strasse", "Straße")]],
    ["aB3", [text("ab3", "aB3")]],
    ["東京", [text("東京")]],
    ["👩‍💻", [text("👩‍💻")]],
  ],
};

for (const [sentence, rows] of Object.entries(TABLES)) {
  Deno.test(sentence, () => {
    for (const [q, parts] of rows) assert.deepEqual(parseSearch(q), parts, JSON.stringify(q));
  });
}

Deno.test("The attributes of text and of an e-mail address are the contract's", () => {
  assert.deepEqual(EMAIL_ATTRIBUTES, ["email", "unique_id", "identities"]);
  assert.deepEqual(
    TEXT_ATTRIBUTES,
    "identities unique_id email name nickname call_name location_city location_country_name browser_name device_name"
      .split(" "),
  );
});

Deno.test("What is hidden cannot be searched: its operator finds nobody", () => {
  const verdicts: [hidden: AttributeName, q: string, hiddenParts: SearchPart[]][] = [
    ["ip_address", "ip:1.1.1.1", [NOBODY]],
    ["unique_id", "id:user123", [NOBODY]],
    ["integration_ids", "integration_id:a:1", [NOBODY]],
    ["last_url", "url:pricing", [NOBODY]],
    ["tags", "#client", [NOBODY]],
    ["is_online", "online", [NOBODY]],
    ["is_online", "-online", [NOBODY]],
    ["tags", "#client jane", [NOBODY, text("jane")]],
    ["lookup_code", "1234", [{ kind: "code", digits: "1234", inLookupCode: false }]],
  ];
  for (const [hidden, q, parts] of verdicts) {
    assert.deepEqual(parseSearch(q, new Set([hidden])), parts, `${hidden} ${q}`);
    assert.notDeepEqual(parseSearch(q, new Set(["sdk" as const])), parts, "only what is hidden is left out");
  }
});

Deno.test("Text and e-mail addresses skip what is hidden", () => {
  for (const name of [...TEXT_ATTRIBUTES, "last_url" as const]) {
    assert.deepEqual(parseSearch("jane", new Set([name])), [{
      ...text("jane"),
      attributes: TEXT_ATTRIBUTES.filter((other) => other !== name),
      inUrl: name !== "last_url",
    }]);
  }
  const [part] = parseSearch("jane@acme.com", new Set(["email", "identities"] as const));
  assert.deepEqual(part, { kind: "email", address: "jane@acme.com", attributes: ["unique_id"] });
});

Deno.test("256 characters of anything are parsed, into parts of known kinds", () => {
  const kinds = "nobody online ip unique_id code tag integration_id url email text".split(" ");
  const pieces = fc.constantFrom(
    '"',
    " ",
    "#",
    "id:",
    "ip:",
    "url:",
    "integration_id:",
    "online",
    "-",
    "@",
    ".",
    "1234",
  );
  const typed = fc.oneof(
    fc.string({ unit: "binary", maxLength: 256 }),
    fc.string({ unit: "grapheme", maxLength: 256 }),
    fc.array(fc.oneof(pieces, fc.string({ unit: "binary", maxLength: 3 })), { maxLength: 85 }).map((all) =>
      all.join("")
    ),
    fc.array(fc.nat(0xffff), { maxLength: 256 }).map((units) => String.fromCharCode(...units)),
  );
  fc.assert(
    fc.property(typed, (q) => {
      for (const part of parseSearch(q)) {
        assert.ok(kinds.includes(part.kind));
        if (part.kind === "text") assert.notEqual(part.text, "");
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("What is in quotes is one text part, whatever it is", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", minLength: 1 }), (typed) => {
    const words = typed.replaceAll('"', "");
    const parts = parseSearch(`"${words}"`);
    assert.ok(parts.length <= 1);
    for (const part of parts) assert.ok(part.kind === "text" && part.shortId === words);
  }));
});
