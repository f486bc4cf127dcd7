import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { appWith } from "../support/app.ts";

async function openApp(count: number) {
  const documentOf = (number: number) => ({ short_id: `v${number}`, is_online: true, name: "Zoë" });
  const { ask, put } = await appWith(Array.from({ length: count }, (_, i) => documentOf(i)));
  const get = (headers: Record<string, string> = {}, path = "list/latest?max_results=10", method = "GET") =>
    ask(`/api/visitors/${path}`, headers, method);
  return { get, put: (...numbers: number[]) => put(numbers.map(documentOf)) };
}

Deno.test("A client that has cached the answer gets 304, until it changes", async () => {
  const { get, put } = await openApp(20);
  for (const path of ["list/latest?max_results=10", "list/search?q=zoe", "v3"]) {
    const first = await get({}, path);
    const tag = first.headers.get("ETag")!;
    assert.match(tag, /^"[\w-]+"$/);
    assert.equal(first.headers.get("Cache-Control"), "private, no-cache");
    const [opaque] = /[\w-]{22}/.exec(tag)!;
    const changed = ["-gzip", "-br", "-zstd", ";gz", ";br", "--gzip", "-gzip-br", "-gzip;gz", "-gzip--gzip"]
      .flatMap((
        suffix,
      ) => [`"${opaque}${suffix}"`, `W/"${opaque}${suffix}"`, `"other" , "${opaque}${suffix}"`]);
    for (const given of [tag, `W/${tag}`, `"other", ${tag}`, "*", ...changed, `"${opaque}"-gzip`]) {
      const again = await get({ "If-None-Match": given }, path);
      assert.equal(again.status, 304, given);
      assert.equal(await again.text(), "");
      for (const name of ["ETag", "Link", "Vary", "Cache-Control"]) {
        assert.equal(again.headers.get(name), first.headers.get(name), name);
      }
    }
    const others = ["-gzi", "gzip", "-other", "x", ";", "-"].map((suffix) => `"${opaque}${suffix}"`);
    for (const given of ['"other"', opaque, "", `"${opaque.slice(0, -1)}-gzip"`, ...others]) {
      assert.equal((await get({ "If-None-Match": given }, path)).status, 200, given);
    }
  }
  const before = (await get()).headers.get("ETag")!;
  await put(0, 100);
  assert.equal((await get({ "If-None-Match": before })).status, 200);
});

Deno.test("A Link that appears or disappears changes the ETag, though the page has the same visitors", async () => {
  const { get, put } = await openApp(10);
  const before = await get();
  assert.equal(before.headers.get("Link"), null);
  await put(999);
  const after = await get({ "If-None-Match": before.headers.get("ETag")! });
  assert.equal(after.status, 200);
  assert.match(after.headers.get("Link")!, /rel="next"/);
  assert.deepEqual(await after.json(), await before.json());
});

const ACCEPTS: [string, boolean][] = [
  ["gzip", true],
  ["GZIP", true],
  ["br, gzip;q=0.5", true],
  ["*", true],
  ["*;q=0, gzip", true],
  ["gzip;q=0", false],
  ["gzip; q=0.0, *", false],
  ["identity", false],
  ["", false],
  ["x-gzip-like", false],
];

Deno.test("A long answer is compressed for clients that accept gzip, and has another ETag then", async () => {
  const { get } = await openApp(20);
  const plain = await get({ "Accept-Encoding": "identity" });
  const body = await plain.text();
  for (const [accepts, isCompressed] of ACCEPTS) {
    const response = await get({ "Accept-Encoding": accepts });
    assert.equal(response.headers.get("Content-Encoding"), isCompressed ? "gzip" : null, accepts);
    assert.match(response.headers.get("Vary")!, /Accept-Encoding/);
    assert.equal(response.headers.get("ETag") === plain.headers.get("ETag"), !isCompressed, accepts);
    const bytes = new Uint8Array(await response.arrayBuffer());
    assert.equal(new TextDecoder().decode(isCompressed ? gunzipSync(bytes) : bytes), body, accepts);
    const tag = response.headers.get("ETag")!;
    assert.equal((await get({ "Accept-Encoding": accepts, "If-None-Match": tag })).status, 304, accepts);
  }
});

Deno.test("HEAD has the headers of GET and no body", async () => {
  const { get } = await openApp(20);
  for (const encoding of ["identity", "gzip"]) {
    const [head, full] = [
      await get({ "Accept-Encoding": encoding }, undefined, "HEAD"),
      await get({ "Accept-Encoding": encoding }),
    ];
    assert.equal(await head.text(), "");
    assert.equal(head.headers.get("Content-Length"), String((await full.arrayBuffer()).byteLength));
    for (const name of ["ETag", "Link", "Content-Type", "Content-Encoding"]) {
      assert.equal(head.headers.get(name), full.headers.get(name), name);
    }
  }
});
