import assert from "node:assert/strict";
import fc from "fast-check";
import { exactNumber, parseJson } from "../../src/visitor/exact_json.ts";

Deno.test("Whole numbers beyond 2^53 in JSON are bigints, and everything else is as JSON.parse gives it", () => {
  const verdicts: [text: string, value: unknown][] = [
    ["738529527931269425", 738529527931269425n],
    ['{"a":738529527931269427}', { a: 738529527931269427n }],
    ['{"a": -738529527931269427 }', { a: -738529527931269427n }],
    ["[1,9007199254740993]", [1, 9007199254740993n]],
    ["[\n9007199254740993]", [9007199254740993n]],
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["12345678901234567890123456789", 12345678901234567890123456789n],
    ["738529527931269425.0", 738529527931269425n],
    ["7.38529527931269425e17", 738529527931269425n],
    ["0.12345678901234567890", 0.12345678901234568],
    ["9007199254740993.5", 9007199254740993.5],
    ["1e300", 1e300],
    ["1e20", 1e20],
    ["[1e+21,738529527931269425]", [1e21, 738529527931269425n]],
    ["1.2345678901234568e+21", 1.2345678901234568e21],
    ["-1.7976931348623157e+308", -1.7976931348623157e308],
    ["100000000000000000000", 100000000000000000000n],
    ['"738529527931269425"', "738529527931269425"],
    ['{"738529527931269425":":738529527931269425"}', { "738529527931269425": ":738529527931269425" }],
    ['{"a":["b",true,null,{"c":738529527931269425}]}', { a: ["b", true, null, { c: 738529527931269425n }] }],
  ];
  for (const [text, value] of verdicts) assert.deepEqual(parseJson(text), value, text);
  const { a } = parseJson('{"a":1,"__proto__":{"b":738529527931269425}}') as { a: number };
  assert.equal(a, 1);
  assert.equal("b" in {}, false);
  for (const text of ["", "{", "738529527931269425x", "[738529527931269425"]) {
    assert.throws(() => parseJson(text), SyntaxError, text);
  }
});

Deno.test("Any JSON is parsed as JSON.parse does, where no number is beyond 2^53", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    const hasLong = (value: unknown): boolean =>
      typeof value === "number"
        ? Number.isInteger(value) && !Number.isSafeInteger(value)
        : typeof value === "object" && value !== null && Object.values(value).some(hasLong);
    fc.pre(!hasLong(JSON.parse(text)));
    assert.deepEqual(parseJson(text), JSON.parse(text));
  }));
});

Deno.test("Any whole number comes back with all its digits", () => {
  fc.assert(fc.property(fc.bigInt({ min: -(10n ** 34n), max: 10n ** 34n }), (whole) => {
    assert.equal(String((parseJson(`{"a":${whole}}`) as { a: unknown }).a), String(whole));
    assert.equal(String(exactNumber(String(whole))), String(whole));
  }));
});

Deno.test("A decimal becomes a number if that keeps all its digits", () => {
  const verdicts: [decimal: string, value: unknown][] = [
    ["0", 0],
    ["42", 42],
    ["-1.50", -1.5],
    ["1.0", 1],
    ["1E+3", 1000],
    ["0.1", 0.1],
    ["9007199254740993", 9007199254740993n],
    ["9.007199254740993E+15", 9007199254740993n],
    ["1E+20", 100000000000000000000n],
    ["9007199254740993.25", "9007199254740993.25"],
    ["9007199254740991.4", "9007199254740991.4"],
    ["0.1234567890123456789", "0.1234567890123456789"],
    ["1E+6000", "1E+6000"],
    ["NaN", NaN],
    ["Infinity", Infinity],
    ["-Infinity", -Infinity],
    ["abc", NaN],
  ];
  for (const [decimal, value] of verdicts) assert.deepEqual(exactNumber(decimal), value, decimal);
});
