import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ERRORS } from "../src/http/errors.ts";
import { COMMON_ERRORS, MAX_BODY, OPERATIONS, visitorChange } from "../src/rest/operations.ts";
import { SEARCH_FORMAT } from "../src/search/format.ts";
import { ATTRIBUTE_NAMES } from "../src/visitor/visitor.ts";
import { hasAllRights } from "./support/rights.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The longest README that somebody still reads, in bytes. */
const MAX_README = 25_600;

/** The documents, by their paths in the project. */
const DOCUMENTS = hasAllRights ? ["README.md", ...documentsIn("src"), ...documentsIn("tests")] : [];

function documentsIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(join(ROOT, folder)), ({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? documentsIn(path) : name.endsWith(".md") ? [path] : [];
  }).flat();
}

function read(path: string): string {
  return Deno.readTextFileSync(join(ROOT, path));
}

function test(sentence: string, fn: () => void) {
  if (hasAllRights) Deno.test(`The documents: ${sentence}`, fn);
}

/** The anchors of a document's headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const prose = text.replaceAll(/^```[^]*?^```$/gm, "");
  return new Set(Array.from(
    prose.matchAll(/^#+ (.*)$/gm),
    ([, heading]) => heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"),
  ));
}

test("the README is short", () => {
  const { size } = Deno.statSync(join(ROOT, "README.md"));
  assert.ok(size <= MAX_README, `${size} bytes, expected at most ${MAX_README}`);
});

test("no table is padded with spaces", () => {
  for (const path of DOCUMENTS) {
    const padded = read(path).split("\n").filter((line) => /^\|.*(\s{2,}\||-{4,})/.test(line));
    assert.deepEqual(padded, [], path);
  }
});

test("links lead somewhere", () => {
  for (const path of DOCUMENTS) {
    for (const [link, target] of read(path).matchAll(/\[[^\]]*\]\((?!https?:)([^)]+)\)/g)) {
      const [file, anchor] = target.split("#");
      const linked = file === "" ? path : join(dirname(path), file);
      assert.ok(Deno.statSync(join(ROOT, linked)), link);
      if (anchor !== undefined) assert.ok(anchorsOf(read(linked)).has(anchor), `${path}: ${link}`);
    }
  }
});

test("paths of source files exist", () => {
  for (const path of DOCUMENTS) {
    for (const [, named] of read(path).matchAll(/`((?:src|tests)\/[\w./-]+)`/g)) {
      assert.ok(Deno.statSync(join(ROOT, named)), `${path}: ${named}`);
    }
  }
});

test("the README names every task that it should, and tasks that there are", () => {
  const { tasks } = JSON.parse(read("deno.json")) as { tasks: Record<string, unknown> };
  const text = read("README.md") + read("tests/README.md");
  for (const [, name] of text.matchAll(/deno(?:@[\d.]+)? task ([\w:]+)/g)) assert.ok(name in tasks, name);
  for (const name of Object.keys(tasks)) assert.ok(text.includes(`task ${name}`), name);
});

test("the README names every operation, its errors with their cure, and what a change may set", () => {
  const readme = read("README.md");
  for (const { method, path } of Object.values(OPERATIONS)) {
    assert.ok(readme.includes(`| \`${method} ${path}`), `${method} ${path}`);
  }
  const codes = new Set([...COMMON_ERRORS, ...Object.values(OPERATIONS).flatMap(({ errors }) => errors)]);
  for (const code of codes) {
    const { status, cure } = ERRORS[code];
    assert.ok(readme.includes(`| ${status} | \`${code}\` | ${cure}`), code);
  }
  const [, writes] = readme.split("### Writes");
  for (const name of Object.keys(visitorChange.shape)) assert.ok(writes.includes(`\`${name}\``), name);
  assert.ok(writes.includes(`${MAX_BODY / 1024} KB`));
});

test("the README's table of the search format is that of the documentation", () => {
  const [, table] = /\| part \| finds visitors \|\n.*\n([^]*?)\n\n/.exec(read("README.md"))!;
  assert.equal(table, SEARCH_FORMAT.map(({ part, finds }) => `| ${part} | ${finds} |`).join("\n"));
});

test("the README's visitor has attributes that there are, in their order", () => {
  const [, json] = /```json\n([^]*?)```/.exec(read("README.md"))!;
  const shown = Object.keys(JSON.parse(json).visitors[0]);
  assert.ok(shown.length >= 30);
  assert.deepEqual(ATTRIBUTE_NAMES.filter((name) => shown.includes(name)), shown);
});

test("the protocol names every field and error of the messages", () => {
  const protocol = read("src/presence/PROTOCOL.md");
  const messages = read("src/presence/messages.ts");
  const [, codes] = /type MessageErrorCode =([^]*?);/.exec(messages)!;
  for (const [, code] of codes.matchAll(/"(\w+)"/g)) assert.ok(protocol.includes(`| \`${code}\` |`), code);
  const objects = messages.matchAll(/= z\.(?:strictO|o)bject\(\{([^]*?)^\}\)/gm);
  const fields = Array.from(
    objects,
    ([, body]) => Array.from(body.matchAll(/^ {2}(\w+)[:,]/gm), ([, f]) => f),
  ).flat();
  assert.ok(fields.includes("hints") && fields.includes("unique_id") && fields.includes("platformVersion"));
  for (const field of fields) assert.match(protocol, new RegExp(`[\`"]${field}[\`"]`), field);
});
