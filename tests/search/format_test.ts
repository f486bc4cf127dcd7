import assert from "node:assert/strict";
import { SEARCH_FORMAT, SEARCH_PARTS } from "../../src/search/format.ts";
import { OPERATOR_NAMES, OPERATORS } from "../../src/search/operators.ts";
import { parseSearch, type SearchPart } from "../../src/search/parse.ts";

Deno.test("The search format shows every operator and every other kind of part, by examples that are of it", () => {
  const shown = SEARCH_FORMAT.map(({ part, examples }) => {
    const kinds = examples.map((example) => {
      const parts = parseSearch(example);
      assert.equal(parts.length, 1, example);
      return parts[0].kind === "value" ? parts[0].operator : parts[0].kind;
    });
    assert.equal(new Set(kinds).size, 1, part);
    return kinds[0];
  });
  const others: Record<Exclude<SearchPart["kind"], "nobody" | "value">, true> = {
    online: true,
    code: true,
    url: true,
    text: true,
  };
  assert.deepEqual(shown.toSorted(), [...OPERATOR_NAMES, ...Object.keys(others)].sort());
});

Deno.test("The sentence that lists the parts of a search names every operator", () => {
  for (const { prefix } of Object.values(OPERATORS)) {
    assert.ok(SEARCH_PARTS.includes(prefix ?? "e-mail address"), String(prefix));
  }
});
