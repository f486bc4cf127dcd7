import assert from "node:assert/strict";
import { changeOfClaims, type Claims, mergeClaims } from "../../src/store/claims.ts";
import { readVisitor } from "../../src/visitor/visitor.ts";

function change(document: Record<string, unknown>, claims: Claims) {
  return changeOfClaims(readVisitor({ short_id: "a", ...document })!, claims);
}

Deno.test("Claims that are absent change nothing, and null clears an attribute", () => {
  assert.deepEqual(change({ name: "Ada" }, {}), {});
  assert.deepEqual(change({ name: "Ada" }, { name: null, tags: [] }), { name: null, tags: [] });
});

Deno.test("Integration ids are added to the existing ones, and a system without a value clears its own", () => {
  const had = ["crm:1", "chat:2"];
  const rows: [given: (string | null)[], has: string[]][] = [
    [[], had],
    [["crm:1"], ["chat:2", "crm:1"]],
    [["crm:3"], ["crm:1", "chat:2", "crm:3"]],
    [["crm:"], ["chat:2"]],
    [["crm:", "crm:3"], ["chat:2", "crm:3"]],
    [["crm:3", "crm:"], ["chat:2"]],
    [["crmx:"], had],
    [[null], []],
    [["crm:3", null, "crm:4"], ["crm:4"]],
  ];
  for (const [given, has] of rows) {
    assert.deepEqual(change({ integration_ids: had }, { integration_ids: given }).integration_ids, has);
  }
  const many = Array.from({ length: 250 }, (_, i) => `crm:${i}`);
  assert.deepEqual(change({ integration_ids: many }, { integration_ids: ["chat:9"] }).integration_ids, [
    ...many.slice(51),
    "chat:9",
  ], "a page that adds for ever keeps the latest 200");
});

Deno.test("The email becomes the first address among the identities, unless it was set otherwise", () => {
  const rows: [document: Record<string, unknown>, claims: Claims, email: string | null | undefined][] = [
    [{}, { identities: ["Ada", "ada@example.com", "b@example.com"] }, "ada@example.com"],
    [{}, { identities: ["Ada"] }, null],
    [{}, { identities: ["ada@example.com"], email: "own@example.com" }, "own@example.com"],
    [{}, { identities: ["ada@example.com"], email: null }, null],
    [{ email: "crm@example.com" }, { identities: ["ada@example.com"] }, undefined],
    [
      { email: "ada@example.com", identities: ["ada@example.com"] },
      { identities: ["new@example.com"] },
      "new@example.com",
    ],
    [{ email: "ada@example.com", identities: ["ada@example.com"] }, { identities: [] }, null],
    [{ email: "ada@example.com" }, { name: "Ada" }, undefined],
  ];
  for (const [document, claims, email] of rows) assert.equal(change(document, claims).email, email);
});

Deno.test("Merged claims have the same result as the claims one after the other", () => {
  const first: Claims = { name: "Ada", integration_ids: ["crm:1"], tags: ["#a"] };
  const second: Claims = { name: null, integration_ids: ["crm:", "chat:2"] };
  assert.deepEqual(mergeClaims(first, second), {
    name: null,
    integration_ids: ["crm:1", "crm:", "chat:2"],
    tags: ["#a"],
  });
  const cleared = mergeClaims(mergeClaims(first, { integration_ids: [null] }), {
    integration_ids: ["chat:2"],
  });
  assert.deepEqual(cleared.integration_ids, [null, "chat:2"]);
});
