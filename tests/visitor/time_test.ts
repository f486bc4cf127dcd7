import assert from "node:assert/strict";
import fc from "fast-check";
import { ATTRIBUTE_NAMES, type AttributeName, ATTRIBUTES, readVisitor } from "../../src/visitor/visitor.ts";
import { runProcess } from "../support/processes.ts";
import { hasAllRights } from "../support/rights.ts";

const read = (name: AttributeName, value: unknown) =>
  readVisitor({ short_id: "aB3", is_online: true, is_waiting_for_call: true, [name]: value })![name];
const namesOf = (kind: string) => ATTRIBUTE_NAMES.filter((name) => ATTRIBUTES[name].kind === kind);

Deno.test("A time is a date or ISO 8601 text, and is sent in UTC with milliseconds", () => {
  const verdicts: [given: unknown, time: string | null][] = [
    [new Date("2026-01-02T03:04:05.678Z"), "2026-01-02T03:04:05.678Z"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [new Date(NaN), null],
    ["2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02T03:04:05.6Z", "2026-01-02T03:04:05.600Z"],
    ["2026-01-02T03:04:05.678901Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04:05.999999999Z", "2026-01-02T03:04:05.999Z"],
    ["2026-01-02T03:04:05,678Z", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04Z", "2026-01-02T03:04:00.000Z"],
    ["2026-01-02t03:04:05z", "2026-01-02T03:04:05.000Z"],
    ["2026-01-02 03:04:05Z", "2026-01-02T03:04:05.000Z"],
    // With an offset.
    ["2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05.000Z"],
    ["2026-01-02T03:04:05.678-05:30", "2026-01-02T08:34:05.678Z"],
    ["2026-01-02T03:04:05+0100", "2026-01-02T02:04:05.000Z"],
    ["2026-01-02T03:04:05-08", "2026-01-02T11:04:05.000Z"],
    ["2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000Z"],
    // Without an offset, which means UTC in every time zone of the server.
    ["2026-01-02T03:04:05.678", "2026-01-02T03:04:05.678Z"],
    ["2026-01-02T03:04", "2026-01-02T03:04:00.000Z"],
    ["2026-07-02 03:04:05", "2026-07-02T03:04:05.000Z"],
    ["2026-01-02", "2026-01-02T00:00:00.000Z"],
    // Unambiguous formats of other software.
    ["2026-11-28 10:00:00 UTC", "2026-11-28T10:00:00.000Z"],
    ["2026-11-28 10:00:00 GMT", "2026-11-28T10:00:00.000Z"],
    ["2026-11-28 10:00:00 Z", "2026-11-28T10:00:00.000Z"],
    ["2026-11-28 10:00:00 +0000", "2026-11-28T10:00:00.000Z"],
    ["2026-11-28 10:00:00 +0000 UTC", "2026-11-28T10:00:00.000Z"],
    ["2026-11-28 10:00:00.123456 +0530", "2026-11-28T04:30:00.123Z"],
    ["2026-11-28 10:00:00.123456+00", "2026-11-28T10:00:00.123Z"],
    ["2026-11-28T10:00:00+01:00[Europe/Berlin]", "2026-11-28T09:00:00.000Z"],
    ["2026-11-28T10:00:00Z[UTC]", "2026-11-28T10:00:00.000Z"],
    ["20260102T030405Z", "2026-01-02T03:04:05.000Z"],
    ["20260102T030405.678+0100", "2026-01-02T02:04:05.678Z"],
    ["Sat, 28 Nov 2026 10:00:00 GMT", "2026-11-28T10:00:00.000Z"],
    ["Sat, 28 Nov 2026 10:00:00 UTC", "2026-11-28T10:00:00.000Z"],
    ["Sat, 28 Nov 2026 10:00:00 +0100", "2026-11-28T09:00:00.000Z"],
    ["Sat, 28 Nov 2026 10:00:00 +0000 (UTC)", "2026-11-28T10:00:00.000Z"],
    ["28 Nov 2026 10:00 -0000", "2026-11-28T10:00:00.000Z"],
    ["Tue, 3 Nov 2026 10:00:00 GMT", "2026-11-03T10:00:00.000Z"],
    [
      "Sat Nov 28 2026 11:00:00 GMT+0100 (Central European Standard Time)",
      "2026-11-28T10:00:00.000Z",
    ],
    ["Saturday, 28 November 2026 10:00:00 UTC", "2026-11-28T10:00:00.000Z"],
    ["sat, 28 nov 2026 10:00:00 gmt", "2026-11-28T10:00:00.000Z"],
    ["Sat, 28 Nov 2026 05:00:00 -0500 (EST)", "2026-11-28T10:00:00.000Z"],
    ["Sat Nov 28 10:00:00 UTC 2026", "2026-11-28T10:00:00.000Z"],
    ["Sat Nov 28 11:00:00 +0100 2026", "2026-11-28T10:00:00.000Z"],
    ["Tue Nov  3 10:00:00 UTC 2026", "2026-11-03T10:00:00.000Z"],
    ["28/Nov/2026:10:00:00 +0000", "2026-11-28T10:00:00.000Z"],
    ["2026-11-28 10:00:00.123456789 +0000 UTC m=+0.001", "2026-11-28T10:00:00.123Z"],
    ["2026/11/28 10:00:00 UTC", "2026-11-28T10:00:00.000Z"],
    ["2026/11/28 10:00:00", "2026-11-28T10:00:00.000Z"],
    ["2026/11/28", "2026-11-28T00:00:00.000Z"],
    ["2026-11-28 10:00:00 utc", "2026-11-28T10:00:00.000Z"],
    ["2026-11-28T10:00:00 Z", "2026-11-28T10:00:00.000Z"],
    ["2026-11-28T24:00:00Z", "2026-11-29T00:00:00.000Z"],
    ["2026-11-28T10:00:00-00:00", "2026-11-28T10:00:00.000Z"],
    ["+002026-11-28T10:00:00Z", "2026-11-28T10:00:00.000Z"],
    // Ambiguous or contradictory ones.
    ["Sun Nov 28 10:00:00 UTC 2026", null],
    ["Sat Nov 28 10:00:00 CET 2026", null],
    ["Sat, 28 Nov 2026 10:00:00 GMT+1", null],
    ["Sat, 28 Nox 2026 10:00:00 GMT", null],
    ["Sat, 28 Novem 2026 10:00:00 GMT", null],
    ["28/11/2026:10:00:00 +0000", null],
    ["2026/28/11", null],
    ["2026.11.28", null],
    ["2026-11-28 10:00:00 Europe/Berlin", null],
    ["2026-11-28T10", null],
    ["2026-332", null],
    ["0000-00-00 00:00:00", null],
    ["2026-11-28T10:00:00.Z", null],
    ["2026-11-28T10:00:00Z; x", null],
    ["２０２６-11-28T10:00:00Z", null],
    ["Fri, 28 Nov 2026 10:00:00 GMT", null],
    ["Sat, 31 Nov 2026 10:00:00 GMT", null],
    ["Sat, 28 Nov 2026 10:00:00", null],
    ["Sat, 28 Nov 2026 10:00:00 EST", null],
    ["Saturday, 28-Nov-26 10:00:00 GMT", null],
    ["Sat Nov 28 10:00:00 2026", null],
    ["28 Nov 2026", null],
    ["28.11.2026 10:00:00 UTC", null],
    ["11/28/2026 10:00:00 UTC", null],
    ["2026-11-28 10:00:00 CET", null],
    ["2026-11-28 10:00:00 PM", null],
    ["2026-11-28T10:00:00[Europe/Berlin]", null],
    ["20261128100000", null],
    // Days that exist, and days that do not.
    ["2024-02-29", "2024-02-29T00:00:00.000Z"],
    ["2000-02-29", "2000-02-29T00:00:00.000Z"],
    ["2024-02-30", null],
    ["2024-02-30T10:00:00Z", null],
    ["2023-02-29", null],
    ["1900-02-29", null],
    ["2024-04-31", null],
    ["2024-00-10", null],
    ["2024-13-10", null],
    ["2024-01-00", null],
    ["2024-01-32", null],
    ["2024-01-10T25:00:00Z", null],
    ["2024-01-10T10:60:00Z", null],
    ["2024-01-10T10:00:61Z", null],
    ["2024-01-10T10:00:00+25:00", null],
    // Text that only resembles a time.
    [1767323045678, null],
    [1767323045, null],
    [1767323045678n, null],
    ["1767323045678", null],
    ["", null],
    ["now", null],
    ["1", null],
    ["March 7", null],
    ["2026", null],
    ["2026-01", null],
    ["2026-1-2", null],
    ["2026-W01-5", null],
    ["01/02/2026", null],
    [" 2026-01-02", null],
    ["2026-01-02\n", null],
    ["2026-01-02Z", null],
    ["２０２６-01-02", null],
    [true, null],
    [["2026-01-02"], null],
    [{ $date: "2026-01-02T03:04:05Z" }, null],
    [null, null],
    // Years that RFC 3339 cannot represent.
    ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"],
    ["+012026-01-02T03:04:05Z", "+012026-01-02T03:04:05.000Z"],
    ["+275760-09-13T00:00:00.001Z", null],
    ["-000000-01-01T00:00:00Z", null],
  ];
  for (const name of namesOf("time")) {
    for (const [given, time] of verdicts) assert.equal(read(name, given), time, `${name}: ${String(given)}`);
  }
});

if (hasAllRights) {
  Deno.test("A time without an offset is UTC on a server in another time zone too", async () => {
    const script = `import { readVisitor } from ${
      JSON.stringify(new URL("../../src/visitor/visitor.ts", import.meta.url))
    };
      const times = ["2026-07-02T03:04:05", "2026-07-02", "2026-07-02T03:04:05+02:00"];
      console.log(new Date(2026, 6, 2).getTimezoneOffset());
      for (const time of times) console.log(readVisitor({ short_id: "a", added_at: time }).added_at);`;
    const { stdout } = await runProcess({
      program: Deno.execPath(),
      args: ["eval", script],
      env: { TZ: "America/New_York", NO_COLOR: "1" },
    });
    assert.deepEqual(stdout.trimEnd().split("\n"), [
      "240",
      "2026-07-02T03:04:05.000Z",
      "2026-07-02T00:00:00.000Z",
      "2026-07-02T01:04:05.000Z",
    ]);
  });
}

Deno.test("Every time that Date.toISOString writes is read", () => {
  fc.assert(fc.property(fc.date({ noInvalidDate: true }), (date) => {
    assert.equal(read("last_seen_at", date), date.toISOString());
    assert.equal(read("last_seen_at", date.toISOString()), date.toISOString());
  }));
});
