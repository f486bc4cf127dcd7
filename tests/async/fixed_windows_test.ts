import assert from "node:assert/strict";
import { FixedWindows } from "../../src/async/fixed_windows.ts";
import { ManualClock } from "../support/clock.ts";

Deno.test("A key is counted until its window ends, which further counts do not prolong", () => {
  const clock = new ManualClock();
  const windows = new FixedWindows(1000, clock);
  assert.deepEqual([windows.count("a"), windows.left("a")], [0, 0]);
  assert.deepEqual([windows.add("a"), windows.add("a")], [1, 2]);
  clock.advance(999);
  assert.deepEqual([windows.add("a"), windows.left("a")], [3, 1]);
  clock.advance(1);
  assert.deepEqual([windows.count("a"), windows.left("a")], [0, 0]);
  assert.deepEqual([windows.add("a"), windows.left("a")], [1, 1000]);
});

Deno.test("Each key has a window of its own", () => {
  const clock = new ManualClock();
  const windows = new FixedWindows(1000, clock);
  windows.add("a");
  clock.advance(600);
  windows.add("b");
  clock.advance(600);
  assert.deepEqual([windows.count("a"), windows.count("b")], [0, 1]);
});

Deno.test("Of more than 50,000 keys at once the oldest windows are dropped", () => {
  const windows = new FixedWindows(1000, new ManualClock());
  for (let key = 0; key < 50_001; key++) windows.add(`${key}`);
  assert.deepEqual([windows.count("0"), windows.count("1"), windows.count("50000")], [0, 1, 1]);
});
