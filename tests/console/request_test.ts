import assert from "node:assert/strict";
import { curlOf, headersOf, urlOf } from "../../src/console/docs/request.js";

const ROOT = "https://acme.com/support/api";

function question(path: string, given: Record<string, string>, body: string | null = null, method = "GET") {
  const parameters = Object.entries(given).map(([key, value]) => {
    const [place, name] = key.split(" ");
    return { in: place, name, value };
  });
  return { method, path, parameters, body };
}

Deno.test("A form's fields become a URL that means exactly what was typed", () => {
  const verdicts: [path: string, given: Record<string, string>, url: string][] = [
    ["/usage", {}, "/usage"],
    ["/visitors/list/search", { "query q": "", "query max_results": "" }, "/visitors/list/search"],
    [
      "/visitors/list/search",
      { "query q": "müller & #vip+1%" },
      "/visitors/list/search?q=m%C3%BCller+%26+%23vip%2B1%25",
    ],
    ["/visitors/{short_id}", { "path short_id": "a/b?c#d" }, "/visitors/a%2Fb%3Fc%23d"],
    ["/visitors/{short_id}/watch_url", { "path short_id": "$&" }, "/visitors/%24%26/watch_url"],
    ["/visitors/{short_id}", { "path short_id": "x", "header If-Match": '"tag"' }, "/visitors/x"],
  ];
  for (const [path, given, url] of verdicts) assert.equal(urlOf(ROOT, question(path, given)), ROOT + url);
});

Deno.test("Only the headers that are filled in are sent", () => {
  assert.deepEqual(headersOf(question("/x", { "header If-Match": '"tag"', "header If-None-Match": "" })), {
    "If-Match": '"tag"',
  });
});

Deno.test("The curl command sends the same request, whatever was typed", () => {
  assert.equal(
    curlOf(
      ROOT,
      question("/visitors/{short_id}", { "path short_id": "it's" }, `{"name":"O'Neill $(id)"}`, "PATCH"),
    ),
    String.raw`curl -X PATCH -H 'Authorization: YOUR_KEY' -d '{"name":"O'\''Neill $(id)"}' ` +
      `'${ROOT}/visitors/it'\\''s'`,
  );
  assert.equal(
    curlOf(ROOT, question("/visitors/list/stream", { "query q": "#vip" }), true),
    `curl -N -H 'Authorization: YOUR_KEY' '${ROOT}/visitors/list/stream?q=%23vip'`,
  );
});
