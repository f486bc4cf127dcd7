import assert from "node:assert/strict";
import fc from "fast-check";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { eventually, servePresence } from "../support/presence.ts";
import { hasAllRights } from "../support/rights.ts";

/** The number of messages and the seed of the generator: `FUZZ_MESSAGES=100000 FUZZ_SEED=1 deno test -A …`. */
const settings = hasAllRights ? Deno.env.toObject() : {};
const MESSAGES = Number(settings.FUZZ_MESSAGES ?? 600);
const SEED = Number(settings.FUZZ_SEED ?? Date.now() % 2 ** 31);

/** The number of messages that one web page sends; some come after the fifth bad one, when its connection is closed. */
const A_PAGE = 6;

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom("", " ", "#vip", "crm:", "crm:1"),
);
const texts = fc.oneof(fc.array(text, { maxLength: 30 }), text, fc.constant(null));

/** Messages that a hostile web page may send: valid ones, nearly valid ones, and arbitrary ones. */
function messages(tokens: string[]): fc.Arbitrary<string> {
  const visitor = fc.record({
    identities: texts,
    tags: texts,
    integration_ids: texts,
    name: fc.oneof(text, fc.jsonValue()),
    email: fc.oneof(text, fc.emailAddress()),
    unique_id: fc.oneof(text, fc.integer()),
    metadata: fc.oneof(fc.dictionary(text, fc.jsonValue()), fc.jsonValue()),
    short_id: fc.constantFrom(...tokens.map((token) => token.split(".")[0])),
    is_online: fc.boolean(),
    __proto__: fc.jsonValue(),
  }, { requiredKeys: [] });
  const message = fc.record({
    type: fc.oneof(fc.constantFrom("hello", "update", "page", "lookup_code", "call", "welcome"), text),
    visitor,
    url: fc.oneof(fc.webUrl(), text, fc.constant("javascript:alert(1)")),
    token: fc.oneof(fc.constantFrom(...tokens), text),
    site_key: fc.constantFrom("site key", "key", ""),
    sdk: fc.constantFrom("web 1.0.0", "<b>"),
    is_supported: fc.oneof(fc.boolean(), text),
    is_waiting: fc.oneof(fc.boolean(), text),
    js_configuration: fc.boolean(),
    hints: fc.jsonValue(),
  }, { requiredKeys: ["type"] });
  return fc.oneof(
    { weight: 3, arbitrary: message.map((value) => JSON.stringify(value)) },
    { weight: 3, arbitrary: visitor.map((visitor) => JSON.stringify({ type: "update", visitor })) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.string({ unit: "binary" }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 40_000 }).map((length) => "x".repeat(length)) },
  );
}

if (hasAllRights) {
  Deno.test(`Whatever pages send, nothing fails and no other visitor changes (seed ${SEED})`, async () => {
    const store = openSqliteStore(":memory:");
    const failures: string[] = [];
    try {
      await using server = await servePresence(
        store,
        { CONNECTIONS_PER_ADDRESS: "0", NEW_VISITORS_PER_MINUTE: "0", STORE_QUERY: "true" },
        (sentence, level) => void (level === "error" && failures.push(sentence)),
      );
      const bystanders = await Promise.all([1, 2, 3].map(() => server.enter()));
      for (const page of bystanders) {
        page.update({ name: "Bystander", identities: ["b@example.com"], tags: ["#vip"] });
      }
      const seen = async () =>
        (await store.getVisitors(bystanders.map(({ shortId }) => shortId))).map((stored) => stored?.visitor);
      const before = await eventually(async () => {
        const visitors = await seen();
        return visitors.every((visitor) => visitor?.name === "Bystander") ? visitors : undefined;
      });
      // An attacker may know short ids, and tokens that are nearly right.
      const known = bystanders.flatMap((
        { shortId, token },
      ) => [shortId, `${shortId}.`, token.slice(0, -1), `${token}A`]);
      const sample = fc.sample(messages(known), { numRuns: MESSAGES, seed: SEED });
      await Promise.all(Array.from({ length: 20 }, async () => {
        for (let some = sample.splice(0, A_PAGE); some.length > 0; some = sample.splice(0, A_PAGE)) {
          const page = await server.open();
          // Without a hello, most messages would be refused unread.
          if (some.length % 3 !== 2) page.hello();
          for (const message of some) if (page.socket.readyState === WebSocket.OPEN) page.send(message);
          await page.close();
        }
      }));
      assert.deepEqual(failures, []);
      assert.deepEqual(await seen(), before);
      for (const { socket } of bystanders) assert.equal(socket.readyState, WebSocket.OPEN);
      const last = await server.enter();
      await eventually(async () => (await store.getVisitors([last.shortId]))[0] ?? undefined);
    } finally {
      await store.close();
    }
  });
}
