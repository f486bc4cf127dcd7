import assert from "node:assert/strict";
import { JANE, openApp, SEEN } from "../support/changes.ts";

Deno.test("Removing one visitor removes no other, whatever else is in the request", async () => {
  const { write, stored } = await openApp({}, [JANE, { short_id: "b" }, { short_id: "c" }]);
  assert.equal((await write("DELETE", "/api/visitors/b?all=true", '{"all":true}')).status, "ok");
  assert.deepEqual((await stored()).map(({ short_id }) => short_id).sort(), ["aB3", "c"]);
});

/** One visitor online, and many offline. */
const CROWD = [
  JANE,
  { short_id: "on", is_online: true },
  ...Array.from(
    { length: 250 },
    (_, i) => ({ short_id: `off${i}`, last_seen_at: i % 2 ? SEEN : null, tags: ["#x"] }),
  ),
];

Deno.test("Everybody who is offline is removed, however many, and counted; whoever is online stays", async () => {
  for (const MAX_STALE_MS of ["0", "5000"]) {
    const { write, find, stored } = await openApp({ MAX_STALE_MS }, CROWD);
    assert.equal((await find("-online")).length, 100);
    assert.equal((await write("DELETE", "/api/visitors?all=true")).count, 250);
    assert.deepEqual(await find("-online"), []);
    assert.deepEqual(await find("#x"), []);
    assert.deepEqual((await stored()).map(({ short_id }) => short_id).sort(), ["aB3", "on"]);
    assert.equal((await write("DELETE", "/api/visitors?all=true")).count, 0);
    assert.equal((await stored()).length, 2);
  }
});

Deno.test("Nobody is removed by anything but exactly all=true", async () => {
  const { app, stored } = await openApp({}, CROWD);
  const queries = [
    "",
    "?",
    "?all",
    "?all=",
    "?all=1",
    "?all=True",
    "?all=TRUE",
    "?all=yes",
    "?all=true ",
    "?all=%20true",
    "?all=true%00",
    "?all=true,true",
    "?all=false",
    "?all=true&all=false",
    "?all=false&all=true",
    "?all=true&all=true",
    "?all=true&all",
    "?ALL=true",
    "?All=true",
    "?all[]=true",
    "?all%5B%5D=true",
    "?al=true",
    "?all=true;x=1",
    "?x=all=true",
    "?q=all=true",
    "#all=true",
  ];
  for (const query of queries) {
    const init = { method: "DELETE", headers: { "Authorization": "write", "all": "true" }, body: "all=true" };
    const url = query.endsWith(" ") ? `/api/visitors${encodeURI(query)}` : `/api/visitors${query}`;
    const response = await app.request(url, init);
    const { error, message } = await response.json();
    assert.deepEqual([response.status, error], [400, "invalid_parameter"], query);
    assert.match(message, /\ball\b/, query);
  }
  for (const path of ["/api/visitors/?all=true", "/api/visitors/list?all=true", "/api?all=true"]) {
    const response = await app.request(path, { method: "DELETE", headers: { Authorization: "write" } });
    await response.text();
    assert.equal(response.status, 404, path);
  }
  for (const method of ["GET", "HEAD", "PATCH", "POST", "OPTIONS"]) {
    const response = await app.request("/api/visitors?all=true", {
      method,
      headers: { Authorization: "write" },
    });
    await response.text();
    assert.equal(response.status, 405, method);
  }
  assert.equal((await stored()).length, CROWD.length);
});
