import assert from "node:assert/strict";
import fc from "fast-check";
import {
  exactKey,
  exactKeys,
  searchedAttributes,
  searchText,
  searchTextOfUrl,
  SUFFIX,
  suffixesOf,
  typoKeys,
} from "../../src/search/index_keys.ts";
import { matches } from "../../src/search/match.ts";
import { deletions, isOneTypoAway } from "../../src/search/typo.ts";
import { foldText, grams as gramsIn, plainText } from "../../src/search/normalise.ts";
import { type Operator, OPERATOR_NAMES, OPERATORS } from "../../src/search/operators.ts";
import { parseSearch, type SearchPart } from "../../src/search/parse.ts";
import {
  ATTRIBUTE_NAMES,
  type AttributeName,
  ATTRIBUTES,
  readVisitor,
  type Visitor,
} from "../../src/visitor/visitor.ts";

const VALUES = [
  "Zoë Müller",
  "ZOE",
  "Łódź",
  "Straße",
  "ΣΟΦΟΣ σοφός",
  "İstanbul",
  "ﬁne 東京",
  "👩‍💻 x",
  "a\0b",
  "a\tb\nc",
  "Zoe@Acme.com",
  "zoé@acme.com",
  "user-123",
  "1234",
  "0042",
  "true",
  "#VIP",
  "#Café",
  "#Cafe\u0301",
  "acme:77",
  "1.1.1.1",
  "::ffff:1.1.1.1",
  " 1.1.1.1",
  "2001:DB8::1",
  "2001:db8:0::1",
  "https://acme.com/Pricing?q=Café",
  "[x]*.?",
  "$gt",
  "%",
  "+1 (555) 123-4567",
  "ext. 5551234567",
  "０３０ 123456",
  "O’Brien",
  "محمد\u200cرضا ٤٧١١",
  "रीमा パン 한국",
];

const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...VALUES) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 12 }) },
);
const values = fc.array(value, { maxLength: 3 });

/** Values of searched attributes, some of them usable. */
const searched: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(
  [...searchedAttributes(), "last_url" as const, "lookup_code" as const].map((name) => [
    name,
    ATTRIBUTES[name as AttributeName].kind === "list" ? values : value,
  ]),
);
const visitors = fc.record({
  ...searched,
  short_id: value.map((id) => id || "x"),
  is_online: fc.boolean(),
  email: fc.oneof(fc.constantFrom("Zoe@Acme.com", "zoé@acme.com"), value),
  lookup_code: fc.oneof(fc.constantFrom("1234", "0042"), value),
}, { requiredKeys: ["short_id"] }).map((document) => readVisitor(document)!);

/** Changes of spelling that an operator ignores, for some operators. */
const written = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
  (text) => text.normalize("NFD"),
  foldText,
  plainText,
  (text) => text.replace(/[ ()-]/g, ""),
);
/** How an attribute's value is searched by its operator; other attributes are searched by a piece of their text. */
const BY_OPERATOR: Partial<Record<AttributeName, (value: string) => string>> = {
  last_url: (value) => `url:"${value}"`,
  lookup_code: (value) => value,
  ...Object.fromEntries(
    Object.values<Operator>(OPERATORS).flatMap(({ prefix, isPrefixInValue, attributes }) => {
      const bare = (value: string) => isPrefixInValue && value.startsWith(prefix!) ? value.slice(1) : value;
      return attributes.map((name) => [
        name,
        prefix === null ? (value: string) => value : (value: string) => `${prefix}"${bare(value)}"`,
      ]);
    }),
  ),
};

/** A search for a value of a visitor, or for a piece of one. */
const search = fc.tuple(visitors, fc.nat(), fc.nat(), fc.nat(), written, fc.boolean()).map(
  ([visitor, which, from, length, write, byOperator]) => {
    const entries = (Object.entries(visitor) as [AttributeName, unknown][])
      .flatMap(([name, value]) => [value].flat().map((item) => [name, item] as const))
      .filter((entry): entry is [AttributeName, string] => typeof entry[1] === "string");
    const [name, whole] = entries[which % entries.length];
    const operator = BY_OPERATOR[name];
    if (byOperator && operator) return { visitor, q: operator(write(whole.replaceAll('"', ""))) };
    const points = Array.from(whole);
    const start = from % Math.max(1, points.length);
    const piece = points.slice(start, start + length % 8 + 1).join("");
    return { visitor, q: `"${write(piece).replaceAll('"', "")}"` };
  },
);

/** A store's index lookup: whether a visitor may match a part, by its index keys and short id alone. */
function mayMatch(part: SearchPart, visitor: Visitor): boolean {
  const key = exactKey(part);
  if (key !== null) return exactKeys(visitor).includes(key);
  if (part.kind !== "text") return true;
  const onUrl = visitor.is_online && part.inUrl &&
    searchTextOfUrl(visitor.last_url ?? "").includes(part.text);
  const suffixes = suffixesOf(searchText(visitor));
  const pieces = gramsIn(part.text, SUFFIX);
  return visitor.short_id === part.shortId || onUrl ||
    (pieces.length > 0
      ? pieces.every((piece) => suffixes.includes(piece))
      : suffixes.some((suffix) => suffix.startsWith(part.text)));
}

Deno.test("Every visitor that matches a search has the index keys by which it is looked up", () => {
  const matched = new Set<string>();
  fc.assert(
    fc.property(search, ({ visitor, q }) => {
      for (const part of parseSearch(q)) {
        if (!matches([part], visitor)) continue;
        matched.add(part.kind === "value" ? part.operator : part.kind);
        assert.ok(mayMatch(part, visitor), `${JSON.stringify(part)} of ${JSON.stringify(q)}`);
        if (part.kind !== "text" || visitor.short_id === part.shortId) continue;
        const onUrl = visitor.is_online && searchTextOfUrl(visitor.last_url ?? "").includes(part.text);
        assert.ok(onUrl || searchText(visitor).includes(part.text), "the search text holds what text finds");
      }
    }),
    { numRuns: 4000 },
  );
  for (const kind of [...OPERATOR_NAMES, "code", "url", "text"]) {
    assert.ok(matched.has(kind), `the searches find somebody by ${kind}`);
  }
});

Deno.test("An exact key names its operator, so that values of two attributes are never mistaken", () => {
  const visitor = readVisitor({
    short_id: "aB3",
    email: "Zoe@Acme.com",
    identities: ["zoe@acme.com", "no address"],
    integration_ids: ["acme:77"],
    ip_address: "::FFFF:1.1.1.1",
    lookup_code: "0042",
    tags: ["#VIP", "#vip", "#Cafe\u0301"],
    unique_id: "user-123",
  })!;
  assert.deepEqual(exactKeys(visitor).sort(), [
    "email:zoe@acme.com",
    "integration_id:acme:77",
    "ip:1.1.1.1",
    "tag:#café",
    "tag:#vip",
    "unique_id:user-123",
  ]);
  assert.deepEqual(exactKeys(readVisitor({ short_id: "aB3" })!), []);
});

Deno.test("A part of an operator and a value has an exact key", () => {
  const verdicts: [q: string, key: string | null][] = [
    ["ip:::FFFF:1.1.1.1", "ip:1.1.1.1"],
    ["id:ip:1.1.1.1", "unique_id:ip:1.1.1.1"],
    ["0042", null],
    ["#VIP", "tag:#vip"],
    ["integration_id:acme:77", "integration_id:acme:77"],
    ["Zoe@ACME.com", "email:zoe@acme.com"],
    ["online", null],
    ["url:pricing", null],
    ["zoe", null],
    ["id:", null],
  ];
  for (const [q, key] of verdicts) assert.equal(exactKey(parseSearch(q)[0]), key, q);
});

Deno.test("There is a suffix from every character of each value, cut to a maximum length", () => {
  const visitor = readVisitor({
    short_id: "aB3",
    name: "Zoë",
    nickname: "Łódź 😀 1234567",
    last_url: "https://acme.com",
  })!;
  const long = [
    "lodz 😀 1",
    "odz 😀 12",
    "dz 😀 123",
    "z 😀 1234",
    " 😀 12345",
    "😀 123456",
    " 1234567",
    "1234567",
  ];
  const ends = ["234567", "34567", "4567", "567", "67", "7"];
  assert.deepEqual(suffixesOf(searchText(visitor)), ["zoe", "oe", "e", ...long, ...ends]);
  assert.deepEqual(suffixesOf(searchText(readVisitor({ short_id: "aB3" })!)), []);
});

Deno.test("The digits of a phone number with separators are a line of the search text", () => {
  const verdicts: [value: string, lines: string[]][] = [
    ["+1 (555) 123-4567", ["+1 (555) 123-4567", "15551234567"]],
    ["Ada: 030/12 34 56, 01.23.45.67.89", ["ada: 030/12 34 56, 01.23.45.67.89", "030123456", "0123456789"]],
    ["５５５–１２３–４５６７", ["555–123–4567", "5551234567"]],
    ["5551234567", ["5551234567"]],
    ["555 123", ["555 123"]],
    ["555,123,4567", ["555,123,4567"]],
  ];
  for (const [value, lines] of verdicts) {
    assert.deepEqual(
      searchText(readVisitor({ short_id: "a", name: value })!),
      lines.join("\n") + "\n",
      value,
    );
    assert.equal(searchTextOfUrl(value), lines.join("\n") + "\n", value);
  }
});

Deno.test("Two words that are one typo apart have a typo key in common", () => {
  const letters = fc.array(fc.constantFrom(..."abcdeé李\u{10400}"), { minLength: 4, maxLength: 12 });
  const change = fc.record({ at: fc.nat(12), by: fc.constantFrom(..."abcé"), how: fc.nat(3) });
  fc.assert(
    fc.property(letters, change, (word, { at, by, how }) => {
      const i = at % (word.length - 1);
      const other = [
        () => word.toSpliced(i, 1),
        () => word.toSpliced(i, 0, by),
        () => word.toSpliced(i, 1, by),
        () => word.toSpliced(i, 2, word[i + 1], word[i]),
      ][how]();
      const [a, b] = [word.join(""), other.join("")];
      assert.ok(isOneTypoAway(a, b), `${a} ${b}`);
      assert.ok(typoKeys(a).some((key) => deletions(b).includes(key)), `${a} ${b}`);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("Index keys and search text are computed from searchedAttributes, and from no others", () => {
  const nobody = readVisitor({ short_id: "a" })!;
  const othersOf = (value: unknown): unknown[] => {
    if (typeof value === "boolean") return [true, false];
    if (Array.isArray(value)) return [["b@acme.com"], ["c"]];
    return typeof value === "object" && value !== null ? [{ a: "b@acme.com" }, {}] : ["b@acme.com", null];
  };
  for (const name of ATTRIBUTE_NAMES.filter((name) => name !== "short_id")) {
    const made = othersOf(nobody[name]).map((value) => {
      const visitor = { ...nobody, [name]: value };
      return JSON.stringify([exactKeys(visitor), searchText(visitor)]);
    });
    assert.equal(new Set(made).size > 1, searchedAttributes().has(name), name);
  }
});
