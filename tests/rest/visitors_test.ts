import assert from "node:assert/strict";
import fc from "fast-check";
import { ATTRIBUTE_NAMES, type Visitor } from "../../src/visitor/visitor.ts";
import { appWith, type Environment } from "../support/app.ts";

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** An application over these visitors: last seen a second apart, the first one last, and online by default. */
async function openApp(documents: Record<string, unknown>[], environment: Environment = {}) {
  const { ask, visitors } = await appWith(
    documents.map((document, i) => ({
      is_online: true,
      last_seen_at: new Date(NOW - i * 1000),
      ...document,
    })),
    environment,
  );
  const get = async (path: string) => {
    const response = await ask(`/api/visitors${path}`);
    return { status: response.status, body: await response.json() };
  };
  /** The short ids of a list. */
  const idsOf = async (path: string) => {
    const { status, body } = await get(path);
    assert.equal(status, 200, JSON.stringify(body));
    return body.visitors.map((visitor: Visitor) => visitor.short_id).join(" ");
  };
  return { get, idsOf, visitors, search: (q: string) => idsOf(`/list/search?${new URLSearchParams({ q })}`) };
}

Deno.test("list/latest has the visitors online now, newest first, ties by short id", async () => {
  const tie = new Date(NOW - 60_000);
  const { idsOf, get, visitors } = await openApp([
    { short_id: "first" },
    { short_id: "offline", is_online: false },
    { short_id: "second" },
    { short_id: "b", last_seen_at: tie },
    { short_id: "\u{1f600}", last_seen_at: tie },
    { short_id: "\uff5e", last_seen_at: tie },
    { short_id: "B", last_seen_at: tie },
    { short_id: "never", last_seen_at: null },
    { short_id: "future", last_seen_at: new Date(NOW + 1000) },
  ]);
  assert.equal(await idsOf("/list/latest"), "future first second B b \uff5e \u{1f600} never");
  assert.equal(await idsOf("/list/latest?q=offline"), "future first second B b \uff5e \u{1f600} never");
  const { body } = await get("/list/latest?max_results=2");
  assert.deepEqual(Object.keys(body), ["status", "visitors"]);
  assert.deepEqual(body, { status: "ok", visitors: [visitors.at(-1), visitors[0]] });
});

Deno.test("list/search has the visitors that match, online ones first; without q it is list/latest", async () => {
  const { search, idsOf } = await openApp([
    { short_id: "o1", name: "Zoë Müller", is_online: false },
    { short_id: "a1", name: "Zoe Mills", last_url: "https://acme.com/pricing" },
    { short_id: "o2", name: "Zoë", is_online: false, last_url: "https://acme.com/pricing" },
    { short_id: "a2", email: "ZOE@acme.com" },
    { short_id: "a3", name: "Jane" },
  ]);
  for (const q of ["", " ", '""', '"', "\u0301"]) {
    assert.equal(await search(q), "a1 a2 a3", JSON.stringify(q));
  }
  assert.equal(await idsOf("/list/search"), "a1 a2 a3");
  const verdicts: [q: string, found: string][] = [
    ["zoe", "a1 a2 o1 o2"],
    ["zoe -online", "o1 o2"],
    ["zoe@ACME.com", "a2"],
    ["url:pricing", "a1"],
    ["a3", "a3"],
    ["A3", ""],
    ["mul", "o1"],
    ["zo mi", "a1"],
    ["#", ""],
    ["$gt", ""],
    ["%", ""],
    ['"; DROP TABLE visitor; --', ""],
    ["z_e", ""],
    ["zoe OR jane", ""],
    ["zoe NOT jane", ""],
    ["zoe*", ""],
  ];
  for (const [q, found] of verdicts) assert.equal(await search(q), found, q);
});

Deno.test("A visitor has its own route, by its short id exactly", async () => {
  const { get, visitors } = await openApp([{ short_id: "aB3", name: "Zoë" }, {
    short_id: "off",
    is_online: false,
  }]);
  assert.deepEqual(await get("/aB3"), { status: 200, body: { status: "ok", visitor: visitors[0] } });
  assert.deepEqual(await get("/off"), { status: 200, body: { status: "ok", visitor: visitors[1] } });
  for (const shortId of ["ab3", "aB3%20", "%20aB3", "aB", "aB3%00"]) {
    const { status, body } = await get(`/${shortId}`);
    assert.equal(`${status} ${body.error}`, "404 visitor_not_found", shortId);
  }
});

Deno.test("A short id may hold any character, percent-encoded in a path and as it is in a search", async () => {
  const shortIds = [
    "a/b",
    "a%2Fb",
    "a%b",
    "a%25b",
    "%",
    "%00",
    "é",
    "e\u0301",
    "\0",
    "a\0b",
    " ",
    "a+b",
    "a b",
  ];
  shortIds.push(
    "a?b",
    "a#b",
    "list",
    "list/latest",
    "latest",
    "~.-_",
    ":short_id",
    "*",
    "{x}",
    "\ufeff",
    "😀",
    "a\\b",
  );
  const { get, search } = await openApp(shortIds.map((short_id) => ({ short_id })));
  for (const shortId of shortIds) {
    const { status, body } = await get(`/${encodeURIComponent(shortId)}`);
    assert.equal(status, 200, JSON.stringify(shortId));
    assert.equal(body.visitor.short_id, shortId);
    if (/[^\s"\u0301]/.test(shortId)) {
      assert.equal(await search(`"${shortId}"`), shortId, JSON.stringify(shortId));
    }
  }
});

Deno.test("Any short id that a path can hold leads to its visitor", async () => {
  const shortId = fc.string({ unit: "binary", minLength: 1 }).map((text) => text.toWellFormed())
    // A URL parser removes these from a path, even percent-encoded.
    .filter((text) => !/^\.{1,2}$/.test(text));
  await fc.assert(
    fc.asyncProperty(shortId, async (short_id) => {
      const { get } = await openApp([{ short_id }]);
      assert.equal((await get(`/${encodeURIComponent(short_id)}`)).body.visitor.short_id, short_id);
    }),
    { numRuns: 60 },
  );
});

Deno.test("Every visitor in every answer has all keys, in the same order", async () => {
  const { get } = await openApp([
    { short_id: "a", unique_id: 42, tags: "#vip", metadata: { a: { b: 1 }, c: 1 }, shoe_size: 38, _id: "x" },
    { short_id: "b" },
  ]);
  for (const path of ["/list/latest", "/list/search?q=online", "/list/search?q=b"]) {
    for (const visitor of (await get(path)).body.visitors) {
      assert.deepEqual(Object.keys(visitor), ATTRIBUTE_NAMES, path);
    }
  }
  const { visitor } = (await get("/a")).body;
  assert.deepEqual(Object.keys(visitor), ATTRIBUTE_NAMES);
  assert.deepEqual([visitor.unique_id, visitor.tags, visitor.metadata], ["42", [], { c: 1 }]);
});

Deno.test("max_results bounds a list, 100 where it is not given, and more than 1000 counts as 1000", async () => {
  const documents = Array.from({ length: 1001 }, (_, i) => ({ short_id: `v${i}`, name: "Zoë" }));
  const { get } = await openApp(documents);
  const accepted: [given: string, count: number][] = [
    ["", 100],
    ["max_results=1", 1],
    ["max_results=100", 100],
    ["max_results=1000", 1000],
    ["max_results=0007", 7],
    ["max_results=1001", 1000],
    ["max_results=10000", 1000],
    ["max_results=999999999999999999999", 1000],
    [`max_results=${"9".repeat(400)}`, 1000],
    ["other=1", 100],
    ["Max_Results=1", 100],
    ["max_results=2&max_results=3", 2],
  ];
  const refused = "0 000 -1 +1 1.0 1.5 1e2 0x10 ten 1,000 ١ １ NaN Infinity null true [1] 1%00 %201 1%20"
    .split(
      " ",
    );
  for (const route of ["/list/latest?", "/list/search?", "/list/search?q=zoe&"]) {
    for (const [given, count] of accepted) {
      const { status, body } = await get(route + given);
      assert.equal(status, 200, route + given);
      assert.equal(body.visitors.length, count, route + given);
    }
    for (const given of [...refused, ""]) {
      const { status, body } = await get(`${route}max_results=${given}`);
      assert.equal(`${status} ${body.error}`, "400 invalid_parameter", `${route} ${given}`);
      assert.match(body.message, /max_results/);
    }
  }
});

Deno.test("q may have 256 characters, counted as a person counts them: an astral one is one", async () => {
  const { get } = await openApp([{ short_id: "a" }]);
  for (const character of ["x", "é", "東", "😀", "\u0301", '"', " ", "\0", "%", "𐍈"]) {
    for (const [length, expected] of [[256, 200], [257, 400], [5000, 400]]) {
      const q = encodeURIComponent(character.repeat(length));
      const { status, body } = await get(`/list/search?q=${q}`);
      assert.equal(status, expected, `${length} of ${JSON.stringify(character)}`);
      if (expected === 400) assert.match(body.message, /\bq\b/);
    }
  }
  assert.equal((await get(`/list/latest?q=${"x".repeat(300)}`)).status, 200, "list/latest has no q");
});

Deno.test("Nothing in q but its length is an error", async () => {
  const { get } = await openApp([{ short_id: "a", name: "Zoë", tags: ["#vip"], ip_address: "::1" }]);
  const typed = fc.oneof(
    fc.string({ unit: "binary", maxLength: 256 }),
    fc.array(
      fc.constantFrom(
        '"',
        " ",
        "#",
        "ip:",
        "id:",
        "url:",
        "zoe",
        "*",
        "(",
        ")",
        "'",
        "\0",
        "-",
        "^",
        "AND",
        "NEAR",
      ),
      {
        maxLength: 40,
      },
    ).map((pieces) => pieces.join("")),
  );
  await fc.assert(
    fc.asyncProperty(typed, async (q) => {
      assert.equal((await get(`/list/search?${new URLSearchParams({ q })}`)).status, 200);
    }),
    { numRuns: 500 },
  );
  for (
    const raw of ["q=%zz", "q=%", "q=%ff", "q=%00", "q", "=x", "q=a&q=b", "q=a;b", "q[]=x", "?q=x", "&&&"]
  ) {
    assert.equal((await get(`/list/search?${raw}`)).status, 200, raw);
  }
});

const ZOE = {
  short_id: "aB3",
  name: "Zoë",
  email: "zoe@acme.com",
  identities: ["Zoë", "zoe@acme.com"],
  unique_id: "u-1",
  ip_address: "1.1.1.1",
  integration_ids: ["acme:7"],
  location_city: "Köln",
  lookup_code: "0042",
  tags: ["#vip"],
  last_url: "https://acme.com/pricing",
};

Deno.test("Hidden attributes are in no answer and cannot be searched, and all others are unchanged", async () => {
  const verdicts: [hidden: string, lost: string[], stays: string[]][] = [
    ["ip_address,location_city", ["ip:1.1.1.1", "koln", "zoe koln"], ["zoe", "#vip"]],
    ["tags", ["#vip", "zoe #vip"], ["zoe"]],
    ["unique_id", ["id:u-1", "u-1"], ["zoe"]],
    ["integration_ids", ["integration_id:acme:7"], ["zoe"]],
    ["lookup_code", ["0042"], ["zoe"]],
    ["last_url", ["url:pricing", "pricing"], ["zoe"]],
    ["is_online", ["online", "-online"], ["zoe"]],
    ["email", [], ["zoe@acme.com"]],
    ["email,identities", ["zoe@acme.com"], ["zoe"]],
    ["email,identities,name", ["zoe"], ["aB3"]],
    ["metadata,watch_link,last_seen_at", [], ["zoe"]],
  ];
  for (const [hidden, lost, stays] of verdicts) {
    const { get, search, idsOf } = await openApp([ZOE], {
      HIDDEN_ATTRIBUTES: hidden,
      WATCH_LINK: "https://w/{short_id}",
    });
    const left = ATTRIBUTE_NAMES.filter((name) => !hidden.split(",").includes(name));
    for (const path of ["/list/latest", "/list/search", "/list/search?q=aB3"]) {
      const { visitors: [visitor] } = (await get(path)).body;
      assert.deepEqual(Object.keys(visitor), left, hidden);
    }
    assert.deepEqual(Object.keys((await get("/aB3")).body.visitor), left, hidden);
    for (const q of lost) assert.equal(await search(q), "", `${hidden}: ${q}`);
    for (const q of stays) assert.equal(await search(q), "aB3", `${hidden}: ${q}`);
    assert.equal(await idsOf("/list/latest"), "aB3", "list/latest needs no operator");
  }
});

Deno.test("WATCH_LINK makes the link of visitors that have none stored", async () => {
  const documents = [{ short_id: "a/b é", name: "Zoë" }, {
    short_id: "own",
    watch_link: "https://acme.com/own",
  }, {
    short_id: "$&",
  }];
  const linksOf = async (watchLink: string) => {
    const { get } = await openApp(documents, { WATCH_LINK: watchLink });
    const { visitors } = (await get("/list/latest")).body;
    const { visitor } = (await get("/own")).body;
    assert.equal(visitor.watch_link, "https://acme.com/own");
    return visitors.map((visitor: Visitor) => visitor.watch_link);
  };
  assert.deepEqual(await linksOf(""), [null, "https://acme.com/own", null]);
  assert.deepEqual(await linksOf("https://w.acme.com/{short_id}?v={short_id}#x"), [
    "https://w.acme.com/a%2Fb%20%C3%A9?v=a%2Fb%20%C3%A9#x",
    "https://acme.com/own",
    "https://w.acme.com/%24%26?v=%24%26#x",
  ]);
});
