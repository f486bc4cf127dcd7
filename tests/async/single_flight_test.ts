import assert from "node:assert/strict";
import { BatchedFlight, SingleFlight } from "../../src/async/single_flight.ts";
import { ManualClock } from "../support/clock.ts";
import { until } from "../support/waiting.ts";

Deno.test("Questions that come while others are answered are answered together, each with its own answer", async () => {
  const runs: number[][] = [];
  const batch = new BatchedFlight(async (questions: number[]) => {
    runs.push(questions);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return questions.map((question) => question * 2);
  }, new ManualClock());
  const ask = async (question: number) => assert.equal(await batch.ask(question), question * 2);
  await Promise.all([
    ask(1),
    ask(2),
    ask(3),
    // By when a run has just ended, and the next one has not yet begun.
    ask(1).then(() => Promise.all([ask(4), ask(5)])),
  ]);
  assert.deepEqual(runs, [[1, 2, 3, 1], [4, 5]]);
});

Deno.test("No run begins before the one before it has ended, whenever it is asked for", async () => {
  let running = 0;
  const flight = new SingleFlight(
    async () => {
      assert.equal(++running, 1);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running--;
    },
    undefined,
    new ManualClock(),
  );
  /** Asks again as soon as can be, some turns later each time. */
  const askAgain = async (turns: number) => {
    for (let i = 0; i < 20; i++) {
      await flight.run();
      for (let turn = 0; turn < turns; turn++) await null;
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, turns) => askAgain(turns)));
});

Deno.test("A caller never waits for slow work twice: its own run begins beside the one that takes long", async () => {
  const clock = new ManualClock();
  const runs: PromiseWithResolvers<number>[] = [];
  const flight = new SingleFlight(
    () => {
      const run = Promise.withResolvers<number>();
      runs.push(run);
      return run.promise;
    },
    undefined,
    clock,
  );
  const first = flight.run();
  const [second, third] = [flight.run(), flight.run()];
  assert.equal(runs.length, 1);
  clock.advance(250);
  await until(() => runs.length === 2);
  runs[1].resolve(2);
  assert.deepEqual(await Promise.all([second, third]), [2, 2]);
  runs[0].resolve(1);
  assert.equal(await first, 1);
});

Deno.test("A run that failed fails for those who waited for it, and for nobody after them", async () => {
  let isBroken = true;
  const batch = new BatchedFlight((questions: string[]) =>
    isBroken ? Promise.reject(new Error("broken")) : Promise.resolve(questions)
  );
  await assert.rejects(Promise.all([batch.ask("a"), batch.ask("b")]), /broken/);
  isBroken = false;
  assert.deepEqual(await Promise.all([batch.ask("c"), batch.ask("d")]), ["c", "d"]);
});
