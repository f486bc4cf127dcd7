import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { type Cursor, decodeCursor, encodeCursor } from "../../src/rest/cursor.ts";
import { ApiError } from "../../src/http/errors.ts";
import type { Visitor } from "../../src/visitor/visitor.ts";
import { appWith, type Environment } from "../support/app.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const BASE = "https://support.acmetech.com/cobrowsing";

async function openApp(documents: Record<string, unknown>[], environment: Environment = {}) {
  const { ask, put } = await appWith(documents, { BASE_ENDPOINT: BASE, ...environment });
  const getPage = async (url: string) => {
    const response = await ask(url);
    const body = await response.json();
    const link = response.headers.get("Link");
    const next = link === null ? null : /^<([^<>\s]+)>; rel="next"$/.exec(link)![1];
    return {
      status: response.status,
      body,
      next,
      ids: (body.visitors ?? []).map((v: Visitor) => v.short_id),
    };
  };
  /** The short ids on each page, starting at one page. */
  const follow = async (path: string) => {
    const pages: string[][] = [];
    for (let url: string | null = `${BASE}/api/visitors/list/${path}`; url !== null;) {
      const { status, ids, next } = await getPage(url);
      assert.equal(status, 200);
      pages.push(ids);
      url = next;
    }
    return pages;
  };
  return { put, getPage, follow };
}

/** 23 visitors in list order: online and offline ones, ties, and some without last_seen_at. */
const CROWD = Array.from({ length: 23 }, (_, i) => ({
  short_id: `${String.fromCharCode(97 + i)} "<é&=>%😀`,
  name: "Zoë",
  is_online: i < 12,
  last_seen_at: i % 12 > 8 ? null : new Date(NOW - Math.floor(i / 3) * 1000),
}));
const ORDER = CROWD.map(({ short_id }) => short_id);

Deno.test("Following the links reaches every visitor once, in order, with result pages of any size", async () => {
  const { follow } = await openApp(CROWD.toReversed());
  for (const size of [1, 2, 3, 5, 7, 11, 12, 22, 23, 24, 1000]) {
    const pages = await follow(`search?q=zoe&max_results=${size}`);
    assert.deepEqual(pages.flat(), ORDER, `pages of ${size}`);
    assert.equal(pages.length, Math.ceil(23 / size), "the last page has no link, and none is empty");
    for (const page of pages.slice(0, -1)) assert.equal(page.length, size);
    assert.deepEqual((await follow(`latest?max_results=${size}`)).flat(), ORDER.slice(0, 12));
    assert.deepEqual((await follow(`search?max_results=${size}`)).flat(), ORDER.slice(0, 12));
  }
});

Deno.test("A link keeps q and max_results as they were, and adds nothing else", async () => {
  const { getPage } = await openApp(Array.from({ length: 101 }, (_, i) => ({
    short_id: `v${i}`,
    name: "Zoë & Söhne+x=#1%",
    is_online: true,
  })));
  const verdicts: [path: string, stays: Record<string, string>][] = [
    ["latest", {}],
    ["latest?max_results=7", { max_results: "7" }],
    ["latest?q=zoe&other=1", {}],
    ["search", {}],
    ["search?q=", {}],
    ["search?q=%22%22", {}],
    ["search?max_results=100", { max_results: "100" }],
    ["search?q=zo%C3%AB", { q: "zoë" }],
    ["search?max_results=1&q=zoe+%22%26+s%C3%B6hne%2Bx%3D%231%25%22&other=1", {
      q: 'zoe "& söhne+x=#1%"',
      max_results: "1",
    }],
  ];
  for (const [path, stays] of verdicts) {
    const { next, ids } = await getPage(`/api/visitors/list/${path}`);
    const url = new URL(next!);
    assert.equal(url.origin + url.pathname, `${BASE}/api/visitors/list/${path.split("?")[0]}`);
    const { cursor, ...others } = Object.fromEntries(url.searchParams);
    assert.match(cursor, /^[A-Za-z0-9_-]+$/, "a cursor needs no escapes");
    assert.deepEqual(others, stays, path);
    const second = await getPage(next!);
    assert.equal(second.status, 200, path);
    assert.ok(!ids.includes(second.ids[0]), path);
  }
});

Deno.test("Visitors that come and go neither repeat nor hide those whose position did not change", async () => {
  const steady = Array.from({ length: 20 }, (_, i) => ({
    short_id: `s${String(i).padStart(2, "0")}`,
    is_online: true,
    last_seen_at: new Date(NOW - i * 1000),
  }));
  const { put, getPage } = await openApp([...steady, {
    short_id: "goes",
    is_online: true,
    last_seen_at: new Date(NOW - 2500),
  }]);
  const seen: string[] = [];
  let url: string | null = "/api/visitors/list/latest?max_results=3";
  for (let i = 0; url !== null; i++) {
    const page = await getPage(url);
    seen.push(...page.ids);
    url = page.next;
    await put([
      { short_id: `new${i}`, is_online: true, last_seen_at: new Date(NOW + i) },
      { short_id: "goes", is_online: i % 2 === 0, last_seen_at: new Date(NOW - 2500) },
    ]);
  }
  assert.deepEqual(seen.filter((id) => id.startsWith("s")), steady.map(({ short_id }) => short_id));
});

Deno.test("The last visitor of a page may be removed: the next page continues from its position", async () => {
  const { put, getPage } = await openApp(CROWD);
  const { next, ids } = await getPage("/api/visitors/list/latest?max_results=3");
  assert.deepEqual(ids, ORDER.slice(0, 3));
  await put([{ short_id: ids[2], is_online: false }]);
  assert.deepEqual((await getPage(next!)).ids, ORDER.slice(3, 6));
});

Deno.test("A cursor works with another max_results, and is refused for another q", async () => {
  const { getPage } = await openApp(CROWD);
  const { next } = await getPage("/api/visitors/list/search?q=zoe&max_results=2");
  const cursor = new URL(next!).searchParams.get("cursor")!;
  const verdicts: [path: string, status: number][] = [
    [`search?q=zoe&cursor=${cursor}`, 200],
    [`search?q=zoe&max_results=1000&cursor=${cursor}`, 200],
    [`search?q=zo%C3%AB&cursor=${cursor}`, 400],
    [`search?q=ZOE&cursor=${cursor}`, 400],
    [`search?q=zoe+&cursor=${cursor}`, 400],
    [`search?q=&cursor=${cursor}`, 400],
    [`search?cursor=${cursor}`, 400],
    [`latest?cursor=${cursor}`, 400],
    [`latest?q=zoe&cursor=${cursor}`, 400],
  ];
  for (const [path, status] of verdicts) {
    const { status: given, body } = await getPage(`/api/visitors/list/${path}`);
    assert.equal(given, status, path);
    if (status === 400) assert.match(body.message, /cursor/);
  }
});

Deno.test("list/latest and an empty search are one list, with the same cursors", async () => {
  const { getPage } = await openApp(CROWD);
  const { next } = await getPage("/api/visitors/list/latest?max_results=2");
  const cursor = new URL(next!).searchParams.get("cursor");
  for (const path of ["latest", "search?q=", "search?q=%22%22", "search?q=+"]) {
    const { ids } = await getPage(
      `/api/visitors/list/${path}${path.includes("?") ? "&" : "?"}cursor=${cursor}&max_results=2`,
    );
    assert.deepEqual(ids, ORDER.slice(2, 4), path);
  }
});

const cursors: fc.Arbitrary<Cursor> = fc.record({
  position: fc.record({
    online: fc.boolean(),
    lastSeenAt: fc.option(fc.date({ noInvalidDate: true }).map((date) => date.getTime())),
    shortId: fc.string({ unit: "binary", minLength: 1 }).map((id) => id.toWellFormed()),
    tie: fc.option(fc.stringMatching(/^[\w-]{1,20}$/)),
  }, { noNullPrototype: true }),
  typos: fc.boolean(),
}, { noNullPrototype: true });

const FIRST: Cursor = { position: { online: true, lastSeenAt: 0, shortId: "aB3", tie: null }, typos: false };

const isRefused = (cursor: string, q: string) => {
  assert.throws(
    () => decodeCursor(cursor, q),
    (error) =>
      error instanceof ApiError && error.code === "invalid_parameter" && error.message.includes("cursor"),
    cursor,
  );
};

Deno.test("A cursor decodes to its position, for its own search only", () => {
  fc.assert(fc.property(cursors, fc.string(), fc.string(), (cursor, q, other) => {
    const text = encodeCursor(cursor, q);
    assert.match(text, /^[A-Za-z0-9_-]+$/);
    assert.deepEqual(decodeCursor(text, q), cursor);
    if (other !== q) isRefused(text, other);
  }));
});

Deno.test("A cursor continues a list that was found by words one typo away", async () => {
  const { getPage, put, follow } = await openApp(CROWD.map((one) => ({ ...one, name: "Fatima" })));
  assert.deepEqual((await follow("search?q=ftaima&max_results=5")).flat(), ORDER);
  const { next } = await getPage("/api/visitors/list/search?q=ftaima&max_results=5");
  // Between two pages a visitor is added that matches without a typo.
  await put([{ short_id: "new", name: "Ftaima", is_online: true, last_seen_at: new Date(NOW + 1000) }]);
  assert.deepEqual((await getPage(next!)).ids, ORDER.slice(5, 10));
  assert.deepEqual((await getPage("/api/visitors/list/search?q=ftaima")).ids, ["new"]);
});

Deno.test("A cursor does not hold what was searched for", () => {
  const cursor = encodeCursor(FIRST, "jane@acme.com");
  assert.doesNotMatch(Buffer.from(cursor, "base64url").toString(), /jane|acme/);
});

Deno.test("A cursor that no link gave is refused", () => {
  const [madeFor] = JSON.parse(
    Buffer.from(encodeCursor(FIRST, ""), "base64url").toString(),
  );
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  assert.deepEqual(
    decodeCursor(encode([madeFor, true, 0, "aB3", null, false]), ""),
    FIRST,
    "this is the form",
  );
  const forged: unknown[] = [
    null,
    {},
    [],
    "a",
    7,
    [madeFor, true, 0, "a", false],
    [madeFor, true, 0, "a", null],
    [madeFor, true, 0, "a", null, false, 1],
    [madeFor, true, 0, "a", null, 0],
    [madeFor, true, 0, "a", null, null],
    [null, true, 0, "a", null, false],
    ["", true, 0, "a", null, false],
    [madeFor, 1, 0, "a", null, false],
    [madeFor, "true", 0, "a", null, false],
    [madeFor, true, "0", "a", null, false],
    [madeFor, true, 0.5, "a", null, false],
    [madeFor, true, 8.65e15, "a", null, false],
    [madeFor, true, -1e300, "a", null, false],
    [madeFor, true, { $gt: 0 }, "a", null, false],
    [madeFor, true, 0, "", null, false],
    [madeFor, true, 0, null, null, false],
    [madeFor, true, 0, { $gt: "" }, null, false],
    [madeFor, true, 0, ["a"], null, false],
    [madeFor, true, 0, "\ud800", null, false],
    [madeFor, true, 0, "a", 0, false],
    [madeFor, true, 0, "a", -1, false],
    [madeFor, true, 0, "a", 1.5, false],
    [madeFor, true, 0, "a", 1e9, false],
    [madeFor, true, 0, "a", "", false],
    [madeFor, true, 0, "a", "$gt:", false],
    [madeFor, true, 0, "a", "x".repeat(21), false],
    [madeFor, true, 0, "a", { $gt: "" }, false],
  ];
  for (const value of forged) isRefused(encode(value), "");
  const good = encode([madeFor, true, 0, "a", null, false]);
  for (
    const cursor of [
      "",
      " ",
      "x",
      "null",
      "e30",
      "%",
      good + "=",
      good + "\n",
      ` ${good}`,
      `${good}.`,
      good.slice(0, -2),
      "é",
    ]
  ) {
    isRefused(cursor, "");
  }
  isRefused(Buffer.from([0xff, 0xfe]).toString("base64url"), "");
});

Deno.test("A damaged cursor is refused or leads to a page, and never to a 5xx", async () => {
  const { getPage } = await openApp(CROWD);
  const { next } = await getPage("/api/visitors/list/latest?max_results=2");
  const cursor = new URL(next!).searchParams.get("cursor")!;
  const damaged = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json().map((json) => Buffer.from(json).toString("base64url")),
    fc.tuple(fc.nat(cursor.length - 1), fc.string({ maxLength: 3 })).map(([at, by]) =>
      cursor.slice(0, at) + by + cursor.slice(at + 1)
    ),
  );
  await fc.assert(
    fc.asyncProperty(damaged, async (given) => {
      const { status, body } = await getPage(
        `/api/visitors/list/latest?${new URLSearchParams({ cursor: given })}`,
      );
      assert.ok(status === 200 || (status === 400 && body.error === "invalid_parameter"), given);
    }),
    { numRuns: 500 },
  );
});

Deno.test("If attributes are hidden, cursors are encrypted, and forged ones are refused", async () => {
  const plain = await openApp(CROWD);
  const path = `${BASE}/api/visitors/list/search?q=zoe&max_results=5`;
  const shown = new URL((await plain.getPage(path)).next!).searchParams.get("cursor")!;
  assert.match(Buffer.from(shown, "base64url").toString(), /true,1767\d{9},/);
  for (const HIDDEN_ATTRIBUTES of ["last_seen_at", "is_online", "last_seen_at,is_online", "ip_address"]) {
    const { getPage, follow } = await openApp(CROWD, { HIDDEN_ATTRIBUTES });
    assert.deepEqual((await follow("search?q=zoe&max_results=5")).flat(), ORDER);
    const { next } = await getPage(path);
    assert.equal((await getPage(path)).next, next, "the same result has the same link");
    const cursor = new URL(next!).searchParams.get("cursor")!;
    for (const text of ["true", "1767", "zoe", "last", CROWD[4].short_id.slice(1)]) {
      assert.ok(!Buffer.from(cursor, "base64url").includes(text), text);
    }
    // Another process with the same key can open it, and can still open cursors under the previous key.
    const other = await openApp(CROWD, { HIDDEN_ATTRIBUTES });
    assert.deepEqual((await other.getPage(next!)).ids, ORDER.slice(5, 10));
    const rotated = await openApp(CROWD, { HIDDEN_ATTRIBUTES, REST_KEY: "new", REST_KEY_PREVIOUS: "key" });
    assert.deepEqual((await rotated.getPage(next!)).ids, ORDER.slice(5, 10));
    const flipped = (cursor[0] === "A" ? "B" : "A") + cursor.slice(1);
    const end = cursor.slice(0, -2) + (cursor.at(-2) === "A" ? "B" : "A") + cursor.at(-1);
    for (
      const wrong of [
        shown,
        flipped,
        end,
        cursor.slice(1),
        cursor + "AAAA",
        cursor.slice(0, 30),
        "A",
        "AAAAA",
        "é",
        `${cursor} `,
        `${cursor}=`,
        `${cursor}+`,
        cursor.slice(0, 40) + " " + cursor.slice(41),
      ]
    ) {
      const { status, body } = await getPage(`${path}&cursor=${encodeURIComponent(wrong)}`);
      assert.equal(`${status} ${body.error}`, "400 invalid_parameter", wrong);
    }
    const otherKey = await openApp(CROWD, { HIDDEN_ATTRIBUTES, REST_KEY: "other", REST_KEY_PREVIOUS: "key" });
    const sealedByOther = (await otherKey.getPage(path)).next!;
    assert.equal((await getPage(sealedByOther)).status, 400);
  }
});
