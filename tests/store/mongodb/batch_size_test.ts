import assert from "node:assert/strict";
import { BatchSize } from "../../../src/store/mongodb/batch_size.ts";

Deno.test("The batch size is halved when the database does not keep up, and doubled when it does", async () => {
  const batches = new BatchSize();
  const sizes: number[] = [];
  const fail = () => batches.run((size) => Promise.reject(new Error(`not ${sizes.push(size)}`)));
  const succeed = () => batches.run((size) => Promise.resolve(sizes.push(size)));
  for (let times = 0; times < 7; times++) await assert.rejects(fail, /not/);
  for (let times = 0; times < 7; times++) await succeed();
  assert.deepEqual(sizes, [250, 125, 62, 31, 15, 10, 10, 10, 20, 40, 80, 160, 250, 250]);
});
