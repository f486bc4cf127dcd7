/**
 * Whom every store finds, and in which order: the same visitors in, the same lists out, after every write as well.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import fc from "fast-check";
import { matches } from "../../src/search/match.ts";
import { LATEST, parseSearch } from "../../src/search/parse.ts";
import { withTypos } from "../../src/search/typo.ts";
import { ATTRIBUTE_NAMES, ATTRIBUTES, readVisitor, type Visitor } from "../../src/visitor/visitor.ts";
import { caseOf, findAll, findAllOf, getVisitor, NOON, visitorOf } from "./contract.ts";
import { FINDS, PEOPLE, TYPO_FINDS } from "./searches.ts";

/** The order of every list, implemented independently of the stores. */
function byOrder(a: Visitor, b: Visitor): number {
  const seen = ({ last_seen_at }: Visitor) => last_seen_at === null ? -Infinity : Date.parse(last_seen_at);
  return Number(b.is_online) - Number(a.is_online) ||
    Number(seen(a) < seen(b)) - Number(seen(a) > seen(b)) ||
    Buffer.compare(Buffer.from(a.short_id), Buffer.from(b.short_id));
}

/** Registers the contract for a store. */
export function testSearchContract(...store: Parameters<typeof caseOf>) {
  const test = caseOf(...store);

  test("every part of a search finds the visitors that it should, and no others", async (store) => {
    assert.deepEqual(await store.putVisitors([]), []);
    assert.deepEqual(await store.putVisitors(PEOPLE.map(visitorOf)), []);
    for (const [q, found] of FINDS) {
      const expected = found === "" ? [] : found.split(" ").sort();
      assert.deepEqual((await findAll(store, q)).sort(), expected, JSON.stringify(q));
      if (expected.length < 2) continue;
      assert.deepEqual((await findAll(store, q, 1)).sort(), expected, `${JSON.stringify(q)} by pages of one`);
    }
  });

  test("words one typo away find the visitors that they should, and no others", async (store) => {
    await store.putVisitors(PEOPLE.map(visitorOf));
    for (const [q, found] of TYPO_FINDS) {
      const query = withTypos(parseSearch(q))!;
      const expected = found === "" ? [] : found.split(" ").sort();
      assert.deepEqual((await findAllOf(store, query, 1000)).sort(), expected, q);
      assert.deepEqual((await findAllOf(store, query, 1)).sort(), expected, `${q} by pages of one`);
    }
    await store.putVisitors([visitorOf({ short_id: "zoe", name: "Ada" })]);
    assert.deepEqual(
      await findAllOf(store, withTypos(parseSearch("mullr"))!, 1000),
      [],
      "who has another name now",
    );
  });

  test("online ones come first, then the newest, those never seen last, ties by short id in UTF-8 order", async (store) => {
    const [newer, older] = [new Date(NOON), new Date(NOON - 60_000)];
    const visitors = [
      { short_id: "offline-newer", is_online: false, last_seen_at: newer },
      { short_id: "offline-never", is_online: false, last_seen_at: null },
      { short_id: "offline-older", is_online: false, last_seen_at: older },
      { short_id: "online-never", last_seen_at: null },
      { short_id: "also-never", last_seen_at: null },
      { short_id: "\u{1f600}", last_seen_at: older },
      { short_id: "\uff5e", last_seen_at: older },
      { short_id: "é", last_seen_at: older },
      { short_id: "z", last_seen_at: older },
      { short_id: "Z", last_seen_at: older },
      { short_id: "before 1970", last_seen_at: new Date(-1) },
      { short_id: "newest", last_seen_at: newer },
    ].map((attributes) => visitorOf({ ...attributes, name: "Ada Lovelace" }));
    await store.putVisitors(visitors);
    const online = [
      "newest",
      "Z",
      "z",
      "é",
      "\uff5e",
      "\u{1f600}",
      "before 1970",
      "also-never",
      "online-never",
    ];
    const offline = ["offline-newer", "offline-older", "offline-never"];
    for (const size of [1, 2, 3, 5, 1000]) {
      assert.deepEqual(await findAll(store, "", size), online, `list/latest by pages of ${size}`);
      assert.deepEqual(
        await findAll(store, "ada", size),
        [...online, ...offline],
        `text by pages of ${size}`,
      );
      assert.deepEqual(
        await findAll(store, "a", size),
        [...online, ...offline],
        `a letter by pages of ${size}`,
      );
      assert.deepEqual(await findAll(store, "-online", size), offline, `-online by pages of ${size}`);
    }
  });

  test("visitors who come, go and are seen again neither repeat nor hide the others", async (store) => {
    const seen = (i: number) => new Date(NOON - i * 1000);
    const numbers = Array.from({ length: 40 }, (_, i) => i);
    await store.putVisitors(
      numbers.map((i) => visitorOf({ short_id: `v${i}`, last_seen_at: seen(i), name: "Ada" })),
    );
    for (const q of ["", "ada"]) {
      const first = await store.findVisitors(q === "" ? LATEST : parseSearch(q), 10, null);
      await store.putVisitors([
        visitorOf({ short_id: `new-${q}`, last_seen_at: new Date(NOON + 1000), name: "Ada" }),
        // The last visitor of the page leaves, and another one of the page is seen again.
        visitorOf({ short_id: first.visitors[9].shortId, is_online: false, name: "Ada" }),
        visitorOf({ short_id: first.visitors[5].shortId, last_seen_at: new Date(NOON + 2000), name: "Ada" }),
      ]);
      const rest: string[] = [];
      for (let after = first.next; after !== null;) {
        const page = await store.findVisitors(q === "" ? LATEST : parseSearch(q), 7, after);
        rest.push(
          ...page.visitors.filter(({ visitor }) => visitor.is_online).map(({ shortId }) => shortId),
        );
        after = page.next;
      }
      const expected = (await findAll(store, "")).slice(-rest.length);
      assert.deepEqual(rest, expected, q);
      assert.ok(rest.length >= 29, `${rest.length} of those behind the first page`);
    }
  });

  test("hundreds seen in the same millisecond are all reached once", async (store) => {
    const ids = Array.from({ length: 250 }, (_, i) => `v${String(i).padStart(3, "0")}`);
    await store.putVisitors(
      ids.map((short_id) => visitorOf({ short_id, tags: ["#same"], name: "Same Time" })),
    );
    for (const q of ["", "#same", "same", "s"]) assert.deepEqual(await findAll(store, q, 33), ids, q);
  });

  test("more than a thousand matches are found page by page, in order", async (store) => {
    const numbers = Array.from({ length: 1100 }, (_, i) => i);
    const visitors = numbers.map((i) =>
      visitorOf({
        short_id: `v${i}`,
        is_online: i % 50 === 0,
        last_seen_at: new Date(NOON - i * 1000),
        name: "Common Name",
        tags: ["#many"],
      })
    );
    for (let i = 0; i < visitors.length; i += 500) await store.putVisitors(visitors.slice(i, i + 500));
    const expected = [...numbers.filter((i) => i % 50 === 0), ...numbers.filter((i) => i % 50 !== 0)];
    for (const q of ["common", "#many", "co", "common #many"]) {
      assert.deepEqual(await findAll(store, q, 1000), expected.map((i) => `v${i}`), q);
    }
  });

  test("a visitor that is found in several ways is listed once", async (store) => {
    const text = { name: "twice", nickname: "twice", last_url: "https://acme.com/twice" };
    await store.putVisitors([
      visitorOf({ short_id: "twice", ...text }),
      visitorOf({ short_id: "4711", lookup_code: "4711", ...text }),
    ]);
    for (const q of ["twice", "tw", "twice acme", "twice online"]) {
      assert.deepEqual(await findAll(store, q), ["4711", "twice"], q);
    }
    assert.deepEqual(await findAllOf(store, withTypos(parseSearch("twcie"))!, 1000), ["4711", "twice"]);
    for (const size of [1, 1000]) assert.deepEqual(await findAll(store, "4711", size), ["4711"]);
  });

  test("a visitor is found by its short id alone, exactly", async (store) => {
    await store.putVisitors(PEOPLE.map(visitorOf));
    assert.deepEqual(await getVisitor(store, "zoe"), visitorOf(PEOPLE[0]));
    for (const id of ["ZOE", "zo", "", "zoe ", "zoe\0", "$gt"]) {
      assert.equal(await getVisitor(store, id), null, id);
    }
  });

  test("storing a visitor again changes nothing; storing a changed one removes its old index keys", async (store) => {
    const before = visitorOf({
      short_id: "a",
      name: "Old Name",
      tags: ["#old"],
      email: "old@acme.com",
      lookup_code: "1111",
    });
    await store.putVisitors([before]);
    await store.putVisitors([before]);
    assert.deepEqual(await findAll(store, "old"), ["a"]);
    assert.deepEqual(await Array.fromAsync(store.allVisitors()), [before]);
    const after = visitorOf({ short_id: "a", name: "Fresh", is_online: false });
    await store.putVisitors([after]);
    for (const q of ["old", "#old", "old@acme.com", "1111", "online"]) {
      assert.deepEqual(await findAll(store, q), [], q);
    }
    for (const q of ["fresh", "-online"]) assert.deepEqual(await findAll(store, q), ["a"], q);
    assert.deepEqual(await Array.fromAsync(store.allVisitors()), [after]);
  });

  test("text is found in the ten searched attributes, and in no other", async (store) => {
    const searched = [
      ...["identities", "unique_id", "email", "name", "nickname", "call_name"],
      ...["location_city", "location_country_name", "browser_name", "device_name"],
    ];
    const texts = ATTRIBUTE_NAMES.filter((name) => ["text", "list"].includes(ATTRIBUTES[name].kind))
      .filter((name) => name !== "short_id");
    await store.putVisitors(texts.map((name) => {
      const value = ATTRIBUTES[name].kind === "list" ? ["other", "Say Wörd now"] : "Say Wörd now";
      return visitorOf({ short_id: `in ${name}`, is_online: false, [name]: value });
    }));
    for (const q of ["word", "wö", '"y word n"']) {
      assert.deepEqual((await findAll(store, q)).sort(), searched.map((name) => `in ${name}`).sort(), q);
    }
  });

  test("any search finds exactly the visitors that matches() accepts, in order", async (store) => {
    const values = [
      "Zoë",
      "zoe",
      "ß",
      "SS",
      "李小龙",
      "\u{1f600}",
      "$gt",
      "[x]*.?",
      "%",
      '"',
      "\\",
      "\0",
      "1234",
      "12",
      "fatima",
      "ftaima",
      "fatma",
    ];
    const value = fc.oneof(
      fc.constantFrom(...values, "x@y.example", "X@Y.example", "true"),
      fc.array(fc.constantFrom(...values, " ", "a", "b"), { minLength: 1, maxLength: 4 }).map((all) =>
        all.join("")
      ),
    );
    // Characters that a store may use as separators between tags.
    const tags = ["#a\0b", "#a\nb", "#a\uFFFDb", "#b"];
    const visitor = fc.record({
      short_id: fc.oneof(value, fc.nat(60).map((n) => `v${n}`)),
      is_online: fc.boolean(),
      last_seen_at: fc.option(fc.integer({ min: -1, max: 2 }).map((ms) => new Date(ms))),
      identities: fc.array(value, { maxLength: 2 }),
      ...Object.fromEntries(
        ["unique_id", "email", "name", "device_name", "last_url", "lookup_code"]
          .map((name) => [name, fc.option(value, { freq: 1 })]),
      ),
      tags: fc.array(fc.constantFrom("#t", "#T", "#é", "t", ...tags), { maxLength: 2 }),
    });
    const part = fc.oneof(
      { arbitrary: fc.constantFrom(...tags), weight: 1 },
      {
        arbitrary: fc.tuple(fc.constantFrom("", "", "", "id:", "#", "url:", '"', "online", "-online "), value)
          .map(([prefix, text]) => prefix.endsWith("online") ? prefix : prefix + text),
        weight: 9,
      },
    );
    const search = fc.array(part, { minLength: 1, maxLength: 2 }).map((parts) => parts.join(" "));
    const stored = new Map<string, Visitor>();
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(visitor, { selector: ({ short_id }) => short_id, maxLength: 30 }),
        fc.array(search, { minLength: 4, maxLength: 8 }),
        fc.constantFrom(1, 2, 7, 1000),
        async (documents, searches, size) => {
          const visitors = documents.map((document) => readVisitor(document)!);
          await store.putVisitors(visitors);
          for (const one of visitors) stored.set(one.short_id, one);
          for (const q of searches) {
            const query = parseSearch(q);
            const expected = [...stored.values()]
              .filter((one) => matches(query.length === 0 ? LATEST : query, one))
              .sort(byOrder);
            // A search whose parts are all empty finds all visitors online, as an empty search does.
            const found = await findAll(store, query.length === 0 ? "" : q, size);
            assert.deepEqual(found, expected.map(({ short_id }) => short_id), JSON.stringify(q));
            const tolerant = withTypos(query);
            if (tolerant === null) continue;
            const expectedOfTypos = [...stored.values()].filter((one) => matches(tolerant, one)).sort(
              byOrder,
            );
            assert.deepEqual(
              await findAllOf(store, tolerant, size),
              expectedOfTypos.map(({ short_id }) => short_id),
              `${JSON.stringify(q)} with typos`,
            );
          }
        },
      ),
      { numRuns: 12, seed: 3, endOnFailure: true },
    );
  });

  test("a changed visitor is found by what it is now, and no longer by what it was", async (store) => {
    await store.putVisitors(PEOPLE.map(visitorOf));
    const before = (await getVisitor(store, "zoe"))!;
    const change = {
      name: "Grace Hopper",
      email: null,
      tags: ["#new"],
      unique_id: "user2",
      integration_ids: ["crm:9"],
      is_in_session: true,
      metadata: { plan: "pro", seats: 3, "a.b": true, $set: "x" },
      watch_link: "https://acme.com/w/1",
    };
    const changed = await store.updateVisitor("zoe", change);
    assert.deepEqual(changed, { ...before, ...change });
    assert.deepEqual(await getVisitor(store, "zoe"), changed);
    for (const q of ["hopper", "#new", "id:user2", "integration_id:crm:9", "hoppre"]) {
      const query = q === "hoppre" ? withTypos(parseSearch(q))! : parseSearch(q);
      assert.deepEqual(await findAllOf(store, query, 10), ["zoe"], q);
    }
    for (const q of ["müller", "zoe@acme.com", "#customer #vip", "id:user1"]) {
      assert.deepEqual(await findAll(store, q), [], q);
    }
    assert.deepEqual(await store.updateVisitor("zoe", { tags: [] }), { ...changed, tags: [] });
    assert.deepEqual(await findAll(store, "#new"), []);
    assert.equal(await store.updateVisitor("nobody", { name: "x" }), null);
    assert.equal(await getVisitor(store, "nobody"), null);
  });

  test("a removed visitor is in no list any more, and the others stay", async (store) => {
    await store.putVisitors(PEOPLE.map(visitorOf));
    assert.equal(await store.removeVisitor("zoe"), true);
    assert.equal(await store.removeVisitor("zoe"), false);
    assert.equal(await getVisitor(store, "zoe"), null);
    for (const q of ["müller", "mülelr", "zoe@acme.com", "#vip", "id:user1", "zoe", "acme"]) {
      assert.deepEqual(await findAll(store, q), [], q);
    }
    assert.equal((await Array.fromAsync(store.allVisitors())).length, PEOPLE.length - 1);
    assert.deepEqual(await findAll(store, "#customer"), ["page"]);
    await store.putVisitors([visitorOf({ short_id: "n\0ul", name: "Odd" })]);
    assert.equal((await store.updateVisitor("n\0ul", { name: "Even" }))?.name, "Even");
    assert.deepEqual(await findAll(store, "even"), ["n\0ul"]);
    assert.equal(await store.removeVisitor("n\0ul"), true);
    assert.deepEqual([await findAll(store, "even"), await getVisitor(store, "n\0ul")], [[], null]);
    await store.putVisitors([visitorOf(PEOPLE[0])]);
    assert.deepEqual(await findAll(store, "müller"), ["zoe"], "whoever comes back is found again");
  });
}
