import assert from "node:assert/strict";
import { Bell, RING_MS } from "../../src/console/client/bell.js";

const waiting = (short_id: string, more: Record<string, unknown> = {}) => ({
  short_id,
  is_online: true,
  is_waiting_for_call: true,
  claimed_by: null,
  is_in_session: false,
  ...more,
});

function openBell() {
  const bell = new Bell();
  const take = (visitors: ReturnType<typeof waiting>[], now = 0) => [
    bell.take(visitors, now).map(({ short_id }) => short_id).join(),
    bell.isRinging,
  ];
  return { bell, take };
}

Deno.test("The bell rings for each visitor who begins to wait, and for nobody else", () => {
  const { take } = openBell();
  assert.deepEqual(take([waiting("before")]), ["", false]);
  assert.deepEqual(take([waiting("before"), waiting("guest", { is_waiting_for_call: false })]), ["", false]);
  assert.deepEqual(take([waiting("before"), waiting("a"), waiting("b")]), ["a,b", true]);
  assert.deepEqual(take([waiting("before"), waiting("a"), waiting("b")]), ["", true]);
  assert.deepEqual(take([waiting("before"), waiting("a")]), ["", true], "one is gone, the other still waits");
  assert.deepEqual(take([waiting("before")]), ["", false]);
  assert.deepEqual(take([waiting("before"), waiting("a")]), ["a", true], "it waits again");
});

Deno.test("The bell stops when an agent takes the visitor, when the visitor leaves, and after a minute", () => {
  for (
    const end of [
      waiting("a", { claimed_by: "Grace" }),
      waiting("a", { is_in_session: true }),
      waiting("a", { is_online: false }),
      waiting("a", { is_waiting_for_call: false }),
    ]
  ) {
    const { take } = openBell();
    take([]);
    assert.deepEqual(take([waiting("a")]), ["a", true]);
    assert.deepEqual(take([end]), ["", false]);
  }
  const { take } = openBell();
  take([]);
  take([waiting("a")], 0);
  assert.deepEqual(take([waiting("a")], RING_MS - 1), ["", true]);
  assert.deepEqual(take([waiting("a")], RING_MS), ["", false]);
});

Deno.test("The bell does not ring for visitors who waited when it was silenced, or when the search changed", () => {
  const { bell, take } = openBell();
  take([]);
  take([waiting("a")]);
  bell.silence();
  assert.deepEqual(take([waiting("a")]), ["", false]);
  assert.deepEqual(take([waiting("a"), waiting("b")]), ["b", true]);
  bell.forget();
  assert.deepEqual(take([waiting("a"), waiting("b"), waiting("c")]), ["", false]);
});

Deno.test("The bell does not ring for a visitor whom a colleague took at once", () => {
  const { take } = openBell();
  take([]);
  assert.deepEqual(take([waiting("a", { claimed_by: "Grace" })]), ["", false]);
});

Deno.test("The bell rings for visitors whom a search leaves out, until one of them no longer waits", () => {
  const { bell, take } = openBell();
  take([]);
  bell.takeOutside(2, 0);
  assert.equal(bell.isRinging, false, "they waited before");
  bell.takeOutside(3, 0);
  assert.equal(bell.isRinging, true);
  assert.deepEqual(take([], RING_MS - 1), ["", true]);
  bell.takeOutside(2, 0);
  assert.equal(bell.isRinging, false);
  bell.takeOutside(3, 0);
  assert.deepEqual(take([], RING_MS), ["", false]);
  bell.takeOutside(4, 0);
  bell.silence();
  assert.equal(bell.isRinging, false);
  bell.forget();
  bell.takeOutside(9, 0);
  assert.equal(bell.isRinging, false, "of another search");
});
