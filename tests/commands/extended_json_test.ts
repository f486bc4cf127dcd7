import assert from "node:assert/strict";
import { nativeDocument, type TimeUnit } from "../../src/commands/extended_json.ts";
import { parseJson } from "../../src/visitor/exact_json.ts";
import { type AttributeName, readVisitor } from "../../src/visitor/visitor.ts";

/** The value of an attribute that an import takes from JSON. */
function read(name: AttributeName, json: string, unit: TimeUnit | null = null) {
  const document = parseJson(`{"short_id":"a",${JSON.stringify(name)}:${json}}`) as Record<string, unknown>;
  return readVisitor(nativeDocument(document, unit, () => {}))![name];
}

Deno.test("Extended JSON of mongoexport is read, relaxed and canonical", () => {
  const verdicts: [name: AttributeName, json: string, value: unknown][] = [
    ["added_at", '{"$date":"2026-11-28T10:00:00Z"}', "2026-11-28T10:00:00.000Z"],
    ["added_at", '{"$date":"2026-11-28T10:00:00.123+0100"}', "2026-11-28T09:00:00.123Z"],
    ["added_at", '{"$date":{"$numberLong":"1767323045678"}}', "2026-01-02T03:04:05.678Z"],
    ["added_at", '{"$date":{"$numberLong":"-1"}}', "1969-12-31T23:59:59.999Z"],
    ["added_at", '{"$date":1767323045678}', "2026-01-02T03:04:05.678Z"],
    ["added_at", '{"$date":"soon"}', null],
    ["added_at", '{"$date":null}', null],
    ["added_at", '{"$date":{"$numberLong":"99999999999999999"}}', null],
    ["added_at", '{"$numberLong":"1767323045678"}', null],
    ["added_at", '{"$timestamp":{"t":1,"i":1}}', null],
    ["unique_id", '{"$oid":"65a1b2c3d4e5f60718293a4b"}', "65a1b2c3d4e5f60718293a4b"],
    ["unique_id", '{"$uuid":"3b241101-e2bb-4255-8caf-4136c566a962"}', "3b241101-e2bb-4255-8caf-4136c566a962"],
    ["unique_id", '{"$numberInt":"42"}', "42"],
    ["unique_id", '{"$numberLong":"738529527931269425"}', "738529527931269425"],
    ["unique_id", '{"$numberLong":"9223372036854775807"}', "9223372036854775807"],
    ["unique_id", '{"$numberDouble":"1.5"}', "1.5"],
    ["unique_id", '{"$numberDouble":"42.0"}', "42"],
    ["unique_id", '{"$numberDouble":"NaN"}', null],
    ["unique_id", '{"$numberDecimal":"12345678901234567890.5"}', "12345678901234567890.5"],
    ["unique_id", '{"$numberDecimal":"738529527931269425"}', "738529527931269425"],
    ["unique_id", '{"$symbol":"u1"}', "u1"],
    ["unique_id", '{"$undefined":true}', null],
    [
      "unique_id",
      '{"$binary":{"base64":"OyQRAeK7QlWPr0E2xWapYg==","subType":"04"}}',
      "3b241101-e2bb-4255-8faf-4136c566a962",
    ],
    ["unique_id", '{"$binary":{"base64":"OyQRAeK7QlWPr0E2xWapYg==","subType":"03"}}', null],
    ["unique_id", '{"$binary":{"base64":"OyQR","subType":"04"}}', null],
    ["unique_id", '{"$binary":{"base64":"OyQRA","subType":"04"}}', null],
    ["unique_id", '{"$binary":{"base64":"é%","subType":"04"}}', null],
    ["unique_id", '{"$numberInt":42}', "42"],
    ["unique_id", '{"$numberInt":""}', null],
    ["unique_id", '{"$numberInt":null}', null],
    ["unique_id", '{"$numberInt":true}', null],
    ["unique_id", '{"$numberInt":"12x"}', null],
    ["unique_id", '{"$numberInt":"0x10"}', null],
    ["unique_id", '{"$numberLong":"-9223372036854775808"}', "-9223372036854775808"],
    ["unique_id", '{"$numberDouble":"-0.0"}', "0"],
    ["unique_id", '{"$numberDouble":"1.7976931348623157E+308"}', "1.7976931348623157e+308"],
    ["unique_id", '{"$numberDouble":"-Infinity"}', null],
    ["unique_id", '{"$numberDecimal":"1E+3"}', "1000"],
    ["unique_id", '{"$numberDecimal":"007"}', "7"],
    [
      "unique_id",
      '{"$numberDecimal":"0.1000000000000000000000000000000001"}',
      "0.1000000000000000000000000000000001",
    ],
    ["unique_id", '{"$numberDecimal":"NaN"}', null],
    ["unique_id", '{"$date":"2026-11-28T10:00:00Z"}', null],
    ["unique_id", '{"$regularExpression":{"pattern":"a","options":""}}', null],
    ["unique_id", '{"$code":"a"}', null],
    ["unique_id", '{"$minKey":1}', null],
    ["unique_id", '{"$dbPointer":{"$ref":"a","$id":{"$oid":"65a1b2c3d4e5f60718293a4b"}}}', null],
    ["added_at", '{"$date":{"$numberInt":"5"}}', "1970-01-01T00:00:00.005Z"],
    ["added_at", '{"$date":{"$numberLong":1767323045678}}', "2026-01-02T03:04:05.678Z"],
    ["added_at", '{"$date":{"$numberDouble":"1767323045678.0"}}', "2026-01-02T03:04:05.678Z"],
    ["added_at", '{"$date":{"$numberLong":"-62135596800000"}}', "0001-01-01T00:00:00.000Z"],
    ["added_at", '{"$date":"1767323045678"}', null],
    ["added_at", '{"$date":{"$date":"2026-11-28T10:00:00Z"}}', null],
    ["added_at", '{"$date":"2026-11-28T10:00:00Z","a":1}', null],
    ["added_at", '[{"$date":"2026-11-28T10:00:00Z"}]', null],
    ["is_online", '{"$undefined":true}', false],
    ["tags", '[{"$undefined":true},{"$numberDouble":"NaN"},"#a"]', ["#a"]],
    ["tags", '{"$numberInt":"1"}', []],
    [
      "metadata",
      '{"d":{"$date":"2026-11-28T10:00:00Z"},"e":{"$date":{"$numberLong":"0"}},"f":{"$oid":"65"}}',
      { f: "65" },
    ],
    ["metadata", '{"n":{"$numberDouble":"-0"}}', { n: 0 }],
    ["metadata", '{"n":{"$numberInt":null},"__proto__":{"$numberInt":"1"}}', JSON.parse('{"__proto__":1}')],
    ["metadata", '{"$undefined":true}', { $undefined: true }],
    ["unique_id", '{"$binary":{"base64":"AA==","subType":"00"}}', null],
    ["unique_id", '{"$oid":"a","more":1}', null],
    ["unique_id", "738529527931269427", "738529527931269427"],
    ["tags", '["#vip",{"$numberInt":"7"},{"$oid":"65"}]', ["#vip", "7", "65"]],
    ["is_online", '{"$numberInt":"1"}', false],
    [
      "metadata",
      '{"a":{"$numberInt":"4"},"b":{"$numberLong":"738529527931269425"},"c":{"$numberDouble":"0.5"},"d":7}',
      { a: 4, b: "738529527931269425", c: 0.5, d: 7 },
    ],
    ["metadata", '{"a":738529527931269425,"b":1}', { a: "738529527931269425", b: 1 }],
    ["metadata", '[{"k":"a.b","v":{"$numberInt":"4"}},{"k":"$c","v":"x"}]', { "a.b": 4, "$c": "x" }],
    // The metadata object itself may have any key.
    ["metadata", '{"$oid":"x"}', { $oid: "x" }],
    ["metadata", '{"$numberInt":"5"}', { $numberInt: "5" }],
    ["metadata", '{"$date":"2026-11-28"}', { $date: "2026-11-28" }],
  ];
  for (const [name, json, value] of verdicts) assert.deepEqual(read(name, json), value, `${name} ${json}`);
});

Deno.test("A short id must be a string, in Extended JSON as in a collection", () => {
  for (const short_id of [{ $oid: "65a1b2c3d4e5f60718293a4b" }, { $numberInt: "7" }, { $symbol: "a" }]) {
    assert.equal(readVisitor(nativeDocument({ short_id }, null, () => {})), null);
  }
});

Deno.test("Numbers are read as times only if their unit is given", () => {
  const verdicts: [json: string, unit: TimeUnit | null, value: string | null][] = [
    ["1767323045", null, null],
    ["1767323045", "s", "2026-01-02T03:04:05.000Z"],
    ["1767323045.678", "s", "2026-01-02T03:04:05.678Z"],
    ['"1767323045"', "s", "2026-01-02T03:04:05.000Z"],
    ['{"$numberLong":"1767323045"}', "s", "2026-01-02T03:04:05.000Z"],
    ['{"$numberDouble":"1767323045.5"}', "s", "2026-01-02T03:04:05.500Z"],
    ["1767323045678", "ms", "2026-01-02T03:04:05.678Z"],
    ["0", "ms", "1970-01-01T00:00:00.000Z"],
    // Numbers in another unit.
    ["1767323045678", "s", null],
    ["1767323045678901", "ms", null],
    ["-1", "s", null],
    // Strings and Extended JSON need no unit.
    ['"2026-01-02"', "s", "2026-01-02T00:00:00.000Z"],
    ['{"$date":{"$numberLong":"1767323045678"}}', "s", "2026-01-02T03:04:05.678Z"],
    ["true", "s", null],
    ['"2026"', "s", null],
  ];
  for (const [json, unit, value] of verdicts) {
    assert.equal(read("last_seen_at", json, unit), value, `${json} ${unit}`);
  }
});
