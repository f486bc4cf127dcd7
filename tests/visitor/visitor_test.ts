import assert from "node:assert/strict";
import { EncodedVisitor } from "../../src/visitor/encoded_visitor.ts";
import { asciiJson } from "../../src/visitor/ascii_json.ts";
import fc from "fast-check";
import {
  ATTRIBUTE_NAMES,
  type AttributeName,
  ATTRIBUTES,
  readVisitor,
  toDocument,
  type Visitor,
  type VisitorChange,
} from "../../src/visitor/visitor.ts";
import { applyChange } from "../../src/visitor/visitor_state.ts";

/** The contract's attributes, in its order. */
const CONTRACT =
  ("short_id added_at api_key browser_name call_name claimed_by device_name device_type email identities integration " +
    "integration_ids ip_address is_in_session is_online is_supported is_waiting_for_call js_configuration " +
    "last_seen_at last_url location_city location_country location_country_name lookup_code metadata name " +
    "nickname sdk tags unique_id waiting_since watch_link").split(" ");

/** The value of one attribute, read in a document in which no other attribute empties it. */
const read = (name: AttributeName, value: unknown) =>
  readVisitor({ short_id: "aB3", is_online: true, is_waiting_for_call: true, [name]: value })![name];
const namesOf = (kind: string) => ATTRIBUTE_NAMES.filter((name) => ATTRIBUTES[name].kind === kind);

/** A value of any type that a document may hold. */
const anything = fc.oneof(
  fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withMap: true }),
  fc.array(fc.anything({ withBigInt: true, withDate: true })),
  fc.dictionary(fc.string({ unit: "binary" }), fc.anything({ withBigInt: true })),
);

/** Documents with any value in any attribute, and fields besides. */
const documents = fc.tuple(
  fc.string({ unit: "binary", minLength: 1 }),
  fc.dictionary(fc.oneof(fc.constantFrom(...ATTRIBUTE_NAMES), fc.string()), anything, { maxKeys: 30 }),
).map(([short_id, fields]) => ({ ...fields, short_id }));

Deno.test("The attributes are the contract's, in its order", () => {
  assert.deepEqual(ATTRIBUTE_NAMES, CONTRACT);
});

Deno.test("A visitor with nothing but a short id has every attribute", () => {
  assert.deepEqual(readVisitor({ short_id: "aB3" }), {
    short_id: "aB3",
    added_at: null,
    api_key: null,
    browser_name: null,
    call_name: null,
    claimed_by: null,
    device_name: null,
    device_type: null,
    email: null,
    identities: [],
    integration: null,
    integration_ids: [],
    ip_address: null,
    is_in_session: false,
    is_online: false,
    is_supported: true,
    is_waiting_for_call: false,
    js_configuration: false,
    last_seen_at: null,
    last_url: null,
    location_city: null,
    location_country: null,
    location_country_name: null,
    lookup_code: null,
    metadata: {},
    name: null,
    nickname: null,
    sdk: null,
    tags: [],
    unique_id: null,
    waiting_since: null,
    watch_link: null,
  });
});

Deno.test("Whatever a document holds, its visitor has the same keys in the same order and the right types", () => {
  const isText = (value: unknown) => typeof value === "string" && value.isWellFormed();
  const isTime = (value: unknown) =>
    typeof value === "string" && /^([+-]\d{6}|\d{4})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
  const kinds: Record<string, (value: unknown) => boolean> = {
    text: (value) => value === null || isText(value),
    time: (value) => value === null || isTime(value),
    list: (value) => Array.isArray(value) && value.every(isText),
    flag: (value) => typeof value === "boolean",
    metadata: (value) =>
      Object.entries(value as object).every(([key, item]) =>
        isText(key) && (isText(item) || typeof item === "boolean" || Number.isFinite(item))
      ),
  };
  fc.assert(fc.property(documents, (document) => {
    const visitor = readVisitor(document)!;
    assert.deepEqual(Object.keys(visitor), CONTRACT);
    for (const name of ATTRIBUTE_NAMES) {
      assert.ok(kinds[ATTRIBUTES[name].kind](visitor[name]), `${name}: ${Deno.inspect(visitor[name])}`);
    }
  }));
});

Deno.test("A visitor comes back the same from JSON, and from a database document", () => {
  fc.assert(fc.property(documents, (document) => {
    // JSON knows no negative zero.
    const visitor = JSON.parse(JSON.stringify(readVisitor(document)));
    assert.deepEqual(readVisitor(visitor), visitor);
    assert.deepEqual(readVisitor(toDocument(visitor)), visitor);
  }));
});

Deno.test("A document without a non-empty string short_id is no visitor", () => {
  for (const short_id of [undefined, null, "", 7, 7n, true, ["aB3"], { a: "aB3" }, new Date(0)]) {
    assert.equal(readVisitor({ short_id, name: "Ada" }), null, Deno.inspect(short_id));
  }
  assert.equal(readVisitor({}), null);
});

Deno.test("Fields that are no attributes are dropped", () => {
  const visitor = readVisitor({
    short_id: "aB3",
    _id: 1,
    foyer: { v: 1 },
    shoe_size: 38,
    ["__proto__"]: { name: "Eve" },
    toString: "x",
  })!;
  assert.deepEqual(Object.keys(visitor), CONTRACT);
  assert.equal(visitor.name, null);
});

Deno.test("Text is a string; a number or boolean is sent as text, any other type counts as missing", () => {
  const verdicts: [given: unknown, text: string | null][] = [
    ["Ada", "Ada"],
    ["", ""],
    [" Ada ", " Ada "],
    [42, "42"],
    [-1.5, "-1.5"],
    [0, "0"],
    [9007199254740993n, "9007199254740993"],
    [true, "true"],
    [false, "false"],
    [null, null],
    [undefined, null],
    [[], null],
    [["Ada"], null],
    [{}, null],
    [{ name: "Ada" }, null],
    [new Date(0), null],
    [Symbol("Ada"), null],
    [() => "Ada", null],
    [new Uint8Array([65]), null],
    [/Ada/, null],
  ];
  for (const name of namesOf("text")) {
    if (name === "short_id" || name === "watch_link") continue;
    for (const [given, text] of verdicts) assert.equal(read(name, given), text, `${name}: ${String(given)}`);
  }
});

Deno.test("A visitor in a session does not wait, one that does not wait has no waiting_since, and an offline one has no claim", () => {
  const since = "2026-01-02T03:04:05.678Z";
  const all = { is_online: true, is_waiting_for_call: true, waiting_since: since, claimed_by: "Grace" };
  const verdicts: [
    document: Record<string, unknown>,
    waits: boolean,
    since: string | null,
    by: string | null,
  ][] = [
    [all, true, since, "Grace"],
    [{ ...all, waiting_since: undefined }, true, null, "Grace"],
    [{ ...all, is_in_session: true }, false, null, "Grace"],
    [{ ...all, is_in_session: "yes" }, true, since, "Grace"],
    [{ ...all, is_waiting_for_call: false }, false, null, "Grace"],
    [{ ...all, is_waiting_for_call: "true" }, false, null, "Grace"],
    [{ ...all, is_online: false }, true, since, null],
    [{ ...all, is_online: undefined }, true, since, null],
    [{ waiting_since: since }, false, null, null],
  ];
  for (const [document, ...verdict] of verdicts) {
    const refused: string[] = [];
    const visitor = readVisitor({ short_id: "a", ...document }, (name) => refused.push(name))!;
    const { is_waiting_for_call, waiting_since, claimed_by } = visitor;
    assert.deepEqual([is_waiting_for_call, waiting_since, claimed_by], verdict, JSON.stringify(document));
    for (const name of ["is_waiting_for_call", "waiting_since", "claimed_by"] as const) {
      const isLost = Boolean((document as typeof all)[name]) && !visitor[name];
      assert.equal(refused.includes(name), isLost, `${name} of ${JSON.stringify(document)}`);
    }
  }
});

Deno.test("A wait for a call begins with the change that sets it, and ends by a session or by another change", () => {
  const [early, late] = ["2026-01-02T03:04:05.678Z", "2026-01-02T03:05:00.000Z"];
  const state = (is_waiting_for_call: boolean, waiting_since: string | null, is_in_session = false) => ({
    ...readVisitor({ short_id: "a" })!,
    is_in_session,
    is_waiting_for_call,
    waiting_since,
  });
  const verdicts: [before: Visitor, change: VisitorChange, waits: boolean, since: string | null][] = [
    [state(false, null), { is_waiting_for_call: true }, true, late],
    [state(false, null), { is_waiting_for_call: true, waiting_since: early }, true, early],
    [state(true, early), { is_waiting_for_call: true }, true, early],
    [state(true, early), { is_waiting_for_call: true, waiting_since: late }, true, early],
    [state(true, null), { is_waiting_for_call: true }, true, late],
    [state(true, early), { name: "Ada" }, true, early],
    [state(true, null), { name: "Ada" }, true, null],
    [state(true, early), { is_waiting_for_call: false }, false, null],
    [state(true, early), { is_in_session: true }, false, null],
    [state(true, early), { is_in_session: false }, true, early],
    [state(false, null, true), { is_waiting_for_call: true }, false, null],
    [state(false, null, true), { is_waiting_for_call: true, is_in_session: false }, true, late],
    [state(false, null), { is_waiting_for_call: true, is_in_session: true }, false, null],
  ];
  for (const [before, change, ...verdict] of verdicts) {
    const { is_waiting_for_call, waiting_since } = applyChange(before, change, late);
    assert.deepEqual([is_waiting_for_call, waiting_since], verdict, JSON.stringify(change));
  }
});

Deno.test("A number that is not finite is no text", () => {
  for (const given of [NaN, Infinity, -Infinity]) assert.equal(read("unique_id", given), null);
});

Deno.test("A watch_link is an http or https URL; any other counts as missing", () => {
  const verdicts: [given: unknown, isTaken: boolean][] = [
    ["https://acme.com/watch/1", true],
    ["http://localhost:5002/?a=b#c", true],
    ["https://acme.com/Zoë", true],
    ["javascript:alert(1)", false],
    ["JAVASCRIPT:alert(1)//https://acme.com", false],
    ["data:text/html,x", false],
    ["//acme.com/watch", false],
    ["/watch/1", false],
    [" https://acme.com", false],
    ["https://acme.com/\njavascript:alert(1)", false],
    ['https://acme.com/"onclick="x', false],
    ["vbscript:x", false],
    ["ftp://acme.com/", false],
    ["", false],
    [7, false],
  ];
  for (const [given, isTaken] of verdicts) {
    assert.equal(read("watch_link", given), isTaken ? given : null, String(given));
  }
});

Deno.test("A value that is not accepted as a whole is reported with its attribute and the reason, and any other is not", () => {
  const verdicts: [name: AttributeName, given: unknown, reason: string | null][] = [
    ["name", null, null],
    ["name", undefined, null],
    ["name", 42, null],
    ["email", ["a@b.c"], "a list where text belongs"],
    ["email", { a: 1 }, "an object where text belongs"],
    ["name", new Date(0), "a time where text belongs"],
    ["name", NaN, "a number that is not finite"],
    ["is_online", true, null],
    ["is_online", 1, "a number where a boolean belongs"],
    ["is_online", "true", "text where a boolean belongs"],
    ["is_supported", 0, "a number where a boolean belongs"],
    ["tags", "#vip", "text where a list belongs"],
    ["tags", ["#vip", 7, null], null],
    ["tags", ["#vip", {}], "an item is an object where text belongs"],
    ["added_at", "2026-01-02", null],
    ["added_at", 1767323045678, "a number, its unit is unknown"],
    ["added_at", 1767323045678n, "a number, its unit is unknown"],
    ["added_at", "1767323045678", "a number as text, its unit is unknown"],
    ["added_at", "yesterday", "text that is no time, or an ambiguous one"],
    ["added_at", new Date(NaN), "an invalid date"],
    ["added_at", true, "a boolean where a time belongs"],
    ["metadata", { a: 1, b: null }, null],
    ["metadata", { a: { b: 1 } }, "a value in it is an object"],
    ["metadata", { a: [1] }, "a value in it is a list"],
    ["metadata", { a: NaN }, "a value in it is a number that is not finite"],
    ["metadata", "plan", "text where an object belongs"],
    ["metadata", [1], "a list where an object belongs"],
    ["metadata", [{ k: "plan", v: "pro" }], null],
    ["metadata", { a: new Date(0) }, "a value in it is a time"],
    ["metadata", [], null],
    ["metadata", null, null],
    ["metadata", true, "a boolean where an object belongs"],
    ["metadata", { a: 1e300, b: 2n ** 70n }, null],
    ["metadata", { a: "\ud800" }, "text with a lone surrogate, which became U+FFFD"],
    ["metadata", { "\udc00": 1 }, "text with a lone surrogate, which became U+FFFD"],
    ["name", "a\ud83d", "text with a lone surrogate, which became U+FFFD"],
    ["name", "😀", null],
    ["name", "", null],
    ["identities", ["Ada", "\udc00"], "an item is text with a lone surrogate, which became U+FFFD"],
    ["identities", { 0: "Ada" }, "an object where a list belongs"],
    ["identities", [["Ada"]], "an item is a list where text belongs"],
    ["identities", [NaN], "an item is a number that is not finite"],
    ["unique_id", true, null],
    ["unique_id", 738529527931269425n, null],
    ["is_online", "", "text where a boolean belongs"],
    ["is_online", 1n, "a number where a boolean belongs"],
    ["is_online", [true], "a list where a boolean belongs"],
    ["added_at", "2026-02-30", "text that is no time, or an ambiguous one"],
    ["added_at", "", "text that is no time, or an ambiguous one"],
    ["added_at", ["2026-01-02"], "a list where a time belongs"],
    ["added_at", { seconds: 1 }, "an object where a time belongs"],
    ["watch_link", "", "text that is no http or https URL"],
    ["watch_link", 7, "text that is no http or https URL"],
    ["watch_link", ["https://a.example"], "a list where text belongs"],
    ["watch_link", "javascript:alert(1)", "text that is no http or https URL"],
  ];
  for (const [name, given, reason] of verdicts) {
    const reports: string[] = [];
    readVisitor({ short_id: "a", [name]: given }, (...report) => reports.push(report.join(": ")));
    assert.deepEqual(reports, reason === null ? [] : [`${name}: ${reason}`], Deno.inspect(given));
  }
});

Deno.test("A list holds text; a value that is no array counts as missing, and so does an item that is no text", () => {
  const verdicts: [given: unknown, list: string[]][] = [
    [["#vip", "#new"], ["#vip", "#new"]],
    [[1, true, 2n, "a"], ["1", "true", "2", "a"]],
    [["a", null, undefined, ["b"], { c: 1 }, new Date(0), "d"], ["a", "d"]],
    ["#vip", []],
    [7, []],
    [{ 0: "a", length: 1 }, []],
    [new Set(["a"]), []],
    [null, []],
  ];
  for (const name of namesOf("list")) {
    for (const [given, list] of verdicts) {
      assert.deepEqual(read(name, given), list, `${name}: ${Deno.inspect(given)}`);
    }
  }
});

Deno.test("A flag is a boolean and nothing that resembles one", () => {
  for (const name of namesOf("flag")) {
    const missing = name === "is_supported";
    for (const given of [null, undefined, 0, 1, "true", "false", "", [true], {}, new Date(0)]) {
      assert.equal(read(name, given), missing, `${name}: ${Deno.inspect(given)}`);
    }
    assert.equal(read(name, true), true);
    assert.equal(read(name, false), false);
  }
});

Deno.test("Metadata is flat: strings, numbers and booleans stay, everything else is dropped", () => {
  const verdicts: [given: unknown, metadata: Record<string, unknown>][] = [
    [{ plan: "pro", seats: 4, rate: -0.5, trial: false }, {
      plan: "pro",
      seats: 4,
      rate: -0.5,
      trial: false,
    }],
    [{ a: { b: 1 }, c: [1], d: null, e: undefined, f: new Date(0), g: "stays" }, { g: "stays" }],
    [{ a: NaN, b: Infinity, c: -Infinity, d: 0 }, { d: 0 }],
    [{ a: () => 1, b: Symbol("b"), c: "" }, { c: "" }],
    [{ a: 42n, b: -42n }, { a: 42, b: -42 }],
    [{ a: 9007199254740991n, b: 9007199254740993n }, { a: 9007199254740991, b: "9007199254740993" }],
    [{ "a\0b": 1, "a.b": 2, "$a": 3, "": 4, _bsontype: "x" }, {
      "a\0b": 1,
      "a.b": 2,
      "$a": 3,
      "": 4,
      _bsontype: "x",
    }],
    // Whole numbers beyond 2^53 become text, wherever they come from.
    [{ a: 2 ** 53, b: -1e20, c: 1e21, d: 0.1 }, {
      a: "9007199254740992",
      b: "-100000000000000000000",
      c: 1e21,
      d: 0.1,
    }],
    [[{ k: "a.b", v: 1 }, { k: "$c", v: { d: 1 } }], { "a.b": 1 }],
    [[], {}],
    [{ "\ud800": "\udfff" }, { "\ufffd": "\ufffd" }],
    [Object.create({ inherited: 1 }), {}],
    ["plan", {}],
    [7, {}],
    [true, {}],
    [[["plan", "pro"]], {}],
    [new Date(0), {}],
    [new Map([["plan", "pro"]]), {}],
    [null, {}],
    [undefined, {}],
  ];
  for (const [given, metadata] of verdicts) {
    assert.deepEqual(read("metadata", given), metadata, String(given));
  }
});

Deno.test("A metadata key such as __proto__ is a key like any other", () => {
  const metadata = read("metadata", JSON.parse('{"__proto__":"x","constructor":"y","toString":1}')) as object;
  assert.deepEqual(Object.entries(metadata), [["__proto__", "x"], ["constructor", "y"], ["toString", 1]]);
  assert.equal(Object.getPrototypeOf(metadata), Object.prototype);
  assert.equal(JSON.stringify(metadata), '{"__proto__":"x","constructor":"y","toString":1}');
  assert.deepEqual(read("metadata", JSON.parse('{"__proto__":{"admin":true}}')), {});
  assert.equal("admin" in {}, false);
});

Deno.test("A lone surrogate, which has no UTF-8 form, becomes U+FFFD", () => {
  assert.deepEqual(
    readVisitor({ short_id: "a\ud800", name: "\udc00b", tags: ["#\ud83d", "#😀"] }),
    readVisitor({ short_id: "a\ufffd", name: "\ufffdb", tags: ["#\ufffd", "#😀"] }),
  );
});

Deno.test("A database document holds dates for times, and nothing for what is missing", () => {
  const visitor = readVisitor({ short_id: "aB3", last_seen_at: "2026-01-02T03:04:05+01:00", name: "" })!;
  assert.deepEqual(toDocument(visitor), {
    short_id: "aB3",
    identities: [],
    integration_ids: [],
    is_in_session: false,
    is_online: false,
    is_supported: true,
    is_waiting_for_call: false,
    js_configuration: false,
    last_seen_at: new Date("2026-01-02T02:04:05.000Z"),
    metadata: {},
    name: "",
    tags: [],
  });
});

Deno.test("Reading a document does not change it", () => {
  const document = Object.freeze({
    short_id: "aB3",
    tags: Object.freeze([1]),
    metadata: Object.freeze({ a: [] }),
  });
  const visitor = readVisitor(document)!;
  visitor.tags.push("#new");
  assert.deepEqual(document, { short_id: "aB3", tags: [1], metadata: { a: [] } });
});

Deno.test("A link is http or https, and any other counts as missing, as stored and as sent", () => {
  const links: [given: unknown, isLink: boolean][] = [
    ["https://acme.com/watch/1", true],
    ["http://localhost:5002/?a=b#c", true],
    ["HTTPS://ACME.com/", true],
    ["https://münchen.example/ä", true],
    ["javascript:alert(1)", false],
    ["JavaScript:alert(1)", false],
    [" javascript:alert(1)", false],
    ["java\nscript:alert(1)", false],
    ["javascript://acme.com/%0aalert(1)", false],
    ["data:text/html,x", false],
    ["file:///etc/passwd", false],
    ["vbscript:x", false],
    ["blob:https://acme.com/1", false],
    ["//acme.com/", false],
    ["/watch/1", false],
    ["https:", false],
    ["https://", false],
    ["https://acme.com/a b", false],
    ['https://acme.com/"onclick="x', false],
    ["x https://acme.com/", false],
    ["https://acme.com/\njavascript:alert(1)", false],
    ["", false],
    [1, false],
    [null, false],
  ];
  for (const [given, isLink] of links) {
    const visitor = readVisitor({ short_id: "a", watch_link: given })!;
    assert.equal(visitor.watch_link, isLink ? given : null, String(given));
    // As an earlier version may have stored it.
    const stored = new EncodedVisitor(asciiJson({ ...visitor, watch_link: given }));
    assert.equal(
      JSON.parse(stored.jsonWithLink(null)).watch_link,
      isLink ? given : null,
      String(given),
    );
    const made = JSON.parse(stored.jsonWithLink(() => "https://made.example/")).watch_link;
    assert.equal(made, isLink ? given : "https://made.example/", String(given));
  }
});
