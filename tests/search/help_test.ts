import assert from "node:assert/strict";
import { SEARCH_HELP, SEARCH_PARTS } from "../../src/search/help.ts";
import { OPERATOR_NAMES, OPERATORS } from "../../src/search/operators.ts";
import { parseSearch } from "../../src/search/parse.ts";

Deno.test("What the search help says may be typed is understood so", () => {
  const parts = SEARCH_HELP.flatMap(({ typed }) => typed.flatMap((q) => parseSearch(q)));
  const operators = parts.filter((part) => part.kind === "value").map(({ operator }) => operator);
  assert.deepEqual(operators, OPERATOR_NAMES);
  assert.deepEqual(
    new Set(parts.map(({ kind }) => kind)),
    new Set(["text", "code", "online", "value", "url"]),
  );
  for (const { finds } of SEARCH_HELP) assert.match(finds, /^[a-z].*[^.]$/);
});

Deno.test("Every operator is named where the parts of a search are listed", () => {
  for (const { prefix } of Object.values(OPERATORS)) {
    assert.ok(SEARCH_PARTS.includes(prefix ?? "e-mail"), `${prefix}`);
  }
});
