import assert from "node:assert/strict";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { appWith } from "../support/app.ts";
import { hasAllRights } from "../support/rights.ts";

/** Registers a test that needs the right to read files. */
const test = (sentence: string, fn: () => Promise<void>) =>
  Deno.test({ name: `The console: ${sentence}`, ignore: !hasAllRights, fn });

const CLIENT = new URL("../../src/console/", import.meta.url);

/** The URLs of the files that a web page loads. */
const urlsIn = (html: string) => Array.from(html.matchAll(/(?:href|src)="([^"]+)"/g), ([, url]) => url);

test("its web page may run only Foyer's own files", async () => {
  const { app } = await appWith([]);
  const response = await app.request("/");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("Content-Type"), "text/html; charset=utf-8");
  assert.equal(
    response.headers.get("Content-Security-Policy"),
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
      "trusted-types 'none'; require-trusted-types-for 'script'; frame-ancestors 'none'",
  );
  const html = await response.text();
  assert.doesNotMatch(html, /<style|style=|<script(?![^>]*src=)|\son\w+=/);
  const urls = urlsIn(html);
  assert.ok(urls.length >= 5, `${urls}`);
  for (const url of urls) {
    assert.match(url, /^\/console\/[\w-]{12}\/[\w-]+\/[\w-]+\.(js|css|svg)$/);
    const asset = await app.request(url);
    assert.equal(asset.status, 200, url);
    await asset.text();
  }
});

test("browsers may cache each file for ever, since its URL changes with any file; files are served compressed", async () => {
  const { app } = await appWith([]);
  const [url] = urlsIn(await (await app.request("/")).text()).filter((url) => url.endsWith("console.js"));
  const plain = await app.request(url);
  const text = await plain.text();
  assert.doesNotMatch(text, /^\s*\/[/*]/m, "without comments");
  const unpack = { br: brotliDecompressSync, gzip: gunzipSync };
  for (const [accepted, coding] of [["gzip, deflate, br, zstd", "br"], ["gzip", "gzip"]] as const) {
    const response = await app.request(url, { headers: { "Accept-Encoding": accepted } });
    assert.equal(response.headers.get("Content-Encoding"), coding);
    assert.equal(unpack[coding](new Uint8Array(await response.arrayBuffer())).toString(), text);
    for (const { headers } of [plain, response]) {
      assert.equal(headers.get("Cache-Control"), "public, max-age=31536000, immutable");
      assert.equal(headers.get("Vary"), "Accept-Encoding");
      assert.equal(headers.get("Content-Type"), "text/javascript; charset=utf-8");
    }
  }
  for (const other of [url.replace(/\/console\/[^/]+/, "/console/another-hash"), `${url}x`]) {
    assert.equal((await app.request(other)).status, 404, other);
  }
});

test("its modules are served as one valid script", async () => {
  const { app } = await appWith([]);
  const urls = urlsIn(await (await app.request("/")).text()).filter((url) => url.endsWith(".js"));
  assert.equal(urls.length, 1);
  const text = await (await app.request(urls[0])).text();
  for await (const { name } of Deno.readDir(new URL("client/", CLIENT))) {
    assert.ok(text.includes(`const $client_${name.replace(".", "_")} =`), name);
  }
  assert.doesNotMatch(text, /^(import|export)\b/m);
  // Parsed as a function's body, in which `import.meta` would be a syntax error.
  assert.doesNotThrow(() => new Function(text.replaceAll("import.meta", "({})")));
});

test("its URLs begin with BASE_ENDPOINT's path, whether or not a proxy strips it", async () => {
  const { app } = await appWith([], { BASE_ENDPOINT: "https://acme.com/a%20b" });
  for (const path of ["/", "/a%20b/"]) {
    const urls = urlsIn(await (await app.request(path)).text());
    for (const url of urls) assert.match(url, /^\/a%20b\/console\//);
    assert.equal((await app.request(urls[0])).status, 200);
    assert.equal((await app.request(urls[0].slice("/a%20b".length))).status, 200);
  }
  const redirect = await app.request("/a%20b");
  assert.equal(redirect.status, 302);
  assert.equal(redirect.headers.get("Location"), "/a%20b/");
});

test("CONSOLE=false turns it off", async () => {
  const { app } = await appWith([], { CONSOLE: "false", BASE_ENDPOINT: "https://acme.com/support" });
  for (const path of ["/", "/support", "/support/", "/console/x/client/main.js"]) {
    assert.equal((await app.request(path)).status, 404, path);
  }
});

test("without REST_KEY it says that the API is disabled, and loads no script", async () => {
  const { app } = await appWith([], { REST_KEY: "" });
  const html = await (await app.request("/")).text();
  assert.match(html, /The REST API is disabled/);
  assert.match(html, /REST_KEY/);
  assert.doesNotMatch(html, /<script/);
});

test("its web page says whether agents see more than the code entry", async () => {
  for (const [CONSOLE_MODE, mode] of [["", "full"], ["full", "full"], ["code", "code"]]) {
    const { app } = await appWith([], { CONSOLE_MODE });
    assert.match(await (await app.request("/")).text(), new RegExp(`data-mode="${mode}"`));
  }
});

test("Preact and htm have the versions whose types check its scripts", async () => {
  const { imports } = JSON.parse(await Deno.readTextFile(new URL("client.json", CLIENT)));
  for (const name of ["preact", "hooks"]) {
    const [, version] = /^npm:preact@([\d.]+)/.exec(imports[`./vendor/${name}.js`])!;
    const text = await Deno.readTextFile(new URL(`vendor/${name}.js`, CLIENT));
    assert.ok(text.startsWith(`// preact ${version}, `), name);
  }
});
