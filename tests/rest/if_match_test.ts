import assert from "node:assert/strict";
import { openApp, PATH } from "../support/changes.ts";

const BODY = JSON.stringify({ name: "Eve" });

const IF_MATCH: [what: string, ifMatch: (tag: string) => string | null, isWritten: boolean][] = [
  ["no If-Match", () => null, true],
  ["the visitor's tag", (tag) => tag, true],
  ["the tag of the compressed body", (tag) => tag.replace(/"$/, '-gzip"'), true],
  ["the tag as Jetty marks a compressed body", (tag) => tag.replace(/"$/, '--gzip"'), true],
  ["the tag as LiteSpeed marks a compressed body", (tag) => tag.replace(/"$/, ';br"'), true],
  ["the tag as old Apache marks a compressed body", (tag) => `${tag}-gzip`, true],
  ["a list of another tag with a comma and the tag", (tag) => `"a,b", ${tag}`, true],
  ["any state", () => "*", true],
  ["any state, with spaces", () => " * ", true],
  ["a list with the tag", (tag) => `"other", ${tag}`, true],
  ["a list with the tag first", (tag) => `${tag},"other"`, true],
  ["another tag", () => '"other"', false],
  ["a weakened tag, which is no strong one", (tag) => `W/${tag}`, false],
  ["a weakened tag of the compressed body", (tag) => `W/${tag.replace(/"$/, '-gzip"')}`, false],
  ["the tag with another ending", (tag) => tag.replace(/"$/, '-other"'), false],
  ["a star in quotes", () => '"*"', false],
  ["a list of weakened tags", (tag) => `W/${tag}, W/"other"`, false],
  ["a tag without quotes", (tag) => tag.replaceAll('"', ""), false],
  ["part of the tag", (tag) => `${tag.slice(0, -2)}"`, false],
  ["nothing", () => "", false],
  ["an empty tag", () => '""', false],
  ["a list that holds a star", () => '"other", *', false],
];

for (const [what, ifMatch, isWritten] of IF_MATCH) {
  for (const method of ["PATCH", "DELETE"]) {
    Deno.test(`${method} with ${what} is ${isWritten ? "written" : "412, and nothing is written"}`, async () => {
      const { app, read, stored } = await openApp();
      const { tag } = await read(PATH);
      const before = await stored();
      const given = ifMatch(tag!);
      const headers: Record<string, string> = { Authorization: "write" };
      if (given !== null) headers["If-Match"] = given;
      const response = await app.request(PATH, {
        method,
        headers,
        body: method === "PATCH" ? BODY : undefined,
      });
      const { error } = await response.json();
      if (isWritten) assert.equal(response.status, 200, error);
      else {
        assert.deepEqual([response.status, error], [412, "precondition_failed"]);
        assert.deepEqual(await stored(), before);
      }
    });
  }
}

Deno.test("The answer to a change has the ETag for the next one, and the earlier ETag no longer matches", async () => {
  const { app, read } = await openApp({
    WATCH_LINK: "https://acme.com/{short_id}",
    HIDDEN_ATTRIBUTES: "email",
  });
  const { tag: first } = await read(PATH);
  const patch = (name: string, tag: string) =>
    app.request(PATH, {
      method: "PATCH",
      headers: { Authorization: "write", "If-Match": tag },
      body: JSON.stringify({ name }),
    });
  const response = await patch("Eve", first!);
  assert.equal(response.status, 200);
  await response.text();
  const second = response.headers.get("ETag")!;
  assert.notEqual(second, first);
  assert.equal((await read(PATH)).tag, second, "it is that of GET");
  const late = await patch("Mallory", first!);
  assert.equal((await late.json()).error, "precondition_failed");
  const next = await patch("Ada", second);
  assert.equal((await next.json()).visitor.name, "Ada");
});

Deno.test("Of clients that read the same state and write at once, one succeeds", async () => {
  const { app, read } = await openApp();
  const { tag } = await read(PATH);
  const statuses = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    const response = await app.request(PATH, {
      method: "PATCH",
      headers: { Authorization: "write", "If-Match": tag! },
      body: JSON.stringify({ name: `client ${i}` }),
    });
    await response.text();
    return response.status;
  }));
  assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
});

Deno.test("A visitor that does not exist is 404, whatever If-Match is", async () => {
  const { app } = await openApp();
  for (const ifMatch of ["*", '"other"']) {
    for (const method of ["PATCH", "DELETE"]) {
      const response = await app.request("/api/visitors/nobody", {
        method,
        headers: { Authorization: "write", "If-Match": ifMatch },
        body: method === "PATCH" ? BODY : undefined,
      });
      assert.equal((await response.json()).error, "visitor_not_found");
    }
  }
});
