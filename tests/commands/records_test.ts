import assert from "node:assert/strict";
import fc from "fast-check";
import { type ImportRecord, readRecords } from "../../src/commands/records.ts";

const encoder = new TextEncoder();

async function recordsOf(...parts: (string | Uint8Array)[]): Promise<ImportRecord[]> {
  async function* input() {
    for (const part of parts) yield typeof part === "string" ? encoder.encode(part) : part;
  }
  return await Array.fromAsync(readRecords(input()));
}

/** Formats records as `line text`, or `line !problem`. */
const show = (records: ImportRecord[]) =>
  records.map((record) => `${record.line} ${"text" in record ? record.text : "!" + record.problem}`);

const bytes = (...values: number[]) => new Uint8Array(values);
const join = (...parts: (string | Uint8Array)[]) =>
  new Uint8Array(parts.flatMap((part) => [...(typeof part === "string" ? encoder.encode(part) : part)]));

/** Inputs with their records. */
const VERDICTS: [input: string | Uint8Array, records: string[]][] = [
  // NDJSON.
  ["", []],
  ["\n", []],
  [" \r\n\t\n", []],
  ['{"a":1}', ['1 {"a":1}']],
  ['{"a":1}\n', ['1 {"a":1}']],
  ['{"a":1}\n{"b":2}', ['1 {"a":1}', '2 {"b":2}']],
  ['{"a":1}\n\n \n{"b":2}\n\n', ['1 {"a":1}', '4 {"b":2}']],
  ["\n\n{}\n", ["3 {}"]],
  ['{"a":1}\r\n{"b":2}\r\n', ['1 {"a":1}\r', '2 {"b":2}\r']],
  ["nonsense\n{}", ["1 nonsense", "2 {}"]],
  ['{}\n[1]\n7\n"x"', ["1 {}", "2 [1]", "3 7", '4 "x"']],
  ['{"a":"é東😀"}\n{}', ['1 {"a":"é東😀"}', "2 {}"]],
  ["{}\n\u2028{}", ["1 {}", "2 \u2028{}"]],
  // A byte order mark.
  ["\ufeff{}\n{}", ["1 {}", "2 {}"]],
  ["\ufeff[{}]", ["1 {}"]],
  ["\ufeff", []],
  ["\ufeff\n {}", ["2 {}"]],
  ["\ufeff{}\r\n\ufeff{}", ["1 {}\r", "2 {}"]],
  // Other encodings and formats are reported.
  [bytes(0xff, 0xfe, 0x7b, 0, 0x7d, 0), ["1 !the file is UTF-16 or UTF-32, expected UTF-8"]],
  [bytes(0xfe, 0xff, 0, 0x7b, 0, 0x7d), ["1 !the file is UTF-16 or UTF-32, expected UTF-8"]],
  [bytes(0x7b, 0, 0x7d, 0, 0x0a, 0), ["1 !the file is UTF-16 or UTF-32, expected UTF-8"]],
  [bytes(0, 0x7b, 0, 0x7d), ["1 !the file is UTF-16 or UTF-32, expected UTF-8"]],
  [bytes(0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0), ["1 !the file is UTF-16 or UTF-32, expected UTF-8"]],
  [bytes(0, 0, 0xfe, 0xff, 0, 0, 0, 0x7b), ["1 !the file is UTF-16 or UTF-32, expected UTF-8"]],
  [bytes(0x1f, 0x8b, 8, 0, 0), ["1 !the file is compressed by gzip, expected text"]],
  [bytes(0x28, 0xb5, 0x2f, 0xfd, 0), ["1 !the file is compressed by zstd, expected text"]],
  [bytes(0x50, 0x4b, 3, 4, 0), ["1 !the file is a ZIP archive, expected text"]],
  // Invalid UTF-8 makes only its own line bad.
  [join("{}\n", bytes(0xff, 0xfe), "\n{}"), ["1 {}", "2 !not UTF-8", "3 {}"]],
  [join("{}\n", bytes(0xc3), "\n{}"), ["1 {}", "2 !not UTF-8", "3 {}"]],
  [join(bytes(0xed, 0xa0, 0x80), "\n{}"), ["1 !not UTF-8", "2 {}"]],
  [join('[{}, "', bytes(0xff), '", {}]'), ["1 {}", "1 !not UTF-8", "1  {}"]],
  [join("{}\n", bytes(0)), ["1 {}", "2 \0"]],
  // An array.
  ["[]", []],
  [" [ ] ", []],
  ["[{}]", ["1 {}"]],
  ["\n\n[{},\n{}\n,\n\n{}]\n", ["3 {}", "4 \n{}\n", "7 \n\n{}"]],
  ['[{"a":[1,{"b":[2]}]},{"c":{}}]', ['1 {"a":[1,{"b":[2]}]}', '1 {"c":{}}']],
  ['[{"a":"],}{[,"},{}]', ['1 {"a":"],}{[,"}', "1 {}"]],
  ['[{"a":"\\"],\\\\"},{"b":"\\\\\\""}]', ['1 {"a":"\\"],\\\\"}', '1 {"b":"\\\\\\""}']],
  ['["a,b]",7,null,[1,2]]', ['1 "a,b]"', "1 7", "1 null", "1 [1,2]"]],
  ['[{"a":\n1},\n{"b":"é😀"}]', ['1 {"a":\n1}', '3 \n{"b":"é😀"}']],
  ["[nonsense, {}]", ["1 nonsense", "1  {}"]],
  // An array that is not balanced.
  ["[{},{}", ["1 {}", "1 {}", "1 !the array does not end"]],
  ["[{},\n{", ["1 {}", "2 \n{", "2 !the array does not end"]],
  ["[", ["1 !the array does not end"]],
  ["[\n\n", ["3 !the array does not end"]],
  ["[{},", ["1 {}", "1 !the array does not end"]],
  ['[{"a":"', ['1 {"a":"', "1 !the array does not end"]],
  ["[{},]", ["1 {}", "1 !an element is missing"]],
  ["[,{}]", ["1 !an element is missing", "1 {}"]],
  ["[{},,{}]", ["1 {}", "1 !an element is missing", "1 {}"]],
  ["[,]", ["1 !an element is missing", "1 !an element is missing"]],
  ["[{}}]", ["1 {}}"]],
  // Text after the array.
  ["[{}]\n\n \t\r\n", ["1 {}"]],
  ["[{}]]", ["1 {}", "1 !something follows the array's end"]],
  ["[{}]\n{}\n{}\n{}", ["1 {}", "2 !something follows the array's end"]],
  ["[]\n[{}]\nx", ["2 !something follows the array's end"]],
];

Deno.test("Lines, or the elements of one array, become records with line numbers", async () => {
  for (const [input, records] of VERDICTS) {
    assert.deepEqual(show(await recordsOf(input)), records, String(input));
  }
});

Deno.test("The records do not depend on how the input is split into chunks", async () => {
  for (const [input] of VERDICTS) {
    const whole = typeof input === "string" ? encoder.encode(input) : input;
    const expected = show(await recordsOf(whole));
    for (let at = 0; at <= whole.length; at++) {
      const halves = await recordsOf(whole.subarray(0, at), whole.subarray(at));
      assert.deepEqual(show(halves), expected, `${String(input)} cut at ${at}`);
    }
    const single = Array.from(whole, (byte) => bytes(byte));
    assert.deepEqual(show(await recordsOf(...single)), expected, `${String(input)} byte by byte`);
    const spread = single.flatMap((byte) => [new Uint8Array(), byte]);
    assert.deepEqual(show(await recordsOf(...spread)), expected, `${String(input)} with empty parts`);
  }
});

Deno.test("The memory of a chunk may be reused after it was read", async () => {
  async function* reused() {
    const buffer = new Uint8Array(2);
    for (const pair of ['{"', "a", '":', "1}", "\n{", "}"]) {
      yield buffer.subarray(0, encoder.encodeInto(pair, buffer).written);
    }
  }
  assert.deepEqual(show(await Array.fromAsync(readRecords(reused()))), ['1 {"a":1}', "2 {}"]);
});

Deno.test("Any values can be read from NDJSON and from an array, indented or not", async () => {
  const values = fc.array(fc.jsonValue({ noUnicodeString: false }).filter((value) => value !== undefined));
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(values, sizes, fc.constantFrom(undefined, 2, "\t"), async (values, sizes, indent) => {
      const valuesIn = async (text: string) => {
        const all = encoder.encode(text);
        const parts: Uint8Array[] = [];
        for (let at = 0, i = 0; at < all.length; at += sizes[i++ % sizes.length]) {
          parts.push(all.subarray(at, at + sizes[i % sizes.length]));
        }
        return (await recordsOf(...parts)).map((record) =>
          "text" in record ? JSON.parse(record.text) : record.problem
        );
      };
      const written = JSON.parse(JSON.stringify(values));
      assert.deepEqual(await valuesIn(JSON.stringify(values, null, indent)), written);
      // If the first line begins with a bracket, the input is read as an array.
      if (Array.isArray(values[0])) return;
      assert.deepEqual(await valuesIn(values.map((value) => JSON.stringify(value) + "\n").join("")), written);
    }),
  );
});

Deno.test("An overlong record is reported, does not affect the others, and is not held in memory", async () => {
  const MEGABYTE = 1024 * 1024;
  const long = `{"a":"${"x".repeat(16 * MEGABYTE)}"}`;
  const fits = `{"a":"${"x".repeat(16 * MEGABYTE - 8)}"}`;
  const problem = "!longer than 16 MB";
  assert.equal(fits.length, 16 * MEGABYTE);
  assert.deepEqual(show(await recordsOf(`{}\n${long}\n{}`)), ["1 {}", `2 ${problem}`, "3 {}"]);
  assert.deepEqual(show(await recordsOf(`[{},\n${long},{}]`)), ["1 {}", `2 ${problem}`, "2 {}"]);
  assert.deepEqual(show(await recordsOf(`{}\n${fits}\n{}`)), ["1 {}", `2 ${fits}`, "3 {}"]);
  assert.deepEqual(show(await recordsOf(long)), [`1 ${problem}`]);

  async function* endless() {
    const part = encoder.encode("x".repeat(MEGABYTE));
    yield encoder.encode("{}\n");
    for (let i = 0; i < 64; i++) yield part;
    yield encoder.encode("\n{}");
  }
  assert.deepEqual(show(await Array.fromAsync(readRecords(endless()))), ["1 {}", `2 ${problem}`, "3 {}"]);
});
