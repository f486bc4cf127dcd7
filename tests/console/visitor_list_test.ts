import assert from "node:assert/strict";
import { hereText } from "../../src/console/client/row.js";
import { FADE_MS, VisitorList } from "../../src/console/client/visitor_list.js";

const visitor = (short_id: string, more: Record<string, unknown> = {}) => ({
  short_id,
  is_online: true,
  is_waiting_for_call: false,
  waiting_since: null,
  ...more,
});
const waiting = (short_id: string, minute: number) =>
  visitor(short_id, { is_waiting_for_call: true, waiting_since: `2026-01-01T10:0${minute}:00.000Z` });

function openList(...visitors: ReturnType<typeof visitor>[]) {
  const clock = { now: 1_000_000 };
  const list = new VisitorList(() => clock.now);
  list.replace(visitors);
  const ids = () =>
    list.rows().map((row) => row.visitor.short_id + (row.leftAt === null ? "" : "-")).join(" ");
  return { list, clock, ids };
}

Deno.test("Waiting visitors come first, the longest wait first, then those online by arrival, then the others", () => {
  const { list, ids } = openList(
    visitor("a"),
    waiting("short", 5),
    visitor("off", { is_online: false }),
    visitor("b"),
    waiting("long", 1),
  );
  assert.equal(ids(), "long short a b off");
  list.put(visitor("c"));
  assert.equal(ids(), "long short c a b off");
  list.put(waiting("b", 3));
  assert.equal(ids(), "long b short c a off");
  list.put(visitor("long"));
  assert.equal(ids(), "b short c a long off");
});

Deno.test("A page view moves no visitor, and is shown at once", () => {
  const { list, ids } = openList(visitor("a"), visitor("b"));
  list.put(visitor("b", { last_url: "https://acme.com/next", last_seen_at: "2027-01-01T00:00:00.000Z" }));
  assert.equal(ids(), "a b");
  assert.equal(list.get("b")!.visitor.last_url, "https://acme.com/next");
  list.freeze(true);
  list.put(visitor("a", { last_url: "https://acme.com/other" }));
  assert.equal(list.rows()[0].visitor.last_url, "https://acme.com/other");
});

Deno.test("While the order is frozen, no visitor moves, and new visitors are only counted", () => {
  const { list, clock, ids } = openList(visitor("a"), visitor("b"), visitor("c"));
  ids();
  list.freeze(true);
  list.put(visitor("d"));
  list.put(waiting("e", 1));
  list.put(waiting("c", 2));
  list.remove("a");
  assert.equal(ids(), "a- b c");
  assert.deepEqual([list.newer, list.newerWaiting], [2, 1]);
  clock.now += 10 * FADE_MS;
  assert.equal(ids(), "a- b c", "not even when a leaver has faded");
  list.catchUp();
  assert.equal(ids(), "e c d b");
  assert.equal(list.newer, 0);
  list.put(visitor("f"));
  assert.equal(list.newer, 1);
  list.freeze(false);
  assert.equal(ids(), "e c f d b");
  assert.equal(list.newer, 0);
});

Deno.test("The first list is shown even if the pointer is over the table", () => {
  const list = new VisitorList();
  list.freeze(true);
  list.replace([visitor("a"), visitor("b")]);
  assert.deepEqual(list.rows().map((row) => row.visitor.short_id), ["a", "b"]);
  assert.equal(list.newer, 0);
});

Deno.test("A visitor who comes and leaves while the order is frozen is never shown", () => {
  const { list, clock, ids } = openList(visitor("a"));
  ids();
  list.freeze(true);
  list.put(visitor("b"));
  list.remove("b");
  assert.deepEqual([list.newer, ids()], [0, "a"]);
  clock.now += FADE_MS;
  list.freeze(false);
  assert.equal(ids(), "a");
});

Deno.test("A visitor who leaves fades out and disappears; one who comes back meanwhile stays", () => {
  const { list, clock, ids } = openList(visitor("a"), visitor("b"));
  assert.equal(list.nextFaded, null);
  list.remove("a");
  list.remove("b");
  assert.equal(ids(), "a- b-");
  assert.equal(list.size, 0);
  assert.equal(list.nextFaded, clock.now + FADE_MS);
  list.put(visitor("b"));
  clock.now += FADE_MS;
  assert.equal(ids(), "b");
  list.remove("nobody");
  assert.equal(ids(), "b");
});

Deno.test("A later whole list changes no position, and visitors missing in it leave", () => {
  const { list, clock, ids } = openList(visitor("a"), visitor("b"), visitor("c"));
  list.replace([visitor("c"), visitor("new"), visitor("a")]);
  assert.equal(ids(), "new a b- c");
  clock.now += FADE_MS;
  assert.equal(ids(), "new a c");
});

Deno.test("The time online is exact for visitors whose arrival was seen, and a minimum for others", () => {
  const seen = (minutes: number) => ({ last_seen_at: new Date(1_000_000 - minutes * 60_000).toISOString() });
  const { list, clock } = openList(
    visitor("a", seen(3)),
    visitor("new", { ...seen(1), added_at: new Date(1_000_000 - 60_000 * 30).toISOString() }),
    visitor("unknown"),
    visitor("off", { is_online: false }),
  );
  list.put(visitor("b"));
  clock.now += 60_000 * 5;
  list.put(visitor("off"));
  // The estimate does not become later, since the visitor was online then.
  list.put(visitor("a", seen(-4)));
  const here = (id: string) => {
    const entry = list.get(id)!;
    return hereText(entry.visitor, entry, clock.now);
  };
  assert.deepEqual(["a", "new", "unknown", "b", "off"].map(here), ["> 8 min", "35 min", "", "5 min", "now"]);
});

Deno.test("A visitor whose wait has no known start sorts first; a visitor who is offline does not wait", () => {
  const { ids } = openList(
    waiting("known", 1),
    visitor("unknown", { is_waiting_for_call: true }),
    visitor("away", { is_waiting_for_call: true, is_online: false }),
  );
  assert.equal(ids(), "unknown known away");
});
