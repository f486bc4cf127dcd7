import assert from "node:assert/strict";
import fc from "fast-check";
import { asciiJson } from "../../src/visitor/ascii_json.ts";
import { readJson } from "../../src/visitor/read_json.ts";

/** A key as `JSON.stringify` and Python's `json.dumps` write it. */
const WRITTEN: [text: string, key: string][] = [
  [String.raw`"\u4bab"`, "\u4bab"],
  [String.raw`"\u00E9"`, "é"],
  [String.raw`"\n"`, "\n"],
  [String.raw`"\""`, '"'],
  [String.raw`"\\"`, "\\"],
  [String.raw`"\/"`, "/"],
  [String.raw`"\u0041"`, "A"],
  [String.raw`"\ud800"`, "\ud800"],
  [String.raw`"\u0000"`, "\0"],
  [String.raw`"\ue000"`, "\ue000"],
];

Deno.test("A key of one character is read as it is written, whatever was read before", () => {
  for (const [i, [text, key]] of WRITTEN.entries()) {
    for (const colon of [":", " \n: "]) {
      const before = `"first${i}":"x"`;
      readJson(`{${before},"\\\\":1}`);
      assert.deepEqual(readJson(`{${before},${text}${colon}2}`), { [`first${i}`]: "x", [key]: 2 }, text);
      const nested = { a: [{ [`first${i}`]: "x", [key]: { [key]: `"${key}":` } }], "\ue000": "\ue000" };
      assert.deepEqual(readJson(asciiJson(nested)), nested, text);
    }
  }
});

Deno.test("Any other JSON is read as JSON.parse does", () => {
  const texts = [
    String.raw`{"a\"\n":1,"\"\n":2}`,
    String.raw`{"a":"\"\":","b":"\n"}`,
    String.raw`{"\u0061":1,"a":2}`,
    String.raw`["\n","\u4bab"]`,
    String.raw`"\n"`,
    '{"__proto__":1,"\\n":2}',
  ];
  for (const text of texts) assert.deepEqual(readJson(text), JSON.parse(text), text);
  for (const text of ["", "{", String.raw`{"\n":}`, String.raw`{"\x":1}`, String.raw`{"\u12":1}`]) {
    assert.throws(() => readJson(text), SyntaxError, text);
  }
  assert.deepEqual(readJson(String.raw`{"\n":1,"a":[2]}`, (_, value) => value === 2 ? 3 : value), {
    "\n": 1,
    a: [3],
  });
});

Deno.test("Any object comes back from the JSON that is stored and sent", () => {
  const key = fc.oneof(fc.constantFrom(...'\\"\n\u00e9\u540d', "a", ""), fc.string({ unit: "binary" }));
  const object = fc.dictionary(key, fc.oneof(fc.string({ unit: "binary" }), fc.integer()), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(object, (given) => {
      assert.equal(JSON.stringify(readJson(asciiJson(given))), JSON.stringify(given));
    }),
    { numRuns: 2000 },
  );
});
