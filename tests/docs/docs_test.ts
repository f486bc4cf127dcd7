import assert from "node:assert/strict";
import { ERRORS } from "../../src/http/errors.ts";
import { COMMON_ERRORS, OPERATIONS } from "../../src/rest/operations.ts";
import { SEARCH_FORMAT } from "../../src/search/format.ts";
import { ATTRIBUTE_NAMES } from "../../src/visitor/visitor.ts";
import { appWith, type Environment } from "../support/app.ts";
import { hasAllRights } from "../support/rights.ts";

/** It reads documents, and what its page loads. */
const test = (sentence: string, fn: () => Promise<void>) =>
  Deno.test({ name: `The documentation: ${sentence}`, ignore: !hasAllRights, fn });

const WRITE_KEY = "the key that writes";
const SECRETS: Environment = {
  REST_KEY: "the key that reads",
  REST_KEY_PREVIOUS: "the key before",
  REST_WRITE_KEY: WRITE_KEY,
  SITE_KEY: "site-key",
  SECRET_KEY: "a secret key with enough characters",
  ALLOWED_ORIGINS: "https://acme.com",
};

/** The page as anyone gets it. */
async function read(environment: Environment = {}): Promise<string> {
  const { app } = await appWith([], environment);
  const response = await app.request("/api/docs");
  assert.equal(response.status, 200);
  // Where a name may be broken.
  return (await response.text()).replaceAll("<wbr>", "");
}

/** What a reader sees of a piece of HTML. */
function textOf(html: string): string {
  return html.replace(/<[^>]*>/g, "")
    .replace(
      /&(?:#(\d+)|(\w+));/g,
      (_, code, name) =>
        code ? String.fromCodePoint(code) : { lt: "<", gt: ">", amp: "&", quot: '"' }[name as string]!,
    )
    .replace(/\s+/g, " ");
}

/** The section of an operation. */
function sectionOf(html: string, id: string): string {
  const start = html.indexOf(`<section class="operation" id="${id}"`);
  assert.ok(start >= 0, id);
  return html.slice(start, html.indexOf("</section>", start));
}

test("anyone may read it, and whatever else is under /api asks for a key first", async () => {
  for (const [BASE_ENDPOINT, prefix] of [["", ""], ["https://acme.com/support", "/support"]]) {
    const { app, ask } = await appWith([], { BASE_ENDPOINT });
    for (const root of new Set(["", prefix])) {
      const page = await app.request(`${root}/api/docs`);
      assert.equal(page.status, 200);
      assert.equal(page.headers.get("Content-Type"), "text/html; charset=utf-8");
      assert.equal((await app.request(`${root}/api/docs`, { method: "HEAD" })).status, 200);
      for (
        const [method, path] of [
          ["POST", "/api/docs"],
          ["OPTIONS", "/api/docs"],
          ["GET", "/api/docs/"],
          ["GET", "/api/docs.json"],
          ["GET", "/api/docs/x"],
          ["GET", "/api/doc"],
          ["GET", "/api/openapi.json"],
        ]
      ) assert.equal((await app.request(root + path, { method })).status, 401, `${method} ${root}${path}`);
      const other = await ask(`${root}/api/docs`, {}, "POST");
      assert.equal(other.status, 405);
      assert.equal(other.headers.get("Allow"), "GET, HEAD");
      assert.equal((await ask(`${root}/api/docs/`)).status, 404);
      assert.equal((await ask(`${root}/api/docs.json`)).status, 404);
    }
  }
});

test("it is gone with the API", async () => {
  const { app } = await appWith([], { REST_KEY: "" });
  for (const method of ["GET", "HEAD", "POST"]) {
    assert.equal((await app.request("/api/docs", { method })).status, 404, method);
  }
});

test("it holds no key", async () => {
  const html = await read(SECRETS);
  for (const secret of Object.values(SECRETS)) assert.ok(!html.includes(secret!), secret);
});

test("a browser that has the current page gets 304", async () => {
  const { app } = await appWith([]);
  const { headers } = await app.request("/api/docs");
  assert.equal(headers.get("Cache-Control"), "no-cache");
  const again = await app.request("/api/docs", { headers: { "If-None-Match": headers.get("ETag")! } });
  assert.equal(again.status, 304);
});

test("it runs nothing but Foyer's own files, the console turned off or not", async () => {
  for (const CONSOLE of ["", "false"]) {
    const { app } = await appWith([], { CONSOLE });
    const response = await app.request("/api/docs");
    assert.equal(
      response.headers.get("Content-Security-Policy"),
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
        "trusted-types 'none'; require-trusted-types-for 'script'; frame-ancestors 'none'",
    );
    const html = await response.text();
    assert.doesNotMatch(html, /<style|\sstyle=|<script(?![^>]*src=)|\son\w+=|javascript:/);
    const urls = Array.from(html.matchAll(/(?:href|src)="([^"#]+)"/g), ([, url]) => url);
    assert.ok(urls.length > 8);
    assert.equal(urls.includes("/"), CONSOLE !== "false", "a link to the console, where there is one");
    for (const url of urls.filter((url) => !url.startsWith("https:") && url !== "/")) {
      assert.match(url, /^\/console\/[\w-]{12}\/[\w-]+\/[\w-]+\.(js|css|svg)$/);
      const asset = await app.request(url);
      assert.equal(asset.status, 200, url);
      const text = await asset.text();
      for (const [, imported] of text.matchAll(/^import [^]*? from "(\.[^"]+)"/gm)) {
        const path = new URL(imported, `http://x${url}`).pathname;
        assert.equal((await app.request(path)).status, 200, `${url} imports ${imported}`);
      }
    }
  }
});

test("each operation has its meaning, parameters, errors with their cure, and a command", async () => {
  const root = "https://acme.com/support/api";
  const html = await read({ ...SECRETS, BASE_ENDPOINT: "https://acme.com/support" });
  const errors = textOf(html.slice(html.indexOf('<section id="errors">')));
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const section = sectionOf(html, name);
    const text = textOf(section);
    assert.ok(text.includes(textOf(operation.summary)), name);
    assert.ok(text.includes(`${operation.method} ${operation.path}`), name);
    assert.ok(text.includes(`${root}${operation.path.split("{")[0]}`), `${name} is asked at ${root}`);
    assert.match(text, /curl .*-H 'Authorization: YOUR_KEY'/, name);
    const parameters = Object.keys("query" in operation ? operation.query.shape : {});
    if (operation.path.includes("{short_id}")) parameters.push("short_id");
    for (const parameter of parameters) {
      assert.ok(section.includes(`<td><code>${parameter}</code>`), `${name}: ${parameter}`);
      assert.ok(section.includes(`data-name="${parameter}"`), `${name} can be tried with ${parameter}`);
    }
    if ("isPaged" in operation) {
      assert.match(text, /ETag header .*Link header .*Foyer-Unindexed header/, name);
    }
    for (const code of [...COMMON_ERRORS, ...operation.errors]) {
      const { when, cure } = ERRORS[code];
      for (const shown of [text, errors]) {
        assert.ok(shown.includes(`${code} HTTP ${ERRORS[code].status}`), `${name}: ${code}`);
        assert.ok(shown.includes(when.replaceAll("`", "")), `${name}: ${when}`);
        assert.ok(shown.toLowerCase().includes(cure.replaceAll("`", "").toLowerCase()), `${name}: ${cure}`);
      }
    }
  }
});

test("without a key that writes, nothing of it is about writing", async () => {
  const html = await read();
  for (const [name, operation] of Object.entries(OPERATIONS)) {
    const isThere = html.includes(`id="${name}"`);
    assert.equal(isThere, !["updateVisitor", "removeVisitor", "removeOfflineVisitors"].includes(name), name);
    if (isThere) sectionOf(html, name);
    else assert.ok(!html.includes(operation.summary), name);
  }
});

test("it shows every attribute but those that are hidden", async () => {
  for (const hidden of [[], ["ip_address", "location_city"]]) {
    const html = await read({ ...SECRETS, HIDDEN_ATTRIBUTES: hidden.join(",") });
    const start = html.indexOf('<section id="visitor">');
    const section = html.slice(start, html.indexOf("</section>", start));
    const shown = Array.from(section.matchAll(/<td><code>(\w+)<\/code>/g), ([, name]) => name);
    assert.deepEqual(shown, ATTRIBUTE_NAMES.filter((name) => !hidden.includes(name)));
  }
});

test("the search format, the messages of web pages and the stream of a list are the sources' own", async () => {
  const text = textOf(await read());
  const plain = (markdown: string) => textOf(markdown.replaceAll("`", ""));
  for (const { finds, examples } of SEARCH_FORMAT) {
    assert.ok(text.toLowerCase().includes(plain(finds).toLowerCase()), finds);
    for (const example of examples) assert.ok(text.includes(example), example);
  }
  for (const path of ["presence/PROTOCOL.md", "stream/PROTOCOL.md"]) {
    const markdown = await Deno.readTextFile(new URL(`../../src/${path}`, import.meta.url));
    const cells = Array.from(markdown.matchAll(/^\| (.*) \|$/gm), ([, row]) => row.split(" | "))
      .flat().map((cell) => cell.trim()).filter((cell) => !/^-*$/.test(cell));
    assert.ok(cells.length > 10, path);
    for (const cell of cells) assert.ok(text.includes(plain(cell)), `${path}: ${cell}`);
    for (const [, heading] of markdown.matchAll(/^## (.*)$/gm)) assert.ok(text.includes(heading), heading);
    assert.doesNotMatch(text, /deno-fmt-ignore/);
  }
});

test("no form that changes anything has a value already", async () => {
  const html = await read(SECRETS);
  const forms = Array.from(html.matchAll(/<form class="try"[^]*?<\/form>/g), ([form]) => form);
  const changing = forms.filter((form) => /^<form[^>]* data-changes/.test(form));
  assert.deepEqual(
    changing.map((form) => /aria-label="Try ([^"]+)"/.exec(form)![1]).sort(),
    Object.values(OPERATIONS).filter((operation) => "isChange" in operation)
      .map(({ method, path }) => `${method} ${path}`).sort(),
  );
  for (const form of forms) assert.doesNotMatch(form, /<input[^>]* value=|<textarea[^>]*>[^<]/);
  for (const form of changing) assert.doesNotMatch(form, /placeholder="[^"]/);
  assert.ok(forms.length > changing.length + 4);
});

test("each anchor is there once, and each link within it leads to one", async () => {
  const html = await read(SECRETS);
  const anchors = Array.from(html.matchAll(/\sid="([^"]+)"/g), ([, id]) => id);
  assert.equal(new Set(anchors).size, anchors.length);
  const links = Array.from(html.matchAll(/href="#([^"]+)"/g), ([, id]) => id);
  assert.ok(links.length > 20);
  for (const link of links) assert.ok(anchors.includes(link), link);
  for (const [, id] of html.matchAll(/<label for="([^"]+)"/g)) assert.ok(anchors.includes(id), id);
});

test("a BASE_ENDPOINT with signs of HTML in it is text", async () => {
  const html = await read({ BASE_ENDPOINT: "https://acme.com/a'b&c" });
  assert.ok(textOf(html).includes("https://acme.com/a'b&c/api/visitors/list/latest"));
  assert.doesNotMatch(html, /a'b&c/);
});
