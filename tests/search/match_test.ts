import assert from "node:assert/strict";
import fc from "fast-check";
import { searchText } from "../../src/search/index_keys.ts";
import { matches } from "../../src/search/match.ts";
import { withTypos } from "../../src/search/typo.ts";
import { parseSearch, TEXT_ATTRIBUTES } from "../../src/search/parse.ts";
import { ATTRIBUTE_NAMES, type AttributeName, readVisitor } from "../../src/visitor/visitor.ts";

const ZOE = {
  short_id: "aB3xY",
  browser_name: "Mobile Safari",
  call_name: "Zoë (DE)",
  device_name: "iPhone",
  email: "Zoe.Mueller@Acme.com",
  identities: ["Zoë Müller", "zm@example.org", "Bäckerei Łódź"],
  integration_ids: ["acmechat:1234", "acmecrm:77"],
  ip_address: "2001:DB8::1",
  is_online: true,
  last_url: "https://shop.acme.com/Pricing/Café?x=[1]",
  location_city: "Köln",
  location_country: "DE",
  location_country_name: "Germany",
  lookup_code: "0042",
  name: "Zoë Müller",
  nickname: "Zo",
  tags: ["#Customer", "#big client"],
  unique_id: "user-123",
};

const finds = (q: string, document: Record<string, unknown> = ZOE, hidden: AttributeName[] = []) =>
  matches(parseSearch(q, new Set(hidden)), readVisitor({ short_id: "x", ...document })!);

Deno.test("A visitor is found by every part of the search format", () => {
  const verdicts: [q: string, isFound: boolean][] = [
    ["online", true],
    ["-online", false],
    ["ip:2001:db8:0:0::1", true],
    ["ip:2001:db8::2", false],
    ["ip:2001", false],
    ["id:user-123", true],
    ["id:User-123", false],
    ["id:user-12", false],
    ["id:user", false],
    ["0042", true],
    ["0043", false],
    ["42", false],
    ["#customer", true],
    ["#CUSTOMER", true],
    ["#custom", false],
    ['#"big client"', true],
    ["#big", false],
    ["integration_id:acmechat:1234", true],
    ["integration_id:acmechat:123", false],
    ["integration_id:AcmeChat:1234", false],
    ["integration_id:acmechat", false],
    ["url:pricing", true],
    ["url:cafe", true],
    ["url:x=[1]", true],
    ["url:checkout", false],
    ["zoe.mueller@acme.com", true],
    ["ZM@example.org", true],
    ["zoe.mueller@acme.co", false],
    ["mueller@acme.com", false],
    ["aB3xY", true],
    ["ab3xy", false],
    ["aB3x", false],
    ["zoe", true],
    ["ZOË", true],
    ["mull", true],
    ["lodz", true],
    ["backerei", true],
    ["koln", true],
    ["germany", true],
    ["safari", true],
    ["iphone", true],
    ["(de)", true],
    ["acme.com", true],
    ["user-12", true],
    ["pricing/cafe", true],
    ['"zoe muller"', true],
    ['"zoe  muller"', false],
    ['"muller zoe"', false],
    ["muller zoe", true],
    ["zoe bauer", false],
    ["online #customer zoe url:pricing", true],
    ["-online zoe", false],
    // Attributes that text is not searched in.
    ["acmechat", false],
    ["2001:DB8::1", false],
    ["#vip", false],
    ["#", false],
    ["id:", false],
    ["zoe id:", false],
    // Punctuation counts.
    ["z.e", false],
    ["zo*", false],
    ["[1]", true],
    ["?x=", true],
    ["%", false],
  ];
  for (const [q, isFound] of verdicts) assert.equal(finds(q), isFound, q);
});

Deno.test("Four digits find a lookup code or a short id", () => {
  assert.equal(finds("1234", { lookup_code: "1234" }), true);
  assert.equal(finds("1234", { lookup_code: 1234 }), true);
  assert.equal(finds("1234", { short_id: "1234" }), true);
  assert.equal(finds("1234", { short_id: "12345", name: "1234", unique_id: "1234" }), false);
  assert.equal(finds('"1234"', { name: "No 1234" }), true);
});

Deno.test("Beside text four digits are text, and never a lookup code", () => {
  const ada = { short_id: "1234", lookup_code: "4711", name: "Ada, summer 2026", tags: ["#vip"] };
  const verdicts: [q: string, isFound: boolean][] = [
    ["4711", true],
    ["4711 #vip", true],
    ["-online 4711", true],
    ["1234", true],
    ["2026", false],
    ["summer 2026", true],
    ["2026 ada", true],
    ["2026 1234", true],
    ["ada 1234", true],
    ["ada 4711", false],
    ["4711 2026", false],
    ['4711 "ada"', false],
    ["4711 4711", false],
    ["a 4711", false],
  ];
  for (const [q, isFound] of verdicts) assert.equal(finds(q, ada), isFound, q);
});

Deno.test("A phone number is found however it is spaced, in the search and in the visitor", () => {
  const spellings = [
    "+1 (555) 123-4567",
    "+15551234567",
    "+1 555 123 4567",
    "1-555-123-4567",
    "1.555.123.4567",
    "+1\u00a0555\u2013123\u20114567",
    "＋１ ５５５ １２３ ４５６７",
  ];
  const stored = [
    ...spellings.map((spelling) => ({ name: `Ada ${spelling}!` })),
    ...spellings.map((spelling) => ({ identities: ["x", spelling] })),
    { unique_id: 15551234567 },
    { is_online: true, last_url: "https://acme.com/?tel=+1-555-123-4567" },
  ];
  const typed = [
    ...spellings,
    "5551234567",
    "(555) 123-4567",
    "555 123 4567",
    "123-4567",
    "123 4567",
    "tel:15551234567",
  ];
  for (const document of stored) {
    for (const q of typed) assert.ok(finds(q, document), `${q} in ${JSON.stringify(document)}`);
    for (const q of ["+1 555 123 4568", "5551234567 bob", "4567 123 555 1111", "25551234567"]) {
      assert.ok(!finds(q, document), `${q} in ${JSON.stringify(document)}`);
    }
  }
  const other: [q: string, name: string, isFound: boolean][] = [
    // The digits must be of one value, and of the phone number alone.
    ["summer 5512", "summer +1 555 12 34567", false],
    ["5551", "555 1234", false],
    ["555123", "555 123 4567", false],
    ["2026-11-28", "on 2026-11-28", true],
    ["2026-11-28", "on 20261128", false],
    ["10.20.30.40", "10.20.30.40", true],
    ["10.20.30.40", "10203040", false],
    ["2026 12345", "12345 of 2026", true],
    ["+2026 12345", "12345 of 2026", false],
    ["12345678", "a12345678b", true],
    ["1234/5678", "x/1234/5678/9", true],
    ["+49 (0)30 1234567", "+49 30 1234567", true],
    ["+49 30 1234567", "+49 (0)30 1234567", true],
    ["+49301234567", "+49 (0)30/123-4567", true],
    ["030 1234567", "+49 (0)30 1234567", true],
    ["+49 (0)30 1234567", "+49301234567", true],
    ["5551234567 2026", "2026: 555-123-4567", true],
  ];
  for (const [q, name, isFound] of other) assert.equal(finds(q, { name }), isFound, `${q} in ${name}`);
  assert.equal(finds("555 123 4567", { name: "555 123", nickname: "4567" }), false);
  assert.equal(finds("5551234567", { name: "555 123 4567" }, ["name"]), false);
});

Deno.test("A phone number in a search still finds what it would find as text", () => {
  const number = fc.string({
    unit: fc.constantFrom(..."0123456789012345678901234567890123456789 +-()./–,a"),
    minLength: 7,
  });
  let phones = 0;
  fc.assert(
    fc.property(number, fc.nat(30), fc.integer({ min: 7, max: 22 }), (name, from, length) => {
      const piece = name.slice(from % name.length).slice(0, length);
      const query = parseSearch(`"${piece}"`);
      if (query.some((part) => part.kind === "text" && part.isPhone)) phones++;
      const visitor = readVisitor({ short_id: "x", name, is_online: true, last_url: name })!;
      assert.ok(matches(query, visitor), `${piece} in ${name}`);
      assert.ok(matches(query, { ...visitor, name: null }), `${piece} in the URL ${name}`);
      for (const part of query) {
        if (part.kind === "text") {
          assert.ok(searchText(visitor).includes(part.text), "the search text holds it");
        }
      }
    }),
    { numRuns: 5000 },
  );
  assert.ok(phones > 100);
});

Deno.test("An id with characters that are not on keyboards is found as it is pasted, and by plain characters", () => {
  const verdicts: [q: string, id: string, isFound: boolean][] = [
    ["O’Brien", "O’Brien", true],
    ["O'Brien", "O'Brien", true],
    ["O’Brien", "O'Brien", true],
    ["محمد\u200cرضا", "محمد\u200cرضا", true],
    ["محمد\u200cرضا", "محمدرضا", true],
    ["۰۹۱۲", "۰۹۱۲", true],
    ["۰۹۱۲", "0912", true],
    ["0912", "۰۹۱۲", false],
    ["user\u200b1", "user1", true],
    ["user1", "User1", false],
    ["user1\u200b", "user12", false],
  ];
  for (const [value, id, isFound] of verdicts) {
    assert.equal(finds(`id:${value}`, { unique_id: id }), isFound, value);
    assert.equal(
      finds(`integration_id:crm:${value}`, { integration_ids: ["a:b", `crm:${id}`] }),
      isFound,
      value,
    );
  }
});

Deno.test("An e-mail address is found where it is the whole value", () => {
  for (
    const [field, value] of [["email", "A@b.de"], ["unique_id", "a@B.de"], ["identities", [
      "x",
      "A@B.DE",
    ]]] as const
  ) {
    assert.equal(finds("a@b.de", { [field]: value }), true, field);
  }
  assert.equal(finds("a@b.de", { name: "a@b.de", short_id: "a@b.de", nickname: "a@b.de" }), false);
  assert.equal(finds("a@b.de", { email: " a@b.de" }), false);
  assert.equal(finds('"a@b.de"', { name: "mail a@b.de now" }), true);
});

Deno.test("The page of a visitor counts only while it is online", () => {
  const page = { last_url: "https://acme.com/pricing" };
  for (const q of ["url:pricing", "pricing"]) {
    assert.equal(finds(q, { ...page, is_online: true }), true, q);
    assert.equal(finds(q, page), false, q);
    assert.equal(finds(q, { is_online: true }), false, q);
  }
});

Deno.test("Text is contained in one value, not across two", () => {
  assert.equal(finds('"b c"', { identities: ["a b", "c d"], name: "a b", nickname: "c d" }), false);
  assert.equal(finds('"b c"', { identities: ["a b c d"] }), true);
});

Deno.test("Text is looked for in the contract's attributes and in no other", () => {
  for (const name of ATTRIBUTE_NAMES) {
    const value = ["identities", "integration_ids", "tags"].includes(name) ? ["needle"] : "needle";
    const document = { short_id: "x", [name]: name === "metadata" ? { needle: "needle" } : value };
    const expected = TEXT_ATTRIBUTES.includes(name) || name === "short_id";
    assert.equal(finds("needle", document), expected, name);
  }
});

Deno.test("Nobody is found by a hidden attribute", () => {
  const verdicts: [q: string, hidden: AttributeName][] = [
    ["ip:2001:db8::1", "ip_address"],
    ["id:user-123", "unique_id"],
    ["user-123", "unique_id"],
    ["0042", "lookup_code"],
    ["#customer", "tags"],
    ["integration_id:acmecrm:77", "integration_ids"],
    ["url:pricing", "last_url"],
    ["pricing", "last_url"],
    ["online", "is_online"],
    ["germany", "location_country_name"],
    ["zm@example.org", "identities"],
    ["koln", "location_city"],
  ];
  for (const [q, hidden] of verdicts) {
    assert.equal(finds(q, ZOE, [hidden]), false, q);
    assert.equal(finds(q, ZOE, ["sdk"]), true, q);
  }
  assert.equal(finds("-online", {}, ["is_online"]), false);
  assert.equal(finds("aB3xY", ZOE, [...TEXT_ATTRIBUTES, "last_url"]), true, "a short id is never hidden");
});

Deno.test("A query without parts matches everybody", () => {
  assert.equal(matches([], readVisitor({ short_id: "x" })!), true);
});

Deno.test("Where typos are forgiven a word of letters may have one", () => {
  const documents = {
    name: "Fatima Žižek-O'Brien",
    email: "lovelace77@mail.example",
    location_city: "Łódź",
    nickname: "नमस्ते",
    unique_id: "order1234",
  };
  const verdicts: [q: string, isFound: boolean][] = [
    ["fatima", true],
    ["ftaima", true],
    ["fatma", true],
    ["fattima", true],
    ["FÁTOMA", true],
    ["fotina", false],
    ["atimaf", false],
    ["zizak", true],
    ["lovelase", true],
    ["brein", true],
    // A word of three letters is found by one of four that is one typo away, and not the other way round.
    ["lodx", true],
    ["ladx", false],
    ["lodzz", true],
    // Marks that are not ignored belong to their letter.
    ["नमस्तो", true],
    ["नमसतो", false],
    ["lod", true],
    ["ldz", false],
    // A number is no word: with another digit it is another number.
    ["order1235", false],
    ["0rder1234", false],
    ['"fatma zizek"', false],
    // Every part must match, and each may have a typo of its own.
    ["fatma lovelaec", true],
    ["fatma nobody", false],
    ["fatma -online", true],
    ["fatma online", false],
    // Shorter words and operators may have no typo.
    ["fatma ldz", false],
    ["fatma #vip", false],
    // The URL counts only while the visitor is online.
    ["pricign", false],
  ];
  for (const [q, isFound] of verdicts) {
    const query = parseSearch(q);
    const page = { last_url: "https://acme.com/pricing" };
    assert.equal(
      matches(withTypos(query) ?? query, readVisitor({ short_id: "x", ...documents, ...page })!),
      isFound,
      q,
    );
  }
  const online = readVisitor({ short_id: "x", is_online: true, last_url: "https://acme.com/pricing" })!;
  assert.equal(matches(withTypos(parseSearch("pricign"))!, online), true);
  assert.equal(matches(withTypos(parseSearch("pricign", new Set(["last_url"])))!, online), false);
  const named = readVisitor({ short_id: "x", name: "Fatima" })!;
  assert.equal(matches(withTypos(parseSearch("fatma", new Set(["name"])))!, named), false);
});

Deno.test("text is looked for in the first 1,000 characters of each value", () => {
  const long = (length: number) => "x".repeat(length);
  const visitor = readVisitor({
    short_id: "v",
    name: long(993) + "kept beyond",
    identities: [long(999) + "\u{1f600}", "second"],
    last_url: `https://acme.com/${long(2000)}/end`,
    is_online: true,
  })!;
  for (const [q, isFound] of [["kept", true], ["beyond", false], ["second", true], ["\u{1f600}", false]]) {
    assert.equal(matches(parseSearch(q as string), visitor), isFound, q as string);
  }
  assert.equal(matches(parseSearch("url:end"), visitor), true);
  assert.ok(searchText(visitor).length < 2100);
  assert.ok(searchText(visitor).isWellFormed());
});
