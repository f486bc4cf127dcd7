import assert from "node:assert/strict";
import { newShortId, SHORT_ID_ALPHABET, Tokens } from "../../src/presence/identity.ts";

Deno.test("Short ids have 10 characters without lookalikes, and do not repeat", () => {
  const made = Array.from({ length: 10_000 }, newShortId);
  assert.equal(new Set(made).size, made.length);
  for (const shortId of made) assert.match(shortId, new RegExp(`^[${SHORT_ID_ALPHABET}]{10}$`));
  for (const character of "0O1Il") assert.ok(!SHORT_ID_ALPHABET.includes(character));
});

Deno.test("A token is valid for its short id only, and cannot be forged", () => {
  const tokens = new Tokens(["s".repeat(32)]);
  const token = tokens.make("8DKedQxH5w");
  assert.equal(tokens.read(token), "8DKedQxH5w");
  const signature = token.slice(token.indexOf(".") + 1);
  const forged = [
    "",
    ".",
    "8DKedQxH5w",
    "8DKedQxH5w.",
    `8DKedQxH5x.${signature}`,
    `.${signature}`,
    `8DKedQxH5w.${signature}.`,
    `8DKedQxH5w.${signature.slice(1)}`,
    `8DKedQxH5w.${signature}${signature}`,
    `8DKedQxH5w.${signature}=`,
    `8DKedQxH5w.${signature}AA`,
    "8DKedQxH5w.AAAAA",
    "8DKedQxH5w.é\0",
    new Tokens(["t".repeat(32)]).make("8DKedQxH5w"),
  ];
  for (const other of forged) assert.equal(tokens.read(other), null, other);
});

Deno.test("After a change of SECRET_KEY tokens of the previous key are accepted, and new ones use the new key", () => {
  const [before, after] = ["b".repeat(32), "a".repeat(32)];
  const token = new Tokens([before]).make("8DKedQxH5w");
  const both = new Tokens([after, before]);
  assert.equal(both.read(token), "8DKedQxH5w");
  assert.equal(new Tokens([after]).read(both.make("8DKedQxH5w")), "8DKedQxH5w");
  assert.equal(new Tokens([after]).read(token), null);
});
