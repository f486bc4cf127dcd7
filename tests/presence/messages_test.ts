import assert from "node:assert/strict";
import fc from "fast-check";
import {
  MAX_MESSAGE,
  MessageError,
  type MessageErrorCode,
  readMessage,
} from "../../src/presence/messages.ts";
import { hasAllRights } from "../support/rights.ts";

const HELLO = {
  type: "hello",
  site_key: "site",
  sdk: "web 1.0.0",
  url: "https://shop.example/",
  is_supported: true,
  js_configuration: true,
};

function update(visitor: Record<string, unknown>) {
  return { type: "update", visitor };
}

Deno.test("Each valid message is parsed, with its values normalised", () => {
  const read: [sent: Record<string, unknown>, meant: Record<string, unknown>][] = [
    [HELLO, HELLO],
    [{ ...HELLO, token: "t", hints: { mobile: true, brands: [{ brand: "B", version: "1" }], new: 1 } }, {
      ...HELLO,
      token: "t",
      hints: { mobile: true, brands: [{ brand: "B", version: "1" }] },
    }],
    [{ type: "page", url: "http://localhost:8080/a?b#c" }, {
      type: "page",
      url: "http://localhost:8080/a?b#c",
    }],
    [{ type: "lookup_code" }, { type: "lookup_code" }],
    [update({}), update({})],
    [
      update({ name: "Zoë", email: null, unique_id: "", call_name: " " }),
      update({
        name: "Zoë",
        email: null,
        unique_id: null,
        call_name: null,
      }),
    ],
    [
      update({ tags: ["#vip", "#vip", "#größe-1"], identities: null, metadata: null }),
      update({
        tags: ["#vip", "#größe-1"],
        identities: [],
        metadata: {},
      }),
    ],
    [
      update({ integration_ids: ["crm:1", "chat:", "help:a b:c"] }),
      update({
        integration_ids: ["crm:1", "chat:", "help:a b:c"],
      }),
    ],
    [
      update({ metadata: { plan: "team", seats: 3, trial: false } }),
      update({
        metadata: { plan: "team", seats: 3, trial: false },
      }),
    ],
  ];
  for (const [sent, meant] of read) assert.deepEqual(readMessage(JSON.stringify(sent)), meant);
});

Deno.test("Any other message is an error whose text quotes nothing of the message", () => {
  const secret = "s3cret";
  const refused: unknown[] = [
    null,
    [],
    secret,
    {},
    { type: secret },
    { type: "__proto__" },
    { type: "page" },
    { type: "call" },
    { type: "call", is_waiting: secret },
    { type: "call", is_waiting: true, since: secret },
    { type: "page", url: `javascript:${secret}` },
    { type: "page", url: secret },
    { type: "page", url: "https://a.example/" + "x".repeat(2048) },
    { type: "page", url: "https://a.example/", [secret]: 1 },
    { ...HELLO, is_supported: "true" },
    { ...HELLO, site_key: undefined },
    { ...HELLO, sdk: `<${secret}>` },
    { ...HELLO, hints: { mobile: secret } },
    { type: "update" },
    update({ [secret]: 1 }),
    update({ short_id: secret }),
    update({ is_online: true }),
    update({ name: 5 }),
    update({ name: "x".repeat(257) }),
    update({ name: "\ud800" }),
    update({ email: secret }),
    update({ identities: secret }),
    update({ identities: [" "] }),
    update({ identities: Array(21).fill("a").map((a, i) => a + i) }),
    ...["vip", "#", "# vip", "#a_b", "#a b", "#<b>", "#" + "x".repeat(64)].map((tag) =>
      update({ tags: [tag] })
    ),
    ...["crm", ":1", "c rm:1", "crm: 1", ""].map((id) => update({ integration_ids: [id] })),
    update({ metadata: { a: { [secret]: 1 } } }),
    update({ metadata: { a: null } }),
    update({ metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [i, i])) }),
  ];
  for (const message of refused) {
    assert.throws(() => readMessage(JSON.stringify(message)), (error) => {
      assert.ok(error instanceof MessageError, JSON.stringify(message));
      assert.equal(error.code, "invalid_message");
      assert.ok(!error.message.includes(secret), error.message);
      return true;
    });
  }
  for (const data of [secret + "{", "", new ArrayBuffer(3), new Blob(["{}"])]) {
    assert.throws(() => readMessage(data), { code: "invalid_message" });
  }
});

Deno.test("A message of 16 KB is read, and a longer one, in bytes, is refused", () => {
  const padded = (length: number, filler: string) => {
    const message = JSON.stringify({ type: "lookup_code" });
    return message.slice(0, -1) + filler.repeat((length - message.length) / filler.length) + "}";
  };
  assert.deepEqual(readMessage(padded(MAX_MESSAGE, " ")), { type: "lookup_code" });
  assert.throws(() => readMessage(padded(MAX_MESSAGE + 1, " ")), { code: "message_too_long" });
  assert.throws(() => readMessage("é".repeat(MAX_MESSAGE / 2 + 1)), { code: "message_too_long" });
  assert.throws(() => readMessage("é".repeat(MAX_MESSAGE / 2)), { code: "invalid_message" });
});

Deno.test("Every random message is either parsed or refused with a MessageError", () => {
  fc.assert(fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (data) => {
    try {
      readMessage(data);
    } catch (error) {
      assert.ok(error instanceof MessageError);
    }
  }));
  const value = fc.oneof(fc.string(), fc.jsonValue(), fc.array(fc.string()), fc.constant(null));
  const names = fc.constantFrom(
    "identities",
    "tags",
    "integration_ids",
    "name",
    "email",
    "metadata",
    "unique_id",
  );
  fc.assert(fc.property(fc.dictionary(names, value), (visitor) => {
    try {
      readMessage(JSON.stringify({ type: "update", visitor }));
    } catch (error) {
      assert.ok(error instanceof MessageError);
    }
  }));
});

if (hasAllRights) {
  Deno.test("The messages in PROTOCOL.md are accepted, and it names each error", () => {
    const protocol = Deno.readTextFileSync(new URL("../../src/presence/PROTOCOL.md", import.meta.url));
    const [ofPages, ofFoyer] = [...protocol.matchAll(/```json\n([^]*?)```/g)].map(([, lines]) =>
      lines.trim().split("\n").map((line) => JSON.parse(line))
    );
    const types = ofPages.map((message) => readMessage(JSON.stringify(message)).type);
    assert.deepEqual(types, ["hello", "update", "page", "lookup_code", "call"]);
    assert.deepEqual(ofFoyer.map(({ type }) => type), [
      "welcome",
      "lookup_code",
      "call",
      "reconnect",
      "error",
    ]);
    const codes: Record<MessageErrorCode, true> = {
      invalid_message: true,
      message_too_long: true,
      too_many_messages: true,
      hello_expected: true,
      invalid_site_key: true,
      too_many_visitors: true,
    };
    for (const code of Object.keys(codes)) assert.ok(protocol.includes(`| \`${code}\` |`), code);
  });
}
