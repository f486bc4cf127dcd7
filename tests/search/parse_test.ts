import assert from "node:assert/strict";
import fc from "fast-check";
import { parseSearch, type SearchPart, TEXT_ATTRIBUTES, type TextPart } from "../../src/search/parse.ts";
import { type OperatorName, OPERATORS } from "../../src/search/operators.ts";
import { plainText } from "../../src/search/normalise.ts";
import type { AttributeName } from "../../src/visitor/visitor.ts";

const NOBODY: SearchPart = { kind: "nobody" };
const value = (operator: OperatorName, value: string, typed?: string): SearchPart => ({
  kind: "value",
  operator,
  value,
  ...(typed === undefined ? {} : { typed }),
  attributes: OPERATORS[operator].attributes,
});
const ip = (address: string) => value("ip", address);
const id = (id: string, typed?: string) => value("unique_id", id, typed);
const code = (digits: string): SearchPart => ({ kind: "code", digits, inLookupCode: true });
const tag = (tag: string) => value("tag", tag);
const url = (value: string): SearchPart => ({ kind: "url", text: value });
const integration = (id: string, typed?: string) => value("integration_id", id, typed);
const online = (value: boolean): SearchPart => ({ kind: "online", online: value });
const email = (address: string) => value("email", address);
const phone = (digits: string, shortId = digits): TextPart => ({ ...text(digits, shortId), isPhone: true });
const text = (folded: string, shortId = folded): TextPart => ({
  kind: "text",
  text: folded,
  shortId,
  attributes: TEXT_ATTRIBUTES,
  inUrl: true,
});

/** Tables: the typed text, and the parts that it is parsed into. */
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
  "Pasted operators are understood like typed ones": [
    ["＃client", [tag("#client")]],
    ["#v\u200bi\u00adp", [tag("#vip")]],
    ["\u2066#vip\u2069", [tag("#vip")]],
    ["#İZMİR", [tag("#izmir")]],
    ["#ızmır", [tag("#izmir")]],
    ["on\u200bline", [online(true)]],
    ["\u2011online", [online(false)]],
    ["ip:1.1.1.1\u200b", [ip("1.1.1.1")]],
    ["ip：１.１.１.１", [ip("1.1.1.1")]],
    ["\u200eid:user123\u200e", [id("user123", "user123\u200e")]],
    ["id:O’Brien", [id("O'Brien", "O’Brien")]],
    ["ｉd：７", [id("7", "７")]],
    ["id:“a b”", [id("a b")]],
    ["integration_id:crm:٤٧", [integration("crm:47", "crm:٤٧")]],
    ["url:pri\u00adcing", [url("pricing")]],
    ["id:\u200b", [NOBODY]],
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
  ],
  "Four digits, with nothing else but operators, are a lookup code": [
    ["123", [text("123")]],
    ["12345", [text("12345")]],
    ["１２３４", [code("1234")]],
    ["١٢٣٤", [code("1234")]],
    ["۱۲۳۴", [code("1234")]],
    ["12\u200b34", [code("1234")]],
    ["\ufeff1234", [code("1234")]],
    ["\u202d1234\u202c", [code("1234")]],
    ["\u20661\u00ad234\u2069", [code("1234")]],
    ["12.4", [text("12.4")]],
    ["-123", [text("-123")]],
    ["1e10", [text("1e10")]],
    ["²345", [text("2345", "²345")]],
    ["1234\n", [code("1234")]],
    ['12"34"', [code("1234")]],
    ["1234 online", [code("1234"), online(true)]],
    ["#vip 1234 -online", [tag("#vip"), code("1234"), online(false)]],
    ["id:7 1234", [id("7"), code("1234")]],
    ["# 1234", [NOBODY, code("1234")]],
    ["ip:1.1.1.1 url:pricing 1234", [ip("1.1.1.1"), url("pricing"), code("1234")]],
    ['"" 1234 \u0301', [code("1234")]],
    // Beside text, four digits are text.
    ["summer 2026", [text("summer"), text("2026")]],
    ["2026 summer party", [text("2026"), text("summer"), text("party")]],
    ["2026 -", [text("2026"), text("-")]],
    ["1234 1234", [phone("1234"), phone("1234")]],
    ["1234 5678", [phone("1234"), phone("5678")]],
    ["1234 ada@acme.com", [text("1234"), email("ada@acme.com")]],
    ['1234 "5678"', [text("1234"), text("5678")]],
    ["1234 Online", [text("1234"), text("online", "Online")]],
  ],
  "A phone number is its digits, however it is spaced": [
    ["5551234567", [phone("5551234567")]],
    ["+15551234567", [phone("15551234567", "+15551234567")]],
    ["+1 (555) 123-4567", [phone("15551234567", "+1 (555) 123-4567")]],
    ["+1 555 123 4567", [phone("15551234567", "+1 555 123 4567")]],
    ["(555) 123-4567", [phone("5551234567", "(555) 123-4567")]],
    ["555-123-4567", [phone("5551234567", "555-123-4567")]],
    ["555.123.4567", [phone("5551234567", "555.123.4567")]],
    ["555–123–4567", [phone("5551234567", "555–123–4567")]],
    ["555\u2011123\u20114567", [phone("5551234567", "555-123-4567")]],
    ["+1\u00a0555\u00a0123\u00a04567", [phone("15551234567", "+1 555 123 4567")]],
    ["\u202a+1 555 123 4567\u202c", [phone("15551234567", "+1 555 123 4567")]],
    ["＋１ ５５５ １２３ ４５６７", [phone("15551234567", "+1 555 123 4567")]],
    ["030/123456", [phone("030123456", "030/123456")]],
    ["01 23 45 67 89", [phone("0123456789", "01 23 45 67 89")]],
    ["tel:+15551234567", [phone("15551234567", "+15551234567")]],
    ["+1 555 123 4567,", [phone("15551234567", "+1 555 123 4567")]],
    ["(555) 123 - 4567", [phone("5551234567", "(555) 123 - 4567")]],
    ['"+1 555 123 4567"', [phone("15551234567", "+1 555 123 4567")]],
    ["ada +1 555 123 4567 online", [text("ada"), phone("15551234567", "+1 555 123 4567"), online(true)]],
    ["+15551234567 +15557654321", [
      phone("15551234567", "+15551234567"),
      phone("15557654321", "+15557654321"),
    ]],
    ["+1-555-123-4567!", [phone("15551234567", "+1-555-123-4567")]],
    ["+1.555.123.4567;", [phone("15551234567", "+1.555.123.4567")]],
    ["0015551234567", [phone("15551234567", "0015551234567")]],
    ["00 1 555 123 4567", [phone("15551234567", "00 1 555 123 4567")]],
    ["0049 (0)30 123456", [phone("4930123456", "0049 (0)30 123456")]],
    ["0001234567", [phone("0001234567")]],
    ["٠١٢٣٤٥٦٧٨٩", [phone("0123456789")]],
    ["1 555 123 4567 ext 12", [phone("15551234567", "1 555 123 4567"), text("ext"), text("12")]],
    ["0171 12 34 56 78", [phone("017112345678", "0171 12 34 56 78")]],
    ["+49 (0)30 123 456 78", [phone("493012345678", "+49 (0)30 123 456 78")]],
    // One of the groups is a whole phone number by itself.
    ["5551234567 2026", [phone("5551234567"), text("2026")]],
    ["+15551234567 2026", [phone("15551234567", "+15551234567"), text("2026")]],
    ["2026 5551234567", [phone("2026"), phone("5551234567")]],
    // Nothing shows that these groups are one number, so each is a part of its own.
    ["555 1234", [phone("555"), phone("1234")]],
    ["555 - 1234", [phone("555"), phone("1234")]],
    ["2026 12345", [phone("2026"), phone("12345")]],
  ],
  "Fewer, more or other digits are no phone number": [
    ["+1 555", [text("+1"), text("555")]],
    ["123456", [text("123456")]],
    ["12-34", [text("12-34")]],
    ["2026-11-28", [text("2026-11-28")]],
    ["192.168.100.200", [text("192.168.100.200")]],
    ["order1234567", [text("order1234567")]],
    ["1234567x", [text("1234567x")]],
    ["1234567890123456", [text("1234567890123456")]],
    ["1234567,89", [text("1234567,89")]],
    ["-", [text("-")]],
    ["id:5551234567", [id("5551234567")]],
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
    ["jane@acme.com,", [email("jane@acme.com")]],
    ["jane@acme.com;", [email("jane@acme.com")]],
    ["jane@acme.com.", [email("jane@acme.com")]],
    ["<jane@acme.com>", [email("jane@acme.com")]],
    ["<jane@acme.com>,", [email("jane@acme.com")]],
    ["(jane@acme.com)", [email("jane@acme.com")]],
    ["‘jane@acme.com’", [email("jane@acme.com")]],
    ["mailto:jane@acme.com", [email("jane@acme.com")]],
    ["MAILTO:Jane@acme.com?subject=Hi", [email("jane@acme.com")]],
    ["<mailto:jane@acme.com>;", [email("jane@acme.com")]],
    ["“Jane Doe” <jane@acme.com>", [text("jane doe", "Jane Doe"), email("jane@acme.com")]],
    ["ｊane＠acme．com", [email("jane@acme.com")]],
    ["jane@\u200bacme.com\u200b", [email("jane@acme.com")]],
    ["o’neill@acme.com", [email("o'neill@acme.com")]],
    ["<jane@acme.com", [email("jane@acme.com")]],
    ["jane@acme.com>", [email("jane@acme.com")]],
    ["[jane@acme.com]", [email("jane@acme.com")]],
    ["jane@acme.com:", [email("jane@acme.com")]],
    ["jane@acme.com!", [email("jane@acme.com")]],
    ["jane@acme.com?", [email("jane@acme.com")]],
    ["jane@acme.com…", [email("jane@acme.com")]],
    ["jane@acme.com、", [email("jane@acme.com")]],
    ["jane@acme.com/", [email("jane@acme.com")]],
    ["mailto://jane@acme.com", [email("jane@acme.com")]],
    ["mailto:jane@acme.com?cc=bob@acme.com", [email("jane@acme.com")]],
    ["\u2068jane@acme.com\u2069,", [email("jane@acme.com")]],
    ["ja\u00adne@acme.com", [email("jane@acme.com")]],
    ["'o'neill@acme.com'", [email("o'neill@acme.com")]],
  ],
  "Anything but a whole e-mail address is text": [
    ["@acme.com", [text("@acme.com")]],
    ["jane@", [text("jane@")]],
    ["jane@acme", [text("jane@acme")]],
    ["jane@acme.", [text("jane@acme.")]],
    ["jane@.com", [text("jane@.com")]],
    ["jane@acme..com", [text("jane@acme..com")]],
    ["jane@@acme.com", [text("jane@@acme.com")]],
    ["<jane@acme>", [text("<jane@acme>")]],
    ["mailto:jane", [text("mailto:jane")]],
    ["mailto:", [text("mailto:")]],
    ["jane@acme.com,bob@acme.com", [text("jane@acme.com,bob@acme.com")]],
    ['"<jane@acme.com>"', [text("<jane@acme.com>")]],
    ["@", [text("@")]],
  ],
  "Any amount and any kind of white space separates parts": [
    ["online #vip", [online(true), tag("#vip")]],
    ["  jane \t\n doe  ", [text("jane"), text("doe")]],
    ["jane\u00a0doe", [text("jane"), text("doe")]],
    ["jane\u3000doe\u2003x", [text("jane"), text("doe"), text("x")]],
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
    ["“jane doe”", [text("jane doe")]],
    ["„jane doe“", [text("jane doe")]],
    ["«jane doe» online", [text("jane doe"), online(true)]],
    ["\u200b“online”", [text("online")]],
    ["＂jane doe", [text("jane doe")]],
    ["‘jane doe’", [text("'jane"), text("doe'")]],
  ],
  "An unclosed quote runs to the end": [
    ['"jane doe', [text("jane doe")]],
    ['id:"a b', [id("a b")]],
    ['jane "doe online', [text("jane"), text("doe online")]],
    ['"a" "b c', [text("a"), text("b c")]],
    ['"jane doe ', [text("jane doe ")]],
  ],
  "An empty part is ignored; if none is left the query is empty": [
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
  ],
  "Invisible characters are ignored": [
    ["a\u200bb", [text("ab")]],
    ["a\u202eb", [text("ab")]],
    ["jane\ufeffdoe", [text("janedoe")]],
    ["محمد\u200cرضا", [text("محمدرضا")]],
    ["\u200b", []],
    ["\u200b \u00ad jane", [text("jane")]],
    ["❤\ufe0f", [text("❤")]],
    ["aB3\u200b", [text("ab3", "aB3")]],
  ],
  "Text is folded, and kept unfolded for the short id": [
    ["Müller", [text("muller", "Müller")]],
    ["ŁÓDŹ", [text("lodz", "ŁÓDŹ")]],
    ["STRASSE", [text("strasse", "STRASSE")]],
    ["Straße", [text("strasse", "Straße")]],
    ["aB3", [text("ab3", "aB3")]],
    ["東京", [text("東京")]],
    ["👩\u200d💻", [text("👩💻")]],
  ],
};

for (const [sentence, rows] of Object.entries(TABLES)) {
  Deno.test(sentence, () => {
    for (const [q, parts] of rows) assert.deepEqual(parseSearch(q), parts, JSON.stringify(q));
  });
}

Deno.test("The attributes of text and of an e-mail address are the contract's", () => {
  assert.deepEqual(OPERATORS.email.attributes, ["email", "unique_id", "identities"]);
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
  assert.deepEqual(part, { ...email("jane@acme.com"), attributes: ["unique_id"] });
});

Deno.test("Any 256 characters are parsed into parts of known kinds", () => {
  const kinds = "nobody online code url value text".split(" ");
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

Deno.test("Anything in quotes is one text part", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", minLength: 1 }), (typed) => {
    const words = plainText(typed).replaceAll('"', "");
    const parts = parseSearch(`"${words}"`);
    assert.ok(parts.length <= 1);
    for (const part of parts) assert.ok(part.kind === "text" && part.shortId === words);
  }));
});
