import assert from "node:assert/strict";
import { SEARCH_FORMAT } from "../../src/search/format.ts";
import { parseSearch, type SearchPart } from "../../src/search/parse.ts";

Deno.test("The search format shows every kind of part, by examples that are of it", () => {
  const shown = SEARCH_FORMAT.map(({ part, examples }) => {
    const kinds = examples.map((example) => {
      const parts = parseSearch(example);
      assert.equal(parts.length, 1, example);
      return parts[0].kind;
    });
    assert.equal(new Set(kinds).size, 1, part);
    return kinds[0];
  });
  const kinds: Record<Exclude<SearchPart["kind"], "nobody">, true> = {
    online: true,
    ip: true,
    unique_id: true,
    code: true,
    tag: true,
    integration_id: true,
    url: true,
    email: true,
    text: true,
  };
  assert.deepEqual(shown.toSorted(), Object.keys(kinds).sort());
});
